//! Writes a trainer down as Rust: a struct, its `step` statement by statement, and what the trait `Trainer` asks for.
//!
//! A name in `train!` (`Adam`, `my::Lion`) becomes a type alias of that name with the user's span, so that a misspelt one is
//! reported once, and its options become one struct literal of that alias. Settings that are constants are checked
//! by constant assertions at the user's token. Absolute paths only, since the user's own names are in scope too.

mod declared;
mod implementation;
mod settings;
mod step;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use self::settings::*;
use super::docs::is_doc;
use super::ident;
use crate::ast_train::{Group, Path, Settings, Train};

/// The items of one trainer. `failed`: the declaration has errors, so nothing is checked any more.
pub(crate) fn trainer(train: &Train, failed: bool) -> TokenStream {
    let items = &train.items;
    let unit = Unit {
        train,
        failed,
        // What is missing has been reported; the trainer has its methods all the same.
        loss: items.loss.clone().unwrap_or_else(|| missing(quote!(::glulam::train::Undeclared))),
        optimizer: match &items.optimizer {
            Some(optimizer) => optimizer.settings.clone(),
            None => missing(quote!(::glulam::optim::SGD)),
        },
    };
    let (structure, aliases, declared) = (unit.structure(), unit.aliases(), unit.declared());
    let (inherent, implementation) = (unit.inherent(), unit.implementation());
    let items = quote! {
        #structure

        #[allow(
            dead_code,
            non_camel_case_types,
            noop_method_call,
            unused_doc_comments,
            unused_imports,
            unused_mut,
            unused_braces,
            unused_parens,
            clippy::clone_on_copy,
            clippy::needless_update,
            reason = "one form for all trainers, and a comment on each statement"
        )]
        const _: () = {
            use ::core::clone::Clone as _;
            use ::glulam::__private as __glulam;
            #aliases
            #declared
            #inherent
            #implementation
        };
    };
    crate::conditions::under(&train.attrs, items)
}

struct Unit<'a> {
    train: &'a Train,
    failed: bool,
    loss: Settings,
    optimizer: Settings,
}

impl Unit<'_> {
    fn groups(&self) -> &[Group] {
        self.train.items.optimizer.as_ref().map_or(&[], |optimizer| &optimizer.groups)
    }

    // Expands to:
    //     #[derive(Clone, Debug)]
    //     pub struct MlpTrainer<T: ::glulam::Real = f32> {
    //         pub model: Mlp<T>,
    //         pub loss: ::glulam::loss::CrossEntropyLoss,
    //         pub optimizer: <::glulam::optim::SGD as ::glulam::optim::Optimizer>::State<T>,
    //         pub run: ::glulam::train::Run<T>,
    //     }
    fn structure(&self) -> TokenStream {
        let Train { attrs, vis, name, model, items } = self.train;
        let network = match model.bare {
            true => format!("[`{}`]", model.name),
            false => format!("[`{}`]({})", model.name, model.tokens.to_string().replace(' ', "")),
        };
        let doc = format!(
            " Trains {network} with `{}` and `{}`. Made by `glulam::train!`.",
            self.loss.path.name, self.optimizer.path.name
        );
        // Below the user's own words, if there are any.
        let doc = attrs.iter().any(is_doc).then(String::new).into_iter().chain([doc]);
        let model = &model.tokens;
        let (loss, optimizer) = (full_type(&self.loss, LOSS), full_type(&self.optimizer, OPTIM));
        let scheduler = items.scheduler.as_ref().map(|scheduler| {
            let schedule = schedule_type(&scheduler.schedule, &|settings| full_type(settings, LR_SCHEDULER));
            quote! {
                /// The learning-rate schedule.
                pub scheduler: ::glulam::train::Schedule<#schedule>,
            }
        });
        let metrics = (!items.metrics.is_empty()).then(|| {
            let metrics = items.metrics.iter().map(|metric| full_type(metric, METRICS));
            quote! {
                /// The metrics, over all outputs since they were last reset: `fit` does it at the beginning of each epoch.
                pub metrics: (#(#metrics,)*),
            }
        });
        let clip_grad_norm = items.clip_grad_norm.as_ref().map(|_| {
            quote! {
                /// The largest norm of the gradients.
                pub clip_grad_norm: f64,
            }
        });
        let clip_grad_value = items.clip_grad_value.as_ref().map(|_| {
            quote! {
                /// The largest absolute value of a gradient's element.
                pub clip_grad_value: f64,
            }
        });
        let accumulate = items.accumulate.as_ref().map(|_| {
            quote! {
                /// The number of batches that make one step of the optimizer.
                pub accumulate: usize,
            }
        });
        let averaged = items.ema.as_ref().map(|_| {
            quote! {
                /// The network whose parameters are the moving average of the trained one's.
                pub averaged: ::glulam::swa_utils::AveragedModel<T, #model<T>>,
            }
        });
        quote! {
            #(#attrs)*
            #(#[doc = #doc])*
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            #vis struct #name<T: ::glulam::Real = f32> {
                /// The network.
                pub model: #model<T>,
                /// The loss.
                pub loss: #loss,
                /// The state of the optimizer, and its parameter groups.
                pub optimizer: <#optimizer as ::glulam::optim::Optimizer>::State<T>,
                #scheduler
                #metrics
                #clip_grad_norm
                #clip_grad_value
                #accumulate
                #averaged
                /// Memory and counts.
                pub run: ::glulam::train::Run<T>,
            }
        }
    }

    // Expands to:
    //     impl<T: ::glulam::Real> MlpTrainer<T> {
    //         pub fn new(model: Mlp<T>) -> Self { … }
    //         pub fn builder(model: Mlp<T>) -> ::glulam::train::Builder<T, Self> { … }
    //         pub fn step<'batch, #target: ::glulam::train::Target>(…) -> ::glulam::train::StepResult<T, Self> { … }
    //     }
    fn inherent(&self) -> TokenStream {
        let (name, model) = (&self.train.name, &self.train.model.tokens);
        let (signature, body, update) = (self.step_signature(), self.step_body(), self.update_function());
        quote! {
            impl<T: ::glulam::Real> #name<T> {
                /// A trainer of `model` with the settings as declared.
                ///
                /// # Panics
                /// If a setting that is not known at compile time is out of its range; `builder` returns an error instead.
                pub fn new(model: #model<T>) -> Self {
                    match Self::builder(model).build() {
                        ::core::result::Result::Ok(trainer) => trainer,
                        ::core::result::Result::Err(error) => ::core::panic!("{error}"),
                    }
                }

                /// A trainer of `model` with other settings than those declared.
                pub fn builder(model: #model<T>) -> ::glulam::train::Builder<T, Self> {
                    ::glulam::train::Builder::new(model)
                }

                /// One step of training on `batch`: a loader's batch, or inputs and targets. No allocation after the first.
                ///
                /// # Errors
                /// A batch without samples or larger than there is room for, targets that do not fit, a loss that is not
                /// finite; then nothing has changed. A batch of which no target counts is no error, and changes nothing either.
                pub #signature {
                    #body
                }

                #update
            }
        }
    }

    /// `fn step<…>(…) -> … where …`.
    fn step_signature(&self) -> TokenStream {
        let (model, loss) = (&self.train.model.tokens, alias(&self.loss, LOSS));
        // Any other name than theirs.
        let others = [&self.train.model.name, &self.train.name];
        let target = ["Y", "Z", "W"].into_iter().find(|name| others.iter().all(|other| other != name));
        let target = ident(target.expect("two names are not three"));
        let metrics = (!self.train.items.metrics.is_empty()).then(|| {
            let metrics = self.metrics_type();
            quote!(#metrics: ::glulam::train::Metrics<T, #target>,)
        });
        quote! {
            fn step<'batch, #target: ::glulam::train::Target>(
                &mut self,
                batch: impl ::glulam::train::AsBatch<'batch, T, #model<T>, #target>,
            ) -> ::glulam::train::StepResult<T, Self>
            where
                #loss: ::glulam::loss::Loss<T, #target>,
                #metrics
        }
    }

    fn metrics_type(&self) -> TokenStream {
        let metrics = self.train.items.metrics.iter().map(|metric| alias(metric, METRICS));
        quote!((#(#metrics,)*))
    }
}

/// Settings that stand for an item that is missing.
fn missing(tokens: TokenStream) -> Settings {
    let path = Path { tokens, name: Ident::new("Undeclared", Span::call_site()), bare: false, ambiguous: false };
    Settings { path, wrapped: None, options: Vec::new() }
}
