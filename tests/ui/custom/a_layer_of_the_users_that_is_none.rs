use glulam::network;

#[derive(Clone, Copy, Debug)]
struct Scale;

network! { Net < Linear(784, 64) -> self::Scale => [64] > }

fn main() {}
