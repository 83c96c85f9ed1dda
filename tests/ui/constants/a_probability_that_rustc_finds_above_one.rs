use glulam::network;

const P: f64 = 1.5;

network! { Mlp < Linear(784, 64) -> Dropout(P) > }

fn main() {}
