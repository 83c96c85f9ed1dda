use glulam::network;

network! { A < Linear(3, 4, true, 5) -> ReLU(true, 1) -> Sigmoid(3) > }

fn main() {}
