//! The views of the parameters: a struct of references, in which what is repeated is an array of structs.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::params::{param_doc, view_type};
use super::{Unit, ident};
use crate::ir::{Program, Repeat, identifier};
use crate::plan::{PlacedParam, Plan};

/// What one struct of views holds.
pub(super) struct View<'a> {
    /// What its name ends in: nothing of the network's own, `Blocks`.
    suffix: String,
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    name: Ident,
    holds: Holds<'a>,
}

enum Holds<'a> {
    Param(&'a PlacedParam),
    /// The copies of a repeated item, which have fields of the same names and types.
    Copies {
        key: &'a str,
        copies: Vec<View<'a>>,
    },
}

/// The views of a network.
pub(super) fn of<'a>(program: &'a Program, plan: &'a Plan) -> View<'a> {
    let params: Vec<&PlacedParam> = plan.params.iter().collect();
    Below { program, prefix: "", params: &params }.view(String::new())
}

/// The parameters below a prefix, `blocks.3.`.
struct Below<'a, 'p> {
    program: &'a Program,
    prefix: &'p str,
    params: &'p [&'a PlacedParam],
}

impl<'a> Below<'a, '_> {
    fn view(&self, suffix: String) -> View<'a> {
        let mut fields: Vec<Field<'_>> = Vec::new();
        let mut rest = self.params;
        while let [first, ..] = rest {
            let around = |repeat: &&Repeat| repeat.key.starts_with(self.prefix) && is_in(first, &repeat.key);
            let outermost = self.program.graph.repeats.iter().filter(around).min_by_key(|repeat| repeat.key.len());
            let Some(repeat) = outermost else {
                fields.push(self.leaf(first));
                rest = &rest[1..];
                continue;
            };
            let (own, others) = rest.split_at(rest.iter().take_while(|p| is_in(p, &repeat.key)).count());
            match self.copies(repeat, own, &suffix) {
                Some(field) => fields.push(field),
                // Copies of different types: each parameter is a field, as if nothing was repeated.
                None => fields.extend(own.iter().map(|p| self.leaf(p))),
            }
            rest = others;
        }
        View { suffix, fields }
    }

    /// What a field of that key is called.
    fn name(&self, key: &str) -> String {
        identifier(&key[self.prefix.len()..])
    }

    fn leaf(&self, param: &'a PlacedParam) -> Field<'a> {
        let span = self.program.graph.node(param.node).label.unwrap_or_else(Span::call_site);
        Field { name: Ident::new(&self.name(&param.key), span), holds: Holds::Param(param) }
    }

    /// The field of a repeated item, unless its copies differ, or a parameter has its name.
    fn copies(&self, repeat: &'a Repeat, own: &[&'a PlacedParam], suffix: &str) -> Option<Field<'a>> {
        let name = self.name(&repeat.key);
        if self.params.iter().any(|p| self.name(&p.key) == name) {
            return None;
        }
        let suffix = format!("{suffix}{}", camel(&name));
        let copies: Vec<View<'_>> = (0..repeat.count)
            .map(|copy| {
                let key = format!("{}.{copy}", repeat.key);
                let own: Vec<_> = own.iter().copied().filter(|p| is_in(p, &key)).collect();
                Below { program: self.program, prefix: &format!("{key}."), params: &own }.view(suffix.clone())
            })
            .collect();
        let first = copies[0].shape();
        let alike = copies.iter().all(|copy| copy.shape() == first) && !copies[0].fields.is_empty();
        alike.then(|| Field { name: ident(&name), holds: Holds::Copies { key: &repeat.key, copies } })
    }
}

/// Whether a parameter is of the item with that key, or of one within it.
fn is_in(param: &PlacedParam, key: &str) -> bool {
    param.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
}

/// `blocks_inner` as `BlocksInner`.
fn camel(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    name.split('_').map(capital).collect()
}

impl View<'_> {
    /// Names and types of all fields, as text.
    fn shape(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|field| match &field.holds {
            Holds::Param(param) => format!("{}: {}", field.name, view_type(param)),
            Holds::Copies { copies, .. } => format!("{}: [{:?}; {}]", field.name, copies[0].shape(), copies.len()),
        });
        fields.collect()
    }

    /// This view, and those of what is repeated in it.
    pub(super) fn all(&self) -> Vec<&Self> {
        let inside = self.fields.iter().flat_map(|field| match &field.holds {
            Holds::Param(_) => Vec::new(),
            Holds::Copies { copies, .. } => copies[0].all(),
        });
        [self].into_iter().chain(inside).collect()
    }

    /// `GptParamsBlocks`
    pub(super) fn name(&self, root: &Ident) -> Ident {
        format_ident!("{root}{}", self.suffix)
    }

    /// The names of the fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.fields.iter().map(|field| &field.name)
    }

    // Expands to:
    //     pub l0_weight: &'a [[T; 64]; 784], pub blocks: [GptParamsBlocks<'a, T>; 12],
    /// The fields of the struct, as references that are `mutable` or not.
    pub(super) fn declared(&self, root: &Ident, mutable: bool) -> TokenStream {
        let mutable = mutable.then(|| quote!(mut));
        let fields = self.fields.iter().map(|Field { name, holds }| match holds {
            Holds::Param(param) => {
                let (ty, doc) = (view_type(param), param_doc(param));
                quote!(#[doc = #doc] pub #name: &'a #mutable #ty,)
            }
            Holds::Copies { key, copies } => {
                let (ty, count) = (copies[0].name(root), super::number(copies.len()));
                let doc = format!(" `{key}.0` to `{key}.{}`.", copies.len() - 1);
                quote!(#[doc = #doc] pub #name: [#ty<'a, T>; #count],)
            }
        });
        fields.collect()
    }

    /// A value of the struct, each parameter as `value` has it.
    pub(super) fn value(&self, root: &Ident, value: &dyn Fn(&PlacedParam) -> TokenStream) -> TokenStream {
        let name = self.name(root);
        let fields = self.fields.iter().map(|Field { name, holds }| match holds {
            Holds::Param(param) => {
                let value = value(param);
                quote!(#name: #value)
            }
            Holds::Copies { copies, .. } => {
                let copies = copies.iter().map(|copy| copy.value(root, value));
                quote!(#name: [#(#copies),*])
            }
        });
        quote!(#name { #(#fields,)* })
    }

    /// How each parameter is reached, by its key: `blocks[3].l0_weight`.
    pub(super) fn paths(&self, before: &TokenStream, paths: &mut HashMap<String, TokenStream>) {
        for Field { name, holds } in &self.fields {
            match holds {
                Holds::Param(param) => {
                    paths.insert(param.key.clone(), quote!(#before #name));
                }
                Holds::Copies { copies, .. } => {
                    for (i, copy) in copies.iter().enumerate() {
                        let i = super::number(i);
                        copy.paths(&quote!(#before #name[#i].), paths);
                    }
                }
            }
        }
    }
}

impl Unit<'_> {
    /// `p.l0_weight`, `p.blocks[3].l0_weight`
    pub(super) fn param_path(&self, param: &PlacedParam) -> TokenStream {
        let path = &self.paths[&param.key];
        quote!(p.#path)
    }
}
