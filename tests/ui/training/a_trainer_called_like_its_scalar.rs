use glulam::prelude::*;

network! { pub Net < Linear(3, 4) > }

train! { pub T for Net { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }

fn main() {
    let mut trainer = T::new(Net::seeded(1));
    trainer.step((&[[0.0f32; 3]][..], &[0i64][..])).unwrap();
}
