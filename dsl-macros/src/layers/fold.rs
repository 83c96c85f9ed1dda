//! `Unfold` and `Fold`: the windows of an image as columns, and columns added up where their windows lie. In PyTorch's order.

use quote::quote;

use super::channels::{AXES, LETTERS, channel_axis, lacking_axes};
use super::check::{Must, check};
use super::operand::{DX, DY, X, Y};
use super::window::{Line, described, option};
use super::{From, Layer, Orders, Site, rows};
use crate::diagnostics::{Diagnostics, Entry};
use crate::ir::{Arg, Call, Dim, Named, Shape, View};
use crate::parse::args::{Args, PerAxis};

#[derive(Clone, Debug)]
struct Fold {
    /// Of `Fold`: the size of the image that it makes.
    output_size: Option<PerAxis>,
    kernel: PerAxis,
    dilation: PerAxis,
    padding: PerAxis,
    stride: PerAxis,
    /// The image's lengths, AFTER `infer`.
    image: Vec<Dim>,
}

pub(super) fn read(args: &mut Args<'_>, errors: &mut Diagnostics) -> Option<Box<dyn Layer>> {
    let folds = args.layer() == "Fold";
    let output_size = folds.then(|| args.per_axis("output_size", 2, 1, errors));
    let kernel = args.per_axis("kernel_size", 2, 1, errors);
    let dilation = args.per_axis_or("dilation", (2, 1), 1, errors);
    let padding = args.per_axis_or("padding", (2, 0), 0, errors);
    let stride = args.per_axis_or("stride", (2, 1), 1, errors);
    args.finish(errors)?;
    Some(Box::new(Fold { output_size, kernel, dilation, padding, stride, image: Vec::new() }))
}

impl Fold {
    /// The number of windows along each axis of the image.
    fn windows(&self, from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Dim>> {
        let subject = format!("`{}` has no window:", from.written);
        let along = |axis: usize| {
            let padding = &self.padding.dims[axis];
            let line = Line {
                len: &self.image[axis],
                letter: LETTERS[2][axis],
                padding: padding.add(padding),
                most: None,
                kernel: &self.kernel.dims[axis],
                stride: &self.stride.dims[axis],
                dilation: &self.dilation.dims[axis],
            };
            line.windows(self.kernel.span, &subject, errors)
        };
        // Every axis that is too short is told.
        let windows: Vec<_> = (0..2).map(along).collect();
        windows.into_iter().collect()
    }

    fn unfolded(&mut self, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
        let [channels, height, width] = input.0.as_slice() else {
            let one_more = || Some(channel_axis(input, from.written));
            let lacking = lacking_axes(2, input, from.written, one_more);
            Self::refuse(AXES[2], input, from, errors).help_if(lacking);
            return None;
        };
        self.image = vec![height.clone(), width.clone()];
        let windows = self.windows(from, errors)?;
        Some(Shape(vec![channels.mul(&Dim::product(&self.kernel.dims)), Dim::product(&windows)]))
    }

    fn folded(&mut self, size: &PerAxis, input: &Shape, from: &From<'_>, errors: &mut Diagnostics) -> Option<Shape> {
        let [rows, columns] = input.0.as_slice() else {
            Self::refuse("[C·kernel, windows]", input, from, errors).help("it takes what `Unfold` makes of an image");
            return None;
        };
        self.image = size.dims.clone();
        let windows = self.windows(from, errors)?;
        let (kernel, count) = (Dim::product(&self.kernel.dims), Dim::product(&windows));
        let (written, shape) = (from.written, from.shape(0, input));
        let text = format!("`{written}` adds up columns of {kernel} elements for each channel, but {shape}");
        check(Must::Divide(&kernel, rows), self.kernel.span, text, errors, || {
            format!("{kernel} does not divide {rows}")
        })?;
        let text = format!("`{written}` has {} windows, but {shape}", describe_product(&windows, &count));
        check(Must::Equal(&count, columns), size.span, text, errors, || {
            format!("its windows are what `Unfold` of an image of {} has", bracketed(&size.dims))
        })?;
        Some(Shape([vec![rows.div(&kernel)], size.dims.clone()].concat()))
    }

    fn refuse<'e>(wanted: &str, input: &Shape, from: &From<'_>, errors: &'e mut Diagnostics) -> &'e mut Entry {
        let shape = from.shape(0, input);
        errors.error(from.span, format!("`{}` expects samples of shape {wanted}, but {shape}", from.written))
    }

    // Expands to:
    //     Window::new([28, 28], [3, 3]).stride([2, 2])
    fn window(&self) -> Arg {
        let (image, kernel) = (&self.image, &self.kernel.dims);
        let stride = option("stride", &self.stride.dims, 1);
        let padding = option("padding", &self.padding.dims, 0);
        let dilation = option("dilation", &self.dilation.dims, 1);
        let rest = quote!(::new([#(#image),*], [#(#kernel),*]) #stride #padding #dilation);
        Arg::Value(Named { name: "Window", rest })
    }
}

/// `7 · 4 = 28`.
fn describe_product(windows: &[Dim], count: &Dim) -> String {
    let factors: Vec<String> = windows.iter().map(Dim::to_string).collect();
    match count.known() {
        Some(count) => format!("{} = {count}", factors.join(" · ")),
        None => factors.join(" · "),
    }
}

fn bracketed(dims: &[Dim]) -> String {
    Shape(dims.to_vec()).to_string()
}

impl Layer for Fold {
    fn describe(&self) -> String {
        let (kernel, stride) = (&self.kernel, described("stride", &self.stride, 1));
        let (dilation, padding) = (described("dilation", &self.dilation, 1), described("padding", &self.padding, 0));
        match &self.output_size {
            Some(size) => format!("Fold({size}, {kernel}{dilation}{padding}{stride})"),
            None => format!("Unfold({kernel}{dilation}{padding}{stride})"),
        }
    }

    fn infer(&mut self, inputs: &[Shape], from: &From<'_>, errors: &mut Diagnostics) -> Option<Vec<Shape>> {
        let shape = match self.output_size.clone() {
            Some(size) => self.folded(&size, &inputs[0], from, errors),
            None => self.unfolded(&inputs[0], from, errors),
        };
        Some(vec![shape?])
    }

    fn order(&mut self, _inputs: &[View], outputs: &[Shape]) -> Orders {
        Orders::logical(outputs)
    }

    fn shape_example(&self) -> &'static str {
        if self.output_size.is_some() { "[8, 28]" } else { AXES[2] }
    }

    fn boxed(&self) -> Box<dyn Layer> {
        Box::new(self.clone())
    }

    /// Each element of a column is added once.
    fn flops(&self, inputs: &[Shape], _output: &Shape) -> Dim {
        if self.output_size.is_some() { inputs[0].len() } else { Dim::Known(0) }
    }

    fn forward(&self, _site: &Site<'_>) -> Vec<Call> {
        let (kernel, template) = match self.output_size {
            Some(_) => ("fold", "{y} = Σ of the columns {x}"),
            None => ("unfold", "{y} = windows of {x}"),
        };
        vec![rows(kernel, vec![self.window(), X, Y], template)]
    }

    fn backward(&self, _site: &Site<'_>) -> Vec<Call> {
        let (kernel, template) = match self.output_size {
            Some(_) => ("unfold", "{dx} = windows of {dy}"),
            None => ("fold", "{dx} = Σ of the columns {dy}"),
        };
        vec![rows(kernel, vec![self.window(), DY, DX], template)]
    }
}
