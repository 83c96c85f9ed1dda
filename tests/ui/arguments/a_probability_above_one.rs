use glulam::network;

network! { A < Linear(3, 4) -> Dropout(1.5) -> Dropout(-0.1) > }

fn main() {}
