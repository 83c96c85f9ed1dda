use glulam::network;

network! { A < Linear(0, -4) -> Linear(3.5, "four") -> Linear(1 / 0, 3) -> Linear(_, _) > }

fn main() {}
