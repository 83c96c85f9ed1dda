use glulam::prelude::*;

network! {
    /// Its only mistake is the one that is reported.
    pub Mlp < fc: Linear(784, 64) -> Relu -> Linear(64, 10) >
}

fn main() {
    let mut net = Mlp::seeded(42);
    let mut workspace = net.workspace(64);
    let _ = net.forward(Mode::Train, &[], &mut workspace);
    println!("{} {}", Mlp::PARAMETERS, net.summary());
}
