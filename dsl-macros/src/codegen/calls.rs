//! The calls themselves: functions of flat lists, in the order in which a person would write them.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::params::span_name;
use super::{Unit, ident, number};
use crate::ir::{Arg, Place, Scope, Step};

/// A run of steps between two meetings of all threads.
pub(crate) enum Segment<'a> {
    /// Each thread for its rows: a function of this name.
    Rows(Ident, Vec<&'a Step>),
    /// Once for the whole batch.
    Batch(&'a Step),
}

/// Cuts a program at its batch-wide calls; functions are called `name`, or `name_1`, `name_2`, ….
pub(crate) fn segments<'a>(name: &str, steps: &'a [Step]) -> Vec<Segment<'a>> {
    let runs: Vec<&[Step]> = steps.split_inclusive(|s| s.call.scope == Scope::Batch).collect();
    let many = runs.len() > 1;
    let mut result = Vec::new();
    let mut count = 0;
    for run in runs {
        let (rows, batch) = match run.split_last() {
            Some((last, rows)) if last.call.scope == Scope::Batch => (rows, Some(last)),
            _ => (run, None),
        };
        if !rows.is_empty() {
            count += 1;
            let name = if many { format_ident!("{name}_{count}") } else { ident(name) };
            result.push(Segment::Rows(name, rows.iter().collect()));
        }
        result.extend(batch.map(Segment::Batch));
    }
    result
}

impl Unit<'_> {
    /// The functions that work on rows: forward and backward.
    ///
    // Expands to:
    //     fn forward_rows<T: Real>(cx: Context, p: &MlpParams<'_, T>, x: &[[T; 784]], v: &mut Values<'_, T>) { … }
    pub(crate) fn row_functions(&self) -> TokenStream {
        let mut functions = Vec::new();
        for segment in segments("forward_rows", &self.program.forward) {
            if let Segment::Rows(name, steps) = segment {
                let body: Vec<TokenStream> = steps.iter().map(|s| self.statement(s, &self.in_training())).collect();
                functions.push(self.row_function(&name, &body, false));
            }
        }
        for segment in segments("backward_rows", &self.program.backward) {
            if let Segment::Rows(name, steps) = segment {
                let body = self.backward_body(&steps);
                functions.push(self.row_function(&name, &body, true));
            }
        }
        quote!(#(#functions)*)
    }

    fn row_function(&self, name: &Ident, body: &[TokenStream], backward: bool) -> TokenStream {
        let (params, input) = (self.params_name(), self.row_type(Place::Value(self.program.graph.inputs[0])));
        let statistics = self.statistics_parameter(quote!(&));
        let first = backward.then(|| quote!(, first: usize));
        quote! {
            #[allow(unused_doc_comments, unused_variables, clippy::too_many_arguments, reason = "one signature for all networks, a formula on each call")]
            fn #name<T: Real>(cx: Context, p: &#params<'_, T>, #statistics x: &[#input], v: &mut Values<'_, T> #first) {
                #(#body)*
            }
        }
    }

    /// The calls of a backward segment, leaving where all that follows is frozen, or not asked for.
    fn backward_body(&self, steps: &[&Step]) -> Vec<TokenStream> {
        let mut body = Vec::new();
        let mut reached = self.plan.params.len().checked_sub(1);
        let mut inputs_wanted = false;
        for (i, step) in steps.iter().enumerate() {
            let rest = steps[i..].iter().map(|s| s.reach).max().flatten();
            if rest < reached {
                body.push(match rest {
                    Some(last) => {
                        let text = format!(
                            " Nothing up to `{}` is trained: no gradient is needed there.",
                            self.plan.params[last].key
                        );
                        let last = number(last);
                        quote!(#[doc = #text] if first > #last { return; })
                    }
                    None if self.input_gradient() => {
                        inputs_wanted = true;
                        quote!(let Some(d_x) = v.d_x.as_deref_mut() else { return };)
                    }
                    None => quote!(),
                });
                reached = rest;
            }
            let writes_inputs = step.call.writes().any(|p| self.is_input_gradient(p));
            let statement = self.statement(step, &self.in_training());
            body.push(match writes_inputs && !inputs_wanted {
                true => quote!(if let Some(d_x) = v.d_x.as_deref_mut() { #statement }),
                false => statement,
            });
        }
        body
    }

    /// The function that finishes gradients of parameters.
    pub(crate) fn tile_function(&self) -> TokenStream {
        let statements = self.program.tiles.iter().map(|s| self.statement(s, &self.in_training()));
        let input = self.row_type(Place::Value(self.program.graph.inputs[0]));
        let params = self.params_name();
        let statistics = self.statistics_parameter(quote!(&));
        let _ = params;
        quote! {
            #[allow(unused_doc_comments, unused_variables, reason = "one signature for all networks, a formula on each call")]
            fn backward_tiles<T: Real>(cx: Context, #statistics x: &[#input], v: &Values<'_, T>, update: &mut Update<'_, T>) {
                #(#statements)*
            }
        }
    }

    /// The function that predicts some rows.
    pub(crate) fn predict_function(&self) -> TokenStream {
        let (params, graph) = (self.params_name(), &self.program.graph);
        let input = self.row_type(Place::Value(graph.inputs[0]));
        let output = self.row_type(Place::Value(crate::plan::output(self.program)));
        let slots = self.plan.scratch.slots.iter().map(|slot| {
            let (name, width) = (ident(&slot.name), &slot.width);
            quote!(let #name: &mut [[T; #width]] = take(&mut scratch, x.len());)
        });
        let statistics = self.plan.scratch_statistics.iter().map(|(_, name, len)| {
            let name = ident(name);
            quote!(let #name: &mut [T; #len] = take_array(&mut scratch);)
        });
        let statements = self.program.predict.iter().map(|s| self.statement(s, &self.in_prediction()));
        let buffers = self.has_buffers().then(|| quote!(b: &BuffersRead<'_, T>,));
        quote! {
            #[allow(unused_doc_comments, unused_variables, unused_mut, unused_assignments, reason = "one signature for all networks, a formula on each call")]
            fn predict_rows<T: Real>(cx: Context, p: &#params<'_, T>, #buffers x: &[#input], y: &mut [#output], mut scratch: &mut [T]) {
                #(#statistics)*
                #(#slots)*
                #(#statements)*
            }
        }
    }

    /// `s: &Statistics<'_, T>,`, if there are any.
    pub(crate) fn statistics_parameter(&self, reference: TokenStream) -> Option<TokenStream> {
        self.has_statistics().then(|| quote!(s: #reference Statistics<'_, T>,))
    }

    /// How operands are named in a training step.
    fn in_training(&self) -> impl Fn(Place) -> TokenStream + '_ {
        |place| match place {
            Place::Value(id) if self.program.graph.inputs.contains(&id) => quote!(x),
            Place::Gradient(id) if self.program.graph.inputs.contains(&id) => quote!(d_x),
            Place::Statistics(..) => {
                let name = ident(&self.program.name(place));
                quote!(s.#name)
            }
            _ => {
                let name = ident(&self.plan.values.slots[self.plan.values.of[&place]].name);
                quote!(v.#name)
            }
        }
    }

    /// How operands are named in a prediction.
    fn in_prediction(&self) -> impl Fn(Place) -> TokenStream + '_ {
        let output = Place::Value(crate::plan::output(self.program));
        move |place| match place {
            Place::Value(id) if self.program.graph.inputs.contains(&id) => quote!(x),
            _ if place == output => quote!(y),
            Place::Statistics(..) => {
                let name = ident(&self.program.name(place));
                quote!(#name)
            }
            _ => {
                let name = ident(&self.plan.scratch.slots[self.plan.scratch.of[&place]].name);
                quote!(#name)
            }
        }
    }

    /// A batch-wide call, outside of the rows' functions.
    pub(crate) fn batch_statement(&self, step: &Step) -> TokenStream {
        self.statement(step, &self.in_training())
    }

    /// One call with its formula: `linear_forward(x, p.l0_weight, p.l0_bias, v.l0);`
    fn statement(&self, step: &Step, name: &dyn Fn(Place) -> TokenStream) -> TokenStream {
        let doc = self.call_doc(step);
        let kernel: TokenStream = step.call.kernel.parse().expect("a kernel's name is a path");
        let args = step.call.args.iter().map(|arg| match arg {
            Arg::Read(place) | Arg::Write(place) | Arg::Change(place) => name(*place),
            Arg::Param(i) => {
                let field = ident(&self.plan.param(step.node, *i).field);
                quote!(p.#field)
            }
            Arg::Span(i) => {
                let span = span_name(self.plan.param(step.node, *i));
                quote!(#span)
            }
            Arg::Absent if step.call.scope == Scope::Batch => quote!(&mut []),
            Arg::Absent => quote!(&[]),
            Arg::Buffer(i) => {
                let field = ident(&self.plan.buffer(step.node, *i).field);
                quote!(b.#field)
            }
            Arg::Counter(i) => {
                let place = &self.plan.buffer(step.node, *i).offset;
                quote!(Some(&mut counters[#place]))
            }
            Arg::NoCounter => quote!(None),
            Arg::Literal(tokens) => tokens.clone(),
            Arg::Context => quote!(&cx),
            Arg::NodeNumber => {
                let node = number(step.node.0);
                quote!(#node)
            }
            Arg::BatchRows => quote!(cx.rows),
            Arg::Update => quote!(update),
        });
        quote!(#[doc = #doc] #kernel(#(#args),*);)
    }
}
