use glulam::network;

network! { A: [2, 3] < Flatten(0) -> ReLU > }

fn main() {}
