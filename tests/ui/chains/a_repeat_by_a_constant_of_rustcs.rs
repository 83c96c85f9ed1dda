use glulam::network;

network! { A < Linear(3, 3) * N > }

fn main() {}
