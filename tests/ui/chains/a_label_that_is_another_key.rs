use glulam::network;

network! { A < l1: Linear(3, 3) -> Linear(3, 3) > }

fn main() {}
