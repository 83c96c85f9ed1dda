//! Which value an array holds, line by line: a function takes the arrays apart under the names of the values in them, and
//! where an array gets a new inhabitant, a line says so.

use std::collections::{BTreeMap, HashMap};

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::ir::{Place, Program, Step};
use crate::plan::Slots;

/// The arrays in the body of one function.
pub(super) struct Arrays<'a> {
    program: &'a Program,
    slots: &'a Slots,
    /// The first inhabitant of each array in this function.
    first: BTreeMap<usize, Place>,
    /// The one at the present line.
    now: HashMap<usize, Place>,
}

impl<'a> Arrays<'a> {
    pub(super) fn new(program: &'a Program, slots: &'a Slots) -> Self {
        Arrays { program, slots, first: BTreeMap::new(), now: HashMap::new() }
    }

    /// Names the operands of the next step. Returns the lines that come before it: `let d_l1 = l1_3;`.
    pub(super) fn enter(&mut self, step: &Step) -> TokenStream {
        step.call.reads().chain(step.call.writes()).map(|place| self.name(place)).collect()
    }

    /// Names one value.
    pub(super) fn name(&mut self, place: Place) -> TokenStream {
        let Some(&slot) = self.slots.of.get(&place) else { return TokenStream::new() };
        self.first.entry(slot).or_insert(place);
        match self.now.insert(slot, place) {
            Some(before) if before != place => {
                let (new, old) = (ident(&self.program.name(place)), ident(&self.program.name(before)));
                quote!(let #new = #old;)
            }
            _ => TokenStream::new(),
        }
    }

    /// `l1, l1_3: d_l1`: the fields that the function uses, each under the name of what it holds there.
    pub(super) fn fields(&self) -> Vec<TokenStream> {
        let field = |(&slot, &place): (&usize, &Place)| {
            let (field, value) = (ident(&self.slots.slots[slot].name), ident(&self.program.name(place)));
            if field == value { quote!(#field) } else { quote!(#field: #value) }
        };
        self.first.iter().map(field).collect()
    }
}
