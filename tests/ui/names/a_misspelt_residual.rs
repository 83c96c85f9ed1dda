use glulam::network;

network! { A < Residul(Linear(3, 3) -> ReLU) > }

fn main() {}
