use glulam::network;

network! { Mlp < Linear(4, 4, init = orthogonal(), bias_init = xavier_uniform()) -> Linear(4, 4, init = normal(std = -1.0)) > }

fn main() {}
