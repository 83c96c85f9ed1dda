use glulam::network;

network! { match < Linear(3, 2) > }

network! {
    block fn(D) < Linear(D, D) >
    A < |type: [3]| Linear(3, 2) >
    B < async: Linear(3, 2) -> r#try: ReLU as match >
}

fn main() {}
