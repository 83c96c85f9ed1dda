use glulam::network;

network! { A < Linear(3, 4, bias = True) -> ReLU(inplace = 1) > }

fn main() {}
