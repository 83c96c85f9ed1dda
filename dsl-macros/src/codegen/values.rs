//! The private structs of generated code: the values of some rows, the statistics of a batch, the buffers.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Unit, ident};
use crate::ir::Place;

impl Unit<'_> {
    // Expands to:
    //     struct Values<'v, T> { first_row: usize, l1: &'v mut [[T; 64]], …, losses: &'v mut [T] }
    //     impl Split for Values<'_, T> { … }
    pub(crate) fn values(&self) -> TokenStream {
        let slots = &self.plan.values.slots;
        let names: Vec<_> = slots.iter().map(|slot| ident(&slot.name)).collect();
        let fields = slots.iter().zip(&names).map(|(slot, name)| {
            let (width, doc) = (&slot.width, format!(" {}", slot.holds.join(", then ")));
            quote!(#[doc = #doc] #name: &'v mut [[T; #width]])
        });
        let input = self.row_type(Place::Value(self.program.graph.inputs[0]));
        let gradient = self.input_gradient();
        let d_x = |tokens: TokenStream| gradient.then_some(tokens);
        let field = d_x(quote!(/** The gradient of the inputs, if it is wanted. */ d_x: Option<&'v mut [#input]>,));
        let (new, reborrow) = (d_x(quote!(d_x: None,)), d_x(quote!(d_x: self.d_x.as_deref_mut(),)));
        let split = d_x(quote!(let d_x = split_option(self.d_x, rows);));
        let (left, right) = (d_x(quote!(d_x: d_x.0,)), d_x(quote!(d_x: d_x.1,)));
        let (statistics, buffers) = (self.statistics(), self.buffers());
        quote! {
            /// The values of some rows of a batch, as they lie in the workspace.
            struct Values<'v, T> {
                first_row: usize,
                #(#fields,)*
                #field
                losses: &'v mut [T],
            }

            impl<'v, T: Real> Values<'v, T> {
                fn new(mut values: &'v mut [T], losses: &'v mut [T]) -> Self {
                    let rows = losses.len();
                    Values { first_row: 0, #(#names: take(&mut values, rows),)* #new losses }
                }

                fn reborrow(&mut self) -> Values<'_, T> {
                    Values { first_row: self.first_row, #(#names: self.#names,)* #reborrow losses: self.losses }
                }
            }

            impl<T: Real> Split for Values<'_, T> {
                fn rows(&self) -> usize {
                    self.losses.len()
                }

                fn split_at(self, rows: usize) -> (Self, Self) {
                    #(let #names = self.#names.split_at_mut(rows);)*
                    #split
                    let losses = self.losses.split_at_mut(rows);
                    (
                        Values { first_row: self.first_row, #(#names: #names.0,)* #left losses: losses.0 },
                        Values { first_row: self.first_row + rows, #(#names: #names.1,)* #right losses: losses.1 },
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
        let lens = self.plan.statistics.iter().map(|(.., len)| len);
        self.has_statistics().then(|| {
            quote! {
                /// The statistics of a whole batch.
                struct Statistics<'s, T> {
                    #(#names: &'s mut [T; #lens],)*
                }

                impl<'s, T> Statistics<'s, T> {
                    fn new(mut statistics: &'s mut [T]) -> Self {
                        Statistics { #(#names: take_array(&mut statistics),)* }
                    }
                }
            }
        })
    }

    // Expands to:
    //     struct Buffers<'b, T> { l1_running_mean: &'b mut [T; 64], … }
    fn buffers(&self) -> Option<TokenStream> {
        let buffers = || self.plan.buffers.iter().filter(|b| !b.counter);
        let names: Vec<_> = buffers().map(|b| ident(&b.field)).collect();
        let lens: Vec<_> = buffers().map(|b| b.shape.len()).collect();
        self.has_buffers().then(|| {
            quote! {
                /// Running statistics, by name.
                struct Buffers<'b, T> {
                    #(#names: &'b mut [T; #lens],)*
                }

                impl<'b, T> Buffers<'b, T> {
                    fn new(mut buffers: &'b mut [T]) -> Self {
                        Buffers { #(#names: take_array(&mut buffers),)* }
                    }
                }

                /// Running statistics, to be read.
                struct BuffersRead<'b, T> {
                    #(#names: &'b [T; #lens],)*
                }

                impl<'b, T> BuffersRead<'b, T> {
                    fn new(mut buffers: &'b [T]) -> Self {
                        BuffersRead { #(#names: take_array_read(&mut buffers),)* }
                    }
                }
            }
        })
    }

    pub(crate) fn has_statistics(&self) -> bool {
        !self.plan.statistics.is_empty()
    }

    pub(crate) fn has_buffers(&self) -> bool {
        self.plan.buffers.iter().any(|b| !b.counter)
    }

    /// Whether the backward pass can go on to the inputs.
    pub(crate) fn input_gradient(&self) -> bool {
        self.program.backward.iter().any(|s| s.call.writes().any(|p| self.is_input_gradient(p)))
    }

    pub(crate) fn is_input_gradient(&self, place: Place) -> bool {
        matches!(place, Place::Gradient(id) if self.program.graph.inputs.contains(&id))
    }

    /// One row of a value: `[T; 784]`.
    pub(crate) fn row_type(&self, place: Place) -> TokenStream {
        let width = self.program.width(place);
        let scalar = match place {
            Place::Value(id) => self.scalar(id),
            _ => quote!(T),
        };
        quote!([#scalar; #width])
    }

    pub(crate) fn scalar(&self, id: crate::ir::ValueId) -> TokenStream {
        match self.program.graph.value(id).scalar {
            crate::ir::Scalar::Real => quote!(T),
            crate::ir::Scalar::Token => quote!(u32),
        }
    }
}
