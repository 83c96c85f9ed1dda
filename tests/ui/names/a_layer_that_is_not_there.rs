use glulam::network;

network! { A < Foo > }

fn main() {}
