use glulam::network;

network! {
    A < Linear(3, 4) >> ReLU -> Tanh >
    B < Linear(3, 4) |> ReLU >
    C < Linear(3, 4) => ReLU >
    D < Linear(3, 4) <- ReLU >
    E < Linear(3, 4) > ReLU >
    F < (Linear(3, 4), ReLU) >
}

fn main() {}
