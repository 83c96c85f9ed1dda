use glulam::network;

network! { A < Linear(3, 4, biass = false) -> LeakyReLU(negative = 0.1) -> Dropout(q = 0.1) > }

fn main() {}
