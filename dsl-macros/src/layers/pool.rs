//! `MaxPool1d` to `3d`, `AvgPool`, `LPPool`, `AdaptiveAvgPool`, `AdaptiveMaxPool`, with PyTorch's options.
//!
//! Values are channels-last. All windows, adaptive or sliding, are one value of the runtime's; what is made of a window's cells
//! says which kernel it is.

use quote::quote;

use super::channels::{Member, channel_axis};
use super::check::{Must, check};
use super::operand::{DX, DY, OUT, X, Y};
use super::window::{Line, described, extent, option};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::Diagnostics;
use crate::ir::{Arg, Call, Dim, Kept, Named, Operand, Scalar, Shape, View};
use crate::parse::args::{Args, Integer, Number, PerAxis, Range};

#[derive(Clone, Debug)]
struct Pool {
    member: Member,
    what: What,
    windows: Windows,
    /// The lengths of the axes of input and output, AFTER `infer`.
    input: Vec<Dim>,
    output: Vec<Dim>,
}

/// What is made of the cells of a window.
#[derive(Clone, Debug)]
enum What {
    Max,
    Average {
        count_include_pad: bool,
        divisor_override: Option<Integer>,
    },
    /// Of this `norm_type`.
    Power(Number),
}

#[derive(Clone, Debug)]
enum Windows {
    Sliding {
        kernel: PerAxis,
        stride: PerAxis,
        padding: PerAxis,
        dilation: PerAxis,
        ceil: bool,
    },
    /// So many along each axis; `None`: one for each element.
    Adaptive {
        output_size: Vec<Option<Dim>>,
    },
}

const NO_PLACES: &str = "a layer has one output, and there is no `MaxUnpool` to read places";

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args);
    let (name, axes) = (&member.name, member.axes);
    let (max, power) = (name.starts_with("Max"), name.starts_with("LP"));
    let norm_type = power.then(|| args.number("norm_type", Range::NotZero, errors));
    let kernel = args.per_axis("kernel_size", axes, 1, errors);
    let stride = args.optional_per_axis("stride", (axes, 1), errors).unwrap_or_else(|| kernel.clone());
    let nothing = |value| PerAxis::all(value, axes, kernel.span);
    let padding = if power { nothing(0) } else { args.per_axis_or("padding", (axes, 0), 0, errors) };
    let dilation = if max { args.per_axis_or("dilation", (axes, 1), 1, errors) } else { nothing(1) };
    if max {
        args.off("return_indices", NO_PLACES, errors);
    }
    let ceil = args.flag("ceil_mode", false, errors);
    let what = match norm_type {
        Some(norm_type) => What::Power(norm_type),
        None if max => What::Max,
        None => What::Average {
            count_include_pad: args.flag("count_include_pad", true, errors),
            divisor_override: if axes == 1 { None } else { args.optional_int("divisor_override", errors) },
        },
    };
    args.finish(errors)?;
    check_padding(name, &padding, &kernel, errors)?;
    match &what {
        What::Average { divisor_override: Some(Integer { value: 0, span }), .. } => {
            errors.error(*span, format!("`divisor_override` of `{name}` must be other than 0, found 0"));
            return None;
        }
        What::Power(Number { value: None, tokens, span }) => {
            let text = format!("`norm_type` of `{name}` must be finite, but `{tokens}` is not");
            errors.assert(*span, quote!((#tokens).is_finite()), text);
        }
        _ => {}
    }
    let windows = Windows::Sliding { kernel, stride, padding, dilation, ceil };
    Some(Box::new(Pool { member, what, windows, input: Vec::new(), output: Vec::new() }))
}

pub(super) fn read_adaptive(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let member = Member::of(args);
    let output_size = args.per_axis_or_none("output_size", member.axes, errors);
    let what = if member.name.starts_with("AdaptiveMax") {
        args.off("return_indices", NO_PLACES, errors);
        What::Max
    } else {
        What::Average { count_include_pad: true, divisor_override: None }
    };
    args.finish(errors)?;
    let windows = Windows::Adaptive { output_size };
    Some(Box::new(Pool { member, what, windows, input: Vec::new(), output: Vec::new() }))
}

/// Some cell of every window is in the sample.
fn check_padding(name: &str, padding: &PerAxis, kernel: &PerAxis, errors: &mut Diagnostics) -> Option<()> {
    for (padding_of, kernel_of) in padding.dims.iter().zip(&kernel.dims) {
        let text = format!(
            "`padding` of `{name}` must be at most half of `kernel_size`, found {padding_of}, and a kernel of {kernel_of}"
        );
        let half = kernel_of.div(&Dim::Known(2));
        check(Must::AtMost(padding_of, &half), padding.span, text, errors, || match half.known() {
            Some(0) => "leave `padding` out, or take a larger kernel".to_owned(),
            _ => format!("write `padding = {half}`, or take a larger kernel"),
        })?;
    }
    Some(())
}

impl Pool {
    /// The number of windows along an axis.
    fn length(&self, axis: usize, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Dim> {
        let len = &input.0[axis + 1];
        let (kernel, stride, padding, dilation, ceil) = match &self.windows {
            Windows::Adaptive { output_size } => return Some(output_size[axis].clone().unwrap_or_else(|| len.clone())),
            Windows::Sliding { kernel, stride, padding, dilation, ceil } => {
                (&kernel.dims[axis], &stride.dims[axis], &padding.dims[axis], &dilation.dims[axis], *ceil)
            }
        };
        // A last window that is cut: as if the steps that it lacks were there.
        let lacks = if ceil { stride.sub(&Dim::Known(1)) } else { Dim::Known(0) };
        let behind = padding.add(&lacks);
        let letter = self.member.letter(axis);
        let most = match self.what {
            What::Power(_) => Dim::Known(0),
            _ => kernel.div(&Dim::Known(2)),
        };
        let line = Line { len, letter, padding: padding.add(&behind), most: Some(most), kernel, stride, dilation };
        let count = line.windows(from.span, &from.empty_output(input), errors)?;
        if !ceil {
            return Some(count);
        }
        // None begins in the padding behind: all of them before (L + p) / s, rounded up. It is so where p + s <= d·(k - 1) + 1.
        let (reach, extent) = (padding.add(stride), extent(kernel, dilation));
        match (reach.known(), extent.known()) {
            (Some(reach), Some(extent)) if reach <= extent => Some(count),
            _ => Some(count.min(&len.add(padding).div_ceil(stride))),
        }
    }

    /// The cells of the largest window, where they are known.
    fn cells(&self) -> Dim {
        let longest = |(len, count): (&Dim, &Dim)| match (len.known(), count.known()) {
            (Some(len), Some(count)) => Dim::Known(len.div_ceil(count) + usize::from(len % count != 0)),
            _ => len.div(count).add(&Dim::Known(2)),
        };
        match &self.windows {
            Windows::Sliding { kernel, .. } => Dim::product(&kernel.dims),
            Windows::Adaptive { .. } => {
                let longest: Vec<Dim> = self.input.iter().zip(&self.output).map(longest).collect();
                Dim::product(&longest)
            }
        }
    }

    // Expands to:
    //     Pool::new([28, 28], [3, 3]).stride([2, 2])
    fn pool(&self) -> Arg {
        let (input, output) = (&self.input, &self.output);
        let rest = match &self.windows {
            Windows::Adaptive { .. } => quote!(::adaptive([#(#input),*], [#(#output),*])),
            Windows::Sliding { kernel, stride, padding, dilation, ceil } => {
                let step = &stride.dims;
                let stride = (step != &kernel.dims).then(|| quote!(.stride([#(#step),*])));
                let kernel = &kernel.dims;
                let (padding, dilation) = (option("padding", &padding.dims, 0), option("dilation", &dilation.dims, 1));
                // What the sizes do not say.
                let output = ceil.then(|| quote!(.output([#(#output),*])));
                let divisor = match &self.what {
                    What::Average { divisor_override: Some(Integer { value, .. }), .. } => {
                        let value = proc_macro2::Literal::i64_unsuffixed(*value);
                        Some(quote!(.divided_by(#value)))
                    }
                    What::Average { count_include_pad: false, .. } => Some(quote!(.without_padding())),
                    _ => None,
                };
                quote!(::new([#(#input),*], [#(#kernel),*]) #stride #padding #dilation #output #divisor)
            }
        };
        Arg::Value(Named { name: "Pool", rest })
    }

    /// A backward call, in which the derivative of the producer's activation may be folded.
    fn gradient(&self, site: &Site<'_>, kernel: &str, mut args: Vec<Arg>, formula: &str) -> Vec<Call> {
        let Some(a) = site.producer_activation else {
            args.push(DX);
            return vec![rows(&format!("{kernel}_backward"), args, &format!("{{dx}} = {formula}"))];
        };
        args.extend([Arg::Value(a.value.clone()), Arg::Read(Operand::Producer), DX]);
        let formula = format!("{{dx}} = ({formula}) ⊙ {}'({{producer}})", a.name);
        vec![rows(&format!("{kernel}_activation_backward"), args, &formula)]
    }
}

impl Layer for Pool {
    fn describe(&self) -> String {
        let name = &self.member.name;
        match &self.windows {
            Windows::Adaptive { output_size } => {
                let size = |dim: &Option<Dim>| dim.as_ref().map_or("None".into(), Dim::to_string);
                let sizes: Vec<String> = output_size.iter().map(size).collect();
                match sizes.as_slice() {
                    [first, others @ ..] if others.iter().all(|other| other == first) => format!("{name}({first})"),
                    _ => format!("{name}(({}))", sizes.join(", ")),
                }
            }
            Windows::Sliding { kernel, stride, padding, dilation, ceil } => {
                let norm_type = match &self.what {
                    What::Power(norm_type) => format!("{norm_type}, "),
                    _ => String::new(),
                };
                let stride = if stride.dims == kernel.dims { String::new() } else { format!(", stride = {stride}") };
                let (padding, dilation) = (described("padding", padding, 0), described("dilation", dilation, 1));
                let ceil = if *ceil { ", ceil_mode = true" } else { "" };
                let counted = match &self.what {
                    What::Average { divisor_override: Some(divisor), .. } => {
                        format!(", divisor_override = {}", divisor.value)
                    }
                    What::Average { count_include_pad: false, .. } => ", count_include_pad = false".into(),
                    _ => String::new(),
                };
                format!("{name}({norm_type}{kernel}{stride}{padding}{dilation}{ceil}{counted})")
            }
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let input = &inputs[0];
        let (channels, lengths) = self.member.check(input, from, errors, || Some(channel_axis(input, from.written)))?;
        self.input = lengths.to_vec();
        // Every axis that is too short is told.
        let output: Vec<_> = (0..self.member.axes).map(|axis| self.length(axis, input, from, errors)).collect();
        self.output = output.into_iter().collect::<Option<_>>()?;
        let mut shape = vec![channels.clone()];
        shape.extend(self.output.iter().cloned());
        Some(vec![Shape(shape)])
    }

    fn order(&mut self, _inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::channels_last(outputs)
    }

    fn shape_example(&self) -> &'static str {
        self.member.shape_example()
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    /// Where the largest cells were.
    fn kept(&self, site: &Site<'_>) -> Vec<Kept> {
        // More places than a byte names, or who knows how many, have 32 bits.
        let small = self.cells().known().is_some_and(|cells| cells <= 256);
        let scalar = if small { Scalar::Byte } else { Scalar::Token };
        match self.what {
            What::Max if !site.predict => vec![Kept { name: "places", scalar, len: site.output().shape.len() }],
            _ => Vec::new(),
        }
    }

    /// Each cell of a window is met once.
    fn flops(&self, _inputs: &[Shape], output: &Shape) -> Dim {
        self.cells().mul(&output.len())
    }

    fn forward(&self, site: &Site<'_>) -> Vec<Call> {
        let call = match &self.what {
            What::Max if site.predict => rows("max_pool_predict", vec![self.pool(), X, Y], "{y} = max {x}"),
            What::Max => {
                let args = vec![self.pool(), X, Arg::Write(Operand::Kept(0)), Y];
                rows("max_pool_forward", args, "{y} = max {x}, {kept} = where")
            }
            What::Average { .. } => rows("average_pool_forward", vec![self.pool(), X, Y], "{y} = mean {x}"),
            What::Power(norm_type) => {
                let args = vec![self.pool(), Arg::Literal("norm_type", norm_type.tokens.clone()), X, Y];
                rows("lp_pool_forward", args, "{y} = (Σ {x}^p)^(1/p), p = {norm_type}")
            }
        };
        vec![call]
    }

    fn backward(&self, site: &Site<'_>) -> Vec<Call> {
        match &self.what {
            What::Max => {
                let args = vec![self.pool(), Arg::Read(Operand::Kept(0)), DY];
                self.gradient(site, "max_pool", args, "Σ {dy} at {kept}")
            }
            What::Average { .. } => self.gradient(site, "average_pool", vec![self.pool(), DY], "Σ {dy} / n"),
            What::Power(norm_type) => {
                let norm_type = Arg::Literal("norm_type", norm_type.tokens.clone());
                let args = vec![self.pool(), norm_type, X, OUT, DY, DX];
                vec![rows("lp_pool_backward", args, "{dx} = {x}^(p - 1) ⊙ Σ {dy} ⊙ {y}^(1 - p), p = {norm_type}")]
            }
        }
    }

    fn folds_activation_backward(&self) -> bool {
        !matches!(self.what, What::Power(_))
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::compile;

    /// The length that a pooling makes of an axis.
    fn length(len: usize, layer: &str) -> usize {
        let (graphs, errors) = compile(&format!("A: [1, {len}] < {layer} >"));
        assert_eq!(errors, [""; 0], "{layer} of {len}");
        graphs[0].shape(graphs[0].output).0[1].known().expect("a number")
    }

    #[test]
    fn a_cut_window_begins_before_the_padding_behind() {
        let mut dropped = 0;
        for (len, kernel, stride) in
            (5usize..10).flat_map(|len| (1..4).flat_map(move |k| (1..4).map(move |s| (len, k, s))))
        {
            for padding in 0..=kernel / 2 {
                for dilation in 1..3 {
                    let extent = dilation * (kernel - 1) + 1;
                    let whole = len + 2 * padding - extent;
                    let mut count = whole.div_ceil(stride) + 1;
                    if (count - 1) * stride >= len + padding {
                        count -= 1;
                        dropped += 1;
                    }
                    let options = format!("{kernel}, {stride}, {padding}, {dilation}");
                    assert_eq!(
                        length(len, &format!("MaxPool1d({options}, ceil_mode = true)")),
                        count,
                        "{len}, {options}"
                    );
                    assert_eq!(length(len, &format!("MaxPool1d({options})")), whole / stride + 1, "{len}, {options}");
                }
            }
        }
        assert!(dropped > 0, "the rule has a case");
    }

    #[test]
    fn windows_are_side_by_side_without_a_stride() {
        assert_eq!(length(11, "MaxPool1d(3)"), 3);
        assert_eq!(length(11, "AvgPool1d(3, None)"), 3);
        assert_eq!(length(11, "LPPool1d(2, kernel_size = 3, stride = None, ceil_mode = true)"), 4);
        assert_eq!(length(11, "AdaptiveMaxPool1d((None,))"), 11);
        assert_eq!(length(3, "AdaptiveAvgPool1d(7)"), 7);
    }
}
