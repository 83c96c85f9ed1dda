//! The user's names are the user's: a network, a constant or a label may be called what the runtime or the expansion calls
//! something.

use glulam::Network;

use crate::{check_gradients, keys};

/// What generated code of `network!` calls its constants and types.
mod networks {
    use glulam::network;

    network! { pub Generator < Linear(3, 4) -> BatchNorm1d(4) -> ReLU -> Dropout(0.5) -> Linear(4, 2) -> Sigmoid > }
    network! { pub Context < Linear(3, 4) -> Tanh -> Linear(4, 2) > }
    network! { pub Linear < Linear(3, 4) -> ReLU -> Linear(4, 2) > }
    network! { pub ReLU < Linear(3, 4) -> ReLU -> Residual(ReLU) -> Linear(4, 2) > }
    network! { pub Network < Linear(3, 2) > }
    network! { pub Real < Linear(3, 2) > }
    network! { pub Update < Linear(3, 2) > }
    network! { pub Workspace < Linear(3, 2) > }
    network! { pub Weights < Linear(3, 2) > }
    network! { pub Output < Linear(3, 2) > }
    network! { pub Outputs < Linear(3, 2) > }
    network! { pub Sample < Linear(3, 2) > }
    network! { pub Split < Linear(3, 2) > }
    network! { pub Mode < Linear(3, 2) > }
    network! { pub Kind < Linear(3, 2) > }
    network! { pub Init < Linear(3, 2) > }
    network! { pub Span < Linear(3, 2) > }
    network! { pub Values < Linear(3, 2) > }
    network! { pub Buffers < Linear(3, 2) -> BatchNorm1d(2) > }
    network! { pub Statistics < Linear(3, 2) -> BatchNorm1d(2) > }
    network! { pub Option < Linear(3, 2) > }
    network! { pub U < Linear(3, 2) > }
}

macro_rules! check_networks {
    ($($name:ident)*) => { $( check_gradients(networks::$name::seeded(1).cast::<f64>()); )* };
}

#[test]
fn a_network_may_be_called_like_a_type_of_the_runtime() {
    check_networks! {
        Context Linear ReLU Network Real Update Workspace Weights Output Outputs Sample Split Mode Kind Init Span Values
        Buffers Statistics Option U
    }
    assert_eq!(networks::Generator::seeded(1).predict(&[[0.0; 3]]).len(), 1);
}

/// What `train!` names.
mod trainers {
    use glulam::{network, train};

    network! { pub Adam < Linear(3, 2) > }
    network! { pub CrossEntropyLoss < Linear(3, 2) > }
    network! { pub Network < Linear(3, 2) > }

    train! { pub Trainer for Adam { loss: CrossEntropyLoss, optimizer: Adam(lr = 0.1), scheduler: StepLR(step_size = 2) } }
    train! { pub SGD for CrossEntropyLoss { loss: CrossEntropyLoss, optimizer: Lookahead(SGD(lr = 0.1), k = 2) } }
    train! { pub StepLR for self::Network { loss: MSELoss, optimizer: AdamW, scheduler: StepLR(step_size = 1) } }
}

#[test]
fn a_network_or_a_trainer_may_be_called_like_what_it_uses() {
    let batch = (&[[1.0f32, 2.0, 3.0]][..], &[1i64][..]);
    let mut trainer = trainers::Trainer::new(trainers::Adam::seeded(1));
    assert!(trainer.step(batch).expect("it fits").updated);
    let mut trainer = trainers::SGD::new(trainers::CrossEntropyLoss::seeded(1));
    assert!(trainer.step(batch).expect("it fits").updated);
    let mut trainer = trainers::StepLR::new(trainers::Network::seeded(1));
    assert!(trainer.step((batch.0, &[1.0f32, 0.0][..])).expect("it fits").updated);
}

mod constants {
    const ALIGN: usize = 4;
    const PREDICT_ROWS: usize = 3;
    const PARAMS: usize = 2;
    const T: usize = 3;
    const L0_WEIGHT: usize = 5;
    const HEAD_BIAS: usize = 2;
    const FIRST: usize = 2;

    const fn add(a: usize, b: usize) -> usize {
        a + b
    }

    const fn linear_forward() -> usize {
        2
    }

    glulam::network! {
        pub Named <
            Linear(T, ALIGN) -> Linear(ALIGN, PREDICT_ROWS) -> ReLU -> Linear(_, PARAMS) -> Linear(_, L0_WEIGHT)
                -> Residual(Linear(L0_WEIGHT, L0_WEIGHT) -> Tanh) -> Linear(_, add(1, FIRST))
                -> Linear(_, glulam::MAX_SLOTS) -> Linear(_, linear_forward()) -> head: Linear(_, HEAD_BIAS)
        >
    }
}

#[test]
fn a_constant_may_be_called_like_one_of_the_expansion() {
    check_gradients(constants::Named::seeded(1).cast::<f64>());
}

glulam::network! {
    Labelled < |x: [4]|
        p: Linear(4, 4) -> v: Sigmoid as tap -> s: Linear(4, 4) -> b: Tanh -> cx: Linear(4, 4) -> d_p: Linear(4, 4)
            -> p_z: Linear(4, 4) -> GELU -> add: Linear(4, 4) -> [_, tap] => Add -> linear_forward: Linear(4, 4)
            -> update: Linear(4, 4) -> loss: Residual(Linear(4, 4) -> GELU -> copy: Linear(4, 4))
            -> first_trained: Linear(4, 4) -> y: Linear(4, 2)
    >
}

#[test]
fn a_label_may_be_called_like_a_variable_of_the_expansion() {
    let net = Labelled::seeded(1);
    assert_eq!(keys(&net)[..3], ["p.weight", "p.bias", "s.weight"]);
    check_gradients(net.cast::<f64>());
}

/// The user's own `Linear`, by its path.
mod layers {
    use glulam::Real;
    use glulam::layer::CustomLayer;

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Linear;

    impl CustomLayer for Linear {
        const PARAMETERS: usize = 0;

        fn forward<T: Real>(&self, _parameters: &[T], x: &[T], y: &mut [T]) {
            y.copy_from_slice(x);
        }

        fn backward_input<T: Real>(&self, _parameters: &[T], _x: &[T], dy: &[T], dx: &mut [T]) {
            dx.copy_from_slice(dy);
        }
    }

    glulam::network! { pub(super) Own < Linear(3, 2) -> self::Linear => [2] -> ReLU -> Linear(2, 2) > }
}

#[test]
fn a_layer_of_the_users_may_be_called_like_one_of_the_runtime() {
    check_gradients(layers::Own::seeded(1).cast::<f64>());
}

glulam::network! {
    Derived: [4] <
        x: Linear(4, 4) -> d_x: Linear(4, 4) -> Tanh -> d_d_x: Linear(4, 4) -> GELU -> z: Linear(4, 4) -> GELU
            -> d_x_: Residual(Linear(4, 4) -> Tanh) -> rows: Linear(4, 4) -> GELU -> rows_z: Linear(4, 4) -> GELU
            -> counters: Linear(4, 4) -> bn: BatchNorm1d(4) -> bn_statistics: Linear(4, 4) -> backward_tiles: Linear(4, 4)
            -> last: BatchNorm1d(4) -> memory: Linear(4, 4) -> ss: Linear(4, 4) -> ß: Linear(4, 4) -> outputs: Linear(4, 2)
    >
}
glulam::network! { Outputs < |outputs: [4]| Linear(4, 4) -> Tanh -> memory: Linear(4, 2) > }
glulam::network! { Gradient < |d_inputs: [4]| Linear(4, 4) -> d_d_inputs: Linear(4, 2) > }

#[test]
fn a_label_may_be_called_like_what_is_made_of_another() {
    check_gradients(Derived::seeded(1).cast::<f64>());
    check_gradients(Outputs::seeded(1).cast::<f64>());
    check_gradients(Gradient::seeded(1).cast::<f64>());
    assert_eq!(Outputs::seeded(1).predict(&[[0.0; 4]; 3]).len(), 3);
    assert_eq!(keys(&Derived::seeded(1))[..3], ["x.weight", "x.bias", "d_x.weight"]);
}

/// Not a warning, whatever the labels and the dimensions are.
mod strict {
    #![deny(warnings, unused, nonstandard_style)]

    pub(super) const W: usize = 4;

    glulam::network! {
        block Wide(D, H = 4 * D) < Residual(Linear(D, H) -> GELU -> Linear(H, D)) >
        pub Net <
            Linear(3, W) -> Wide(W) -> Wide((W + W) / 2) -> type_: Linear(W, (W)) -> _x: Linear({ W }, W * (2 + 1))
                -> a__b: Softmax(1) -> größe: Linear(_, 2)
        >
    }
}

#[test]
fn a_declaration_makes_no_warnings() {
    check_gradients(strict::Net::seeded(1).cast::<f64>());
}

mod conditional {
    glulam::network! {
        #[cfg(any())]
        pub Size < Linear(3, 200) >
        #[cfg(all())]
        pub Size < Linear(3, 2) >
        #[cfg_attr(all(), cfg(any()))]
        pub Other < Linear(3, 200) >
        #[cfg_attr(all(), derive(Eq))]
        #[cfg(any())]
        pub Big < Linear(3, 200) >
    }

    glulam::train! { #[cfg(any())] pub Trainer for Big { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }
    glulam::train! { #[cfg(all())] pub Trainer for Size { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) } }

    pub(super) struct Other;
}

#[test]
fn a_declaration_may_be_left_out() {
    assert_eq!(conditional::Size::PARAMETERS, 8);
    let _ = (conditional::Other, conditional::Trainer::<f32>::new);
}

mod lists {
    use glulam::prelude::*;

    network! { pub Net < Linear(3, 2) > }

    const PAIR: usize = 2;
    const TWICE: LossWeights = LossWeights::new(&[1.0, 2.0]);

    fn measured() -> Vec<f64> {
        vec![1.0, 2.0]
    }

    train! {
        pub Literal for Net {
            loss: CrossEntropyLoss(weight = [1.0, 2.0]),
            optimizer: AdamW(betas = [0.9, 0.99]) { "0.bias" => (betas = [0.5; PAIR]) },
            scheduler: MultiStepLR(milestones = [3, measured().len()]),
        }
    }
    train! { pub Constant for Net { loss: CrossEntropyLoss(weight = TWICE), optimizer: Adan(betas = [0.9; 3]) } }
    train! { pub Called for Net { loss: CrossEntropyLoss(weight = measured()), optimizer: Rprop(etas = [0.5, 1.5]) } }
    train! { pub Labels for Net { loss: BCEWithLogitsLoss(weight = &[3.0], pos_weight = [1.0, 2.0]), optimizer: SGD } }
}

#[test]
fn options_that_are_tuples_or_weights_take_lists() {
    use glulam::optim::OptimizerState;

    let trainer = lists::Literal::new(lists::Net::seeded(1));
    assert_eq!(trainer.loss.weight.as_slice(), Some(&[1.0, 2.0][..]));
    let betas: Vec<_> = trainer.optimizer.groups().iter().map(|group| group.settings.betas).collect();
    assert_eq!(betas, [(0.9, 0.99), (0.5, 0.5)]);
    let trainer = lists::Constant::new(lists::Net::seeded(1));
    assert_eq!(trainer.loss.weight.as_slice(), Some(&[1.0, 2.0][..]));
    assert_eq!(trainer.optimizer.groups()[0].settings.betas, (0.9, 0.9, 0.9));
    let trainer = lists::Called::new(lists::Net::seeded(1));
    assert_eq!(trainer.loss.weight.as_slice(), Some(&[1.0, 2.0][..]));
    let trainer = lists::Labels::new(lists::Net::seeded(1));
    assert_eq!(trainer.loss.pos_weight.as_slice(), Some(&[1.0, 2.0][..]));
}

/// Names that two modules might give, taken from both.
mod globs {
    use glulam::optim::*;
    use glulam::prelude::*;
    use glulam::train::*;

    pub(super) fn silent() -> Progress {
        Progress::Silent
    }

    pub(super) fn is_training(mode: Mode) -> bool {
        mode == Mode::Train
    }

    pub(super) fn nesterov() -> SGD {
        SGD { lr: 0.1, momentum: 0.9, nesterov: true, ..SGD::DEFAULT }
    }
}

#[test]
fn modules_may_be_taken_together() {
    assert!(matches!(globs::silent(), glulam::train::Progress::Silent));
    globs::nesterov().assert_valid();
    assert!(globs::is_training(glulam::Mode::Train));
}

mod words {
    use glulam::prelude::*;

    network! { pub Gan < gen: Linear(3, 2) as raw -> union: Linear(2, 2) as gen -> auto: ReLU -> [_, raw, gen] => Add -> disc: Linear(2, 1) > }
    network! { block Twice(gen, r#type = 2 * 1) < Linear(3, gen) -> Linear(gen, gen) > pub r#Raw < |gen: [3]| Twice(2) -> [_, gen] => Concat(1) > }
    network! { pub Y < head: Linear(3, 2) > }

    train! { pub Trainer for Gan { loss: MSELoss, optimizer: SGD(lr = 0.1) { gen => (lr = 0.2) }, freeze: [disc] } }
    train! { pub OfY for Y { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), metrics: [Accuracy] } }
    train! { pub Z for Y { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1), metrics: [Accuracy] } }
}

#[test]
fn a_word_of_a_later_edition_is_a_label() {
    assert_eq!(keys(&words::Gan::seeded(1))[..2], ["gen.weight", "gen.bias"]);
    assert_eq!(words::Gan::seeded(1).params().gen_bias.len(), 2);
    check_gradients(words::Gan::seeded(1).cast::<f64>());
    check_gradients(words::Raw::seeded(1).cast::<f64>());
    let mut trainer = words::Trainer::new(words::Gan::seeded(1));
    assert!(trainer.step((&[[1.0f32, 2.0, 3.0]][..], &[1.0f32][..])).expect("it fits").updated);
}

#[test]
fn a_network_may_be_called_like_a_type_parameter() {
    let batch = (&[[1.0f32, 2.0, 3.0]][..], &[1i64][..]);
    assert!(words::OfY::new(words::Y::seeded(1)).step(batch).expect("it fits").updated);
    assert!(words::Z::new(words::Y::seeded(1)).step(batch).expect("it fits").updated);
}
