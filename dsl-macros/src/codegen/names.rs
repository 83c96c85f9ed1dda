//! Names in the block of a network's items: the runtime's, the block's own, and the user's.
//!
//! Everything of the runtime goes by `glulam::…`. What the flat lists call and the activations that they pass are imported
//! by name too, so that a line is short. Whatever the user has of the same name is the user's: the network itself, a
//! constant, a layer of their own.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;

use super::{Unit, ident};
use crate::ast::Header;
use crate::ir::{Arg, Dim, Place, Program, Role, Step};
use crate::plan::Plan;

/// The identifiers in a block that are not for the macro to give: the user's, and those of values.
pub(super) fn taken(header: &Header, program: &Program, plan: &Plan) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for suffix in ["", "Params", "ParamsMut"] {
        taken.insert(format!("{}{suffix}", header.name));
    }
    let mut add_dim = |dim: &Dim| {
        if let Dim::Named { tokens, .. } = dim {
            identifiers(tokens.clone(), &mut taken);
        }
    };
    program.graph.values.iter().filter_map(|value| value.shape.as_ref()).flat_map(|s| &s.0).for_each(&mut add_dim);
    plan.params.iter().flat_map(|p| p.param.shape.iter().chain(&p.param.dims)).for_each(&mut add_dim);
    plan.statistics.iter().chain(&plan.scratch_statistics).for_each(|(.., len)| add_dim(len));
    for step in steps(program) {
        for arg in &step.call.args {
            match arg {
                Arg::Literal(_, tokens) | Arg::Layer(tokens) => identifiers(tokens.clone(), &mut taken),
                Arg::Value(value) => identifiers(value.rest.clone(), &mut taken),
                Arg::Read(place) | Arg::Write(place) | Arg::Change(place) => {
                    taken.insert(program.name(*place));
                }
                _ => {}
            }
        }
    }
    taken.extend(program.graph.inputs.iter().map(|&id| program.name(Place::Value(id))));
    taken
}

/// The constants of the parameters' places: `L0_WEIGHT`. Labels that differ as little as `ss` and `ß` are different.
pub(super) fn spans(plan: &Plan, taken: &BTreeSet<String>) -> HashMap<String, Ident> {
    let mut taken = taken.clone();
    let spans = plan.params.iter().map(|param| {
        let name = free(&param.field.to_uppercase(), &taken);
        taken.insert(name.clone());
        (param.key.clone(), ident(&name))
    });
    spans.collect()
}

/// `name`, or with as many `_` as it takes for no other to have it.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let mut name = name.to_owned();
    while taken.contains(&name) {
        name.push('_');
    }
    name
}

fn identifiers(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                found.insert(name.to_string());
            }
            TokenTree::Group(group) => identifiers(group.stream(), found),
            _ => {}
        }
    }
}

/// The steps of all programs.
fn steps(program: &Program) -> impl Iterator<Item = &Step> {
    let Program { forward, backward, tiles, predict, .. } = program;
    forward.iter().chain(backward).chain(tiles).chain(predict)
}

impl Unit<'_> {
    /// A function or type of the runtime where it is used: `linear_forward`, or `glulam::linear_forward` where something
    /// else has that name.
    pub(super) fn runtime(&self, name: &str) -> TokenStream {
        let item = ident(name);
        if self.taken.contains(name) { quote!(glulam::#item) } else { quote!(#item) }
    }

    /// An item of the block itself: `Values`, or `Values_` where something else has that name.
    pub(super) fn own(&self, name: &str) -> Ident {
        ident(&free(name, &self.taken))
    }

    // Expands to:
    //     use ::glulam::__private::{self as glulam, Network as _, ReLU, linear_forward, …};
    pub(super) fn imports(&self) -> TokenStream {
        // Whatever the user's prelude has.
        let mut names = BTreeSet::from(["None", "Some"]);
        for step in steps(self.program) {
            let method = matches!(step.call.role, Role::Method(_));
            names.extend((!method).then_some(step.call.kernel.as_str()));
            names.extend(step.call.args.iter().filter_map(|arg| match arg {
                Arg::Value(value) => Some(value.name),
                _ => None,
            }));
        }
        let names = names.into_iter().filter(|name| !self.taken.contains(*name)).map(ident);
        quote! {
            use ::glulam::Network as _;
            use ::glulam::__private::{self as glulam, #(#names),*};
        }
    }
}
