use glulam::network;

network! { A < Linear(3, 4) as s1 -> s1 > }

fn main() {}
