use glulam::network;

network! { A < Linear(3) -> Linear -> Threshold > }

fn main() {}
