//! `step`, statement by statement: the loop that PyTorch's users know.

use proc_macro2::TokenStream;
use quote::quote;

use super::Unit;

impl Unit<'_> {
    // Expands to:
    //     use ::glulam::train::generated::*;
    //     let (inputs, targets) = self.run.begin(&self.model, batch)?;
    //     let criterion = self.loss.bind(output_shape(&self.model), inputs.len(), targets)?;
    //     self.run.zero_grad();
    //     let (workspace, gradients) = self.run.memory();
    //     let update = …;
    //     let loss = self.model.forward_backward(inputs, &criterion, workspace, update);
    //     let updated = self.run.check_loss(&mut self.model, &criterion, loss)?;
    //     if updated {
    //         self.optimizer.step(&mut self.model, self.run.gradients());
    //         self.run.count_step();
    //     }
    //     Ok(StepOutput { … })
    // No name of the user's is in it, so the names that it imports cannot hide one.
    pub(super) fn step_body(&self) -> TokenStream {
        let items = &self.train.items;
        let (network, loss) = (&self.train.model.name, &self.loss.path.name);
        let attach = items.scheduler.as_ref().map(|_| {
            quote! {
                /// The schedule, which may have to know the length of the run.
                self.scheduler.check()?;
            }
        });
        let doc_criterion = format!(" criterion = {loss}, with these targets, checked.");
        let doc_loss = format!(" outputs = {network}(inputs); loss = criterion(outputs); loss.backward().");
        let share = items.accumulate.as_ref().map(|_| {
            quote! {
                /// One of several batches that make a step: loss / accumulate.
                let share = Share::of(&criterion, self.run.share(self.accumulate));
            }
        });
        let objective = if share.is_some() { quote!(share) } else { quote!(criterion) };
        let (zero, update) = (self.zero_grad(), self.gradients_to());
        let turn = self.turn();
        let metrics = (!items.metrics.is_empty()).then(|| {
            quote! {
                /// The metrics, with these outputs.
                let outputs = outputs(&self.model, self.run.workspace());
                let metrics = self.metrics.update(output_shape(&self.model), outputs, targets)?;
            }
        });
        let grad_norm = match (&items.accumulate, &items.clip_grad_norm) {
            (None, None) => quote!(grad_norm: None),
            _ => quote!(grad_norm),
        };
        let measured = if items.metrics.is_empty() { quote!(metrics: []) } else { quote!(metrics) };
        quote! {
            use ::glulam::train::generated::*;
            /// The batch, checked; memory for it, if it is the first.
            let (inputs, targets) = self.run.begin(&self.model, batch)?;
            #attach
            #[doc = #doc_criterion]
            let criterion = self.loss.bind(output_shape(&self.model), inputs.len(), targets)?;
            #share
            #zero
            #update
            #[doc = #doc_loss]
            let loss = self.model.forward_backward(inputs, &#objective, workspace, update);
            /// A batch of which no target counts changes nothing. Any other loss that is NaN or infinite is an error, and has
            /// changed nothing either; a gradient that is not finite is an error, too.
            let updated = self.run.check_loss(&mut self.model, &criterion, loss)?;
            /// What the loss was divided by, and the rate of this step.
            let weight = criterion.weight();
            let lr = self.optimizer.groups()[0].settings.lr();
            #turn
            #metrics
            Ok(StepOutput { loss, weight, lr, #grad_norm, updated, #measured })
        }
    }

    /// What the batch moves, if it moves anything.
    fn turn(&self) -> TokenStream {
        let (update, grad_norm) = (self.update(), self.grad_norm());
        if self.train.items.accumulate.is_some() {
            return quote! {
                /// The optimizer's turn comes after the last of them.
                let updated = updated && self.run.is_complete(self.accumulate);
                let grad_norm = if updated { self.update()? } else { None };
            };
        }
        match self.train.items.clip_grad_norm {
            Some(_) => quote! {
                let grad_norm = if updated {
                    #update
                    #grad_norm
                } else {
                    None
                };
            },
            None => quote! {
                if updated {
                    #update
                }
            },
        }
    }

    /// Something needs the gradients of all parameters before the first one moves.
    pub(super) fn two_phase(&self) -> bool {
        let items = &self.train.items;
        items.clip_grad_norm.is_some() || items.clip_grad_value.is_some() || items.accumulate.is_some()
    }

    fn zero_grad(&self) -> TokenStream {
        match (&self.train.items.accumulate, self.two_phase()) {
            (Some(_), _) => quote! {
                /// optimizer.zero_grad(), before the first of them.
                self.run.zero_grad();
            },
            (None, true) => quote! {
                /// optimizer.zero_grad().
                self.run.zero_grad();
            },
            (None, false) => quote! {
                /// optimizer.zero_grad(). There is nothing to do where no gradient is stored.
                self.run.zero_grad();
            },
        }
    }

    /// What becomes of a gradient that is finished.
    fn gradients_to(&self) -> TokenStream {
        let add = quote!(UpdateBy::Gradients(&mut gradients.0, Some(self.optimizer.trainable())));
        match self.two_phase() {
            true => quote! {
                /// Activations, and gradients, which are added up.
                let (workspace, gradients) = self.run.memory();
                let update = #add;
            },
            false => quote! {
                /// Each parameter moves as soon as its gradient is finished, and the gradient is not stored; or gradients
                /// are added up.
                let fused = self.run.fused();
                let (workspace, gradients) = self.run.memory();
                let update = match self.optimizer.fold() {
                    Some(optimizer) if fused => UpdateBy::Optimizer(optimizer),
                    _ => #add,
                };
            },
        }
    }

    /// The norm of the gradients, as `update` leaves it.
    fn grad_norm(&self) -> TokenStream {
        if self.train.items.clip_grad_norm.is_some() { quote!(Some(grad_norm)) } else { quote!(None) }
    }

    /// Clipping, the optimizer, the average, the schedule: what follows once the gradients are complete.
    fn update(&self) -> TokenStream {
        let items = &self.train.items;
        let clip_value = items.clip_grad_value.as_ref().map(|_| {
            quote! {
                /// clip_grad_value_(parameters, clip_grad_value).
                clip_grad_value_(self.run.gradients_mut(), self.clip_grad_value)?;
            }
        });
        let clip_norm = items.clip_grad_norm.as_ref().map(|_| {
            quote! {
                /// clip_grad_norm_(parameters, clip_grad_norm).
                let grad_norm = clip_grad_norm_(self.run.gradients_mut(), self.clip_grad_norm, 2.0, true);
                /// A norm that is infinite is an error, and has moved no parameter.
                let grad_norm = self.run.check_norm(&mut self.model, grad_norm)?;
            }
        });
        let step = match self.two_phase() {
            true => quote! {
                /// optimizer.step().
                self.optimizer.step(&mut self.model, self.run.gradients());
            },
            false => quote! {
                /// optimizer.step(), unless each parameter has moved already.
                if !fused {
                    self.optimizer.step(&mut self.model, self.run.gradients());
                }
            },
        };
        let average = items.ema.as_ref().map(|_| {
            quote! {
                /// averaged = ema · averaged + (1 - ema) · model.
                self.averaged.update_parameters(&self.model);
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
            self.run.count_step();
            #average
            #schedule
        }
    }

    // Expands to:
    //     fn update(&mut self) -> Result<Option<f64>, TrainError> { … }
    /// `update` by itself, where `step` does not always come to it.
    pub(super) fn update_function(&self) -> Option<TokenStream> {
        self.train.items.accumulate.as_ref()?;
        let (update, grad_norm) = (self.update(), self.grad_norm());
        Some(quote! {
            /// What follows once the gradients of all batches of a step have been added up. Returns their norm, if they
            /// are clipped by it.
            fn update(&mut self) -> ::core::result::Result<::core::option::Option<f64>, ::glulam::train::TrainError> {
                use ::glulam::train::generated::*;
                #update
                Ok(#grad_norm)
            }
        })
    }
}
