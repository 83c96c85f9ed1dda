use glulam::network;

network! { Net < Linear(784, 64) -> my::Scale(3) => [64] > }

fn main() {}
