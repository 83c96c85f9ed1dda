use glulam::network;

network! { A: [4] < Linaer(4, 3) > B < ReLU > C < Linear(3, 2) > }

fn main() {
    println!("{}", C::PARAMETERS);
}
