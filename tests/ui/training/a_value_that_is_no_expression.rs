use glulam::prelude::*;

network! { pub Net < Linear(3, 4) > }

train! { A for Net { loss: CrossEntropyLoss, optimizer: SGD(lr = = 0.1) } }
train! { B for Net { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1 momentum = 0.9), ema: #, accumulate: 2 metrics: [Accuracy] } }
train! { C for Net { loss: r#type, optimizer: match } }

fn main() {}
