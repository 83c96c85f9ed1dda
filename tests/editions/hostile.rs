//! A crate in which no name means what it usually does, and not a warning is allowed: declarations compile all the same.
//! Compiled once for each of the older editions.
#![deny(warnings, missing_docs, nonstandard_style, unused)]

#[allow(unused_extern_crates, reason = "the edition 2015 needs it")]
extern crate nn;

/// The runtime by way of another crate's root.
pub mod facade {
    #[allow(unused_extern_crates, reason = "the edition 2015 needs it")]
    pub extern crate nn as networks;
}

/// Declarations in a module that has no prelude, and names of its own for all that is in it.
pub mod hostile {
    #![no_implicit_prelude]
    #![allow(dead_code, unused_imports, unused_macros, reason = "they are there to be in the way")]

    use self::Mine::{None, Some};

    enum Mine {
        Some,
        None,
    }
    struct Vec;
    struct Option;
    struct Result;
    struct Box;
    struct String;
    trait Default {}
    trait Clone {}
    trait Copy {}
    trait Debug {}
    trait PartialEq {}
    mod std {}
    mod core {}
    mod glulam {}
    macro_rules! assert {
        () => {};
    }
    macro_rules! panic {
        () => {};
    }
    macro_rules! vec {
        () => {};
    }

    const W: usize = 4;
    const H: usize = 4;

    ::nn::network! {
        block Wide(D, H = 4 * D) < Residual(Linear(D, H) -> GELU -> Linear(H, D)) >
        /// Named dimensions, and expressions of them.
        pub Net <
            Linear(3, W) -> Wide(W) -> Wide(W + W - 4) -> Linear(W, (W * 2)) -> BatchNorm1d(2 * W) -> Dropout(0.1)
                -> Linear(_, H / 2 + 1 - 1) -> BatchNorm1d(2, track_running_stats = false)
        >
    }

    ::nn::train! {
        /// Everything that a trainer can have.
        pub Trainer for Net {
            loss: CrossEntropyLoss(weight = [1.0, 2.0]),
            optimizer: AdamW(lr = 0.01, betas = [0.9, 0.99]) { no_decay: [bias], "0.weight" => (lr = 0.1) },
            scheduler: StepLR(step_size = 3) for 2 -> LinearLR per step,
            freeze: ["0.bias"],
            clip_grad_norm: 1.0,
            clip_grad_value: 1.0,
            accumulate: 2,
            ema: 0.9,
            metrics: [Accuracy],
        }
    }

    ::nn::train! {
        /// One that moves each parameter at once.
        pub Folded for Net { loss: CrossEntropyLoss, optimizer: Lookahead(SGD(lr = 0.1), k = 3) }
    }

    ::nn::network! {
        /// The expansion's own names, and what it makes of them.
        pub Labels: [4] <
            type_: Linear(4, 4) -> _x: Linear(4, 4) -> a__b: Linear(4, 4) -> x_: Linear(4, 4) -> größe: Linear(4, 4)
                -> grösse: Linear(4, 4) -> x: Linear(4, 4) -> d_x: Linear(4, 4) -> ReLU -> d_d_x: Linear(4, 4)
                -> rows: Linear(4, 4) -> GELU -> rows_z: Linear(4, 4) -> GELU -> counters: Linear(4, 4)
                -> BatchNorm1d(4) -> backward_tiles: Linear(4, 4) -> bn: BatchNorm1d(4) -> bn_statistics: Linear(4, 4)
                -> outputs: Linear(4, 4) -> l0_weight: Linear(4, 4) -> forward_rows_1: Linear(4, 4) -> BatchNorm1d(4)
                -> d_loss: Linear(4, 4) -> more_d_x_1: Residual(Linear(4, 4)) -> more_d_x: Linear(4, 4)
                -> memory: Linear(4, 4)
        >
    }

    ::nn::network! {
        /// An input whose name, but for its case, is a constant of the user's.
        pub Input < |h: [4]| Linear(H, H) -> memory: Linear(H, 3) >
    }

    ::nn::network! {
        #[cfg(any())]
        /// Left out, whole.
        pub Size < Linear(200, 3) >
        #[cfg_attr(all(), cfg(any()))]
        /// Left out, too.
        pub Size < Linear(100, 3) >
        #[cfg(all())]
        /// The one that is there.
        pub Size < Linear(2, 3) >
    }

    ::nn::train! {
        #[cfg(any())]
        /// Left out.
        pub Folded for Size { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1) }
    }

    super::facade::networks::network! {
        /// By another way.
        pub Facade < Linear(2, 3) >
    }
}

#[cfg(test)]
mod tests {
    use super::hostile::{Facade, Folded, Labels, Net, Size, Trainer};

    #[test]
    fn what_was_declared_there_is_trained() {
        let batch = (&[[1.0f32, 2.0, 3.0], [0.5, -1.0, 0.0]][..], &[1i64, 0][..]);
        let mut trainer = Trainer::new(Net::seeded(1));
        assert!(!trainer.step(batch).expect("it fits").updated);
        assert!(trainer.step(batch).expect("it fits").updated);
        assert!(Folded::new(Net::seeded(1)).step(batch).expect("it fits").updated);
        assert_eq!(Labels::PARAMS[0].name, "type_.weight");
        assert_eq!((Size::PARAMETERS, Facade::PARAMETERS), (9, 9));
    }
}
