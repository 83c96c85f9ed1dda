use glulam::network;

network! { block B(C, S = 1) < Linear(C, S) > A < B -> B(1, 2, 3) -> B(1, T = 2) -> B("x") > }

fn main() {}
