//! Calls of kernels, as data: what a layer answers.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

use super::Formula;

/// A value of one of the runtime's types: `ReLU`, `LeakyReLU { negative_slope: 0.01 }`.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The type, which `codegen` brings into scope.
    pub(crate) name: &'static str,
    /// What follows it: fields in braces, `::new(…)`, nothing of a unit struct. With the user's spans where it is the user's.
    pub(crate) rest: TokenStream,
}

/// What a call works on, as the layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operand {
    /// The layer's input number i.
    X(usize),
    /// Its output number i.
    Y(usize),
    /// The gradient of its input number i.
    DX(usize),
    /// The gradient of its output number i: absent, which is zero, where nobody has read that output.
    DY(usize),
    /// What it keeps for each sample beside inputs and outputs: entry i of [`Layer::kept`].
    Kept(usize),
    /// What it keeps for the whole batch: entry i of [`Layer::statistics`].
    Statistics(usize),
    /// What it adds up of each piece of the batch, one row for each: entry i of [`Layer::partials`].
    Partial(usize),
    /// What its input's producer kept for the derivative of the activation folded into it.
    Producer,
    /// The scale and shift of a norm that a prediction folds into it.
    Norm,
}

/// One argument of a call.
#[derive(Clone, Debug)]
pub(crate) enum Arg<O = Operand> {
    /// A value that is read.
    Read(O),
    /// A value that is written, whole.
    Write(O),
    /// A value that is read and written.
    Change(O),
    /// A parameter that is read, by its name in [`Layer::params`].
    Param(&'static str),
    /// The place of a parameter whose gradient is made.
    Span(&'static str),
    /// No such parameter, or no gradient: an empty slice.
    Absent,
    /// A buffer, read and written (read alone in a prediction), by its name in [`Layer::buffers`].
    Buffer(&'static str),
    /// A counter, as `Some(&mut …)`.
    Counter(&'static str),
    /// No such counter: `None`.
    NoCounter,
    /// A number of the declaration: what it is, and the expression.
    Literal(&'static str, TokenStream),
    /// The layer itself, where it is a value of the user's: an expression, of which a reference is passed.
    Layer(TokenStream),
    /// A value of one of the runtime's types: an axis, an activation.
    Value(Named),
    /// The mode and the generator's place.
    Context,
    /// A number that is different for each node: whose random numbers these are.
    NodeNumber,
    /// The number of samples of the whole batch.
    BatchRows,
    /// Who gets gradients.
    Update,
}

/// When a call runs, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each thread for its rows.
    Rows,
    /// Once for the whole batch, between two row phases.
    Batch,
    /// Each thread for its part of the parameters, after all rows.
    Tiles,
}

/// What a call is, beside its name, to those who have to know.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// A function of the runtime, as most are.
    Kernel,
    /// A function of the runtime that copies: whoever reads the copy may as well read the original.
    Copy,
    /// A function of the runtime that differentiates the activation folded into a node, and does nothing of the node's own.
    Derivative,
    /// A method of a type of the user's: `<my::Scale as CustomLayer>`.
    Method(TokenStream),
}

/// One kernel call.
#[derive(Clone, Debug)]
pub(crate) struct Call<O = Operand> {
    pub(crate) role: Role,
    /// The function's or the method's name: `linear_forward`.
    pub(crate) kernel: String,
    pub(crate) args: Vec<Arg<O>>,
    pub(crate) scope: Scope,
    pub(crate) formula: Formula<O>,
}

impl Named {
    /// A struct with these fields; a unit struct without any.
    pub(crate) fn with(name: &'static str, fields: TokenStream) -> Named {
        let rest = if fields.is_empty() { fields } else { quote!({ #fields }) };
        Named { name, rest }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        f.write_str(&crate::parse::tokens::text(self.rest.clone()))
    }
}

impl Arg {
    /// What a formula calls it, if it is no operand.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Arg::Param(name) | Arg::Span(name) | Arg::Buffer(name) | Arg::Counter(name) => Some(name),
            Arg::Literal(what, _) => Some(what),
            Arg::Layer(_) => Some("layer"),
            _ => None,
        }
    }
}

impl Call {
    /// A layer's call of a function of the runtime. For the template see [`Formula::of`].
    pub(crate) fn new(scope: Scope, kernel: &str, args: Vec<Arg>, template: &str) -> Self {
        let formula = Formula::of(template, &args);
        Call { role: Role::Kernel, kernel: kernel.into(), args, scope, formula }
    }

    /// A copy of each row.
    pub(crate) fn copy(from: Operand, to: Operand, template: &str) -> Self {
        let args = vec![Arg::Read(from), Arg::Write(to)];
        Call { role: Role::Copy, ..Call::new(Scope::Rows, "copy", args, template) }
    }
}

impl<O> Call<O> {
    /// The same call on other operands; `None` is absent.
    pub(crate) fn map<P>(self, mut place: impl FnMut(O) -> Option<P>) -> Call<P> {
        let formula = self.formula.map(&mut place);
        let args = self.args.into_iter().map(|arg| match arg {
            Arg::Read(o) => place(o).map_or(Arg::Absent, Arg::Read),
            Arg::Write(o) => place(o).map_or(Arg::Absent, Arg::Write),
            Arg::Change(o) => place(o).map_or(Arg::Absent, Arg::Change),
            Arg::Param(name) => Arg::Param(name),
            Arg::Span(name) => Arg::Span(name),
            Arg::Absent => Arg::Absent,
            Arg::Buffer(name) => Arg::Buffer(name),
            Arg::Counter(name) => Arg::Counter(name),
            Arg::NoCounter => Arg::NoCounter,
            Arg::Literal(what, tokens) => Arg::Literal(what, tokens),
            Arg::Layer(value) => Arg::Layer(value),
            Arg::Value(value) => Arg::Value(value),
            Arg::Context => Arg::Context,
            Arg::NodeNumber => Arg::NodeNumber,
            Arg::BatchRows => Arg::BatchRows,
            Arg::Update => Arg::Update,
        });
        Call { args: args.collect(), role: self.role, kernel: self.kernel, scope: self.scope, formula }
    }
}

impl<O: Copy> Call<O> {
    /// The operands that are read, in order (those that are changed too).
    pub(crate) fn reads(&self) -> impl Iterator<Item = O> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Read(o) | Arg::Change(o) => Some(*o),
            _ => None,
        })
    }

    /// The operands that are written, in order (those that are changed too).
    pub(crate) fn writes(&self) -> impl Iterator<Item = O> {
        self.args.iter().filter_map(|arg| match arg {
            Arg::Write(o) | Arg::Change(o) => Some(*o),
            _ => None,
        })
    }
}
