use glulam::network;

network! { A: [0, 1.5, a -> b, 99999999999] < ReLU > }

fn main() {}
