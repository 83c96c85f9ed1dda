//! Settings as types, names and values: `Adam(lr = 1e-3)` is the type `::glulam::optim::Adam`, which goes by the alias `Adam`,
//! and the value `Adam { lr: 1e-3, ..Adam::DEFAULT }`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::ast_train::{Choice, Schedule, Settings};
pub(super) use crate::constant::is_constant;

/// The runtime's modules in which bare names are looked up.
pub(super) const LOSS: &str = "loss";
pub(super) const OPTIM: &str = "optim";
pub(super) const LR_SCHEDULER: &str = "lr_scheduler";
pub(super) const METRICS: &str = "metrics";

/// `::glulam::optim::Lookahead<::glulam::optim::AdamW>`.
pub(super) fn full_type(settings: &Settings, module: &str) -> TokenStream {
    let Settings { path, wrapped, .. } = settings;
    let path_tokens = &path.tokens;
    let (module, span) = (Ident::new(module, path.name.span()), path.name.span());
    let full = match path.bare {
        true => quote_spanned!(span=> ::glulam::#module::#path_tokens),
        false => path_tokens.clone(),
    };
    match wrapped {
        None => full,
        Some(inner) => {
            let inner = full_type(inner, &module.to_string());
            quote!(#full<#inner>)
        }
    }
}

/// The name that stands for a type within the trainer's items: its own, unless two items share it.
pub(super) fn alias(settings: &Settings, module: &str) -> Ident {
    let Settings { path, wrapped, .. } = settings;
    let mut name = path.name.unraw().to_string();
    if !path.bare {
        // `my::SGD` beside the runtime's `SGD`, and beside `their::SGD`.
        let path = path.tokens.to_string().replace(|c: char| !c.is_alphanumeric(), "");
        name = format!("{module}_{path}");
    }
    if path.ambiguous || path.name.unraw() != path.name {
        // `r#type`; or `Adam` of the runtime, beside the user's network of that name.
        name = format!("{module}_{name}");
    }
    if let Some(inner) = wrapped {
        name = format!("{name}_{}", alias(inner, module));
    }
    Ident::new(&name, path.name.span())
}

/// `SGD { lr: 0.01, ..SGD::DEFAULT }`, or `Lookahead { k: 5, optimizer: AdamW { … }, ..Lookahead::DEFAULT }`.
pub(super) fn literal(settings: &Settings, module: &str) -> TokenStream {
    // All of it at the user's token: only then rustc suggests the right name for a misspelt option.
    let (alias, span) = (alias(settings, module), settings.path.name.span());
    if settings.options.is_empty() && settings.wrapped.is_none() {
        return quote_spanned!(span=> #alias::DEFAULT);
    }
    let options = fields(&settings.options);
    let wrapped = settings.wrapped.as_ref().map(|inner| {
        let inner = literal(inner, module);
        quote_spanned!(span=> optimizer: #inner,)
    });
    quote_spanned!(span=> #alias { #options #wrapped ..#alias::DEFAULT })
}

/// `base` with the options of a group: `SGD { lr: 0.1, ..base }`. Those of an optimizer that wraps another are the other's.
pub(super) fn with_options(
    settings: &Settings,
    module: &str,
    options: &[Choice],
    base: TokenStream,
    span: Span,
) -> TokenStream {
    let alias = Ident::new(&alias(settings, module).to_string(), span);
    match &settings.wrapped {
        None => {
            let options = fields(options);
            quote_spanned!(span=> #alias { #options ..#base })
        }
        Some(inner) => {
            let inner = with_options(inner, module, options, quote!(#base.optimizer), span);
            quote_spanned!(span=> #alias { optimizer: #inner, ..#base })
        }
    }
}

/// `lr: 0.01, momentum: 0.9,`.
pub(super) fn fields(options: &[Choice]) -> TokenStream {
    options.iter().map(|Choice { name, value }| quote!(#name: #value,)).collect()
}

/// All schedules, in the order in which they are written.
pub(super) fn each_schedule(schedule: &Schedule) -> Vec<&Settings> {
    match schedule {
        Schedule::One(settings) => vec![settings],
        Schedule::InTurn(parts) => parts.iter().flat_map(|(part, _)| each_schedule(part)).collect(),
        Schedule::Together(parts) => parts.iter().flat_map(each_schedule).collect(),
    }
}

/// Settings and those that they wrap, the inner ones first.
pub(super) fn each_wrapped(settings: &Settings) -> Vec<&Settings> {
    settings.wrapped.iter().flat_map(|inner| each_wrapped(inner)).chain([settings]).collect()
}

/// `::glulam::lr_scheduler::SequentialLR<(LinearLR, StepLR)>`.
pub(super) fn schedule_type(schedule: &Schedule, one: &impl Fn(&Settings) -> TokenStream) -> TokenStream {
    match schedule {
        Schedule::One(settings) => one(settings),
        Schedule::InTurn(parts) => {
            let parts = parts.iter().map(|(part, _)| schedule_type(part, one));
            quote!(::glulam::lr_scheduler::SequentialLR<(#(#parts,)*)>)
        }
        Schedule::Together(parts) => {
            let parts = parts.iter().map(|part| schedule_type(part, one));
            quote!(::glulam::lr_scheduler::ChainedScheduler<(#(#parts,)*)>)
        }
    }
}

/// `::glulam::lr_scheduler::SequentialLR::in_turn((A, B), &[Some(500)])`, of the values that `next` gives.
pub(super) fn schedule_value(schedule: &Schedule, next: &mut impl FnMut() -> TokenStream) -> TokenStream {
    match schedule {
        Schedule::One(_) => next(),
        Schedule::InTurn(parts) => {
            let values: Vec<_> = parts.iter().map(|(part, _)| schedule_value(part, next)).collect();
            let steps = parts[..parts.len() - 1].iter().map(|(_, steps)| match steps {
                Some(steps) => quote!(::core::option::Option::Some(#steps)),
                None => quote!(::core::option::Option::None),
            });
            quote!(::glulam::lr_scheduler::SequentialLR::in_turn((#(#values,)*), &[#(#steps),*]))
        }
        Schedule::Together(parts) => {
            let values: Vec<_> = parts.iter().map(|part| schedule_value(part, next)).collect();
            quote!(::glulam::lr_scheduler::ChainedScheduler { schedulers: (#(#values,)*) })
        }
    }
}

/// Whether settings are surely a constant.
pub(super) fn is_constant_settings(settings: &Settings) -> bool {
    settings.wrapped.iter().all(|inner| is_constant_settings(inner)) && settings.options.iter().all(is_constant_option)
}

/// Whether an option's value is surely a constant.
pub(super) fn is_constant_option(option: &Choice) -> bool {
    is_constant(&option.value)
}
