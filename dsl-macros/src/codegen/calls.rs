//! The calls themselves: functions of flat lists, in the order in which a person would write them.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::Titles;
use super::places::Arrays;
use super::values::row_of;
use super::{Unit, ident, number};
use crate::ir::{Arg, Place, Role, Scope, Step};

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
    /// The functions that work on rows: forward, loss and backward.
    ///
    // Expands to:
    //     fn forward_rows<T: glulam::Real>(cx: glulam::Context, p: &MlpParams<'_, T>, x: &[[T; 784]], v: Values<'_, T>) { … }
    pub(crate) fn row_functions(&self) -> TokenStream {
        let mut functions = Vec::new();
        for segment in segments("forward_rows", &self.program.forward) {
            if let Segment::Rows(name, steps) = segment {
                let mut arrays = Arrays::new(self.program, &self.plan.values);
                let mut titles = Titles::default();
                let body: TokenStream =
                    steps.iter().flat_map(|s| [arrays.enter(s), self.statement(s, &mut titles, false)]).collect();
                functions.push(self.row_function(&name, &arrays.fields(), &body, false));
            }
        }
        functions.push(self.loss_function());
        for segment in segments("backward_rows", &self.program.backward) {
            if let Segment::Rows(name, steps) = segment {
                let (fields, body) = self.backward_body(&steps);
                functions.push(self.row_function(&name, &fields, &body, true));
            }
        }
        quote!(#(#functions)*)
    }

    fn row_function(&self, name: &Ident, fields: &[TokenStream], body: &TokenStream, backward: bool) -> TokenStream {
        let (params, x) = (self.params_name(), self.x());
        let input = self.row_type(Place::Value(self.program.graph.inputs[0]));
        let (statistics, values) = (self.statistics_parameter(), self.own("Values"));
        let first = backward.then(|| quote!(, first_trained: usize));
        let apart = self.taken_apart(fields);
        quote! {
            fn #name<T: glulam::Real>(cx: glulam::Context, p: &#params<'_, T>, #statistics #x: &[#input], v: #values<'_, T> #first) {
                #apart
                #body
            }
        }
    }

    /// `let Values { l1, l2, .. } = v;`
    fn taken_apart(&self, fields: &[TokenStream]) -> Option<TokenStream> {
        let values = self.own("Values");
        (!fields.is_empty()).then(|| quote!(let #values { #(#fields,)* .. } = v;))
    }

    // Expands to:
    //     fn loss_rows<T: glulam::Real>(loss: &dyn glulam::RowLoss<T>, v: Values<'_, T>) { … }
    fn loss_function(&self) -> TokenStream {
        let id = self.program.output;
        let mut arrays = Arrays::new(self.program, &self.plan.values);
        arrays.name(Place::Value(id));
        arrays.name(Place::Gradient(id));
        let name = |place| ident(&self.program.name(place));
        let (output, gradient) = (name(Place::Value(id)), name(Place::Gradient(id)));
        let (fields, values) = (arrays.fields(), self.own("Values"));
        quote! {
            fn loss_rows<T: glulam::Real>(loss: &dyn glulam::RowLoss<T>, v: #values<'_, T>) {
                let #values { first_row, #(#fields,)* losses, .. } = v;
                /// The loss of each row, and its gradient with respect to the outputs.
                loss.rows(first_row, #output.as_flattened(), losses, #gradient.as_flattened_mut());
            }
        }
    }

    /// The calls of a backward segment, leaving where all that follows is frozen, or not asked for; and the fields that it
    /// takes.
    fn backward_body(&self, steps: &[&Step]) -> (Vec<TokenStream>, TokenStream) {
        let mut arrays = Arrays::new(self.program, &self.plan.values);
        let mut titles = Titles::default();
        let mut body = TokenStream::new();
        let mut reached = self.plan.params.len().checked_sub(1);
        let mut inputs_wanted = false;
        let (d_x, some) = (self.d_x(), self.runtime("Some"));
        // How the gradient of the inputs is taken: by the first statement, or by each.
        let mut taken = None;
        for (i, step) in steps.iter().enumerate() {
            let rest = steps[i..].iter().map(|s| s.reach).max().flatten();
            if rest < reached {
                match rest {
                    Some(last) => {
                        let last = &self.plan.params[last];
                        let text = format!(" Nothing up to `{}` is trained: no gradient is needed there.", last.key);
                        let last = self.span_name(last);
                        body.extend(quote!(#[doc = #text] if first_trained > #last.index { return; }));
                    }
                    None if self.input_gradient() => {
                        inputs_wanted = true;
                        let binding = if taken.is_some() { quote!(#d_x.as_deref_mut()) } else { quote!(#d_x) };
                        taken.get_or_insert(quote!(#d_x));
                        body.extend(quote! {
                            /// What is left is the gradient of the inputs.
                            let #some(#d_x) = #binding else { return };
                        });
                    }
                    None => {}
                }
                reached = rest;
            }
            body.extend(arrays.enter(step));
            let statement = self.statement(step, &mut titles, false);
            let writes_inputs = step.call.writes().any(|p| self.is_input_gradient(p));
            body.extend(match writes_inputs && !inputs_wanted {
                true => {
                    taken = Some(quote!(mut #d_x));
                    quote!(if let #some(#d_x) = #d_x.as_deref_mut() { #statement })
                }
                false => statement,
            });
        }
        let mut fields = arrays.fields();
        fields.extend(taken);
        (fields, body)
    }

    /// The function that finishes gradients of parameters.
    pub(crate) fn tile_function(&self) -> TokenStream {
        let mut arrays = Arrays::new(self.program, &self.plan.values);
        let mut titles = Titles::default();
        let steps = self.program.tiles.iter();
        let body: TokenStream = steps.flat_map(|s| [arrays.enter(s), self.statement(s, &mut titles, false)]).collect();
        let (x, values) = (self.x(), self.own("Values"));
        let input = self.row_type(Place::Value(self.program.graph.inputs[0]));
        let (statistics, apart) = (self.statistics_parameter(), self.taken_apart(&arrays.fields()));
        quote! {
            fn backward_tiles<T: glulam::Real>(cx: glulam::Context, #statistics #x: &[#input], v: &#values<'_, T>, update: &mut glulam::Update<'_, T>) {
                #apart
                #body
            }
        }
    }

    /// The function that predicts some rows.
    pub(crate) fn predict_function(&self) -> TokenStream {
        let (params, graph, x) = (self.params_name(), &self.program.graph, self.x());
        let output = Place::Value(self.program.output);
        let (input, y) = (self.row_type(Place::Value(graph.inputs[0])), ident(&self.program.name(output)));
        let output = self.row_type(output);
        let slots = self.plan.scratch.slots.iter().map(|slot| {
            let (name, row) = (ident(&slot.name), row_of(&slot.row));
            quote!(let #name: &mut [#row] = scratch.take(#x.len());)
        });
        let statistics = self.plan.scratch_statistics.iter().map(|(_, name, len)| {
            let name = ident(name);
            quote!(let #name: &mut [T; #len] = scratch.take_array();)
        });
        let mut arrays = Arrays::new(self.program, &self.plan.scratch);
        let mut titles = Titles::default();
        let steps = self.program.predict.iter();
        let body: TokenStream = steps.flat_map(|s| [arrays.enter(s), self.statement(s, &mut titles, true)]).collect();
        let own_buffers = self.own("BuffersRead");
        let buffers = self.has_buffers().then(|| quote!(b: &#own_buffers<'_, T>,));
        quote! {
            fn predict_rows<T: glulam::Real>(cx: glulam::Context, p: &#params<'_, T>, #buffers #x: &[#input], #y: &mut [#output], mut scratch: glulam::Memory<'_>) {
                #(#statistics)*
                #(#slots)*
                #body
            }
        }
    }

    /// `s: &Statistics<'_, T>,`, if there are any.
    fn statistics_parameter(&self) -> Option<TokenStream> {
        let statistics = self.own("Statistics");
        self.has_statistics().then(|| quote!(s: &#statistics<'_, T>,))
    }

    /// A batch-wide call, outside of the rows' functions, where the arrays are not taken apart.
    pub(crate) fn batch_statement(&self, step: &Step, titles: &mut Titles) -> TokenStream {
        let arrays: TokenStream = step
            .call
            .reads()
            .chain(step.call.writes())
            .filter_map(|place| {
                let field = ident(&self.plan.values.slots[*self.plan.values.of.get(&place)?].name);
                let name = ident(&self.program.name(place));
                Some(quote!(let #name = &*v.#field;))
            })
            .collect();
        let statement = self.statement(step, titles, false);
        quote!(#arrays #statement)
    }

    /// One call with its formula: `linear_forward(x, p.l0_weight, p.l0_bias, l0);`
    fn statement(&self, step: &Step, titles: &mut Titles, predict: bool) -> TokenStream {
        let docs = self.call_docs(step, titles);
        let kernel = match &step.call.role {
            Role::Method(of) => {
                let method = ident(&step.call.kernel);
                quote!(#of::#method)
            }
            _ => self.runtime(&step.call.kernel),
        };
        let args = step.call.args.iter().map(|arg| match arg {
            Arg::Read(place) | Arg::Write(place) | Arg::Change(place) => {
                let name = ident(&self.program.name(*place));
                match place {
                    Place::Statistics(..) if !predict => quote!(s.#name),
                    _ => quote!(#name),
                }
            }
            Arg::Param(name) => self.param_path(self.plan.param(step.node, name)),
            Arg::Span(name) => {
                let span = self.span_name(self.plan.param(step.node, name));
                quote!(#span)
            }
            Arg::Absent if step.call.scope == Scope::Batch => quote!(&mut []),
            Arg::Absent => quote!(&[]),
            Arg::Buffer(name) => {
                let field = ident(&self.plan.buffer(step.node, name).field);
                quote!(b.#field)
            }
            Arg::Counter(name) => {
                let place = &self.plan.buffer(step.node, name).offset;
                let some = self.runtime("Some");
                quote!(#some(&mut counters[#place]))
            }
            Arg::NoCounter => self.runtime("None"),
            Arg::Literal(_, tokens) => tokens.clone(),
            Arg::Layer(value) => quote!(&#value),
            Arg::Value(value) => {
                let (name, rest) = (self.runtime(value.name), &value.rest);
                quote!(#name #rest)
            }
            Arg::Context => quote!(&cx),
            Arg::NodeNumber => {
                let node = number(step.node.0);
                quote!(#node)
            }
            Arg::BatchRows => quote!(cx.rows),
            Arg::Update => quote!(update),
        });
        quote!(#(#[doc = #docs])* #kernel(#(#args),*);)
    }
}
