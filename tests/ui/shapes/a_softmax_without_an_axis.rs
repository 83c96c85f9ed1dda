use glulam::network;

network! { A: [2, 3] < LogSoftmax > }

fn main() {}
