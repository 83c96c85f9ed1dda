use glulam::network;

network! {
    A < Linear(784, 64) -> Linear(65, 10) -> BatchNorm1d(11) -> LayerNorm(12)
        -> Linear(10, 3) -> PReLU(4) >
}

fn main() {}
