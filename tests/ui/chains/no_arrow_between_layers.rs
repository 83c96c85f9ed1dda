use glulam::network;

network! { A < Linear(3, 4) ReLU -> Linear(4, 5) > }

fn main() {}
