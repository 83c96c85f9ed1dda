use glulam::network;

network! {
    pub () A < Linear(3, 4) >
    #[] B < Linear(3, 4) >
}

fn main() {}
