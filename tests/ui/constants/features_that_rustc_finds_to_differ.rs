use glulam::network;

const H: usize = 65;

network! { Mlp < Linear(784, 64) -> ReLU -> Linear(H, 10) > }

fn main() {}
