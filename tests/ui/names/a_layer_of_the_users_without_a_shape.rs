use glulam::network;

network! { A < Linear(3, 4) -> my::Layer(7) > }

fn main() {}
