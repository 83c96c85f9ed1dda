use glulam::network;

network! { A < Linear(3, 4) -> Residual(Linear(4, 8) -> ReLU) > }

fn main() {}
