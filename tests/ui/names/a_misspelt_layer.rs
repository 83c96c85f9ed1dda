use glulam::network;

network! { A < Linear(3, 4) -> Relu -> Linaer(4, 5) -> dropout > }

fn main() {}
