//! What weight and bias are filled with at the start: the options `init` and `bias_init`, beyond PyTorch.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::From;
use crate::diagnostics::Diagnostics;
use crate::ir::Dim;
use crate::parse::args::Args;

/// Those that are given.
#[derive(Clone, Debug)]
pub(super) struct Inits {
    weight: Option<(TokenStream, Span)>,
    bias: Option<(TokenStream, Span)>,
}

impl Inits {
    /// Reads them, the last arguments of a layer; `has_bias`: there is something to fill with `bias_init`.
    pub(super) fn finish(has_bias: bool, args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Inits> {
        args.keyword_only();
        let weight = args.init("init", errors);
        let bias = args.init("bias_init", errors);
        args.refuse("weight", "tied weights are not there yet", errors);
        args.finish(errors)?;
        if let (false, Some((_, span))) = (has_bias, &bias) {
            let text = format!("`bias_init` of `{}` is without effect, since `bias = false`", args.layer());
            errors.error(*span, text).help("leave it out");
            return None;
        }
        Some(Inits { weight, bias })
    }

    /// Leaves it to rustc that they suit what they fill: a weight of that shape, and a bias of so many numbers.
    pub(super) fn check(&self, weight: Vec<Dim>, bias: &Dim, from: &From<'_>, errors: &mut Diagnostics) {
        let both = [("init", &self.weight, weight), ("bias_init", &self.bias, vec![bias.clone()])];
        for (option, init, shape) in both {
            if let Some((init, span)) = init {
                let subject = format!("`{option}` of `{}`", from.written);
                let check = quote_spanned!(*span=> __glulam::assert_suits(&#init, &[#(#shape),*], #subject));
                errors.check(*span, check);
            }
        }
    }

    /// The weight's, or PyTorch's for `rows` inputs of each output.
    pub(super) fn weight(&self, rows: &Dim) -> TokenStream {
        given_or_default(&self.weight, rows)
    }

    pub(super) fn bias(&self, rows: &Dim) -> TokenStream {
        given_or_default(&self.bias, rows)
    }
}

fn given_or_default(given: &Option<(TokenStream, Span)>, rows: &Dim) -> TokenStream {
    match given {
        Some((init, _)) => init.clone(),
        None => quote!(::glulam::init::Init::default_for(#rows)),
    }
}
