//! The tables of a network: its parameters, buffers and layers.

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use quote::quote;

use super::params::is_split;
use super::{Unit, ident};
use crate::ir::{Dim, Param, ParamKind};

impl Unit<'_> {
    // Expands to:
    //     const PARAMS: &'static [glulam::ParamSpec] =
    //         &[glulam::matrix_spec(L0_WEIGHT, "0.weight", …).stored(&[1, 0]), glulam::vector_spec(…), …];
    pub(crate) fn tables(&self) -> TokenStream {
        let params = self.plan.params.iter().map(|p| {
            let (name, shape, span) = (&p.key, &p.param.shape, self.span_name(p));
            let kind = ident(match p.param.kind {
                ParamKind::Weight => "Weight",
                ParamKind::Bias => "Bias",
                ParamKind::Norm => "Norm",
                ParamKind::Embedding => "Embedding",
            });
            let spec = ident(if p.param.rows.is_some() { "matrix_spec" } else { "vector_spec" });
            let (shape, cost, stored) = (constant(shape), &p.param.cost, stored(&p.param));
            quote!(glulam::#spec(#span, #name, #shape, #cost, glulam::Kind::#kind) #stored)
        });
        let buffers = self.plan.buffers.iter().map(|b| {
            let (name, shape, offset, len) = (&b.key, &b.shape.0, &b.offset, b.shape.len());
            let (counter, init) = (b.counter, Literal::f64_unsuffixed(b.init));
            quote! {
                glulam::BufferSpec {
                    name: #name, shape: &[#(#shape),*], offset: #offset, len: #len, counter: #counter, init: #init,
                }
            }
        });
        let layers = self.layer_rows();
        quote! {
            const PARAMS: &'static [glulam::ParamSpec] = &[#(#params),*];
            const BUFFERS: &'static [glulam::BufferSpec] = &[#(#buffers),*];
            const LAYERS: &'static [glulam::LayerSpec] = &[#(#layers),*];
        }
    }

    /// The rows of the summary: a folded activation has its own.
    fn layer_rows(&self) -> Vec<TokenStream> {
        let graph = &self.program.graph;
        let mut rows = Vec::new();
        for node in graph.nodes.iter().filter(|node| !node.key.is_empty()) {
            let output = graph.shape(node.output());
            let dims = &output.0;
            let own: Dim = match node.shares {
                Some(_) => Dim::Known(0),
                None => node.layer.params.iter().fold(Dim::Known(0), |sum, p| sum.add(&p.len())),
            };
            let (key, layer, flops) = (&node.key, &node.layer.describe, as_u64(&node.layer.flops));
            rows.push(quote! {
                glulam::LayerSpec { key: #key, layer: #layer, output: &[#(#dims),*], parameters: #own, flops: #flops }
            });
            if let Some(activation) = &node.activation {
                let (key, layer, flops) = (&activation.key, &activation.written, as_u64(&output.len()));
                rows.push(quote! {
                    glulam::LayerSpec { key: #key, layer: #layer, output: &[#(#dims),*], parameters: 0, flops: #flops }
                });
            }
        }
        rows
    }
}

/// A dimension as a `u64`.
fn as_u64(dim: &Dim) -> TokenStream {
    match dim {
        Dim::Known(_) => quote!(#dim),
        Dim::Named { tokens, .. } if tokens.clone().into_iter().count() == 1 => quote!(#dim as u64),
        Dim::Named { .. } => quote!((#dim) as u64),
    }
}

/// A slice as an argument that lives as long as the program: it does where it is a constant for certain, which `12 / H` is
/// not.
fn constant(dims: &[Dim]) -> TokenStream {
    let slice = quote!(&[#(#dims),*]);
    let computed = dims.iter().any(|dim| !is_plain(quote!(#dim)));
    if computed { quote!(const { #slice }) } else { slice }
}

// Expands to:
//     .split(&[10, 16, 5, 5]).stored(&[2, 3, 1, 0])
/// What a row of the table says of the order of its elements; nothing where that is PyTorch's.
fn stored(param: &Param) -> TokenStream {
    let split = is_split(param).then(|| {
        let dims = constant(&param.dims);
        quote!(.split(#dims))
    });
    let order = (!param.order.is_empty()).then(|| {
        let order = param.order.iter().map(|&axis| Literal::usize_unsuffixed(axis));
        quote!(.stored(&[#(#order),*]))
    });
    quote!(#split #order)
}

/// Whether an expression is made of paths, integers and operators that rustc evaluates anywhere: `2 * (H + 1)`.
pub(super) fn is_plain(dim: TokenStream) -> bool {
    let path = syn::parse2::<syn::ExprPath>(dim.clone()).is_ok();
    path || dim.into_iter().all(|token| match token {
        TokenTree::Ident(name) => syn::parse2::<Ident>(TokenTree::Ident(name).into()).is_ok(),
        TokenTree::Literal(_) => true,
        TokenTree::Punct(p) => matches!(p.as_char(), '*' | '+' | '-' | ':'),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis && is_plain(group.stream()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::params::order_doc;
    use super::*;

    fn check(shape: &[usize], dims: &[usize], order: &[usize], expected: &str, doc: &str) {
        let known = |dims: &[usize]| dims.iter().map(|&dim| Dim::Known(dim)).collect::<Vec<_>>();
        let param = Param {
            name: "weight",
            shape: known(shape),
            dims: known(dims),
            order: order.to_vec(),
            rows: None,
            columns: Dim::Known(shape.iter().product()),
            cost: Dim::Known(1),
            kind: ParamKind::Weight,
            init: TokenStream::new(),
        };
        assert_eq!(stored(&param).to_string().replace(' ', ""), expected);
        assert_eq!(order_doc(&param), doc);
    }

    #[test]
    fn a_row_of_the_table_says_what_is_not_pytorchs_order() {
        check(&[4, 3], &[4, 3], &[], "", "`[4, 3]` in PyTorch");
        let doc = "`[4, 3]` in PyTorch, its axes stored in the order `[1, 0]`";
        check(&[4, 3], &[4, 3], &[1, 0], ".stored(&[1,0])", doc);
        let doc = "`[10, 400]` in PyTorch, its axes as `[10, 16, 5, 5]` stored in the order `[2, 3, 1, 0]`";
        check(&[10, 400], &[10, 16, 5, 5], &[2, 3, 1, 0], ".split(&[10,16,5,5]).stored(&[2,3,1,0])", doc);
    }
}
