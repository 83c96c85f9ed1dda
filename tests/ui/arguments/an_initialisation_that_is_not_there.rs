use glulam::network;

network! { A < Linear(3, 4, init = kaiming) -> Linear(4, 4, init = glorot()) -> Linear(3, 3, init = 0.5) > }

fn main() {}
