//! The struct, its views of the parameters, and its constructors.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Unit, generic, ident};
use crate::ir::{Param, Shape};
use crate::plan::PlacedParam;

impl Unit<'_> {
    // Expands to:
    //     pub struct Mlp<T: Real = f32> { weights: Weights<T> }
    //     pub struct MlpParams<'a, T = f32> { pub l0_weight: &'a [[T; 64]; 784], … }
    //     pub struct MlpParamsMut<'a, T = f32> { … }
    pub(crate) fn structs(&self) -> TokenStream {
        let (name, params, params_mut) = (self.name(), self.params_name(), self.params_mut_name());
        let (attrs, vis) = (&self.header.attrs, &self.header.vis);
        let doc = self.struct_doc();
        let views = format!(" The parameters of [`{name}`], as arrays of arrays.");
        let views_mut = format!(" The parameters of [`{name}`], to be changed.");
        // Without parameters there would be nothing to borrow from.
        let unit =
            self.plan.params.is_empty().then(|| quote!(#[doc(hidden)] pub nothing: ::core::marker::PhantomData<&'a T>));
        let unit_mut = unit.clone();
        let (derive, derive_mut) = match self.has_macros() {
            false => (
                Some(quote!(#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)])),
                Some(quote!(#[derive(::core::fmt::Debug)])),
            ),
            true => (None, None),
        };
        let derived = self.has_macros().then(|| self.written_out());
        let views = self.views.all().into_iter().map(|view| {
            let (name, name_mut) = (view.name(&params), view.name(&params_mut));
            let (fields, fields_mut) = (view.declared(&params, false), view.declared(&params_mut, true));
            let allowed = quote! {
                #[allow(non_camel_case_types, non_snake_case, unused_braces, unused_parens, reason = "names and dimensions are the declaration's")]
            };
            quote! {
                #[doc = #views]
                #allowed
                #derive
                #vis struct #name<'a, T = f32> {
                    #fields
                    #unit
                }

                #[doc = #views_mut]
                #allowed
                #derive_mut
                #vis struct #name_mut<'a, T = f32> {
                    #fields_mut
                    #unit_mut
                }
            }
        });
        quote! {
            #(#attrs)*
            #(#[doc = #doc])*
            #[derive(::core::clone::Clone, ::core::cmp::PartialEq)]
            #vis struct #name<T: ::glulam::Real = f32> {
                weights: ::glulam::Weights<T>,
            }

            #(#views)*

            #derived
        }
    }

    /// A width is a macro's, as that of `if cfg!(test) { 2 } else { 4 }`: rustc derives nothing for such a struct.
    fn has_macros(&self) -> bool {
        let mut dims = self.plan.params.iter().flat_map(|p| &p.param.shape);
        dims.any(|dim| quote!(#dim).to_string().contains('!'))
    }

    // Expands to:
    //     impl<T> Clone for MlpParams<'_, T> { … }
    //     impl<T> Copy for MlpParams<'_, T> {}
    //     impl<T: Debug> Debug for MlpParams<'_, T> { … }
    //     impl<T: Debug> Debug for MlpParamsMut<'_, T> { … }
    /// What else is derived.
    fn written_out(&self) -> TokenStream {
        let roots = [self.params_name(), self.params_mut_name()];
        let debug = roots.iter().flat_map(|root| self.views.all().into_iter().map(move |view| (root, view)));
        let debug = debug.map(|(root, view)| {
            let name = view.name(root);
            let text = name.to_string();
            let fields = view.names().map(|field| {
                let text = field.to_string();
                quote!(.field(#text, &self.#field))
            });
            quote! {
                impl<T: ::core::fmt::Debug> ::core::fmt::Debug for #name<'_, T> {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct(#text) #(#fields)* .finish()
                    }
                }
            }
        });
        let copied = self.views.all().into_iter().map(|view| {
            let name = view.name(&roots[0]);
            quote! {
                impl<T> ::core::clone::Clone for #name<'_, T> {
                    fn clone(&self) -> Self {
                        *self
                    }
                }
                impl<T> ::core::marker::Copy for #name<'_, T> {}
            }
        });
        quote!(#(#copied)* #(#debug)*)
    }

    // Expands to:
    //     impl Mlp<f32> { pub const PARAMETERS: usize = …; pub fn seeded(seed: u64) -> Self { … } }
    //     impl<T: Real> Mlp<T> { pub fn params(&self) -> MlpParams<'_, T> { … } … }
    pub(crate) fn inherent(&self) -> TokenStream {
        let (name, params, params_mut) = (self.name(), self.params_name(), self.params_mut_name());
        let network = quote!(<Self as ::glulam::Network<f32>>);
        let inits = self.plan.params.iter().map(|p| {
            let (key, init) = (&p.key, &p.param.init);
            quote!((#key, #init))
        });
        // Any other name than the network's.
        let other = ident(if name == "U" { "V" } else { "U" });
        quote! {
            impl #name<f32> {
                /// The number of parameters.
                pub const PARAMETERS: usize = #network::PARAMETERS;
                /// Floating-point operations of the forward pass, for one sample.
                pub const FLOPS_PER_SAMPLE: u64 = #network::FLOPS_PER_SAMPLE;
                /// Bytes of workspace for one sample of the largest batch.
                pub const WORKSPACE_BYTES_PER_SAMPLE: usize = #network::WORKSPACE_BYTES_PER_SAMPLE;
                /// The parameter table.
                pub const PARAMS: &'static [::glulam::network::ParamSpec] = #network::PARAMS;

                /// A new network with PyTorch's initialisation, drawn from the global generator (`glulam::manual_seed`).
                #[allow(clippy::new_without_default, reason = "each call draws other numbers")]
                pub fn new() -> Self {
                    Self::seeded(::glulam::__private::draw_seed())
                }

                /// A new network with PyTorch's initialisation: the same numbers for the same seed.
                #[allow(unused_braces, unused_parens, reason = "an expression of the declaration stands as it is")]
                pub fn seeded(seed: u64) -> Self {
                    let inits = [#(#inits),*];
                    Self { weights: ::glulam::__private::initial::<Self>(seed, &inits) }
                }
            }

            impl<T: ::glulam::Real> #name<T> {
                /// The parameters, by name.
                pub fn params(&self) -> #params<'_, T> {
                    #params::of(&self.weights.parameters)
                }

                /// The parameters, by name, to be changed.
                pub fn params_mut(&mut self) -> #params_mut<'_, T> {
                    #params_mut::of(&mut self.weights.parameters)
                }

                /// The same network in another precision.
                pub fn cast<#other: ::glulam::Real>(&self) -> #name<#other> {
                    #name { weights: self.weights.cast() }
                }
            }

            impl<T: ::glulam::Real> ::core::fmt::Debug for #name<T> {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::glulam::__private::debug::<T, Self>(f)
                }
            }
        }
    }

    // Expands to:
    //     const L0_WEIGHT: glulam::Span<784, 64> = glulam::Span::FIRST;
    //     const L0_BIAS: glulam::Span<1, 64> = L0_WEIGHT.next();
    /// Each begins where the one before it ends, at the next cache line.
    pub(crate) fn spans(&self) -> TokenStream {
        let mut before = None;
        let spans = self.plan.params.iter().map(|p| {
            let name = self.span_name(p);
            let (rows, columns) = extents(p);
            let place = match before.replace(name.clone()) {
                None => quote!(glulam::Span::FIRST),
                Some(before) => quote!(#before.next()),
            };
            let doc = format!(" `{}`", p.key);
            quote!(#[doc = #doc] const #name: glulam::Span<#rows, #columns> = #place;)
        });
        quote!(#(#spans)*)
    }

    /// `L0_WEIGHT`
    pub(super) fn span_name(&self, p: &PlacedParam) -> Ident {
        self.spans[&p.key].clone()
    }

    // Expands to:
    //     impl<'a, T> MlpParams<'a, T> { fn of(parameters: &'a [T]) -> Self { … } }
    pub(crate) fn views(&self) -> TokenStream {
        let (params, params_mut) = (self.params_name(), self.params_mut_name());
        if self.plan.params.is_empty() {
            return quote! {
                impl<'a, T> #params<'a, T> {
                    fn of(_: &'a [T]) -> Self {
                        Self { nothing: ::core::marker::PhantomData }
                    }
                }
                impl<'a, T> #params_mut<'a, T> {
                    fn of(_: &'a mut [T]) -> Self {
                        Self { nothing: ::core::marker::PhantomData }
                    }
                }
            };
        }
        let value = self.views.value(&params, &|p| {
            let (view, span) = (if p.param.rows.is_some() { "matrix" } else { "vector" }, self.span_name(p));
            let view = ident(view);
            quote!(glulam::#view(parameters, #span))
        });
        let value_mut = self.views.value(&params_mut, &|p| {
            let (view, span) = (if p.param.rows.is_some() { "take_matrix" } else { "take_vector" }, self.span_name(p));
            let view = ident(view);
            quote!(glulam::#view(&mut rest, &mut at, #span))
        });
        quote! {
            impl<'a, T> #params<'a, T> {
                fn of(parameters: &'a [T]) -> Self {
                    #value
                }
            }
            impl<'a, T> #params_mut<'a, T> {
                fn of(parameters: &'a mut [T]) -> Self {
                    let (mut rest, mut at) = (parameters, 0);
                    #value_mut
                }
            }
        }
    }
}

/// The const generics of a parameter's span.
fn extents(p: &PlacedParam) -> (TokenStream, TokenStream) {
    let rows = p.param.rows.as_ref().map_or(quote!(1), generic);
    (rows, generic(&p.param.columns))
}

/// `[[T; 64]; 784]`
pub(super) fn view_type(p: &PlacedParam) -> TokenStream {
    let columns = &p.param.columns;
    match &p.param.rows {
        Some(rows) => quote!([[T; #columns]; #rows]),
        None => quote!([T; #columns]),
    }
}

pub(super) fn param_doc(p: &PlacedParam) -> String {
    format!(" `{}`, {}.", p.key, order_doc(&p.param))
}

/// ``[64, 784]` in PyTorch, its axes stored in the order `[1, 0]``
pub(super) fn order_doc(param: &Param) -> String {
    let shape = Shape(param.shape.clone());
    if param.order.is_empty() {
        return format!("`{shape}` in PyTorch");
    }
    let split = if is_split(param) { format!(" as `{}`", Shape(param.dims.clone())) } else { String::new() };
    format!("`{shape}` in PyTorch, its axes{split} stored in the order `{:?}`", param.order)
}

/// Whether one of PyTorch's axes is several.
pub(super) fn is_split(param: &Param) -> bool {
    param.dims.len() != param.shape.len()
}
