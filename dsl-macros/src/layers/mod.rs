//! The layers, one file each (an activation is a row of a table), and the registry that `resolve` looks them up in.
//!
//! To add one: write `layers/x.rs` with a type that implements [`Layer`], name it in the registry, write its kernels in
//! the runtime. No pass changes.

mod activation;
mod channels;
mod check;
mod conv;
mod custom;
mod dropout;
mod fold;
mod join;
mod linear;
mod norm;
mod pad;
mod pool;
mod prelu;
mod relayout;
mod reshape;
mod shuffle;
mod softmax;
mod torch;
mod upsample;
mod window;

use std::fmt::{self, Debug, Display};

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::ir::{
    self, Activation, Arg, Buffer, Call, Dim, Facts, Kept, Named, Operand, Order, OutputKind, Param, Scope, Shape, View,
};
use crate::parse::args::{Args, Integer};

pub(crate) use custom::Custom;
pub(crate) use join::Sum;
pub(crate) use relayout::Relayout;

/// A graph of layers, BEFORE `backward`.
pub(crate) type Graph = ir::Graph<Box<dyn Layer>>;
pub(crate) type Node = ir::Node<Box<dyn Layer>>;

/// What a layer is told about the place where it stands, when calls are asked of it.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// Its inputs.
    pub(crate) inputs: &'a [View],
    /// Its outputs.
    pub(crate) outputs: &'a [View],
    /// The activation to apply in the write-back; the layer's Y is then the activation's output.
    pub(crate) activation: Option<&'a Activation>,
    /// The activation folded into the producer of X(0), whose derivative the layer should multiply into DX(0) (its
    /// operand is `Operand::Producer`). Given only to layers with [`Layer::folds_activation_backward`].
    pub(crate) producer_activation: Option<&'a Activation>,
    /// Calls for a prediction: evaluation mode, nothing kept.
    pub(crate) predict: bool,
}

impl Site<'_> {
    /// The first output.
    fn output(&self) -> &View {
        &self.outputs[0]
    }
}

/// In which order of axes a layer takes all its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    AsItComes,
    Logical,
    ChannelsLast,
}

/// What a layer answers to the question for orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) take: Take,
    /// The order of each output.
    pub(crate) give: Vec<Order>,
}

impl Orders {
    /// Of a layer that works with any order, as long as all inputs and the output have one.
    fn any(inputs: &[View]) -> Orders {
        match inputs {
            [first, others @ ..] if others.iter().all(|other| other.order == first.order) => {
                Orders { take: Take::AsItComes, give: vec![first.order.clone()] }
            }
            _ => Orders::by_axes(inputs, &[inputs[0].shape.clone()]),
        }
    }

    /// Of a layer that works along axes, wherever they lie: all as the first input is.
    fn by_axes(inputs: &[View], outputs: &[Shape]) -> Orders {
        if inputs[0].is_channels_last() { Orders::channels_last(outputs) } else { Orders::logical(outputs) }
    }

    /// Of a layer that wants PyTorch's order.
    fn logical(outputs: &[Shape]) -> Orders {
        Orders { take: Take::Logical, give: vec![Order::Logical; outputs.len()] }
    }

    /// Of a layer that wants channels last.
    fn channels_last(outputs: &[Shape]) -> Orders {
        Orders { take: Take::ChannelsLast, give: outputs.iter().map(Order::channels_last).collect() }
    }
}

/// A layer: what it is given, what it makes of shapes, what it remembers, and which kernel calls it becomes.
///
/// It answers with data; it sees no other layer and no tokens of the network around it.
pub(crate) trait Layer: Debug {
    /// As PyTorch writes it, for the summary: `Linear(784, 64)`.
    fn describe(&self) -> String;

    /// The shapes of its outputs. Fills in `_` and checks the inputs; reports what is wrong, at its token, and returns
    /// `None`.
    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>>;

    /// The names of its outputs but for the first, which is what flows on along the chain.
    fn further_outputs(&self) -> &'static [&'static str] {
        &[]
    }

    /// The orders of axes in which it takes such inputs and gives its outputs; it remembers what its calls need to know of
    /// them. As it is, everything is in PyTorch's order: a new layer is right before it is fast.
    fn order(&mut self, _inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::logical(outputs)
    }

    /// The shape of one sample of the input, where the arguments fix it: `[784]` of `Linear(784, 64)`. What a network
    /// without a declared shape takes.
    fn input(&self) -> Option<Shape> {
        None
    }

    /// What such a shape looks like, for the message that it has to be declared.
    fn shape_example(&self) -> &'static str {
        "[784]"
    }

    /// It reads token ids, not numbers.
    fn takes_tokens(&self) -> bool {
        false
    }

    /// A copy in a new box: nodes of a repeated block are inferred apart.
    fn boxed(&self) -> Box<dyn Layer>;

    /// Its parameters, in PyTorch's order. AFTER `infer`.
    fn params(&self) -> Vec<Param> {
        Vec::new()
    }

    /// Its buffers, in PyTorch's order.
    fn buffers(&self) -> Vec<Buffer> {
        Vec::new()
    }

    /// What it keeps for each sample beside inputs and outputs, for the backward pass.
    fn kept(&self, _site: &Site<'_>) -> Vec<Kept> {
        Vec::new()
    }

    /// What it adds up of each piece of the batch, for a call of the whole batch to add up in order.
    fn partials(&self) -> Vec<Kept> {
        Vec::new()
    }

    /// What it keeps for a whole batch: a name and a number of scalars.
    fn statistics(&self) -> Vec<(&'static str, Dim)> {
        Vec::new()
    }

    /// Multiply-adds times two of the forward pass for one sample, whose first output has the shape `output`.
    fn flops(&self, inputs: &[Shape], output: &Shape) -> Dim;

    /// The forward calls. Empty for a view.
    fn forward(&self, site: &Site<'_>) -> Vec<Call>;

    /// The backward calls: gradients of inputs (scope `Rows`), then of parameters (scope `Tiles`). Empty for a view.
    /// A call that writes `DX(i)` is left out, or its result added, by the pass `backward`, as the graph needs it.
    fn backward(&self, site: &Site<'_>) -> Vec<Call>;

    /// The output, its only one, is the input's memory, seen in another shape (Flatten, Identity): no calls.
    fn is_view(&self) -> bool {
        false
    }

    /// It is an element-wise function that a producer may take over.
    fn as_activation(&self) -> Option<Activation> {
        None
    }

    /// Its forward can apply an activation in the write-back.
    fn takes_activation(&self) -> bool {
        false
    }

    /// Its input gradient can be multiplied by the derivative of the producer's activation in the write-back.
    fn folds_activation_backward(&self) -> bool {
        false
    }

    /// What its numbers are, for checks against the loss. What is not certain is `Unknown`: a loss that would do is not
    /// to be refused.
    fn output_kind(&self) -> OutputKind {
        OutputKind::Unknown
    }

    /// It computes statistics of the evaluated batch itself (a batch norm without running statistics), so a prediction
    /// may not be cut into blocks of rows.
    fn needs_whole_batch(&self) -> bool {
        false
    }

    /// Of a layer that computes statistics of the batch: how many values of each channel one sample has. A batch must
    /// have more than one.
    fn values_per_channel(&self) -> Option<Dim> {
        None
    }
}

impl dyn Layer {
    /// All that the passes after `backward` know of it, beside its calls.
    pub(crate) fn facts(&self, site: &Site<'_>) -> Facts {
        Facts {
            describe: self.describe(),
            params: self.params(),
            buffers: self.buffers(),
            kept: self.kept(site),
            partials: self.partials(),
            statistics: self.statistics(),
            flops: self
                .flops(&site.inputs.iter().map(|view| view.shape.clone()).collect::<Vec<_>>(), &site.output().shape),
            is_view: self.is_view(),
            output: self.output_kind(),
            needs_whole_batch: self.needs_whole_batch(),
            values_per_channel: self.values_per_channel(),
        }
    }
}

impl Display for dyn Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Where a layer's inputs come from, for messages: ``but `Linear(784, 64)` produces 64``.
#[derive(Debug)]
pub(crate) struct From<'a> {
    /// The layer itself, as written.
    pub(crate) written: &'a str,
    /// The layer's own span.
    pub(crate) span: proc_macro2::Span,
    /// The producers of its inputs, as written; `the input` for an input.
    pub(crate) producers: &'a [String],
}

/// Reads a layer's arguments; reports every mistake in them.
pub(crate) type Constructor = fn(&mut Args<'_>, &mut Diagnostics) -> Option<Box<dyn Layer>>;

impl Clone for Box<dyn Layer> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

/// A name that can stand in a network, and what reads its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) read: Constructor,
    /// It takes a list of values: `[_, s1] => Add`.
    pub(crate) join: bool,
}

/// Every layer, in the order of the manual.
pub(crate) fn registry() -> impl Iterator<Item = Entry> {
    let layer = |(name, read): (&'static str, Constructor)| Entry { name, read, join: false };
    let layers: &[(&'static str, Constructor)] = &[
        ("Linear", linear::read),
        ("Conv1d", conv::read),
        ("Conv2d", conv::read),
        ("Conv3d", conv::read),
        ("ConvTranspose1d", conv::read),
        ("ConvTranspose2d", conv::read),
        ("ConvTranspose3d", conv::read),
        ("MaxPool1d", pool::read),
        ("MaxPool2d", pool::read),
        ("MaxPool3d", pool::read),
        ("AvgPool1d", pool::read),
        ("AvgPool2d", pool::read),
        ("AvgPool3d", pool::read),
        ("LPPool1d", pool::read),
        ("LPPool2d", pool::read),
        ("LPPool3d", pool::read),
        ("AdaptiveAvgPool1d", pool::read_adaptive),
        ("AdaptiveAvgPool2d", pool::read_adaptive),
        ("AdaptiveAvgPool3d", pool::read_adaptive),
        ("AdaptiveMaxPool1d", pool::read_adaptive),
        ("AdaptiveMaxPool2d", pool::read_adaptive),
        ("AdaptiveMaxPool3d", pool::read_adaptive),
        ("ZeroPad1d", pad::read),
        ("ZeroPad2d", pad::read),
        ("ZeroPad3d", pad::read),
        ("ConstantPad1d", pad::read),
        ("ConstantPad2d", pad::read),
        ("ConstantPad3d", pad::read),
        ("ReflectionPad1d", pad::read),
        ("ReflectionPad2d", pad::read),
        ("ReflectionPad3d", pad::read),
        ("ReplicationPad1d", pad::read),
        ("ReplicationPad2d", pad::read),
        ("ReplicationPad3d", pad::read),
        ("CircularPad1d", pad::read),
        ("CircularPad2d", pad::read),
        ("CircularPad3d", pad::read),
        ("Upsample", upsample::read),
        ("UpsamplingNearest2d", upsample::read2d),
        ("UpsamplingBilinear2d", upsample::read2d),
        ("PixelShuffle", shuffle::pixel_shuffle),
        ("PixelUnshuffle", shuffle::pixel_unshuffle),
        ("ChannelShuffle", shuffle::channel_shuffle),
        ("Unfold", fold::read),
        ("Fold", fold::read),
        ("Identity", reshape::identity),
        ("Flatten", reshape::flatten),
        ("Unflatten", reshape::unflatten),
        ("BatchNorm1d", norm::batch_norm),
        ("BatchNorm2d", norm::batch_norm),
        ("BatchNorm3d", norm::batch_norm),
        ("GroupNorm", norm::group_norm),
        ("InstanceNorm1d", norm::instance_norm),
        ("InstanceNorm2d", norm::instance_norm),
        ("InstanceNorm3d", norm::instance_norm),
        ("LayerNorm", norm::layer_norm),
        ("RMSNorm", norm::rms_norm),
        ("LocalResponseNorm", norm::local_response_norm),
        ("Dropout", dropout::read),
        ("Dropout1d", dropout::read),
        ("Dropout2d", dropout::read),
        ("Dropout3d", dropout::read),
        ("AlphaDropout", dropout::read),
        ("FeatureAlphaDropout", dropout::read),
        ("Softmax", softmax::read),
        ("LogSoftmax", softmax::read),
        ("Softmin", softmax::read),
        ("Softmax2d", softmax::read2d),
        ("GLU", softmax::glu),
        ("PReLU", prelu::prelu),
        ("RReLU", prelu::rrelu),
    ];
    let joins: [(&'static str, Constructor); 4] =
        [("Add", join::add), ("Mul", join::mul), ("Concat", join::concat), ("Stack", join::stack)];
    let join = |(name, read)| Entry { name, read, join: true };
    let activations = activation::NAMES.into_iter().map(|name| (name, activation::read as Constructor));
    layers.iter().copied().chain(activations).map(layer).chain(joins.into_iter().map(join))
}

/// PyTorch has a layer of that name, and there is none here.
pub(crate) fn is_missing(name: &str) -> bool {
    torch::MISSING.contains(&name)
}

/// Says of a layer of PyTorch's that there will not be what to write instead.
pub(crate) fn instead(name: &str, span: proc_macro2::Span, errors: &mut Diagnostics) -> bool {
    torch::instead(name).map(|(reason, help)| errors.error(span, reason).help(help)).is_some()
}

/// The layer of that name.
pub(crate) fn lookup(name: &str) -> Option<Entry> {
    registry().find(|entry| entry.name == name)
}

impl From<'_> {
    /// `Linear(784, 64)` produces, or the input has: the beginning of what input `i` is, before a number.
    fn source(&self, i: usize) -> String {
        match self.producers.get(i).map(String::as_str) {
            None | Some(THE_INPUT) => "the input has".into(),
            Some(written) => format!("`{written}` produces"),
        }
    }

    /// The same with the whole shape: `Linear(784, 64)` produces `[64]`, or the input has shape `[64]`.
    fn shape(&self, i: usize, shape: &Shape) -> String {
        match self.producers.get(i).map(String::as_str) {
            None | Some(THE_INPUT) => format!("the input has shape {shape}"),
            Some(written) => format!("`{written}` produces {shape}"),
        }
    }

    /// That nothing would be left of the input: what the message begins with, before the sum that is less than 1.
    fn empty_output(&self, input: &Shape) -> String {
        format!("`{}` makes an empty output: {}, and", self.written, self.shape(0, input))
    }
}

/// The producer of a value that the caller gives.
pub(crate) const THE_INPUT: &str = "the input";

/// The place in a sample's shape of the axis that PyTorch calls `axis.value`: it counts the batch too.
fn sample_axis(option: &str, axis: Integer, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<usize> {
    let rank = input.0.len() as i64 + 1;
    let place = if axis.value < 0 { axis.value + rank } else { axis.value };
    let found = axis.value;
    if (1..rank).contains(&place) {
        return Some(place as usize - 1);
    }
    let written = from.written;
    if place == 0 {
        errors
            .error(axis.span, format!("`{option} = {found}` of `{written}` is the batch, whose samples do not meet"))
            .help(match rank {
                1 => format!("a sample of shape {input} has no axis of its own"),
                2 => "the sample's axis is 1, or -1".to_owned(),
                _ => format!("the axes of a sample are 1 to {}, the last is also -1", rank - 1),
            });
    } else {
        let axes = rank - 1;
        errors
            .error(axis.span, format!("`{option} = {found}` of `{written}` is out of range: {}", from.shape(0, input)))
            .help(match axes {
                0 => "there is no axis but 0, the batch".to_owned(),
                1 => "the axes are 0, the batch, and 1".to_owned(),
                _ => format!("the axes are 0, the batch, and 1 to {axes}"),
            });
    }
    None
}

/// `Axis { len, inner }` of a kernel: a flat sample is `[outer, len, inner]`.
fn axis(view: &View, place: usize) -> Named {
    let (_, len, inner) = view.around(place);
    Named::with("Axis", quote!(len: #len, inner: #inner))
}

/// A call for each thread's rows. For the template of its formula see [`Formula::of`](crate::ir::Formula::of).
fn rows(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Rows, kernel, args, template)
}

/// A call for the whole batch, between two row phases.
fn batch(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Batch, kernel, args, template)
}

/// A call for each thread's part of the parameters.
fn tiles(kernel: &str, args: Vec<Arg>, template: &str) -> Call {
    Call::new(Scope::Tiles, kernel, args, template)
}

/// What a layer keeps for the activation folded into it: the activation's input, where its derivative is taken from that.
fn kept_for_activation(site: &Site<'_>) -> Vec<Kept> {
    match site.activation {
        Some(activation) if activation.keeps_input && !site.predict => vec![Kept::real("z", site.output().shape.len())],
        _ => Vec::new(),
    }
}

/// The forward call of a layer that may have to apply an activation: `kernel_forward`, `kernel_activation_forward` or
/// `kernel_activation_forward_keep`, of what comes before the output among its arguments. `formula` makes the layer's own
/// formula, from what stands before it.
fn forward_call(
    site: &Site<'_>,
    [plain, applying, keeping]: [&str; 3],
    mut args: Vec<Arg>,
    formula: &dyn Fn(&str) -> String,
) -> Call {
    let Some(activation) = site.activation else {
        args.push(operand::Y);
        return rows(plain, args, &formula("{y} = "));
    };
    let name = &activation.name;
    args.push(Arg::Value(activation.value.clone()));
    if kept_for_activation(site).is_empty() {
        args.push(operand::Y);
        return rows(applying, args, &(formula(&format!("{{y}} = {name}(")) + ")"));
    }
    args.extend([Arg::Write(Operand::Kept(0)), operand::Y]);
    rows(keeping, args, &format!("{}, {{y}} = {name}({{kept}})", formula("{kept} = ")))
}

/// The operands that nearly every call has.
mod operand {
    use super::{Arg, Operand};

    pub(super) const X: Arg = Arg::Read(Operand::X(0));
    pub(super) const Y: Arg = Arg::Write(Operand::Y(0));
    /// The output, for a derivative taken from it.
    pub(super) const OUT: Arg = Arg::Read(Operand::Y(0));
    pub(super) const DY: Arg = Arg::Read(Operand::DY(0));
    pub(super) const DX: Arg = Arg::Write(Operand::DX(0));
}

/// A parameter of one axis, seen as `[T; len]`.
fn vector(name: &'static str, shape: Vec<Dim>, cost: Dim, kind: crate::ir::ParamKind, init: TokenStream) -> Param {
    let columns = Dim::product(&shape);
    Param { name, dims: shape.clone(), shape, order: Vec::new(), rows: None, columns, cost, kind, init }
}
