use glulam::network;

network! { block B < C > block C < B > A < B > }

fn main() {}
