use glulam::prelude::*;

network! { Mlp < stem: Linear(4, 8) -> ReLU -> head: Linear(8, 3) > }

train! {
    Misspelt for Mlp { loss: CrossEntropyLoss, optimizer: Adam { haed => (lr = 0.1) }, freeze: ["body.*"] }
}
train! {
    Twice for Mlp { loss: CrossEntropyLoss, optimizer: Adam { head => (lr = 0.1), "*.bias" => (lr = 0.2) } }
}

fn main() {}
