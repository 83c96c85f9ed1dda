use glulam::network;

network! { A < |x: [3], y: [4]| Linear(3, 4) > }

fn main() {}
