use glulam::network;

network! { A < Linear(3, 4) as skip -> [_, skipp] => Add -> [_, zzz] => Add > }

fn main() {}
