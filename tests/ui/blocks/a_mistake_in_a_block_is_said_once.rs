use glulam::network;

network! { block B(C) < Linear(C, 4, biass = false) > A < B(4) * 4 -> B(4) > }

fn main() {}
