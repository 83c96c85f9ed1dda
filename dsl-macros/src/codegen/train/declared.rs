//! What was declared, as constants where it is constant and as functions where it is not, and what the compiler is to
//! check of it at the user's tokens.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};

use super::Unit;
use super::settings::*;
use crate::ast_train::{Choice, Number, Settings};

/// Settings in their place.
pub(super) struct Declared<'a> {
    settings: &'a Settings,
    module: &'static str,
    /// `loss`, `schedule_1`.
    place: String,
}

impl Unit<'_> {
    /// All settings, in the order of the manual.
    fn all(&self) -> Vec<Declared<'_>> {
        let one = |settings, module, place: &str| Declared { settings, module, place: place.into() };
        let mut all = vec![one(&self.loss, LOSS, "loss"), one(&self.optimizer, OPTIM, "optimizer")];
        if let Some(scheduler) = &self.train.items.scheduler {
            for (number, settings) in each_schedule(&scheduler.schedule).into_iter().enumerate() {
                all.push(one(settings, LR_SCHEDULER, &format!("schedule_{number}")));
            }
        }
        for (number, metric) in self.train.items.metrics.iter().enumerate() {
            all.push(one(metric, METRICS, &format!("metric_{number}")));
        }
        all
    }

    /// The numbers, with their types.
    pub(super) fn numbers(&self) -> Vec<(&'static str, &Number, TokenStream)> {
        let items = &self.train.items;
        let all = [
            ("clip_grad_norm", &items.clip_grad_norm, quote!(f64)),
            ("clip_grad_value", &items.clip_grad_value, quote!(f64)),
            ("accumulate", &items.accumulate, quote!(usize)),
            ("ema", &items.ema, quote!(f64)),
        ];
        all.into_iter().filter_map(|(name, number, kind)| Some((name, number.as_ref()?, kind))).collect()
    }

    // Expands to:
    //     type SGD = ::glulam::optim::SGD;
    /// The names that were written. A misspelt one is an error here, once, wherever it is used.
    pub(super) fn aliases(&self) -> TokenStream {
        let mut seen: Vec<Ident> = Vec::new();
        let mut aliases = TokenStream::new();
        for Declared { settings, module, .. } in self.all() {
            for settings in each_wrapped(settings) {
                let alias = alias(settings, module);
                if !seen.contains(&alias) {
                    let full = full_type(settings, module);
                    aliases.extend(quote!(type #alias = #full;));
                    seen.push(alias);
                }
            }
        }
        aliases
    }

    // Expands to:
    //     const DECLARED_OPTIMIZER: &SGD = &SGD { lr: 0.01, ..SGD::DEFAULT };
    //     const _: () = DECLARED_OPTIMIZER.assert_valid();
    //     const DECLARED_EMA: f64 = 0.99;
    //     const _: () = __glulam::train::assert_ema(DECLARED_EMA);
    pub(super) fn declared(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for declared in self.all() {
            let Declared { settings, module, place } = &declared;
            let (alias, value) = (alias(settings, module), literal(settings, module));
            // At the user's token, where the compiler then points.
            let span = settings.path.name.span();
            if !is_constant_settings(settings) {
                let function = function(place);
                out.extend(quote!(fn #function() -> #alias { #value }));
                continue;
            }
            let constant = constant(place, span);
            out.extend(quote!(const #constant: &#alias = &#value;));
            // A type of the user's own need not have checks.
            if !self.failed && settings.path.bare {
                out.extend(self.check_settings(settings, module, &constant));
            }
            // What an optimizer wraps is checked by itself.
            for inner in each_wrapped(settings).iter().filter(|inner| !std::ptr::eq(**inner, *settings)) {
                if !self.failed && inner.path.bare {
                    let (span, value) = (inner.path.name.span(), literal(inner, module));
                    out.extend(quote_spanned!(span=> const _: () = #value.assert_valid();));
                }
            }
        }
        for (name, Number { value, span }, kind) in self.numbers() {
            if !is_constant(value) {
                let function = function(name);
                out.extend(quote!(fn #function() -> #kind { #value }));
                continue;
            }
            let (constant, check) = (constant(name, *span), Ident::new(&format!("assert_{name}"), *span));
            out.extend(quote!(const #constant: #kind = #value;));
            if !self.failed {
                out.extend(quote_spanned!(*span=> const _: () = __glulam::train::#check(#constant);));
            }
        }
        if !self.failed {
            out.extend([self.check_groups(), self.check_schedule(), self.check_patterns()]);
        }
        out
    }

    /// What was declared in a place, as a value.
    pub(super) fn value(&self, place: &str) -> TokenStream {
        if let Some(declared) = self.all().into_iter().find(|declared| declared.place == place) {
            let (constant, function) = (constant(place, Span::call_site()), function(place));
            return match is_constant_settings(declared.settings) {
                true => quote!(#constant.clone()),
                false => quote!(#function()),
            };
        }
        let numbers = self.numbers();
        let (_, number, _) = numbers.iter().find(|(name, ..)| *name == place).expect("a place of some declaration");
        let (constant, function) = (constant(place, Span::call_site()), function(place));
        if is_constant(&number.value) { quote!(#constant) } else { quote!(#function()) }
    }

    // Expands to:
    //     const _: () = DECLARED_OPTIMIZER.assert_valid();
    /// The checks of constant settings that are the runtime's. A wrong number of weights is said at the weights.
    fn check_settings(&self, settings: &Settings, module: &str, constant: &Ident) -> TokenStream {
        let (span, model) = (settings.path.name.span(), &self.train.model.tokens);
        let output = quote_spanned!(span=> <#model as __glulam::Network<f32>>::OUTPUT);
        if module != LOSS || !settings.options.iter().any(is_weights) {
            return self.check(module, constant, &output, span);
        }
        let part = |keep: &dyn Fn(&Choice) -> bool| {
            let options = settings.options.iter().filter(|option| keep(option)).cloned().collect();
            Settings { options, ..settings.clone() }
        };
        let mut parts = vec![(constant.to_string(), part(&|option| !is_weights(option)), output, span)];
        for weights in settings.options.iter().filter(|option| is_weights(option)) {
            // With the axis of the classes, which says how many there are.
            let alone = part(&|option| option.name == weights.name || option.name == "dim");
            let at = place(&weights.value).unwrap_or(span);
            let unknown = quote_spanned!(at=> __glulam::Output::Unknown);
            parts.push((weights.name.to_string(), alone, unknown, at));
        }
        let checks = parts.iter().map(|(name, part, output, at)| {
            let name = Ident::new(&format!("CHECKED_{}", name.to_uppercase()), *at);
            let (alias, value, check) =
                (alias(part, module), literal(part, module), self.check(module, &name, output, *at));
            quote!(const #name: &#alias = &#value; #check)
        });
        checks.collect()
    }

    /// The check of constant settings that are the runtime's.
    fn check(&self, module: &str, constant: &Ident, output: &TokenStream, span: Span) -> TokenStream {
        let model = &self.train.model.tokens;
        let network = quote_spanned!(span=> <#model as __glulam::Network<f32>>);
        let check = match module {
            LOSS => quote_spanned!(span=> #constant.assert_fits(#network::OUTPUT_SHAPE, #output)),
            METRICS => quote_spanned!(span=> #constant.assert_fits(#network::OUTPUT_SHAPE)),
            _ => return quote_spanned!(span=> const _: () = #constant.assert_valid();),
        };
        // Of a network with errors nothing more is to be said.
        quote_spanned!(span=> const _: () = if !#network::FAILED { #check };)
    }

    /// Options of groups that are constants, over those of all parameters.
    fn check_groups(&self) -> TokenStream {
        // Where one wraps another, the options are those of the innermost.
        let settings = each_wrapped(&self.optimizer)[0];
        if !settings.path.bare || !is_constant_settings(settings) {
            return TokenStream::new();
        }
        let constant = |options: &[_]| !options.is_empty() && options.iter().all(is_constant_option);
        let checks = self.groups().iter().filter(|group| constant(&group.options)).map(|group| {
            let span = group.pattern.span;
            let value = with_options(settings, OPTIM, &group.options, literal(settings, OPTIM), span);
            quote_spanned!(span=> const _: () = #value.assert_valid();)
        });
        checks.collect()
    }

    /// A schedule that watches a metric needs one and stands alone, and no other schedule is given one.
    fn check_schedule(&self) -> TokenStream {
        let Some(scheduler) = &self.train.items.scheduler else { return TokenStream::new() };
        let all = each_schedule(&scheduler.schedule);
        let checks = all.iter().map(|settings| {
            let (name, alias) = (&settings.path.name, alias(settings, LR_SCHEDULER));
            let needs = quote!(<#alias as ::glulam::lr_scheduler::LrScheduler>::NEEDS_METRIC);
            let (condition, message, span) = match &scheduler.on {
                Some(metric) => (needs, format!("{name} watches no metric: remove `on {metric}`"), metric.span()),
                None if all.len() > 1 => {
                    (quote!(!#needs), format!("{name} watches a metric, so it has to stand alone"), name.span())
                }
                None => {
                    (quote!(!#needs), format!("{name} watches a metric: write `{name}(…) on val_loss`"), name.span())
                }
            };
            quote_spanned!(span=> const _: () = __glulam::assert_that(#condition, #message);)
        });
        checks.collect()
    }

    /// Labels and patterns choose parameters, no parameter twice, and leave something to train.
    fn check_patterns(&self) -> TokenStream {
        let model = &self.train.model.tokens;
        let network = quote!(<#model as ::glulam::Network<f32>>);
        let groups: Vec<_> = self.groups().iter().map(|group| &group.pattern).collect();
        let mut out = TokenStream::new();
        for (index, pattern) in groups.iter().copied().chain(&self.train.items.freeze).enumerate() {
            // What is frozen may be in a group, what is in a group may not be in another.
            let earlier = if index < groups.len() { &groups[..index] } else { &[] };
            let (text, earlier) = (&pattern.text, earlier.iter().map(|pattern| &pattern.text));
            out.extend(quote_spanned! {pattern.span=>
                const _: () = if !#network::FAILED {
                    __glulam::train::assert_chooses(#text, &[#(#earlier),*], #network::PARAMS)
                };
            });
        }
        let Some(last) = self.train.items.freeze.last() else { return out };
        let frozen: Vec<_> = self.train.items.freeze.iter().map(|pattern| &pattern.text).collect();
        for group in &groups {
            let text = &group.text;
            out.extend(quote_spanned! {group.span=>
                const _: () = if !#network::FAILED {
                    __glulam::train::assert_group_trains(#text, &[#(#frozen),*], #network::PARAMS)
                };
            });
        }
        out.extend(quote_spanned! {last.span=>
            const _: () = if !#network::FAILED {
                __glulam::train::assert_trains(&[#(#frozen),*], #network::PARAMS)
            };
        });
        out
    }
}

/// Whether an option of a loss is a tensor, whose length the network's output decides.
fn is_weights(option: &Choice) -> bool {
    option.name == "weight" || option.name == "pos_weight"
}

/// Where the user's list begins, behind what it is wrapped in.
fn place(value: &TokenStream) -> Option<Span> {
    match value.clone().into_iter().last()? {
        TokenTree::Group(group) => match place(&group.stream()) {
            Some(inner) if group.delimiter() == Delimiter::Parenthesis => Some(inner),
            _ => Some(group.span()),
        },
        token => Some(token.span()),
    }
}

/// `DECLARED_LOSS`.
fn constant(place: &str, span: Span) -> Ident {
    Ident::new(&format!("DECLARED_{}", place.to_uppercase()), span)
}

/// `declared_loss`.
fn function(place: &str) -> Ident {
    format_ident!("declared_{place}")
}
