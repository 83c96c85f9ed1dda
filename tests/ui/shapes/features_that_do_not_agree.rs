use glulam::network;

network! { A < Linear(784, 64) -> ReLU -> Linear(128, 10) > }

fn main() {}
