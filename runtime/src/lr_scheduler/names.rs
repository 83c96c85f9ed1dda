//! Options that PyTorch gives by name: `anneal_strategy = "cos"`.

/// An enum whose variants have names: in JSON, in `Display`, and to be parsed.
macro_rules! named {
    ($(#[$meta:meta])* $kind:ident { $($(#[$variant_meta:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $kind {
            $($(#[$variant_meta])* #[serde(rename = $name)] $variant),+
        }

        impl std::str::FromStr for $kind {
            type Err = UnknownName;
            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok($kind::$variant),)+
                    _ => Err(UnknownName { name: name.to_string(), known: &[$($name),+] }),
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $($kind::$variant => $name,)+
                })
            }
        }
    };
}

/// A name that an option does not have.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("there is no {name:?}, only {known:?}")]
pub struct UnknownName {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: &'static [&'static str],
}

named! {
    /// How a rate goes from one value to another.
    AnnealStrategy {
        /// Along half a cosine wave: slowly at both ends.
        Cos = "cos",
        /// Along a straight line.
        Linear = "linear",
    }
}

named! {
    /// How the height of CyclicLR's cycles develops.
    CyclicMode {
        /// All cycles are as high.
        Triangular = "triangular",
        /// Each cycle is half as high as the one before.
        Triangular2 = "triangular2",
        /// The height is multiplied by `gamma` at each step.
        ExpRange = "exp_range",
    }
}

named! {
    /// What CyclicLR's `scale_fn` is a function of.
    ScaleMode {
        /// The number of the cycle, from 1.
        Cycle = "cycle",
        /// The number of the step, from 0.
        Iterations = "iterations",
    }
}

named! {
    /// Which metrics ReduceLROnPlateau takes for better.
    PlateauMode {
        /// Smaller ones: losses.
        Min = "min",
        /// Larger ones: accuracies.
        Max = "max",
    }
}

named! {
    /// How much better a metric must be for ReduceLROnPlateau.
    ThresholdMode {
        /// By a share of the best one.
        Rel = "rel",
        /// By an amount.
        Abs = "abs",
    }
}

named! {
    /// How WarmupStableDecayLR rises and falls; of a share p of the way.
    Curve {
        /// p.
        Linear = "linear",
        /// (1 − cos π p) / 2.
        Cosine = "cosine",
        /// 1 − √(1 − p) on the way up; on the way down 1 − √p is left, so it falls fast at first.
        OneMinusSqrt = "1-sqrt",
    }
}
