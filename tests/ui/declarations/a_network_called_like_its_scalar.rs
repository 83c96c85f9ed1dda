use glulam::prelude::*;

network! { pub T < Linear(3, 4) > }

fn main() {
    let net = T::seeded(1);
    println!("{}", net.summary());
}
