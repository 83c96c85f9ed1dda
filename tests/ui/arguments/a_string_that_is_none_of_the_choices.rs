use glulam::network;

network! { A < GELU("tan") -> GELU(approximate = tanh) -> GELU(true) > }

fn main() {}
