use glulam::network;

network! { Mlp < Linear(3, 4) -> ReLU }

fn main() {}
