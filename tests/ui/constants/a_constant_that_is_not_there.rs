use glulam::network;

network! { Mlp < Linear(784, 64) -> LeakyReLU(SLOPE) > }

fn main() {}
