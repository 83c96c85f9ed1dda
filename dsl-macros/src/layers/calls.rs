//! What layers answer with: calls of kernels, and what goes with them.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Site, operand};
use crate::ir::{Arg, Call, Dim, Kept, Named, Operand, Param, ParamKind, Scope, View};

/// `Axis { len, inner }` of a kernel: a flat sample is `[outer, len, inner]`.
pub(super) fn axis(view: &View, place: usize) -> Named {
    let (_, len, inner) = view.around(place);
    Named::with("Axis", quote!(len: #len, inner: #inner))
}

/// A call for each thread's rows. For the template of its formula see [`Formula::of`](crate::ir::Formula::of).
pub(super) fn rows(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Rows, kernel, args, template)
}

/// A call for the whole batch, between two row phases.
pub(super) fn batch(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Batch, kernel, args, template)
}

/// A call for each thread's part of the parameters.
pub(super) fn tiles(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Tiles, kernel, args, template)
}

/// What a layer keeps for the activation folded into it: the activation's input, where its derivative is taken from that.
pub(super) fn kept_for_activation(site: &Site<'_>) -> Vec<Kept> {
    match site.activation {
        Some(activation) if activation.keeps_input && !site.predict => vec![Kept::real("z", site.output().shape.len())],
        _ => Vec::new(),
    }
}

/// The forward call of a layer that may have to apply an activation: `kernel_forward`, `kernel_activation_forward` or
/// `kernel_activation_forward_keep`, of what comes before the output among its arguments. `formula` makes the layer's own
/// formula, from what stands before it.
pub(super) fn forward_call(
    site: &Site<'_>,
    [plain, applying, keeping]: [&str; 3],
    mut args: Vec<Arg>,
    formula: &dyn Fn(&str) -> String,
) -> Call {
    let Some(activation) = site.activation else {
        args.push(operand::Y);
        return rows(plain, args, &formula("{y} = "));
    };
    let name = &activation.name;
    args.push(Arg::Value(activation.value.clone()));
    if kept_for_activation(site).is_empty() {
        args.push(operand::Y);
        return rows(applying, args, &(formula(&format!("{{y}} = {name}(")) + ")"));
    }
    args.extend([Arg::Write(Operand::Kept(0)), operand::Y]);
    rows(keeping, args, &format!("{}, {{y}} = {name}({{kept}})", formula("{kept} = ")))
}

/// A parameter of one axis, seen as `[T; len]`.
pub(super) fn vector(name: &'static str, shape: Vec<Dim>, cost: Dim, kind: ParamKind, init: TokenStream) -> Param {
    let columns = Dim::product(&shape);
    Param { name, dims: shape.clone(), shape, order: Vec::new(), rows: None, columns, cost, kind, init }
}
