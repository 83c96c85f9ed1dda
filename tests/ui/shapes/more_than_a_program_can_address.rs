use glulam::network;

network! {
    A: [3, 1000000, 1000000, 1000000, 1000000] < Flatten -> Linear(_, 3) >
    B < Linear(4294967295, 4294967295) -> ReLU >
    C: [4294967295] < Unflatten(1, [4294967295, 4294967295]) >
}

fn main() {}
