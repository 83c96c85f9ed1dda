//! What a user of the kernels says of windows: sizes along each axis, what stands around a sample, which channels meet.

use super::Shape;

/// What is read where a window reaches beyond the sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    #[default]
    Zeros,
    /// The sample mirrored at its first and last elements, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The nearest element: `a a | a b c | c c`.
    Replicate,
    /// The sample again: `b c | a b c | a b`.
    Circular,
}

impl Padding {
    /// The element that is read at place `at` of an axis of `len` elements; `None` for zero.
    pub(in crate::kernels) fn source(self, at: isize, len: usize) -> Option<usize> {
        let last = len as isize - 1;
        let source = match self {
            _ if (0..=last).contains(&at) => at,
            Padding::Zeros => return None,
            Padding::Reflect if at < 0 => -at,
            Padding::Reflect => 2 * last - at,
            Padding::Replicate => at.clamp(0, last),
            Padding::Circular => at.rem_euclid(last + 1),
        };
        Some(source as usize)
    }

    /// How far beyond a sample of `len` elements it reaches.
    pub(super) fn reach(self, len: usize) -> usize {
        match self {
            Padding::Zeros | Padding::Replicate => usize::MAX,
            Padding::Reflect => len - 1,
            Padding::Circular => len,
        }
    }
}

/// Where windows lie along `D` axes: window o begins at o·stride - padding, and its elements are `dilation` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<const D: usize> {
    /// The lengths of the input's axes.
    pub input: [usize; D],
    /// The number of windows along each axis.
    pub output: [usize; D],
    /// The elements of a window along each axis.
    pub kernel: [usize; D],
    /// The distance between two windows.
    pub stride: [usize; D],
    /// How many elements before the first one the first window begins. What is read beyond the last one is padding too.
    pub padding: [usize; D],
    /// The distance between two elements of a window.
    pub dilation: [usize; D],
}

/// A convolution: where its windows lie, and which channels meet. Its kernels take values whose channels lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv<const D: usize> {
    /// Where its windows lie.
    pub window: Window<D>,
    /// Input and output channels are in so many groups, and only those of the same group meet.
    pub groups: usize,
    /// What is read where a window reaches beyond the sample.
    pub padding_mode: Padding,
    /// Of the other direction: x is what windows give, y what they read.
    pub transposed: bool,
}

/// Windows option by option, of which each counts them anew: `Window::new([28, 28], [3, 3]).stride([2, 2])`.
impl<const D: usize> Window<D> {
    /// Windows of so many elements, one apart, along axes of these lengths.
    pub const fn new(input: [usize; D], kernel: [usize; D]) -> Self {
        Window { input, output: [0; D], kernel, stride: [1; D], padding: [0; D], dilation: [1; D] }.counted()
    }

    /// The distance between two windows.
    pub const fn stride(self, stride: [usize; D]) -> Self {
        Window { stride, ..self }.counted()
    }

    /// As many elements before the first one, and behind the last.
    pub const fn padding(self, padding: [usize; D]) -> Self {
        Window { padding, ..self }.counted()
    }

    /// The distance between two elements of a window.
    pub const fn dilation(self, dilation: [usize; D]) -> Self {
        Window { dilation, ..self }.counted()
    }

    /// The number of windows, where it is not what the other options, told before, say.
    pub const fn output(self, output: [usize; D]) -> Self {
        Window { output, ..self }
    }

    /// As many windows as there is room for between as much padding before as behind.
    const fn counted(mut self) -> Self {
        let mut axis = 0;
        while axis < D {
            let room = self.input[axis] + 2 * self.padding[axis];
            let extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            // Less than none for a moment, while options are told one by one.
            self.output[axis] = if room < extent { 0 } else { (room - extent) / self.stride[axis] + 1 };
            axis += 1;
        }
        self
    }
}

/// The options of a [`Window`], for what has one.
macro_rules! window_options {
    ($t:ident) => {
        impl<const D: usize> $t<D> {
            /// The distance between two windows.
            pub const fn stride(self, stride: [usize; D]) -> Self {
                $t { window: self.window.stride(stride), ..self }
            }

            /// As many elements before the first one, and behind the last.
            pub const fn padding(self, padding: [usize; D]) -> Self {
                $t { window: self.window.padding(padding), ..self }
            }

            /// The distance between two elements of a window.
            pub const fn dilation(self, dilation: [usize; D]) -> Self {
                $t { window: self.window.dilation(dilation), ..self }
            }

            /// The number of windows, where it is not what the other options, told before, say: with other padding behind
            /// than before, or with a last one that is cut.
            pub const fn output(self, output: [usize; D]) -> Self {
                $t { window: self.window.output(output), ..self }
            }
        }
    };
}
pub(in crate::kernels) use window_options;
window_options!(Conv);

/// A convolution option by option: `Conv::new([28, 28], [5, 5]).padding([2, 2])`.
impl<const D: usize> Conv<D> {
    /// Over axes of these lengths, with a kernel of this size, and PyTorch's defaults for the rest.
    pub const fn new(input: [usize; D], kernel: [usize; D]) -> Self {
        Conv { window: Window::new(input, kernel), groups: 1, padding_mode: Padding::Zeros, transposed: false }
    }

    /// Input and output channels in so many groups.
    pub const fn groups(self, groups: usize) -> Self {
        Conv { groups, ..self }
    }

    /// The sample mirrored around itself: [`Padding::Reflect`].
    pub const fn reflect(self) -> Self {
        Conv { padding_mode: Padding::Reflect, ..self }
    }

    /// The nearest element around the sample: [`Padding::Replicate`].
    pub const fn replicate(self) -> Self {
        Conv { padding_mode: Padding::Replicate, ..self }
    }

    /// The sample again around itself: [`Padding::Circular`].
    pub const fn circular(self) -> Self {
        Conv { padding_mode: Padding::Circular, ..self }
    }

    /// The transposed one: its windows lie in y, and x is what they would give.
    pub const fn transposed(self) -> Self {
        Conv { transposed: true, ..self }
    }

    /// Checks the elements of x, y and the weight (`k` × `o`) against the windows.
    #[inline]
    pub(crate) fn shape(&self, x: usize, y: usize, k: usize, o: usize) -> Shape {
        let Window { input, output, kernel, stride, padding, dilation } = &self.window;
        let axes = [&input[..], output, kernel, stride, padding, dilation];
        let lens = if self.transposed { (y, x) } else { (x, y) };
        assert!(
            !self.transposed || self.padding_mode == Padding::Zeros,
            "transposed convolutions have no other padding than zeros"
        );
        Shape::new(axes, self.groups, self.padding_mode, lens, (k, o))
    }
}
