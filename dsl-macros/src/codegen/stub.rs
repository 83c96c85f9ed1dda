//! What stands for a network that has errors: the struct and its methods exist, so that one mistake gives one message.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::ast::Header;

/// The same items as for a correct network, with bodies that are never run: the program does not compile.
pub(crate) fn stub(header: &Header) -> TokenStream {
    let (attrs, vis, name) = (&header.attrs, &header.vis, &header.name);
    let (params, params_mut) = (format_ident!("{name}Params"), format_ident!("{name}ParamsMut"));
    let doc = format!(" `{name}`, whose declaration has errors.");
    let never = quote!(::core::unreachable!("the declaration of this network has errors"));
    let saved = super::saved::saved(header, &never, &never);
    let items = quote! {
        #(#attrs)*
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::cmp::PartialEq)]
        #vis struct #name<T: ::glulam::Real = f32> {
            weights: ::glulam::Weights<T>,
        }

        #[doc = " The parameters."]
        #vis struct #params<'a, T = f32>(::core::marker::PhantomData<&'a T>);

        #[doc = " The parameters, to be changed."]
        #vis struct #params_mut<'a, T = f32>(::core::marker::PhantomData<&'a mut T>);

        #[allow(missing_docs, unused_variables, dead_code, reason = "the declaration has errors")]
        impl #name<f32> {
            pub const PARAMETERS: usize = 0;
            pub const FLOPS_PER_SAMPLE: u64 = 0;
            pub const WORKSPACE_BYTES_PER_SAMPLE: usize = 0;
            pub const PARAMS: &'static [::glulam::network::ParamSpec] = &[];
            pub fn new() -> Self { #never }
            pub fn seeded(seed: u64) -> Self { #never }
        }

        #[allow(missing_docs, unused_variables, dead_code, reason = "the declaration has errors")]
        impl<T: ::glulam::Real> #name<T> {
            pub fn params(&self) -> #params<'_, T> { #never }
            pub fn params_mut(&mut self) -> #params_mut<'_, T> { #never }
            pub fn cast<U: ::glulam::Real>(&self) -> #name<U> { #never }
        }

        impl<T: ::glulam::Real> ::core::fmt::Debug for #name<T> {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { #never }
        }

        #[allow(unused_variables, reason = "the declaration has errors")]
        const _: () = {
            #saved
            use ::glulam::__private as glulam;
            impl<T: glulam::Real> glulam::Network<T> for #name<T> {
                const NAME: &'static str = "";
                const PARAMS: &'static [glulam::ParamSpec] = &[];
                const BUFFERS: &'static [glulam::BufferSpec] = &[];
                const LAYERS: &'static [glulam::LayerSpec] = &[];
                const PARAMETERS: usize = 0;
                const FLOPS_PER_SAMPLE: u64 = 0;
                const WORKSPACE_BYTES_PER_SAMPLE: usize = 0;
                const VALUES: usize = 0;
                const STATISTICS: usize = 0;
                const INPUT_SHAPE: &'static [usize] = &[];
                const OUTPUT_SHAPE: &'static [usize] = &[];
                const OUTPUT: glulam::Output = glulam::Output::Unknown;
                const FAILED: bool = true;
                type InputScalar = T;
                type Input = T;
                type Output = T;
                fn weights(&self) -> &glulam::Weights<T> { &self.weights }
                fn weights_mut(&mut self) -> &mut glulam::Weights<T> { &mut self.weights }
                fn forward<'w>(&mut self, mode: glulam::Mode, inputs: &[Self::Input], workspace: &'w mut glulam::Workspace<T>) -> glulam::Outputs<'w, T, Self::Output> { #never }
                fn backward_into(&self, inputs: &[Self::Input], workspace: &mut glulam::Workspace<T>, update: glulam::Update<'_, T>, d_inputs: ::core::option::Option<&mut [Self::Input]>) { #never }
                fn forward_backward(&mut self, inputs: &[Self::Input], loss: &dyn glulam::RowLoss<T>, workspace: &mut glulam::Workspace<T>, update: glulam::UpdateBy<'_, T>) -> T { #never }
                fn outputs(workspace: &glulam::Workspace<T>) -> &[Self::Output] { #never }
                fn predict_into(&self, inputs: &[Self::Input], outputs: &mut [Self::Output]) { #never }
            }
        };
    };
    crate::conditions::under(attrs, items)
}
