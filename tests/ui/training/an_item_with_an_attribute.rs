use glulam::prelude::*;

network! { pub Net < Linear(3, 4) > }

train! {
    A for Net {
        /// The loss.
        loss: CrossEntropyLoss,
        optimizer: SGD(
            /// The rate.
            lr = 0.1,
        ),
    }
}

fn main() {}
