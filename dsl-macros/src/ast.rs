//! What the user wrote in `network!`, with spans. Nothing is looked up or evaluated yet: a layer's arguments are still
//! the token group that they were, since only `resolve` knows whether they are numbers or chains of layers.

use std::rc::Rc;

use proc_macro2::{Group, Ident, Span, TokenStream};

use crate::ir::Scalar;

/// `pub Mlp: [784] < Linear(_, 64) -> ReLU >`.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) header: Header,
    /// All blocks of the macro call, whether declared before or after.
    pub(crate) blocks: Rc<[Block]>,
    /// `|x: [784], c: [10]|`; empty for the one input that has no name.
    pub(crate) inputs: Vec<Input>,
    /// `: [3, 32, 32]`.
    pub(crate) shape: Option<InputShape>,
    pub(crate) body: Chain,
    /// Part of it was not understood, so that what is missing may have been there.
    pub(crate) failed: bool,
}

/// What stands before the `<` of a network and passes through to its struct.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// `#[…]` and doc comments, each with its `#`.
    pub(crate) attrs: Vec<TokenStream>,
    /// `pub`, `pub(crate)`, or nothing.
    pub(crate) vis: TokenStream,
    /// The struct's name: `Network`, at the `<`, where none is written.
    pub(crate) name: Ident,
}

/// A named input.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) shape: InputShape,
}

/// `[3, 32, 32]`, or `[u32; 64]` of token ids.
#[derive(Clone, Debug)]
pub(crate) struct InputShape {
    pub(crate) span: Span,
    pub(crate) scalar: Scalar,
    /// Each an expression.
    pub(crate) dims: Vec<TokenStream>,
}

/// `block Basic(C, S = 1) < … >`.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) name: Ident,
    pub(crate) params: Vec<BlockParam>,
    pub(crate) body: Chain,
}

/// `S = 1`.
#[derive(Clone, Debug)]
pub(crate) struct BlockParam {
    pub(crate) name: Ident,
    pub(crate) default: Option<TokenStream>,
}

/// `a -> b -> c`.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) steps: Vec<Step>,
    /// What surrounds it: the `<`, or the group.
    pub(crate) span: Span,
}

/// `label: item * count as tap`.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) label: Option<Ident>,
    pub(crate) item: Item,
    /// The count, an expression.
    pub(crate) repeat: Option<TokenStream>,
    pub(crate) taps: Vec<Ident>,
}

/// What can stand between arrows.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// `Linear(784, 64)`, `Residual(…)`, a block: which, is not known yet.
    Layer(Call),
    /// `my::Layer(7) => [64]`.
    Custom { path: TokenStream, span: Span, args: Option<Group>, output: Option<InputShape> },
    /// `(a -> b)`.
    Group(Chain),
    /// `&fc1`.
    Shared(Ident),
    /// `[_, s1] => Concat(1)`.
    Join { branches: Vec<Branch>, span: Span, join: Call },
}

/// A name with an argument list.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: Ident,
    pub(crate) args: Option<Group>,
}

/// One of the values that a join takes: the current one or a tap, and what is applied to it.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// `s1`; the current value if there is none.
    pub(crate) tap: Option<Ident>,
    pub(crate) chain: Chain,
}
