//! The layers, one file each (an activation is a row of a table), and the registry that `resolve` looks them up in.
//!
//! To add one: write `layers/x.rs` with a type that implements [`Layer`], name it in the registry, write its kernels in
//! the runtime. No pass changes.

mod activation;
mod calls;
mod channels;
mod check;
mod conv;
mod custom;
mod dropout;
mod fold;
mod from;
mod inits;
mod join;
mod linear;
mod norm;
mod operand;
mod orders;
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

use crate::diagnostics::Diagnostics;
use crate::ir::{self, Activation, Buffer, Call, Dim, Facts, Kept, OutputKind, Param, Shape, View};
use crate::parse::args::Args;

pub(crate) use custom::Custom;
pub(crate) use from::{From, THE_INPUT};
pub(crate) use join::Sum;
pub(crate) use orders::{Orders, Take};
pub(crate) use relayout::Relayout;

// For the layers.
use calls::{axis, batch, forward_call, kept_for_activation, rows, tiles, vector};
use from::sample_axis;

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
    /// Whether to scale and shift the channels before the activation, by `Operand::Norm`; the layer's Y is then the norm's
    /// output. Given only to layers with [`Layer::takes_norm`].
    pub(crate) norm: bool,
    /// Calls for a prediction: evaluation mode, nothing kept.
    pub(crate) predict: bool,
}

impl Site<'_> {
    /// The first output.
    fn output(&self) -> &View {
        &self.outputs[0]
    }
}

/// What a shape without channels looks like, for messages.
const VECTOR: &str = "[784]";

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
        VECTOR
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

    /// In a prediction its forward can scale and shift channels in the write-back, before the activation.
    fn takes_norm(&self) -> bool {
        false
    }

    /// The call that makes the scale and shift (`Operand::Statistics`, which it writes) of the channels side by side, if that is
    /// all that the layer does in a prediction.
    fn as_norm(&self) -> Option<Call> {
        None
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
