use glulam::network;

network! { A < Linear(3, 4) -> > }

fn main() {}
