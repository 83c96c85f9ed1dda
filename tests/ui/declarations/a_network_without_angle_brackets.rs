use glulam::network;

network! { Mlp { Linear(3, 4) } }

fn main() {}
