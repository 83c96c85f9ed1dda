//! The implementation of the trait `Trainer`: settings, parameter groups, how a trainer is put together, its parts.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use super::Unit;
use super::settings::*;
use crate::ast_train::Train;

impl Unit<'_> {
    // Expands to:
    //     impl<T: ::glulam::Real> ::glulam::train::Trainer<T> for MlpTrainer<T> { … }
    pub(super) fn implementation(&self) -> TokenStream {
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
                    let number = metric.to_string();
                    let given = each_schedule(&scheduler.schedule).into_iter().flat_map(|settings| &settings.options);
                    let given = given.map(|option| option.name.to_string());
                    quote!(EpochOn { number: #number, given: &[#(#given),*] })
                }
            },
        };
        let functions = [self.settings(), self.groups_function(), self.assemble(), self.parts()];
        let flush = items.accumulate.as_ref().map(|_| {
            quote! {
                fn flush(&mut self) -> ::core::result::Result<bool, ::glulam::train::TrainError> {
                    let waiting = self.run.end_sum();
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
        let kinds = items.optimizer.as_ref().and_then(|optimizer| optimizer.no_decay.as_deref()).unwrap_or(&[]);
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
