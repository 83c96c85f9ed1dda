use glulam::network;

network! { A < ReLU -> Linear(_, 3) > }

fn main() {}
