//! serde of a network: it is written and read as its state dict.

use proc_macro2::TokenStream;
use quote::quote;

use super::Unit;
use crate::ast::Header;

impl Unit<'_> {
    /// The implementations of serde's traits.
    pub(crate) fn saved(&self) -> TokenStream {
        let empty = quote!(Self { weights: ::glulam::__private::zeros::<T, Self>(0) });
        saved(
            self.header,
            &quote!(::glulam::__private::saved::serialize(self, serializer)),
            &quote! {
                ::glulam::__private::saved::deserialize(#empty, deserializer)
            },
        )
    }
}

// Expands to:
//     impl<T: Real> Serialize for Mlp<T> { … }
//     impl<'de, T: Real> Deserialize<'de> for Mlp<T> { … }
/// The implementations for the network of that header, with these bodies.
pub(super) fn saved(header: &Header, serialize: &TokenStream, deserialize: &TokenStream) -> TokenStream {
    let name = &header.name;
    quote! {
        impl<T: ::glulam::Real> ::glulam::__private::saved::Serialize for #name<T> {
            fn serialize<S: ::glulam::__private::saved::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                #serialize
            }
        }

        impl<'de, T: ::glulam::Real> ::glulam::__private::saved::Deserialize<'de> for #name<T> {
            fn deserialize<D: ::glulam::__private::saved::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #deserialize
            }
        }
    }
}
