//! The implementation of the trait `Network`: constants and tables, and the order of the phases of a step.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::calls::{Segment, segments};
use super::docs::Titles;
use super::places::Arrays;
use super::tables::is_plain;
use super::values::scalar;
use super::{Unit, ident, number, sample_type};
use crate::ir::{Dim, OutputKind, Place, Step};
use crate::plan::Plan;

impl Unit<'_> {
    // Expands to:
    //     impl<T: glulam::Real> glulam::Network<T> for Mlp<T> { … }
    pub(crate) fn network_impl(&self) -> TokenStream {
        let name = self.name();
        let (constants, tables) = (self.constants(), self.tables());
        let scalar = scalar(self.program.graph.value(self.program.graph.inputs[0]).scalar);
        let input = sample_type(self.input_shape(), &scalar);
        let output = sample_type(self.output_shape(), &quote!(T));
        let (forward, backward, step) = (self.forward(), self.backward(), self.forward_backward());
        let (outputs, predict) = (self.outputs(), self.predict());
        quote! {
            impl<T: glulam::Real> glulam::Network<T> for #name<T> {
                #constants
                #tables
                type InputScalar = #scalar;
                type Input = #input;
                type Output = #output;

                fn weights(&self) -> &glulam::Weights<T> {
                    &self.weights
                }

                fn weights_mut(&mut self) -> &mut glulam::Weights<T> {
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
        let parameters = &plan.parameters;
        let parameters = match parameters {
            Dim::Known(_) => quote!(#parameters),
            Dim::Named { .. } => quote!(glulam::total_parameters(Self::PARAMS)),
        };
        let (bytes, count) = (self.bytes(&plan.values, false), number(plan.values.slots.len()));
        let of_pieces = self.has_pieces().then(|| {
            let bytes = self.bytes(&plan.values, true);
            quote!(const WORKSPACE_BYTES_PER_PIECE: usize = #bytes;)
        });
        let statistics = plan.statistics.iter().fold(Dim::Known(0), |sum, (.., len)| sum.add(len));
        let (input, output) = (&self.input_shape().0, &self.output_shape().0);
        let kind = ident(match self.output_kind() {
            OutputKind::Unknown => "Unknown",
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
            const FLOPS_PER_SAMPLE: u64 = glulam::total_flops(Self::LAYERS);
            const WORKSPACE_BYTES_PER_SAMPLE: usize = #bytes;
            #of_pieces
            const VALUES: usize = #count;
            const STATISTICS: usize = #statistics;
            const INPUT_SHAPE: &'static [usize] = &[#(#input),*];
            const OUTPUT_SHAPE: &'static [usize] = &[#(#output),*];
            const OUTPUT: glulam::Output = glulam::Output::#kind;
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
        let values = layers
            .filter(|layer| !eval || layer.needs_whole_batch)
            .filter_map(|layer| layer.values_per_channel.as_ref());
        // The dimensions whose values only rustc knows.
        let mut named = Vec::new();
        let mut least = 1;
        for dim in values {
            match dim {
                Dim::Known(1) => least = 2,
                Dim::Known(_) => {}
                // A struct's fields would be taken for what follows the condition.
                Dim::Named { .. } if !is_plain(quote!(#dim)) => named.push(quote!((#dim) == 1)),
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
    fn output_kind(&self) -> OutputKind {
        let graph = &self.program.graph;
        let Some(id) = graph.value(self.program.output).producer else { return OutputKind::Unknown };
        let node = graph.node(id);
        node.activation.as_ref().map_or(node.layer.output, |activation| activation.output)
    }

    /// The weights taken apart, and the step's views of them and of the workspace.
    fn begin(&self, context: TokenStream, mutable: bool) -> TokenStream {
        let (params, own_values) = (self.params_name(), self.own("Values"));
        let own_statistics = self.own("Statistics");
        let statistics = self.has_statistics().then(|| quote!(let mut s = #own_statistics::new(statistics);));
        let own_buffers = self.own("Buffers");
        let buffers = (mutable && self.has_buffers()).then(|| quote!(let b = #own_buffers::new(buffers);));
        let x = self.rows_of_inputs();
        quote! {
            let cx = #context;
            let p = #params::of(parameters);
            #buffers
            let (values, statistics, losses) = workspace.parts();
            #statistics
            let mut v = #own_values::new(values, losses);
            #x
        }
    }

    /// `let x: &[[T; 784]] = flat(inputs);`
    fn rows_of_inputs(&self) -> TokenStream {
        let x = self.x();
        let row = self.row_type(Place::Value(self.program.graph.inputs[0]));
        match self.input_shape().0.len() {
            1 => quote!(let #x: &[#row] = inputs;),
            _ => quote!(let #x: &[#row] = glulam::flat(inputs);),
        }
    }

    /// One phase of the rows: a call of each of these functions.
    fn phase(&self, passes: usize, calls: &[Rows]) -> TokenStream {
        let (x, passes) = (self.x(), number(passes));
        let statistics = self.has_statistics().then(|| quote!(&s,));
        let calls = calls.iter().enumerate().map(|(i, call)| {
            // The last one may keep the values.
            let v = if i + 1 < calls.len() { quote!(v.reborrow()) } else { quote!(v) };
            match call {
                Rows::Forward(function) => quote!(#function(cx, &p, #statistics #x, #v);),
                Rows::Loss => quote!(loss_rows(loss, #v);),
                Rows::Backward(function) => quote!(#function(cx, &p, #statistics #x, #v, first_trained);),
            }
        });
        quote! {
            glulam::for_each((#x, v.reborrow()), Self::work(#x.len(), #passes), |(#x, mut v)| {
                let cx = cx.at(v.first_row);
                #(#calls)*
            });
        }
    }

    /// What lies between two meetings of the threads is one phase.
    fn phases(&self, passes: usize, parts: Vec<Part<'_>>) -> TokenStream {
        let mut phases = TokenStream::new();
        let mut open = Vec::new();
        let mut titles = Titles::default();
        for part in parts {
            match part {
                Part::Rows(rows) => open.push(rows),
                Part::Batch(step) => {
                    if !open.is_empty() {
                        phases.extend(self.phase(passes, &std::mem::take(&mut open)));
                    }
                    phases.extend(self.batch_statement(step, &mut titles));
                }
            }
        }
        if !open.is_empty() {
            phases.extend(self.phase(passes, &open));
        }
        phases
    }

    fn forward_parts(&self) -> Vec<Part<'_>> {
        let part = |segment| match segment {
            Segment::Rows(name, _) => Part::Rows(Rows::Forward(name)),
            Segment::Batch(step) => Part::Batch(step),
        };
        segments("forward_rows", &self.program.forward).into_iter().map(part).collect()
    }

    fn backward_parts(&self) -> Vec<Part<'_>> {
        let part = |segment| match segment {
            Segment::Rows(name, _) => Part::Rows(Rows::Backward(name)),
            Segment::Batch(step) => Part::Batch(step),
        };
        segments("backward_rows", &self.program.backward).into_iter().map(part).collect()
    }

    fn forward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.begin(inputs.len(), mode, *seed, draws)), true);
        let phases = self.phases(1, self.forward_parts());
        let id = self.program.output;
        let mut arrays = Arrays::new(self.program, &self.plan.values);
        arrays.name(Place::Value(id));
        arrays.name(Place::Gradient(id));
        let name = |place| ident(&self.program.name(place));
        let (output, gradient) = (name(Place::Value(id)), name(Place::Gradient(id)));
        let (own_values, fields) = (self.own("Values"), arrays.fields());
        quote! {
            fn forward<'w>(&mut self, mode: glulam::Mode, inputs: &[Self::Input], workspace: &'w mut glulam::Workspace<T>) -> glulam::Outputs<'w, T, Self::Output> {
                let glulam::Weights { parameters, buffers, counters, seed, draws } = &mut self.weights;
                #begin
                #phases
                let #own_values { #(#fields,)* losses, .. } = v;
                glulam::Outputs {
                    values: glulam::samples(#output),
                    gradient: glulam::samples_mut(#gradient),
                    losses,
                    shape: Self::OUTPUT_SHAPE,
                }
            }
        }
    }

    fn backward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.resume(inputs.len())), false);
        let phases = self.phases(1, self.backward_parts());
        let tiles = self.tiles(quote!(update));
        let d_x = self.d_x();
        let wanted = match self.input_gradient() {
            true => quote! {
                let first_trained;
                (first_trained, v.#d_x) = glulam::wanted(&update, Self::PARAMS, inputs, d_inputs);
            },
            false => quote! {
                let first_trained = glulam::wanted_of_parameters(&update, Self::PARAMS, d_inputs);
            },
        };
        quote! {
            fn backward_into(&self, inputs: &[Self::Input], workspace: &mut glulam::Workspace<T>, update: glulam::Update<'_, T>, d_inputs: ::core::option::Option<&mut [Self::Input]>) {
                let parameters = &self.weights.parameters;
                #begin
                #wanted
                #phases
                #tiles
            }
        }
    }

    /// Forward, loss and backward: one phase as far as no layer needs the whole batch.
    fn forward_backward(&self) -> TokenStream {
        let begin = self.begin(quote!(workspace.begin(inputs.len(), glulam::Mode::Train, *seed, draws)), true);
        let mut parts = self.forward_parts();
        parts.push(Part::Rows(Rows::Loss));
        parts.extend(self.backward_parts());
        let (phases, tiles) = (self.phases(2, parts), self.tiles(quote!(update.begin(parameters))));
        quote! {
            fn forward_backward(&mut self, inputs: &[Self::Input], loss: &dyn glulam::RowLoss<T>, workspace: &mut glulam::Workspace<T>, update: glulam::UpdateBy<'_, T>) -> T {
                let glulam::Weights { parameters, buffers, counters, seed, draws } = &mut self.weights;
                let first_trained = update.first_trained(Self::PARAMS.len());
                #begin
                #phases
                let loss = glulam::total(v.losses);
                /// A loss that is NaN or infinite moves no parameter.
                if loss.is_finite() {
                    #tiles
                }
                loss
            }
        }
    }

    // Expands to:
    //     let non_finite = glulam::for_each_update(update, Self::PARAMS, x.len(), |update| { backward_tiles(…); });
    //     workspace.set_non_finite_gradient(non_finite);
    /// The phase of the parameters.
    fn tiles(&self, update: TokenStream) -> TokenStream {
        let x = self.x();
        let statistics = self.has_statistics().then(|| quote!(&s,));
        quote! {
            let non_finite = glulam::for_each_update(#update, Self::PARAMS, #x.len(), |update| {
                backward_tiles(cx, #statistics #x, &v, update);
            });
            workspace.set_non_finite_gradient(non_finite);
        }
    }

    fn outputs(&self) -> TokenStream {
        quote! {
            fn outputs(workspace: &glulam::Workspace<T>) -> &[Self::Output] {
                glulam::first_samples(workspace)
            }
        }
    }

    fn predict(&self) -> TokenStream {
        let (params, x) = (self.params_name(), self.x());
        let rows_of_inputs = self.rows_of_inputs();
        let id = Place::Value(self.program.output);
        let (y, output) = (ident(&self.program.name(id)), self.row_type(id));
        let own_buffers = self.own("BuffersRead");
        let buffers = self.has_buffers().then(|| quote!(let b = #own_buffers::new(&self.weights.buffers);));
        let b = self.has_buffers().then(|| quote!(&b,));
        let Plan { scratch, scratch_statistics: whole, .. } = self.plan;
        let (per_row, arrays) = (self.bytes(scratch, false), number(scratch.slots.len() + whole.len()));
        let fixed = match whole.is_empty() {
            true => quote!(0),
            false => {
                let fixed = whole.iter().fold(Dim::Known(0), |sum, (.., len)| sum.add(len));
                quote!(glulam::bytes::<T>(#fixed))
            }
        };
        let at_once = self.program.graph.nodes.iter().any(|node| node.layer.needs_whole_batch);
        let how = ident(if at_once { "predict_whole" } else { "predict" });
        quote! {
            fn predict_into(&self, inputs: &[Self::Input], outputs: &mut [Self::Output]) {
                let p = #params::of(&self.weights.parameters);
                #buffers
                let cx = glulam::prediction(inputs.len(), outputs.len());
                #rows_of_inputs
                let #y: &mut [#output] = glulam::flat_mut(outputs);
                let memory = glulam::Scratch { per_row: #per_row, arrays: #arrays, fixed: #fixed };
                glulam::#how(#x, #y, Self::work(#x.len(), 1), memory, |#x, #y, scratch| {
                    predict_rows(cx, &p, #b #x, #y, scratch);
                });
            }
        }
    }
}

/// Part of a step.
enum Part<'a> {
    Rows(Rows),
    /// Once for the whole batch, when all threads have met.
    Batch(&'a Step),
}

/// A function that each thread calls for its rows.
enum Rows {
    Forward(Ident),
    Loss,
    Backward(Ident),
}
