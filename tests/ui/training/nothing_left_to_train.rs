use glulam::prelude::*;

network! { Mlp < stem: Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! {
    Everything for Mlp { loss: CrossEntropyLoss, optimizer: Adam, freeze: [stem, "head.*"] }
}
train! {
    Group for Mlp { loss: CrossEntropyLoss, optimizer: Adam { stem => (lr = 0.1) }, freeze: [stem] }
}

fn main() {}
