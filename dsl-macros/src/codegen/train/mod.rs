//! Writes a trainer down as Rust: a struct, its `step` statement by statement, and what the trait `Trainer` asks for.
//!
//! A name in `train!` (`Adam`, `my::Lion`) becomes a type alias of that name with the user's span, so that a misspelt one is
//! reported once, and its options become one struct literal of that alias. Settings that are constants are checked
//! by constant assertions at the user's token. Absolute paths only, since the user's own names are in scope too.

mod declared;
mod settings;
mod step;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

use self::settings::*;
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
    quote! {
        #structure

        #[allow(
            dead_code,
            non_camel_case_types,
            noop_method_call,
            unused_doc_comments,
            unused_imports,
            unused_mut,
            clippy::clone_on_copy,
            clippy::needless_update,
            reason = "one form for all trainers, and a comment on each statement"
        )]
        const _: () = {
            #aliases
            #declared
            #inherent
            #implementation
        };
    }
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
        let doc = format!(
            "\n\nTrains [`{}`] with `{}` and `{}`. Made by `glulam::train!`.",
            model.name, self.loss.path.name, self.optimizer.path.name
        );
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
            #[doc = #doc]
            #[derive(Clone, Debug)]
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
    //         pub fn step<'batch, Y: ::glulam::train::Target>(…) -> ::glulam::train::StepResult<T, Self> { … }
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
                /// finite; then nothing has changed.
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
        let metrics = (!self.train.items.metrics.is_empty()).then(|| {
            let metrics = self.metrics_type();
            quote!(#metrics: ::glulam::train::Metrics<T, Y>,)
        });
        quote! {
            fn step<'batch, Y: ::glulam::train::Target>(
                &mut self,
                batch: impl ::glulam::train::AsBatch<'batch, T, #model<T>, Y>,
            ) -> ::glulam::train::StepResult<T, Self>
            where
                #loss: ::glulam::loss::Loss<T, Y>,
                #metrics
        }
    }

    fn metrics_type(&self) -> TokenStream {
        let metrics = self.train.items.metrics.iter().map(|metric| alias(metric, METRICS));
        quote!((#(#metrics,)*))
    }

    // Expands to:
    //     impl<T: ::glulam::Real> ::glulam::train::Trainer<T> for MlpTrainer<T> { … }
    fn implementation(&self) -> TokenStream {
        let Train { name, model, items, .. } = self.train;
        let (model, text) = (&model.tokens, name.to_string());
        let (loss, optimizer) = (alias(&self.loss, LOSS), alias(&self.optimizer, OPTIM));
        let (metrics, signature) = (self.metrics_type(), self.step_signature());
        let scheduler = match &items.scheduler {
            Some(scheduler) => {
                schedule_type(&scheduler.schedule, &|settings| alias(settings, LR_SCHEDULER).into_token_stream())
            }
            None => quote!(::glulam::lr_scheduler::ConstantLR),
        };
        let by = match &items.scheduler {
            None => quote!(NotAtAll),
            Some(scheduler) => match (&scheduler.on, scheduler.per_step) {
                (_, true) => quote!(Step),
                (None, false) => quote!(Epoch),
                (Some(metric), false) => {
                    let metric = metric.to_string();
                    quote!(EpochOn(#metric))
                }
            },
        };
        let functions = [self.settings(), self.groups_function(), self.assemble(), self.parts()];
        let flush = items.accumulate.as_ref().map(|_| {
            quote! {
                fn flush(&mut self) -> ::core::result::Result<bool, ::glulam::train::TrainError> {
                    let waiting = ::core::mem::take(&mut self.run.accumulated) > 0;
                    if waiting {
                        self.update()?;
                    }
                    ::core::result::Result::Ok(waiting)
                }
            }
        });
        quote! {
            impl<T: ::glulam::Real> ::glulam::train::Trainer<T> for #name<T> {
                const NAME: &'static str = #text;
                const SCHEDULE_BY: ::glulam::train::ScheduleBy = ::glulam::train::ScheduleBy::#by;
                type Model = #model<T>;
                type Loss = #loss;
                type Optimizer = #optimizer;
                type Scheduler = #scheduler;
                type Metrics = #metrics;

                #signature {
                    #name::step(self, batch)
                }

                #(#functions)*
                #flush
            }
        }
    }

    // Expands to:
    //     fn settings() -> … { Settings { clip_grad_norm: Some(DECLARED_CLIP_GRAD_NORM), ..Settings::new(…) } }
    fn settings(&self) -> TokenStream {
        let items = &self.train.items;
        let metrics = (0..items.metrics.len()).map(|number| self.value(&format!("metric_{number}")));
        let (loss, optimizer) = (self.value("loss"), self.value("optimizer"));
        let scheduler = items.scheduler.as_ref().map(|scheduler| {
            let mut numbers = 0..;
            let schedule = schedule_value(&scheduler.schedule, &mut || {
                let number = numbers.next().expect("numbers do not end");
                self.value(&format!("schedule_{number}"))
            });
            quote!(scheduler: ::core::option::Option::Some(#schedule),)
        });
        let numbers = self.numbers().into_iter().map(|(name, ..)| {
            let (field, value) = (format_ident!("{name}"), self.value(name));
            quote!(#field: ::core::option::Option::Some(#value),)
        });
        quote! {
            fn settings() -> ::glulam::train::SettingsOf<T, Self> {
                ::glulam::train::Settings {
                    #scheduler
                    #(#numbers)*
                    ..::glulam::train::Settings::new(#loss, #optimizer, (#(#metrics,)*))
                }
            }
        }
    }

    // Expands to:
    //     fn groups(optimizer: AdamW) -> ::glulam::optim::GroupBuilder<AdamW> {
    //         ::glulam::optim::groups(PARAMS, optimizer.clone())
    //             .no_decay(&[Kind::Bias])
    //             .group("head", AdamW { lr: 3e-3, ..optimizer.clone() })
    //             .freeze("stem")
    //     }
    fn groups_function(&self) -> TokenStream {
        let items = &self.train.items;
        let model = &self.train.model.tokens;
        let optimizer = alias(&self.optimizer, OPTIM);
        let kinds = items.optimizer.as_ref().map_or(&[][..], |optimizer| &optimizer.no_decay);
        let no_decay = (!kinds.is_empty()).then(|| quote!(.no_decay(&[#(::glulam::network::Kind::#kinds),*])));
        let groups = self.groups().iter().map(|group| {
            let pattern = &group.pattern.text;
            let base = quote!(optimizer.clone());
            let settings = match group.options.is_empty() {
                true => base,
                false => with_options(&self.optimizer, OPTIM, &group.options, base, group.pattern.span),
            };
            quote!(.group(#pattern, #settings))
        });
        let freeze = items.freeze.iter().map(|pattern| {
            let pattern = &pattern.text;
            quote!(.freeze(#pattern))
        });
        quote! {
            fn groups(optimizer: #optimizer) -> ::glulam::optim::GroupBuilder<#optimizer> {
                ::glulam::optim::groups(<#model<T> as ::glulam::Network<T>>::PARAMS, optimizer.clone())
                    #no_decay
                    #(#groups)*
                    #(#freeze)*
            }
        }
    }

    // Expands to:
    //     fn assemble(model: Mlp<T>, settings: …) -> Result<Self, TrainError> {
    //         let mut optimizer = Self::groups(settings.optimizer).build::<T>()?;
    //         Ok(MlpTrainer { run: Run::new(&model, &optimizer, settings.run), loss: settings.loss, model, optimizer })
    //     }
    fn assemble(&self) -> TokenStream {
        let Train { name, model, items, .. } = self.train;
        let model = &model.tokens;
        let run = match self.two_phase() {
            true => quote!(::glulam::train::RunSettings { fused: false, ..settings.run }),
            false => quote!(settings.run),
        };
        let declared = |name: &str| {
            let field = format_ident!("{name}");
            quote!(::glulam::train::declared(settings.#field, #name)?)
        };
        let scheduler = items.scheduler.as_ref().map(|_| {
            let scheduler = declared("scheduler");
            quote! {
                scheduler: ::glulam::train::Schedule::new(#scheduler, settings.total_steps, &mut optimizer)?,
            }
        });
        let fields = self.numbers().into_iter().map(|(name, ..)| {
            let (field, value) = (format_ident!("{name}"), declared(name));
            match name {
                "ema" => quote!(averaged: ::glulam::train::moving_average(&model, #value),),
                _ => quote!(#field: #value,),
            }
        });
        let metrics = (!items.metrics.is_empty()).then(|| quote!(metrics: settings.metrics,));
        quote! {
            fn assemble(
                model: #model<T>,
                settings: ::glulam::train::SettingsOf<T, Self>,
            ) -> ::core::result::Result<Self, ::glulam::train::TrainError> {
                let mut optimizer = Self::groups(settings.optimizer).build::<T>()?;
                ::core::result::Result::Ok(#name {
                    run: ::glulam::train::Run::new(&model, &optimizer, #run),
                    loss: settings.loss,
                    #scheduler
                    #(#fields)*
                    #metrics
                    model,
                    optimizer,
                })
            }
        }
    }

    // Expands to:
    //     fn parts(&self) -> Parts<'_, T, Self> { Parts { model: &self.model, … } }
    //     fn parts_mut(&mut self) -> PartsMut<'_, T, Self> { PartsMut { model: &mut self.model, … } }
    fn parts(&self) -> TokenStream {
        let items = &self.train.items;
        let optional = |present: bool, part: TokenStream| match present {
            true => quote!(::core::option::Option::Some(#part)),
            false => quote!(::core::option::Option::None),
        };
        let (schedule, average) = (items.scheduler.is_some(), items.ema.is_some());
        let scheduler = optional(schedule, quote!(&self.scheduler));
        let scheduler_mut = optional(schedule, quote!(&mut self.scheduler));
        let averaged = optional(average, quote!(&self.averaged));
        let averaged_mut = optional(average, quote!(&mut self.averaged));
        let (metrics, metrics_mut) = match items.metrics.is_empty() {
            true => (quote!(&()), quote!(::glulam::train::no_metrics())),
            false => (quote!(&self.metrics), quote!(&mut self.metrics)),
        };
        let batches = if items.accumulate.is_some() { quote!(self.accumulate) } else { quote!(1) };
        quote! {
            fn parts(&self) -> ::glulam::train::Parts<'_, T, Self> {
                ::glulam::train::Parts {
                    model: &self.model,
                    loss: &self.loss,
                    optimizer: &self.optimizer,
                    scheduler: #scheduler,
                    metrics: #metrics,
                    averaged: #averaged,
                    run: &self.run,
                    batches_per_step: #batches,
                }
            }

            fn parts_mut(&mut self) -> ::glulam::train::PartsMut<'_, T, Self> {
                ::glulam::train::PartsMut {
                    model: &mut self.model,
                    loss: &self.loss,
                    optimizer: &mut self.optimizer,
                    scheduler: #scheduler_mut,
                    metrics: #metrics_mut,
                    averaged: #averaged_mut,
                    run: &mut self.run,
                    batches_per_step: #batches,
                }
            }
        }
    }
}

/// Settings that stand for an item that is missing.
fn missing(tokens: TokenStream) -> Settings {
    let path = Path { tokens, name: Ident::new("Undeclared", Span::call_site()), bare: false };
    Settings { path, wrapped: None, options: Vec::new() }
}
