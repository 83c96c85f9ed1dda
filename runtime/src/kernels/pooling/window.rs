//! Where the windows of a pooling lie along each axis, which cells they have there, and by what an average divides.

use super::tile::TILE;
use crate::kernels::conv::{Window, window_options};

/// By what an average divides the sum of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// The window's cells with those in the padding, but for what reaches beyond it.
    #[default]
    Padded,
    /// Its cells in the sample.
    Real,
    /// The same number everywhere.
    Number(i64),
}

/// Windows of cells that become one cell each, channel by channel. Its kernels take values whose channels lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool<const D: usize> {
    /// Where its windows lie. Of an adaptive pooling, `kernel` is that of the longest, and the others say nothing.
    pub window: Window<D>,
    /// Windows share the axes out as evenly as can be: number o of n has the elements from ⌊o·L/n⌋ to before ⌈(o + 1)·L/n⌉.
    pub adaptive: bool,
    /// By what an average divides.
    pub divisor: Divisor,
}

window_options!(Pool);

/// A pooling option by option: `Pool::new([28, 28], [3, 3]).stride([2, 2])`.
impl<const D: usize> Pool<D> {
    /// Windows of this size, side by side, over axes of these lengths.
    pub const fn new(input: [usize; D], kernel: [usize; D]) -> Self {
        Pool { window: Window::new(input, kernel), adaptive: false, divisor: Divisor::Padded }.stride(kernel)
    }

    /// So many windows over axes of these lengths, whatever sizes that takes.
    pub const fn adaptive(input: [usize; D], output: [usize; D]) -> Self {
        let mut kernel = [1; D];
        let mut axis = 0;
        while axis < D {
            let (len, count) = (input[axis], output[axis]);
            assert!(count > 0, "a pooling without windows");
            kernel[axis] = len.div_ceil(count) + if len.is_multiple_of(count) { 0 } else { 1 };
            axis += 1;
        }
        let pool = Pool::new(input, kernel).output(output);
        Pool { adaptive: true, divisor: Divisor::Real, ..pool }
    }

    /// An average over the cells in the sample alone.
    pub const fn without_padding(self) -> Self {
        Pool { divisor: Divisor::Real, ..self }
    }

    /// A sum divided by this number.
    pub const fn divided_by(self, divisor: i64) -> Self {
        Pool { divisor: Divisor::Number(divisor), ..self }
    }

    /// Checks the elements of a sample (`x`) and of its result (`y`) against the windows.
    #[inline]
    pub(super) fn shape(&self, x: usize, y: usize) -> Shape {
        let Window { input, output, kernel, stride, padding, dilation } = &self.window;
        Shape::new([&input[..], output, kernel, stride, padding, dilation], self.adaptive, self.divisor, x, y)
    }
}

/// Windows along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    adaptive: bool,
}

/// The cells of a window along one axis that are in the sample, `dilation` apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    /// The first element.
    pub(super) first: usize,
    /// The place of that cell in the window.
    pub(super) tap: usize,
    /// How many there are.
    pub(super) count: usize,
}

impl Line {
    /// The cells of window `o`. There may be none where all of them, `dilation` apart, miss a short axis.
    #[inline(always)]
    pub(super) fn cells(&self, o: usize) -> Cells {
        if self.adaptive {
            let first = o * self.input / self.output;
            return Cells { first, tap: 0, count: ((o + 1) * self.input).div_ceil(self.output) - first };
        }
        let start = o * self.stride;
        if self.dilation == 1 {
            let first = start.saturating_sub(self.padding);
            let tap = first + self.padding - start;
            return Cells { first, tap, count: (self.kernel - tap).min(self.input - first) };
        }
        let tap = self.padding.saturating_sub(start).div_ceil(self.dilation);
        let first = start + tap * self.dilation - self.padding;
        let room = self.input.saturating_sub(first).div_ceil(self.dilation);
        match room.min(self.kernel.saturating_sub(tap)) {
            0 => Cells { first: 0, tap: 0, count: 0 },
            count => Cells { first, tap, count },
        }
    }

    /// The windows that have element `i`, in order, and its place in each.
    #[inline(always)]
    pub(super) fn reaching(self, i: usize) -> impl Iterator<Item = (usize, usize)> {
        let at = i + self.padding;
        let (first, end) = if self.adaptive {
            (i * self.output / self.input, ((i + 1) * self.output).div_ceil(self.input))
        } else {
            let before = at.saturating_sub((self.kernel - 1) * self.dilation);
            (before.div_ceil(self.stride), (at / self.stride + 1).min(self.output))
        };
        (first..end).filter_map(move |o| {
            if self.adaptive {
                return Some((o, i - o * self.input / self.output));
            }
            let distance = at - o * self.stride;
            if self.dilation == 1 {
                return Some((o, distance));
            }
            distance.is_multiple_of(self.dilation).then(|| (o, distance / self.dilation))
        })
    }

    /// The distance of two cells of a window.
    #[inline(always)]
    pub(super) fn dilation(&self) -> usize {
        self.dilation
    }

    /// Whether no element is in two windows, and the cells of each lie side by side.
    fn is_apart(&self) -> bool {
        !self.adaptive && self.dilation == 1 && self.stride >= self.kernel
    }

    /// Whether every window has so many cells side by side.
    fn is_whole(&self, cells: usize) -> bool {
        let behind = (self.output - 1) * self.stride + self.kernel;
        !self.adaptive && self.dilation == 1 && self.kernel == cells && self.padding == 0 && behind <= self.input
    }

    /// By what an average divides for this axis.
    #[inline(always)]
    fn divisor(&self, o: usize, cells: Cells, padded: bool) -> usize {
        if !padded {
            return cells.count;
        }
        let start = o * self.stride;
        self.kernel.min(self.input + 2 * self.padding - start)
    }
}

/// A pooling over three axes; those that it lacks come first and have one element.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub(super) lines: [Line; 3],
    divisor: Divisor,
    pub(super) channels: usize,
    /// Windows along the last axis have no element in common.
    pub(super) apart: bool,
    /// The distance of windows along the last axis, if all have 2 × 2 cells in the last two axes.
    pub(super) square: Option<usize>,
    /// By what averages divide, if by the same number everywhere.
    uniform: Option<f64>,
}

impl Shape {
    fn new(axes: [&[usize]; 6], adaptive: bool, divisor: Divisor, x: usize, y: usize) -> Self {
        let lacking = 3usize.checked_sub(axes[0].len()).expect("poolings of one, two and three dimensions");
        let axis = |which: usize, a: usize| match a.checked_sub(lacking) {
            Some(a) => axes[which][a],
            None => usize::from(which != 4),
        };
        let lines = [0, 1, 2].map(|a| {
            let line = Line {
                input: axis(0, a),
                output: axis(1, a),
                kernel: axis(2, a),
                stride: axis(3, a),
                padding: axis(4, a),
                dilation: axis(5, a),
                adaptive,
            };
            let Line { input, output, kernel, stride, padding, dilation, .. } = line;
            assert!(input.min(output).min(kernel).min(stride).min(dilation) > 0, "a pooling with an empty axis");
            if adaptive && input.is_multiple_of(output) {
                // Windows of one size, side by side.
                return Line { stride: kernel, adaptive: false, ..line };
            }
            assert!(padding <= kernel / 2, "padding of {padding} is more than half of a window of {kernel}");
            let last = (output - 1) * stride;
            assert!(adaptive || last < input + padding, "a window that begins in the padding behind the sample");
            line
        });
        let elements = |of: fn(&Line) -> usize| lines.iter().map(of).product::<usize>();
        let channels = x / elements(|line| line.input);
        assert!(
            channels > 0 && x == channels * elements(|l| l.input),
            "a sample of {x} has no channels at each position"
        );
        assert_eq!(y, channels * elements(|l| l.output), "a result does not have {channels} channels at each position");
        let square = lines[0].kernel == 1 && lines[1].is_whole(2) && lines[2].is_whole(2);
        let square = (square && lines[0].is_whole(1)).then_some(lines[2].stride);
        let cells = elements(|line| line.kernel) as f64;
        let uniform = match divisor {
            Divisor::Number(number) => Some(number as f64),
            _ => lines.iter().all(|line| line.is_whole(line.kernel)).then_some(cells),
        };
        Shape { lines, divisor, channels, apart: lines[2].is_apart(), square, uniform }
    }

    fn each(&self, of: impl Fn(&Line) -> usize) -> [usize; 3] {
        self.lines.each_ref().map(of)
    }

    pub(super) fn input(&self) -> [usize; 3] {
        self.each(|line| line.input)
    }

    pub(super) fn output(&self) -> [usize; 3] {
        self.each(|line| line.output)
    }

    /// The elements of a sample.
    pub(super) fn sample(&self) -> usize {
        self.input().iter().product::<usize>() * self.channels
    }

    /// The elements of its result.
    pub(super) fn result(&self) -> usize {
        self.output().iter().product::<usize>() * self.channels
    }

    /// The elements from the first cell of a window's first line to behind a tile at the end of its last one, at most.
    fn reach(&self) -> usize {
        let [d, h, w] = self.lines;
        let lines = (d.kernel - 1) * d.dilation * h.input + (h.kernel - 1) * h.dilation + 1;
        lines * w.input * self.channels + TILE
    }

    /// The elements of a line of results, and a tile more.
    pub(super) fn line(&self) -> usize {
        self.lines[2].output * self.channels + TILE
    }

    /// The memory for a line of results and what it reads, where tiles find no room.
    pub(super) fn room(&self) -> usize {
        if self.channels.is_multiple_of(TILE) { self.line() } else { self.line() + self.reach() }
    }

    /// Whether all tiles of a line of windows are within what begins with their first elements.
    #[inline(always)]
    pub(super) fn has_room<T>(&self, x: &[T], y: &[T]) -> bool {
        self.channels.is_multiple_of(TILE) || (y.len() >= self.line() && x.len() >= self.reach())
    }

    /// The cells of a window that is not cut.
    pub(super) fn window(&self) -> usize {
        self.each(|line| line.kernel).iter().product()
    }

    /// By what an average divides the sum of the window at `o`.
    #[inline(always)]
    pub(super) fn divisor(&self, o: [usize; 3], cells: [Cells; 3]) -> f64 {
        if let Some(divisor) = self.uniform {
            return divisor;
        }
        let padded = self.divisor == Divisor::Padded;
        let [d, h, w] = [0, 1, 2].map(|a| self.lines[a].divisor(o[a], cells[a], padded));
        (d * h * w) as f64
    }
}
