//! The implementation of the trait `Network`: constants and tables, and the order of the phases of a step.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::calls::{Segment, segments};
use super::{Unit, ident, number, sample_type};
use crate::ir::{Dim, OutputKind, Place};
use crate::plan::output;

impl Unit<'_> {
    // Expands to:
    //     impl<T: Real> Network<T> for Mlp<T> { … }
    pub(crate) fn network_impl(&self) -> TokenStream {
        let name = self.name();
        let (constants, tables) = (self.constants(), self.tables());
        let graph = &self.program.graph;
        let scalar = self.scalar(graph.inputs[0]);
        let input = sample_type(self.input_shape(), &scalar);
        let output = sample_type(self.output_shape(), &quote!(T));
        let (forward, backward, step) = (self.forward(), self.backward(), self.forward_backward());
        let (outputs, predict) = (self.outputs(), self.predict());
        quote! {
            impl<T: Real> ::glulam::Network<T> for #name<T> {
                #constants
                #tables
                type InputScalar = #scalar;
                type Input = #input;
                type Output = #output;

                fn weights(&self) -> &Weights<T> {
                    &self.weights
                }

                fn weights_mut(&mut self) -> &mut Weights<T> {
                    &mut self.weights
                }

                #forward
                #backward
                #step
                #outputs
                #predict
            }
        }
    }

    fn constants(&self) -> TokenStream {
        let (plan, graph) = (self.plan, &self.program.graph);
        let name = self.name().to_string();
        let (parameters, values, count) = (&plan.parameters, plan.values.per_sample(), number(plan.values.slots.len()));
        let statistics = plan.statistics.iter().fold(Dim::Known(0), |sum, (.., len)| sum.add(len));
        let (input, output) = (&self.input_shape().0, &self.output_shape().0);
        let kind = graph.producer(graph.output).map_or(OutputKind::Unbounded, |id| self.output_kind(id));
        let kind = ident(match kind {
            OutputKind::Unbounded => "Unbounded",
            OutputKind::Probabilities => "Probabilities",
            OutputKind::LogProbabilities => "LogProbabilities",
            OutputKind::Sigmoid => "Sigmoid",
        });
        let tied = graph.nodes.iter().any(|node| node.shares.is_some());
        let (train, eval) =
            (self.smallest_batch("MIN_TRAIN_BATCH", false), self.smallest_batch("MIN_EVAL_BATCH", true));
        quote! {
            const NAME: &'static str = #name;
            const PARAMETERS: usize = #parameters;
            const FLOPS_PER_SAMPLE: u64 = total_flops(Self::LAYERS);
            const VALUES_PER_SAMPLE: usize = #values;
            const VALUES: usize = #count;
            const STATISTICS: usize = #statistics;
            const INPUT_SHAPE: &'static [usize] = &[#(#input),*];
            const OUTPUT_SHAPE: &'static [usize] = &[#(#output),*];
            const OUTPUT: Output = Output::#kind;
            const TIED: bool = #tied;
            #train
            #eval
        }
    }

    // Expands to:
    //     const MIN_TRAIN_BATCH: usize = 2;
    /// The fewest samples of a batch, where a layer takes statistics of the batch. In evaluation only some do.
    fn smallest_batch(&self, constant: &str, eval: bool) -> Option<TokenStream> {
        let layers = self.program.graph.nodes.iter().map(|node| &node.layer);
        let values =
            layers.filter(|layer| !eval || layer.needs_whole_batch()).filter_map(|layer| layer.values_per_channel());
        // The dimensions whose values only rustc knows.
        let mut named = Vec::new();
        let mut least = 1;
        for dim in values {
            match dim {
                Dim::Known(1) => least = 2,
                Dim::Known(_) => {}
                Dim::Named { .. } => named.push(quote!(#dim == 1)),
            }
        }
        let constant = ident(constant);
        match (least, named.is_empty()) {
            (2, _) => Some(quote!(const #constant: usize = 2;)),
            (_, false) => Some(quote!(const #constant: usize = if #(#named)||* { 2 } else { 1 };)),
            _ => None,
        }
    }

    /// What the output's numbers are: views do not change it.
    fn output_kind(&self, id: crate::ir::NodeId) -> OutputKind {
        let graph = &self.program.graph;
        let node = graph.node(id);
        match &node.activation {
            Some(activation) => activation.output,
            None if node.layer.is_view() => {
                graph.producer(node.inputs[0]).map_or(OutputKind::Unbounded, |before| self.output_kind(before))
            }
            None => node.layer.output_kind(),
        }
    }

    /// The weights taken apart, and the step's views of them and of the workspace.
    fn begin(&self, context: TokenStream, mutable: bool) -> TokenStream {
        let params = self.params_name();
        let statistics = self.has_statistics().then(|| quote!(let mut s = Statistics::new(statistics);));
        let buffers = (mutable && self.has_buffers()).then(|| quote!(let b = Buffers::new(buffers);));
        let x = self.rows_of_inputs();
        quote! {
            let cx = #context;
            let p = #params::of(parameters);
            #buffers
            let (values, statistics, losses) = workspace.parts();
            #statistics
            let mut v = Values::new(values, losses);
            #x
        }
    }

    /// `let x: &[[T; 784]] = flat(inputs);`
    fn rows_of_inputs(&self) -> TokenStream {
        let row = self.row_type(Place::Value(self.program.graph.inputs[0]));
        match self.input_shape().0.len() {
            1 => quote!(let x: &[#row] = inputs;),
            _ => quote!(let x: &[#row] = flat(inputs);),
        }
    }

    /// One phase of the rows: a call of each of these functions.
    fn phase(&self, work: TokenStream, body: &[TokenStream]) -> TokenStream {
        quote! {
            for_each((x, v.reborrow()), #work, |(x, mut v)| {
                let cx = cx.at(v.first_row);
                #(#body)*
            });
        }
    }

    fn call(&self, function: &Ident, backward: bool) -> TokenStream {
        let statistics = self.has_statistics().then(|| quote!(&s,));
        let first = backward.then(|| quote!(, first));
        quote!(#function(cx, &p, #statistics x, &mut v #first);)
    }

    fn forward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.begin(inputs.len(), mode, *seed, draws)), true);
        let phases = segments("forward_rows", &self.program.forward).into_iter().map(|segment| match segment {
            Segment::Rows(name, _) => self.phase(quote!(Self::work(x.len(), 1)), &[self.call(&name, false)]),
            Segment::Batch(step) => self.batch_statement(step),
        });
        let (values, gradient) = self.output_slots();
        quote! {
            #[allow(unused_doc_comments, unused_variables, unused_mut, reason = "one form for all networks, a formula on each call")]
            fn forward<'w>(&mut self, mode: Mode, inputs: &[Self::Input], workspace: &'w mut Workspace<T>) -> Outputs<'w, T, Self::Output> {
                let Weights { parameters, buffers, counters, seed, draws } = &mut self.weights;
                #begin
                #(#phases)*
                Outputs {
                    values: samples(v.#values),
                    gradient: samples_mut(v.#gradient),
                    losses: v.losses,
                    shape: <Self as ::glulam::Network<T>>::OUTPUT_SHAPE,
                }
            }
        }
    }

    fn backward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.resume(inputs.len())), false);
        let phases = segments("backward_rows", &self.program.backward).into_iter().map(|segment| match segment {
            Segment::Rows(name, _) => self.phase(quote!(Self::work(x.len(), 1)), &[self.call(&name, true)]),
            Segment::Batch(step) => self.batch_statement(step),
        });
        let statistics = self.has_statistics().then(|| quote!(&s,));
        let d_x = match self.input_gradient() {
            true => quote! {
                let first = if d_inputs.is_some() { 0 } else { update.first_wanted(Self::PARAMS.len()) };
                if let Some(d_inputs) = &d_inputs {
                    assert!(d_inputs.len() == inputs.len(), "{} input gradients for {} inputs", d_inputs.len(), inputs.len());
                }
                v.d_x = d_inputs.map(flat_mut);
            },
            false => quote! {
                let first = update.first_wanted(Self::PARAMS.len());
                assert!(d_inputs.is_none(), "the inputs of this network have no gradient");
            },
        };
        quote! {
            #[allow(unused_doc_comments, unused_variables, unused_mut, reason = "one form for all networks, a formula on each call")]
            fn backward_into(&self, inputs: &[Self::Input], workspace: &mut Workspace<T>, update: Update<'_, T>, d_inputs: Option<&mut [Self::Input]>) {
                let parameters = &self.weights.parameters;
                #begin
                #d_x
                #(#phases)*
                for_each_update(update, Self::PARAMS, Self::work(x.len(), 1), |mut update| {
                    backward_tiles(cx, #statistics x, &v, &mut update);
                });
            }
        }
    }

    /// Forward, loss and backward: what lies between two meetings of the threads is one phase, across the three.
    fn forward_backward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.begin(inputs.len(), Mode::Train, *seed, draws)), true);
        let (values, gradient) = self.output_slots();
        let loss = quote! {
            /// The loss of each row, and its gradient with respect to the outputs.
            loss.rows(v.first_row, v.#values.as_flattened(), v.losses, v.#gradient.as_flattened_mut());
        };
        let mut phases = Vec::new();
        let mut open: Vec<TokenStream> = Vec::new();
        let work = || quote!(Self::work(x.len(), 2));
        for segment in segments("forward_rows", &self.program.forward) {
            match segment {
                Segment::Rows(name, _) => open.push(self.call(&name, false)),
                Segment::Batch(step) => {
                    phases.push(self.phase(work(), &std::mem::take(&mut open)));
                    phases.push(self.batch_statement(step));
                }
            }
        }
        open.push(loss);
        for segment in segments("backward_rows", &self.program.backward) {
            match segment {
                Segment::Rows(name, _) => open.push(self.call(&name, true)),
                Segment::Batch(step) => {
                    phases.push(self.phase(work(), &std::mem::take(&mut open)));
                    phases.push(self.batch_statement(step));
                }
            }
        }
        if !open.is_empty() {
            phases.push(self.phase(work(), &open));
        }
        let statistics = self.has_statistics().then(|| quote!(&s,));
        quote! {
            #[allow(unused_doc_comments, unused_variables, unused_mut, reason = "one form for all networks, a formula on each call")]
            fn forward_backward(&mut self, inputs: &[Self::Input], loss: &dyn RowLoss<T>, workspace: &mut Workspace<T>, update: UpdateBy<'_, T>) -> T {
                let Weights { parameters, buffers, counters, seed, draws } = &mut self.weights;
                let first = update.first_trained(Self::PARAMS.len());
                #begin
                #(#phases)*
                let loss = total(v.losses);
                if !loss.is_finite() {
                    return loss;
                }
                for_each_update(update.begin(parameters), Self::PARAMS, Self::work(x.len(), 1), |mut update| {
                    backward_tiles(cx, #statistics x, &v, &mut update);
                });
                loss
            }
        }
    }

    /// The fields of `Values` that hold the output and its gradient.
    fn output_slots(&self) -> (Ident, Ident) {
        let id = output(self.program);
        let slot = |place| ident(&self.plan.values.slots[self.plan.values.of[&place]].name);
        (slot(Place::Value(id)), slot(Place::Gradient(id)))
    }

    fn outputs(&self) -> TokenStream {
        let id = output(self.program);
        let index = self.plan.values.of[&Place::Value(id)];
        let takes = self.plan.values.slots[..=index].iter().enumerate().map(|(i, slot)| {
            let (name, width) = (ident(&slot.name), &slot.width);
            let name = if i == index { quote!(#name) } else { quote!(_) };
            quote!(let #name: &[[T; #width]] = take_read(&mut values, workspace.rows());)
        });
        let name = ident(&self.plan.values.slots[index].name);
        quote! {
            fn outputs(workspace: &Workspace<T>) -> &[Self::Output] {
                let mut values = workspace.values();
                #(#takes)*
                samples(#name)
            }
        }
    }

    fn predict(&self) -> TokenStream {
        let params = self.params_name();
        let x = self.rows_of_inputs();
        let output = self.row_type(Place::Value(output(self.program)));
        let buffers = self.has_buffers().then(|| quote!(let b = BuffersRead::new(&self.weights.buffers);));
        let b = self.has_buffers().then(|| quote!(&b,));
        let (per_row, arrays) = (self.plan.scratch.per_sample(), number(self.plan.scratch.slots.len()));
        let fixed = self.plan.scratch_statistics.iter().fold(Dim::Known(0), |sum, (.., len)| sum.add(len));
        let whole = self.program.graph.nodes.iter().any(|node| node.layer.needs_whole_batch());
        let rows = if whole { quote!(x.len()) } else { quote!(x.len().min(PREDICT_ROWS)) };
        let blocks = quote! {
            let rows = #rows;
            with_scratch(#fixed + #per_row * rows + #arrays * ALIGN, |scratch| {
                for (x, y) in x.chunks(rows).zip(y.chunks_mut(rows)) {
                    predict_rows(cx, &p, #b x, y, scratch);
                }
            });
        };
        let body = match whole {
            true => quote!(if !x.is_empty() { #blocks }),
            false => quote! {
                for_each((x, y), Self::work(x.len(), 1), |(x, y): (&[_], &mut [_])| {
                    if x.is_empty() {
                        return;
                    }
                    #blocks
                });
            },
        };
        quote! {
            fn predict_into(&self, inputs: &[Self::Input], outputs: &mut [Self::Output]) {
                assert!(inputs.len() == outputs.len(), "{} inputs, room for {} outputs", inputs.len(), outputs.len());
                let p = #params::of(&self.weights.parameters);
                #buffers
                let cx = Context { mode: Mode::Eval, seed: 0, draw: 0, first_row: 0, rows: inputs.len() };
                #x
                let y: &mut [#output] = flat_mut(outputs);
                #body
            }
        }
    }
}
