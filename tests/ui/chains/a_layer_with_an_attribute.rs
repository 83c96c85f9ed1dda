use glulam::network;

network! {
    block B(D) < /// The first.
        Linear(D, D) -> ReLU >
    pub A <
        /// The stem.
        stem: Linear(3, 4) -> #[cfg(any())] ReLU -> [#[inline] _, ReLU] => Add -> B(4)
    >
}

fn main() {}
