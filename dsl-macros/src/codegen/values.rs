//! The private structs of generated code: the values of some rows, the statistics of a batch, the buffers.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Unit, ident};
use crate::ir::{Place, Row, Scalar};
use crate::plan::{Slot, Slots};

impl Unit<'_> {
    // Expands to:
    //     struct Values<'v, T> { first_row: usize, l1: &'v mut [[T; 64]], …, losses: &'v mut [T] }
    //     impl glulam::Split for Values<'_, T> { … }
    pub(crate) fn values(&self) -> TokenStream {
        let slots = &self.plan.values.slots;
        let own = self.own("Values");
        let names: Vec<_> = slots.iter().map(|slot| ident(&slot.name)).collect();
        let fields = slots.iter().zip(&names).map(|(slot, name)| {
            let row = row_of(&slot.row);
            // Nothing needs to be said of a value that has its array for itself.
            let held = (slot.holds.len() > 1).then(|| format!(" {}.", slot.holds.join(", then ")));
            let of_piece = slot.row.of_piece.then(|| " One row for each piece of the batch.".to_owned());
            let doc = held.iter().chain(&of_piece);
            quote!(#(#[doc = #doc])* #name: &'v mut [#row])
        });
        let input = self.row_type(Place::Value(self.program.graph.inputs[0]));
        let (gradient, name) = (self.input_gradient(), self.d_x());
        let d_x = |tokens: TokenStream| gradient.then_some(tokens);
        let field = d_x(quote! {
            /// The gradient of the inputs, if it is wanted.
            #name: ::core::option::Option<&'v mut [#input]>,
        });
        let none = self.runtime("None");
        let (new, reborrow) = (d_x(quote!(#name: #none,)), d_x(quote!(#name: self.#name.as_deref_mut(),)));
        let split = d_x(quote!(let #name = glulam::split_option(self.#name, rows);));
        let (left, right) = (d_x(quote!(#name: #name.0,)), d_x(quote!(#name: #name.1,)));
        let of_piece = |slot: &&Slot| slot.row.of_piece;
        let taken = slots.iter().map(|slot| if of_piece(&slot) { quote!(glulam::PIECES) } else { quote!(rows) });
        let cut = slots.iter().map(|slot| if of_piece(&slot) { quote!(pieces) } else { quote!(rows) });
        let pieces = |tokens: TokenStream| self.has_pieces().then_some(tokens);
        let piece_field = pieces(quote! {
            /// The rows of a piece of the batch.
            piece: usize,
        });
        let piece = pieces(quote!(piece: glulam::rows_of_piece(rows),));
        let same_piece = pieces(quote!(piece: self.piece,));
        let whole_pieces = pieces(quote!(let pieces = rows.div_ceil(self.piece);));
        let piece_function = pieces(quote! {
            fn piece(&self) -> usize {
                self.piece
            }
        });
        let (statistics, buffers) = (self.statistics(), self.buffers());
        quote! {
            /// The values of some rows of a batch, as they lie in the workspace. Values that are equally wide share an array
            /// where one begins after the other has ended.
            struct #own<'v, T> {
                /// The place in the batch of the first of these rows.
                first_row: usize,
                #piece_field
                #(#fields,)*
                #field
                losses: &'v mut [T],
            }

            impl<'v, T: glulam::Real> #own<'v, T> {
                fn new(mut values: glulam::Memory<'v>, losses: &'v mut [T]) -> Self {
                    let rows = losses.len();
                    #own { first_row: 0, #piece #(#names: values.take(#taken),)* #new losses }
                }

                fn reborrow(&mut self) -> #own<'_, T> {
                    #own { first_row: self.first_row, #same_piece #(#names: self.#names,)* #reborrow losses: self.losses }
                }
            }

            impl<T: glulam::Real> glulam::Split for #own<'_, T> {
                fn rows(&self) -> usize {
                    self.losses.len()
                }

                #piece_function

                fn split_at(self, rows: usize) -> (Self, Self) {
                    #whole_pieces
                    #(let #names = self.#names.split_at_mut(#cut);)*
                    #split
                    let losses = self.losses.split_at_mut(rows);
                    (
                        #own { first_row: self.first_row, #same_piece #(#names: #names.0,)* #left losses: losses.0 },
                        #own { first_row: self.first_row + rows, #same_piece #(#names: #names.1,)* #right losses: losses.1 },
                    )
                }
            }
            #statistics
            #buffers
        }
    }

    // Expands to:
    //     struct Statistics<'s, T> { l1_statistics: &'s mut [T; 128] }
    fn statistics(&self) -> Option<TokenStream> {
        let names: Vec<_> = self.plan.statistics.iter().map(|(_, name, _)| ident(name)).collect();
        let own = self.own("Statistics");
        let lens = self.plan.statistics.iter().map(|(.., len)| len);
        self.has_statistics().then(|| {
            quote! {
                /// The statistics of a whole batch.
                struct #own<'s, T> {
                    #(#names: &'s mut [T; #lens],)*
                }

                impl<'s, T> #own<'s, T> {
                    fn new(mut statistics: &'s mut [T]) -> Self {
                        #own { #(#names: glulam::take_array(&mut statistics),)* }
                    }
                }
            }
        })
    }

    // Expands to:
    //     struct #own<'b, T> { l1_running_mean: &'b mut [T; 64], … }
    fn buffers(&self) -> Option<TokenStream> {
        let buffers = || self.plan.buffers.iter().filter(|b| !b.counter);
        let names: Vec<_> = buffers().map(|b| ident(&b.field)).collect();
        let (own, read) = (self.own("Buffers"), self.own("BuffersRead"));
        let lens: Vec<_> = buffers().map(|b| b.shape.len()).collect();
        self.has_buffers().then(|| {
            quote! {
                /// Running statistics, by name.
                struct #own<'b, T> {
                    #(#names: &'b mut [T; #lens],)*
                }

                impl<'b, T> #own<'b, T> {
                    fn new(mut buffers: &'b mut [T]) -> Self {
                        #own { #(#names: glulam::take_array(&mut buffers),)* }
                    }
                }

                /// Running statistics, to be read.
                struct #read<'b, T> {
                    #(#names: &'b [T; #lens],)*
                }

                impl<'b, T> #read<'b, T> {
                    fn new(mut buffers: &'b [T]) -> Self {
                        #read { #(#names: glulam::take_array_read(&mut buffers),)* }
                    }
                }
            }
        })
    }

    pub(crate) fn has_statistics(&self) -> bool {
        !self.plan.statistics.is_empty()
    }

    /// Whether something is added up of each piece of the batch.
    pub(crate) fn has_pieces(&self) -> bool {
        self.plan.values.slots.iter().any(|slot| slot.row.of_piece)
    }

    pub(crate) fn has_buffers(&self) -> bool {
        self.plan.buffers.iter().any(|b| !b.counter)
    }

    /// Whether the backward pass can go on to the inputs.
    pub(crate) fn input_gradient(&self) -> bool {
        self.program.backward.iter().any(|s| s.call.writes().any(|p| self.is_input_gradient(p)))
    }

    /// The name of the input: `x`.
    pub(crate) fn x(&self) -> Ident {
        ident(&self.program.name(Place::Value(self.program.graph.inputs[0])))
    }

    /// The name of its gradient: `d_x`.
    pub(crate) fn d_x(&self) -> Ident {
        ident(&self.program.name(Place::Gradient(self.program.graph.inputs[0])))
    }

    pub(crate) fn is_input_gradient(&self, place: Place) -> bool {
        matches!(place, Place::Gradient(id) if self.program.graph.inputs.contains(&id))
    }

    /// One row of a value: `[T; 784]`.
    pub(crate) fn row_type(&self, place: Place) -> TokenStream {
        row_of(&self.program.row(place))
    }

    // Expands to:
    //     glulam::bytes::<T>(148) + glulam::bytes::<u8>(64)
    /// The bytes of one sample in these arrays, or of one piece of the batch.
    pub(crate) fn bytes(&self, slots: &Slots, of_piece: bool) -> TokenStream {
        let scalars = [Scalar::Real, Scalar::Token, Scalar::Byte, Scalar::Double];
        let sum = scalars.map(|kind| (scalar(kind), slots.width(kind, of_piece)));
        let sum = sum.iter().filter(|(_, count)| count.known() != Some(0));
        let sum: Vec<_> = sum.map(|(scalar, count)| quote!(glulam::bytes::<#scalar>(#count))).collect();
        if sum.is_empty() { quote!(0) } else { quote!(#(#sum)+*) }
    }
}

/// `[T; 784]`
pub(super) fn row_of(row: &Row) -> TokenStream {
    let (scalar, width) = (scalar(row.scalar), &row.width);
    quote!([#scalar; #width])
}

/// The type of a scalar in generated code.
pub(super) fn scalar(scalar: Scalar) -> TokenStream {
    match scalar {
        Scalar::Real => quote!(T),
        Scalar::Token => quote!(u32),
        Scalar::Byte => quote!(u8),
        Scalar::Double => quote!(f64),
    }
}
