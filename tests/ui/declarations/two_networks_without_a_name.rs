use glulam::network;

network! { < Linear(3, 4) > < Linear(3, 4) > }

fn main() {}
