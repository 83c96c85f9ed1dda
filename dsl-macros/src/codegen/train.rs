//! Writes a trainer down as Rust: a struct, its `step` statement by statement, and what `Trainer` asks for.
//!
//! A name in `train!` (`Adam`, `my::Lion`) becomes a type alias of that name with the user's span, so that a misspelt one is
//! reported once, and its options become one struct literal of that alias. Settings that are constants are checked
//! by constant assertions at the user's token.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::ast_train::{Choice, Number, Path, Schedule, Settings, Train};

/// The items of one trainer. `failed`: the declaration has errors, so nothing is checked any more.
pub(crate) fn trainer(train: &Train, failed: bool) -> TokenStream {
    let unit = Unit { train, failed };
    let (structure, aliases, declared) = (unit.structure(), unit.aliases(), unit.declared());
    let (inherent, implementation) = (unit.inherent(), unit.implementation());
    quote! {
        #structure

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
}

/// The runtime's modules in which bare names are looked up.
const LOSS: &str = "loss";
const OPTIM: &str = "optim";
const LR_SCHEDULER: &str = "lr_scheduler";
const METRICS: &str = "metrics";

impl Unit<'_> {
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
        let model = &model.tokens;
        let loss = full_type(&self.loss(), LOSS);
        let optimizer = full_type(&self.optimizer(), OPTIM);
        let doc = self.doc();
        let scheduler = items.scheduler.as_ref().map(|scheduler| {
            let schedule = schedule_type(&scheduler.schedule, &|settings| full_type(settings, LR_SCHEDULER));
            quote! {
                /// The learning-rate schedule.
                pub scheduler: ::glulam::train::Schedule<#schedule>,
            }
        });
        let metrics = self.metrics().iter().map(|metric| full_type(metric, METRICS)).collect::<Vec<_>>();
        let metrics = (!metrics.is_empty()).then(|| {
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
                pub averaged: ::glulam::train::Averaged<T, #model<T>>,
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

    fn doc(&self) -> String {
        let Train { name, model, .. } = self.train;
        let (model, loss, optimizer) = (&model.name, self.loss().path.name, self.optimizer().path.name);
        format!("\n\nTrains [`{model}`] with `{loss}` and `{optimizer}`. `{name}` was made by `glulam::train!`.")
    }

    fn loss(&self) -> Settings {
        // A trainer that was declared without one does not compile; its methods exist all the same.
        self.train.items.loss.clone().unwrap_or_else(|| missing(quote!(::glulam::train::Undeclared)))
    }

    fn optimizer(&self) -> Settings {
        self.train
            .items
            .optimizer
            .as_ref()
            .map_or_else(|| missing(quote!(::glulam::optim::SGD)), |optimizer| optimizer.settings.clone())
    }

    fn metrics(&self) -> &[Settings] {
        &self.train.items.metrics
    }

    /// All settings by the modules that they are looked up in.
    fn all_settings(&self) -> Vec<(Settings, &'static str)> {
        let mut all = vec![(self.loss(), LOSS), (self.optimizer(), OPTIM)];
        if let Some(scheduler) = &self.train.items.scheduler {
            each_schedule(&scheduler.schedule, &mut |settings| all.push((settings.clone(), LR_SCHEDULER)));
        }
        all.extend(self.metrics().iter().map(|metric| (metric.clone(), METRICS)));
        all
    }

    // Expands to:
    //     type SGD = ::glulam::optim::SGD;
    fn aliases(&self) -> TokenStream {
        let mut seen: Vec<String> = Vec::new();
        let mut aliases = TokenStream::new();
        let mut add = |settings: &Settings, module: &str| {
            let alias = alias(settings, module);
            if !seen.contains(&alias.to_string()) {
                seen.push(alias.to_string());
                let full = full_type(settings, module);
                aliases.extend(quote! {
                    #[allow(non_camel_case_types, dead_code, reason = "the name that was written, where it was written")]
                    type #alias = #full;
                });
            }
        };
        for (settings, module) in self.all_settings() {
            each_wrapped(&settings, &mut |inner| add(inner, module));
        }
        aliases
    }

    // Expands to:
    //     const DECLARED_OPTIMIZER: &SGD = &SGD { lr: 0.01, ..SGD::DEFAULT };
    //     const _: () = DECLARED_OPTIMIZER.assert_valid();
    /// What was declared, as constants where it is constant, and as functions where it is not.
    fn declared(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for (place, settings, module) in self.places() {
            let (alias, literal) = (alias(&settings, module), literal(&settings, module));
            let span = settings.path.name.span();
            if !is_constant_settings(&settings) {
                out.extend(quote!(fn #place() -> #alias { #literal }));
                continue;
            }
            // At the user's token, where the compiler then points.
            let constant = constant(&place, span);
            out.extend(quote! {
                const #constant: &#alias = &#literal;
                #[allow(noop_method_call, clippy::clone_on_copy, reason = "the same for every type")]
                fn #place() -> #alias { #constant.clone() }
            });
            // A type of the user's own need not have these functions.
            if self.failed || !settings.path.bare {
                continue;
            }
            out.extend(match module {
                LOSS => {
                    let model = &self.train.model.tokens;
                    let network = quote_spanned!(span=> <#model as ::glulam::Network<f32>>);
                    quote_spanned! {span=>
                        const _: () = if !#network::FAILED {
                            #constant.assert_fits(#network::OUTPUT_SHAPE, #network::OUTPUT)
                        };
                    }
                }
                METRICS => {
                    let model = &self.train.model.tokens;
                    let network = quote_spanned!(span=> <#model as ::glulam::Network<f32>>);
                    quote_spanned! {span=>
                        const _: () = if !#network::FAILED {
                            #constant.assert_fits(#network::OUTPUT_SHAPE)
                        };
                    }
                }
                _ => quote_spanned!(span=> const _: () = #constant.assert_valid();),
            });
        }
        out.extend(self.numbers());
        if !self.failed {
            out.extend(self.check_groups());
            out.extend(self.check_schedule());
            out.extend(self.check_patterns());
        }
        out
    }

    /// A function's name for each settings that is declared: `declared_loss`.
    fn places(&self) -> Vec<(Ident, Settings, &'static str)> {
        let mut places = vec![
            (format_ident!("declared_loss"), self.loss(), LOSS),
            (format_ident!("declared_optimizer"), self.optimizer(), OPTIM),
        ];
        if let Some(scheduler) = &self.train.items.scheduler {
            let mut number = 0;
            each_schedule(&scheduler.schedule, &mut |settings| {
                places.push((format_ident!("declared_schedule_{number}"), settings.clone(), LR_SCHEDULER));
                number += 1;
            });
        }
        for (number, metric) in self.metrics().iter().enumerate() {
            places.push((format_ident!("declared_metric_{number}"), metric.clone(), METRICS));
        }
        places
    }

    // Expands to:
    //     const DECLARED_CLIP_GRAD_NORM: f64 = 1.0;
    //     const _: () = ::glulam::train::assert_clip_grad_norm(DECLARED_CLIP_GRAD_NORM);
    fn numbers(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for (name, number, kind) in self.declared_numbers() {
            let (value, span) = (&number.value, number.span);
            let place = format_ident!("declared_{name}");
            if !is_constant(value) {
                out.extend(quote!(fn #place() -> #kind { #value }));
                continue;
            }
            let (constant, check) = (constant(&place, span), Ident::new(&format!("assert_{name}"), span));
            out.extend(quote! {
                const #constant: #kind = #value;
                fn #place() -> #kind { #constant }
            });
            if !self.failed {
                out.extend(quote_spanned!(span=> const _: () = ::glulam::train::#check(#constant);));
            }
        }
        out
    }

    fn declared_numbers(&self) -> Vec<(&'static str, &Number, TokenStream)> {
        let items = &self.train.items;
        let all = [
            ("clip_grad_norm", &items.clip_grad_norm, quote!(f64)),
            ("clip_grad_value", &items.clip_grad_value, quote!(f64)),
            ("accumulate", &items.accumulate, quote!(usize)),
            ("ema", &items.ema, quote!(f64)),
        ];
        all.into_iter().filter_map(|(name, number, kind)| Some((name, number.as_ref()?, kind))).collect()
    }

    /// Options of groups that are constants, over those of all parameters.
    fn check_groups(&self) -> TokenStream {
        let Some(optimizer) = &self.train.items.optimizer else { return TokenStream::new() };
        let settings = &optimizer.settings;
        if !settings.path.bare || !is_constant_settings(settings) {
            return TokenStream::new();
        }
        let base = literal(settings, OPTIM);
        let groups =
            optimizer.groups.iter().filter(|group| group.options.iter().all(|option| is_constant(&option.value)));
        let checks = groups.filter(|group| !group.options.is_empty()).map(|group| {
            let (span, options) = (group.pattern.span, fields(&group.options));
            let alias = Ident::new(&alias(settings, OPTIM).to_string(), span);
            quote_spanned!(span=> const _: () = #alias { #options ..#base }.assert_valid();)
        });
        checks.collect()
    }

    /// A schedule that watches a metric needs one, and only such a schedule does.
    fn check_schedule(&self) -> TokenStream {
        let Some(scheduler) = &self.train.items.scheduler else { return TokenStream::new() };
        let first = scheduler.schedule.first();
        let name = first.path.name.to_string();
        let kind = schedule_type(&scheduler.schedule, &|settings| alias(settings, LR_SCHEDULER).into_token_stream());
        let needs = quote!(<#kind as ::glulam::lr_scheduler::LrScheduler>::NEEDS_METRIC);
        match &scheduler.on {
            None => {
                let message = format!("{name} watches a metric: write `{name}(…) on val_loss`");
                quote_spanned!(first.path.name.span()=> const _: () = ::core::assert!(!#needs, #message);)
            }
            Some(metric) => {
                let message = format!("{name} watches no metric: remove `on {metric}`");
                quote_spanned!(metric.span()=> const _: () = ::core::assert!(#needs, #message);)
            }
        }
    }

    /// Labels and patterns choose parameters, and no parameter twice.
    fn check_patterns(&self) -> TokenStream {
        let items = &self.train.items;
        let model = &self.train.model.tokens;
        let network = quote!(<#model as ::glulam::Network<f32>>);
        let groups = items.optimizer.iter().flat_map(|optimizer| &optimizer.groups).map(|group| &group.pattern);
        let groups: Vec<_> = groups.collect();
        let mut out = TokenStream::new();
        for (index, pattern) in groups.iter().copied().chain(&items.freeze).enumerate() {
            let text = &pattern.text;
            let earlier: Vec<&str> = match index < groups.len() {
                true => groups[..index].iter().map(|pattern| pattern.text.as_str()).collect(),
                false => Vec::new(),
            };
            out.extend(quote_spanned! {pattern.span=>
                const _: () = if !#network::FAILED {
                    ::glulam::train::assert_chooses(#text, &[#(#earlier),*], #network::PARAMS)
                };
            });
        }
        out
    }

    // Expands to:
    //     impl<T: ::glulam::Real> MlpTrainer<T> {
    //         pub fn new(model: Mlp<T>) -> Self { … }
    //         pub fn builder(model: Mlp<T>) -> ::glulam::train::Builder<T, Self> { … }
    //         pub fn step<…>(…) -> … { … }
    //     }
    fn inherent(&self) -> TokenStream {
        let (name, model) = (&self.train.name, &self.train.model.tokens);
        let (generics, arguments, result, bounds) = self.step_signature();
        let body = self.step();
        let flush = self.flush();
        let never = self.failed.then(|| quote!(#[allow(unreachable_code, reason = "the declaration has errors")]));
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
                #never
                #[allow(unused_doc_comments, reason = "each statement says what it is")]
                pub fn step<#generics>(&mut self, #arguments) -> #result
                #bounds
                {
                    #body
                }

                #flush
            }
        }
    }

    /// Generics, arguments, result and bounds of `step`.
    fn step_signature(&self) -> (TokenStream, TokenStream, TokenStream, TokenStream) {
        let model = &self.train.model.tokens;
        let loss = alias(&self.loss(), LOSS);
        let metrics = self.metrics_type();
        let bound = (!self.metrics().is_empty()).then(|| quote!(#metrics: ::glulam::train::Metrics<T, Y>,));
        (
            quote!('batch, Y: ::core::marker::Copy + ::core::marker::Send + ::core::marker::Sync + 'static),
            quote!(batch: impl ::glulam::train::AsBatch<'batch, T, #model<T>, Y>),
            quote! {
                ::core::result::Result<::glulam::train::StepOutput<T, #metrics>, ::glulam::train::TrainError>
            },
            quote!(where #loss: ::glulam::loss::Loss<T, Y>, #bound),
        )
    }

    fn metrics_type(&self) -> TokenStream {
        let metrics = self.metrics().iter().map(|metric| alias(metric, METRICS));
        quote!((#(#metrics,)*))
    }

    /// The body of `step`.
    fn step(&self) -> TokenStream {
        let items = &self.train.items;
        let model = &self.train.model;
        let (network, model) = (&model.name, &model.tokens);
        let loss = self.loss().path.name;

        let attach = items.scheduler.as_ref().map(|_| {
            quote! {
                /// The schedule, if it has waited to know the length of the run.
                self.scheduler.begin(::core::option::Option::None, &mut self.optimizer)?;
            }
        });
        let doc_loss = format!(" {loss} with these targets, checked.");
        let share = items.accumulate.as_ref().map(|_| {
            quote! {
                /// Each batch counts for one of those that make a step: loss / accumulate.
                let criterion = ::glulam::train::Share::of(&criterion, self.accumulate);
            }
        });
        let zero = match (&items.accumulate, self.two_phase()) {
            (Some(_), _) => quote! {
                /// optimizer.zero_grad(), before the first of them.
                if self.run.accumulated == 0 {
                    self.run.gradients.zero();
                }
            },
            (None, true) => quote! {
                /// optimizer.zero_grad().
                self.run.gradients.zero();
            },
            (None, false) => quote! {
                /// optimizer.zero_grad(): nothing to do if each parameter moves in the backward pass.
                self.run.gradients.zero();
            },
        };
        let gradients = quote! {
            UpdateBy::Gradients(&mut self.run.gradients.0, ::core::option::Option::Some(self.optimizer.trainable()))
        };
        let target = match self.two_phase() {
            true => quote! {
                /// Each parameter's gradient is added up.
                let update = #gradients;
            },
            false => quote! {
                /// Each parameter moves where its gradient is finished; or the gradients are added up.
                let update = match self.optimizer.fold() {
                    ::core::option::Option::Some(optimizer) if self.run.fused => UpdateBy::Optimizer(optimizer),
                    _ => #gradients,
                };
            },
        };
        let doc_pass = format!(" outputs = {network}(inputs); loss = {loss}(outputs, targets); loss.backward().");
        let metrics = match self.metrics().is_empty() {
            true => quote!(let metrics = [];),
            false => quote! {
                /// The metrics, with these outputs.
                let metrics = ::glulam::train::Metrics::update(
                    &mut self.metrics,
                    <#model<T> as ::glulam::Network<T>>::OUTPUT_SHAPE,
                    <#model<T> as ::glulam::Network<T>>::outputs(&self.run.workspace),
                    targets,
                )?;
            },
        };
        let lr = quote! {
            /// The rate of this step.
            let lr = self.optimizer.groups()[0].settings.lr();
        };
        let update = match &items.accumulate {
            None => self.update(),
            Some(_) => quote! {
                /// The optimizer's turn comes after the last of them.
                let updated = self.run.is_complete(self.accumulate);
                let grad_norm = if updated { self.update()? } else { ::core::option::Option::None };
            },
        };
        let updated = match &items.accumulate {
            None => quote!(updated: true),
            Some(_) => quote!(updated),
        };
        let imports = imports();
        quote! {
            #imports
            /// The batch, checked; memory for it, if it is the first.
            let (inputs, targets) = self.run.begin(&self.model, batch)?;
            #attach
            #[doc = #doc_loss]
            let criterion = self.loss.bind(<#model<T> as ::glulam::Network<T>>::OUTPUT_SHAPE, inputs.len(), targets)?;
            #share
            #zero
            #target
            #[doc = #doc_pass]
            let loss = self.model.forward_backward(inputs, &criterion, &mut self.run.workspace, update);
            /// A loss that is NaN or infinite has changed nothing.
            self.run.check_loss(&mut self.model, loss)?;
            #lr
            #update
            #metrics
            ::core::result::Result::Ok(::glulam::train::StepOutput { loss, lr, grad_norm, #updated, metrics })
        }
    }

    /// Something needs the gradients of all parameters before the first one moves.
    fn two_phase(&self) -> bool {
        let items = &self.train.items;
        items.clip_grad_norm.is_some() || items.clip_grad_value.is_some() || items.accumulate.is_some()
    }

    /// Clipping, the optimizer, the average, the schedule: what follows once the gradients are complete.
    fn update(&self) -> TokenStream {
        let items = &self.train.items;
        let clip_value = items.clip_grad_value.as_ref().map(|_| {
            quote! {
                /// clip_grad_value_(parameters, clip_grad_value).
                clip_grad_value_(&mut self.run.gradients, self.clip_grad_value)?;
            }
        });
        let clip_norm = match &items.clip_grad_norm {
            None => quote!(let grad_norm = ::core::option::Option::None;),
            Some(_) => quote! {
                /// clip_grad_norm_(parameters, clip_grad_norm).
                let grad_norm = clip_grad_norm_(&mut self.run.gradients, self.clip_grad_norm, 2.0, true);
                /// One that is NaN or infinite has moved no parameter.
                let grad_norm = ::core::option::Option::Some(self.run.check_norm(&mut self.model, grad_norm)?);
            },
        };
        let step = match self.two_phase() {
            true => quote! {
                /// optimizer.step().
                self.optimizer.step(&mut self.model, &self.run.gradients);
            },
            false => quote! {
                /// optimizer.step(), unless each parameter has moved already.
                if !self.run.fused {
                    self.optimizer.step(&mut self.model, &self.run.gradients);
                }
            },
        };
        let average = items.ema.as_ref().map(|_| {
            quote! {
                /// averaged = ema · averaged + (1 - ema) · model.
                self.averaged.update(&self.model);
            }
        });
        let schedule = items.scheduler.as_ref().filter(|scheduler| scheduler.per_step).map(|_| {
            quote! {
                /// scheduler.step().
                self.scheduler.step(&mut self.optimizer);
            }
        });
        quote! {
            #clip_value
            #clip_norm
            #step
            self.run.steps += 1;
            #average
            #schedule
        }
    }

    /// `update`, where `step` does not always come to it.
    fn flush(&self) -> TokenStream {
        if self.train.items.accumulate.is_none() {
            return TokenStream::new();
        }
        let (imports, update) = (imports(), self.update());
        quote! {
            /// What follows once the gradients of all batches of a step have been added up. Returns their norm, if they
            /// are clipped by it.
            #[allow(unused_doc_comments, reason = "each statement says what it is")]
            fn update(&mut self) -> ::core::result::Result<::core::option::Option<f64>, ::glulam::train::TrainError> {
                #imports
                #update
                ::core::result::Result::Ok(grad_norm)
            }
        }
    }

    // Expands to:
    //     impl<T: ::glulam::Real> ::glulam::train::Trainer<T> for MlpTrainer<T> { … }
    fn implementation(&self) -> TokenStream {
        let Train { name, model, items, .. } = self.train;
        let (model, text) = (&model.tokens, name.to_string());
        let (loss, optimizer) = (alias(&self.loss(), LOSS), alias(&self.optimizer(), OPTIM));
        let metrics = self.metrics_type();
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
        let (generics, arguments, result, bounds) = self.step_signature();
        let (settings, groups, assemble) = (self.settings(), self.groups(), self.assemble());
        let optional = |present: bool, field: TokenStream| match present {
            true => quote!(::core::option::Option::Some(#field)),
            false => quote!(::core::option::Option::None),
        };
        let (scheduled, averaged) = (items.scheduler.is_some(), items.ema.is_some());
        let (scheduler_ref, scheduler_mut) =
            (optional(scheduled, quote!(&self.scheduler)), optional(scheduled, quote!(&mut self.scheduler)));
        let (averaged_ref, averaged_mut) =
            (optional(averaged, quote!(&self.averaged)), optional(averaged, quote!(&mut self.averaged)));
        let (metrics_ref, metrics_mut) = match self.metrics().is_empty() {
            true => (quote!(&()), quote!(::glulam::train::no_metrics())),
            false => (quote!(&self.metrics), quote!(&mut self.metrics)),
        };
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
        let batches = match &items.accumulate {
            Some(_) => quote!(self.accumulate),
            None => quote!(1),
        };
        quote! {
            impl<T: ::glulam::Real> ::glulam::train::Trainer<T> for #name<T> {
                const NAME: &'static str = #text;
                const SCHEDULE_BY: ::glulam::train::ScheduleBy = ::glulam::train::ScheduleBy::#by;
                type Model = #model<T>;
                type Loss = #loss;
                type Optimizer = #optimizer;
                type Scheduler = #scheduler;
                type Metrics = #metrics;

                #settings
                #groups
                #assemble

                fn step<#generics>(&mut self, #arguments) -> #result
                #bounds
                {
                    #name::step(self, batch)
                }

                fn parts(&self) -> ::glulam::train::Parts<'_, T, Self> {
                    ::glulam::train::Parts {
                        model: &self.model,
                        loss: &self.loss,
                        optimizer: &self.optimizer,
                        scheduler: #scheduler_ref,
                        metrics: #metrics_ref,
                        averaged: #averaged_ref,
                        run: &self.run,
                        batches_per_step: #batches,
                    }
                }

                fn parts_mut(&mut self) -> ::glulam::train::PartsMut<'_, T, Self> {
                    ::glulam::train::PartsMut {
                        batches_per_step: #batches,
                        model: &mut self.model,
                        loss: &self.loss,
                        optimizer: &mut self.optimizer,
                        scheduler: #scheduler_mut,
                        metrics: #metrics_mut,
                        averaged: #averaged_mut,
                        run: &mut self.run,
                    }
                }

                #flush
            }
        }
    }

    // Expands to:
    //     fn settings() -> … { Settings { clip_grad_norm: Some(declared_clip_grad_norm()), ..Settings::new(…) } }
    fn settings(&self) -> TokenStream {
        let metrics = (0..self.metrics().len()).map(|number| format_ident!("declared_metric_{number}"));
        let scheduler = self.train.items.scheduler.as_ref().map(|scheduler| {
            let schedule = schedule_value(&scheduler.schedule, &mut 0);
            quote!(scheduler: ::core::option::Option::Some(#schedule),)
        });
        let numbers = self.declared_numbers().into_iter().map(|(name, ..)| {
            let (field, place) = (format_ident!("{name}"), format_ident!("declared_{name}"));
            quote!(#field: ::core::option::Option::Some(#place()),)
        });
        quote! {
            fn settings() -> ::glulam::train::SettingsOf<T, Self> {
                ::glulam::train::Settings {
                    #scheduler
                    #(#numbers)*
                    ..::glulam::train::Settings::new(declared_loss(), declared_optimizer(), (#(#metrics(),)*))
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
    fn groups(&self) -> TokenStream {
        let items = &self.train.items;
        let model = &self.train.model.tokens;
        let optimizer = alias(&self.optimizer(), OPTIM);
        let kinds = items.optimizer.as_ref().map_or(&[][..], |optimizer| &optimizer.no_decay);
        let no_decay = (!kinds.is_empty()).then(|| quote!(.no_decay(&[#(::glulam::network::Kind::#kinds),*])));
        let groups = items.optimizer.iter().flat_map(|optimizer| &optimizer.groups).map(|group| {
            let (pattern, options) = (&group.pattern.text, fields(&group.options));
            let (span, alias) = (group.pattern.span, Ident::new(&optimizer.to_string(), group.pattern.span));
            match group.options.is_empty() {
                true => quote!(.group(#pattern, optimizer.clone())),
                false => {
                    let settings = quote_spanned!(span=> #alias { #options ..optimizer.clone() });
                    quote!(.group(#pattern, #settings))
                }
            }
        });
        let freeze = items.freeze.iter().map(|pattern| {
            let pattern = &pattern.text;
            quote!(.freeze(#pattern))
        });
        quote! {
            #[allow(clippy::clone_on_copy, clippy::needless_update, reason = "the same for every optimizer")]
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
    //         let optimizer = Self::groups(settings.optimizer).build()?;
    //         Ok(MlpTrainer { run: Run::new(…), model, loss: settings.loss, optimizer })
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
            quote!(#field: ::glulam::train::declared(settings.#field, #name)?,)
        };
        let scheduler = items.scheduler.as_ref().map(|_| {
            quote! {
                scheduler: ::glulam::train::Schedule::new(
                    ::glulam::train::declared(settings.scheduler, "scheduler")?,
                    settings.total_steps,
                    &mut optimizer,
                )?,
            }
        });
        let numbers = self.declared_numbers().into_iter().filter(|(name, ..)| *name != "ema");
        let numbers = numbers.map(|(name, ..)| declared(name));
        let averaged = items.ema.as_ref().map(|_| {
            quote! {
                averaged: ::glulam::train::Averaged::new(&model, ::glulam::train::declared(settings.ema, "ema")?),
            }
        });
        let metrics = (!self.metrics().is_empty()).then(|| quote!(metrics: settings.metrics,));
        quote! {
            #[allow(unused_mut, reason = "the same for every trainer")]
            fn assemble(
                model: #model<T>,
                settings: ::glulam::train::SettingsOf<T, Self>,
            ) -> ::core::result::Result<Self, ::glulam::train::TrainError> {
                let mut optimizer = Self::groups(settings.optimizer).build::<T>()?;
                ::core::result::Result::Ok(#name {
                    run: ::glulam::train::Run::new(&model, &optimizer, #run),
                    loss: settings.loss,
                    #scheduler
                    #(#numbers)*
                    #averaged
                    #metrics
                    model,
                    optimizer,
                })
            }
        }
    }
}

/// What the statements of a step need. Few names, since they come before the user's own.
fn imports() -> TokenStream {
    quote! {
        #[allow(unused_imports, reason = "the same for every trainer")]
        use ::glulam::{
            clip::{clip_grad_norm_, clip_grad_value_},
            loss::Loss as _,
            network::{Network as _, UpdateBy},
            optim::{Optimizer as _, OptimizerState as _},
        };
    }
}

/// Settings that stand for an item that is missing.
fn missing(tokens: TokenStream) -> Settings {
    let path = Path { tokens, name: Ident::new("Undeclared", Span::call_site()), bare: false };
    Settings { path, wrapped: Vec::new(), options: Vec::new() }
}

/// `::glulam::optim::Lookahead<::glulam::optim::AdamW>`.
fn full_type(settings: &Settings, module: &str) -> TokenStream {
    let Settings { path, wrapped, .. } = settings;
    let path_tokens = &path.tokens;
    let (module, span) = (Ident::new(module, path.name.span()), path.name.span());
    let full = match path.bare {
        true => quote_spanned!(span=> ::glulam::#module::#path_tokens),
        false => path_tokens.clone(),
    };
    if wrapped.is_empty() {
        return full;
    }
    let wrapped = wrapped.iter().map(|inner| full_type(inner, &module.to_string()));
    quote!(#full<#(#wrapped),*>)
}

/// The name that stands for a type within the trainer's items: its own, unless two items share it.
fn alias(settings: &Settings, module: &str) -> Ident {
    let Settings { path, wrapped, .. } = settings;
    let mut name = path.name.to_string();
    if !path.bare {
        // `my::SGD` beside the runtime's `SGD`.
        name = format!("{}{name}", module.replace('_', ""));
    }
    for inner in wrapped {
        name = format!("{name}_{}", alias(inner, module));
    }
    Ident::new(&name, path.name.span())
}

/// `SGD { lr: 0.01, ..SGD::DEFAULT }`, or `Lookahead { k: 5, ..Lookahead::new(AdamW { … }) }`.
fn literal(settings: &Settings, module: &str) -> TokenStream {
    // All of it at the user's token: only then rustc suggests the right name for a misspelt option.
    let (alias, span) = (alias(settings, module), settings.path.name.span());
    let base = match settings.wrapped.is_empty() {
        true => quote_spanned!(span=> #alias::DEFAULT),
        false => {
            let wrapped = settings.wrapped.iter().map(|inner| literal(inner, module));
            quote_spanned!(span=> #alias::new(#(#wrapped),*))
        }
    };
    if settings.options.is_empty() {
        return base;
    }
    let options = fields(&settings.options);
    quote_spanned!(span=> #alias { #options ..#base })
}

/// `lr: 0.01, momentum: 0.9,`.
fn fields(options: &[Choice]) -> TokenStream {
    options.iter().map(|Choice { name, value }| quote!(#name: #value,)).collect()
}

/// `DECLARED_LOSS` for `declared_loss`.
fn constant(place: &Ident, span: Span) -> Ident {
    Ident::new(&place.to_string().to_uppercase(), span)
}

/// All schedules, in the order in which they are written.
fn each_schedule(schedule: &Schedule, visit: &mut impl FnMut(&Settings)) {
    match schedule {
        Schedule::One(settings) => visit(settings),
        Schedule::InTurn(parts) => parts.iter().for_each(|(part, _)| each_schedule(part, visit)),
        Schedule::Together(parts) => parts.iter().for_each(|part| each_schedule(part, visit)),
    }
}

/// Settings and those that they wrap, the inner ones first.
fn each_wrapped(settings: &Settings, visit: &mut impl FnMut(&Settings)) {
    settings.wrapped.iter().for_each(|inner| each_wrapped(inner, visit));
    visit(settings);
}

/// `::glulam::lr_scheduler::SequentialLR<(LinearLR, StepLR)>`.
fn schedule_type(schedule: &Schedule, one: &impl Fn(&Settings) -> TokenStream) -> TokenStream {
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

/// `::glulam::lr_scheduler::SequentialLR::in_turn((declared_schedule_0(), declared_schedule_1()), &[Some(500)])`.
fn schedule_value(schedule: &Schedule, number: &mut usize) -> TokenStream {
    match schedule {
        Schedule::One(_) => {
            let place = format_ident!("declared_schedule_{}", *number);
            *number += 1;
            quote!(#place())
        }
        Schedule::InTurn(parts) => {
            let values: Vec<_> = parts.iter().map(|(part, _)| schedule_value(part, number)).collect();
            let steps = parts[..parts.len() - 1].iter().map(|(_, steps)| match steps {
                Some(steps) => quote!(::core::option::Option::Some(#steps)),
                None => quote!(::core::option::Option::None),
            });
            quote!(::glulam::lr_scheduler::SequentialLR::in_turn((#(#values,)*), &[#(#steps),*]))
        }
        Schedule::Together(parts) => {
            let values: Vec<_> = parts.iter().map(|part| schedule_value(part, number)).collect();
            quote!(::glulam::lr_scheduler::ChainedScheduler { schedulers: (#(#values,)*) })
        }
    }
}

fn is_constant_settings(settings: &Settings) -> bool {
    settings.options.iter().all(|option| is_constant(&option.value))
        && settings.wrapped.iter().all(is_constant_settings)
}

/// Whether an expression is surely a constant: literals, `SCREAMING` names, variants of enums, operators on them, and the
/// one constant function that options need. Any other call, or a macro, might be anything.
fn is_constant(value: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    let name = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(name)) => name.to_string(),
        _ => String::new(),
    };
    let punct = |at: usize, c: char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let camel = |name: &str| name.starts_with(char::is_uppercase);
    tokens.iter().enumerate().all(|(i, token)| match token {
        TokenTree::Literal(_) => true,
        TokenTree::Punct(p) => p.as_char() != '!' || !matches!(tokens.get(i + 1), Some(TokenTree::Group(_))),
        TokenTree::Group(group) => {
            let called = i.checked_sub(1).map(name).unwrap_or_default();
            (called.is_empty() || camel(&called) || (called == "new" && i >= 4 && name(i - 4) == "LossWeights"))
                && is_constant(&group.stream())
        }
        TokenTree::Ident(ident) => {
            let ident = ident.to_string();
            let after_path = i > 0 && punct(i - 1, ':');
            let before_path = punct(i + 1, ':');
            let constructor = ident == "new" && i >= 3 && name(i - 3) == "LossWeights";
            let words =
                ["true", "false", "None", "Some", "as", "f64", "f32", "usize", "u64", "u32", "i64", "i32", "isize"];
            before_path
                || constructor
                || (after_path && camel(&ident))
                || !ident.contains(char::is_lowercase)
                || words.contains(&ident.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_constant;

    #[test]
    fn constants_are_told_from_what_might_be_anything() {
        for (value, expected) in [
            ("1e-3", true),
            ("-1", true),
            ("(0.9, 0.999)", true),
            ("[1, 2 * N, f64::MAX as usize]", true),
            ("my::RATE / 2.0", true),
            ("true", true),
            ("Reduction::Sum", true),
            ("List::Borrowed(&[30, 80])", true),
            ("Some(LossWeights::new(&[1.0, 2.0]))", true),
            ("rate()", false),
            ("my::rate()", false),
            ("Weights::new(&[1.0])", false),
            ("vec![1.0]", false),
            ("|t| 0.9", false),
            ("rates", false),
        ] {
            assert_eq!(is_constant(&value.parse().expect("tokens")), expected, "{value}");
        }
    }
}
