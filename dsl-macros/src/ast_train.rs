//! What the user wrote in `train!`, with spans. Optimizers, losses, schedules and metrics are paths, and their options
//! expressions, which rustc looks up; what is known of the runtime's is in `known`.

use proc_macro2::{Ident, Span, TokenStream};

/// `pub MlpTrainer for Mlp { … }`.
#[derive(Clone, Debug)]
pub(crate) struct Train {
    /// `#[…]` and doc comments, each with its `#`.
    pub(crate) attrs: Vec<TokenStream>,
    /// `pub`, `pub(crate)`, or nothing.
    pub(crate) vis: TokenStream,
    /// The trainer's name.
    pub(crate) name: Ident,
    /// The network.
    pub(crate) model: Path,
    pub(crate) items: Items,
}

/// What stands in the braces. `None` and empty lists: not written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(crate) loss: Option<Settings>,
    pub(crate) optimizer: Option<Optimizer>,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) freeze: Vec<Pattern>,
    pub(crate) clip_grad_norm: Option<Number>,
    pub(crate) clip_grad_value: Option<Number>,
    pub(crate) accumulate: Option<Number>,
    pub(crate) ema: Option<Number>,
    pub(crate) metrics: Vec<Settings>,
}

/// A path without generic arguments, not empty: `Adam`, `my::Lion`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) tokens: TokenStream,
    /// Its last name.
    pub(crate) name: Ident,
    /// A single name, which is looked up among those of the runtime.
    pub(crate) bare: bool,
    /// The network or the trainer has that name too.
    pub(crate) ambiguous: bool,
}

/// `Adam(lr = 1e-3)`, or `Lookahead(AdamW(lr = 1e-3), k = 5)`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) path: Path,
    /// The optimizer that it wraps, without a name: its option `optimizer`.
    pub(crate) wrapped: Option<Box<Settings>>,
    pub(crate) options: Vec<Choice>,
}

/// `lr = 1e-3`.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) name: Ident,
    pub(crate) value: TokenStream,
}

/// A number that becomes a field: an expression, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) value: TokenStream,
    pub(crate) span: Span,
}

/// `SGD(lr = 0.01) { no_decay: [bias], head => (lr = 0.1) }`.
#[derive(Clone, Debug)]
pub(crate) struct Optimizer {
    pub(crate) settings: Settings,
    /// Kinds of parameters, as variants of the runtime's `Kind`; `None`: not written.
    pub(crate) no_decay: Option<Vec<Ident>>,
    pub(crate) groups: Vec<Group>,
}

/// `head => (lr = 0.1)`.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) pattern: Pattern,
    pub(crate) options: Vec<Choice>,
}

/// A label, or a pattern in a string, that chooses parameters.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// `StepLR(step_size = 30) per epoch`.
#[derive(Clone, Debug)]
pub(crate) struct Scheduler {
    pub(crate) schedule: Schedule,
    /// `on val_loss`.
    pub(crate) on: Option<Ident>,
    pub(crate) per_step: bool,
}

/// One schedule, or several together.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    /// `StepLR(step_size = 30)`.
    One(Settings),
    /// `A(…) for 500 -> B(…)`: each with the number of steps that it takes, where that is written.
    InTurn(Vec<(Schedule, Option<TokenStream>)>),
    /// `A(…) + B(…)`.
    Together(Vec<Schedule>),
}
