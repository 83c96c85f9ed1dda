use glulam::network;

network! { A: [28, 28] < Linear(784, 10) > }

fn main() {}
