use glulam::network;

network! { A < ((Linear(3, 3) * 1000) * 1000) -> ReLU > }

fn main() {}
