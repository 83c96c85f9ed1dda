use glulam::network;

network! { A < Linear(3, 4), ReLU > }

fn main() {}
