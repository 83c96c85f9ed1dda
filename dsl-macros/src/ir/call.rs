//! Calls of kernels, as data: what a layer answers.

use std::fmt;

use proc_macro2::TokenStream;

/// A value of one of the runtime's types: `ReLU`, `LeakyReLU { negative_slope: 0.01 }`.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// The type, which `codegen` brings into scope.
    pub(crate) name: &'static str,
    /// What stands in the braces, with the user's spans where it is the user's; nothing of a unit struct.
    pub(crate) fields: TokenStream,
}

/// What a call works on, as the layer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operand {
    /// The layer's input number i.
    X(usize),
    /// Its output.
    Y,
    /// The gradient of its input number i.
    DX(usize),
    /// The gradient of its output.
    DY,
    /// What it keeps for each sample beside inputs and outputs: entry i of [`Layer::kept`].
    Kept(usize),
    /// What it keeps for the whole batch: entry i of [`Layer::statistics`].
    Statistics(usize),
    /// What its input's producer kept for the derivative of the activation folded into it.
    Producer,
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
    /// A parameter that is read: number i of [`Layer::params`].
    Param(usize),
    /// The place of a parameter whose gradient is made.
    Span(usize),
    /// No such parameter: an empty slice.
    Absent,
    /// A buffer, read and written (read alone in a prediction): number i of [`Layer::buffers`].
    Buffer(usize),
    /// A counter, as `Some(&mut …)`.
    Counter(usize),
    /// No such counter: `None`.
    NoCounter,
    /// A number of the declaration, or what else is the user's: an expression, and what it is.
    Literal(&'static str, TokenStream),
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

/// One kernel call.
#[derive(Clone, Debug)]
pub(crate) struct Call<O = Operand> {
    /// The function in the runtime, `linear_forward`, or the method (see `Layer::method_of`).
    pub(crate) kernel: String,
    pub(crate) args: Vec<Arg<O>>,
    pub(crate) scope: Scope,
    /// The formula, with the layer's names `x`, `y`, `dx`, `dy` and parameters `{weight}` in braces: `{y} = relu({x} · {weight} + {bias})`.
    /// Names in braces are replaced by the network's names: x, x1, y, dx, dx1, dy, kept, statistics, and each parameter's name.
    pub(crate) formula: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.fields.is_empty() {
            Ok(())
        } else {
            write!(f, " {{ {} }}", crate::parse::tokens::text(self.fields.clone()))
        }
    }
}

impl<O> Call<O> {
    /// The same call on other operands.
    pub(crate) fn map<P>(self, mut place: impl FnMut(O) -> P) -> Call<P> {
        let args = self.args.into_iter().map(|arg| match arg {
            Arg::Read(o) => Arg::Read(place(o)),
            Arg::Write(o) => Arg::Write(place(o)),
            Arg::Change(o) => Arg::Change(place(o)),
            Arg::Param(i) => Arg::Param(i),
            Arg::Span(i) => Arg::Span(i),
            Arg::Absent => Arg::Absent,
            Arg::Buffer(i) => Arg::Buffer(i),
            Arg::Counter(i) => Arg::Counter(i),
            Arg::NoCounter => Arg::NoCounter,
            Arg::Literal(what, tokens) => Arg::Literal(what, tokens),
            Arg::Value(value) => Arg::Value(value),
            Arg::Context => Arg::Context,
            Arg::NodeNumber => Arg::NodeNumber,
            Arg::BatchRows => Arg::BatchRows,
            Arg::Update => Arg::Update,
        });
        Call { args: args.collect(), kernel: self.kernel, scope: self.scope, formula: self.formula }
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
