use glulam::network;

network! { A < fc: Linear(3, 3) -> fc: ReLU > }

fn main() {}
