//! Windows as the kernels see them: lines and phases along axes, samples with what stands around them, and tables of places.

use super::Padding;
use crate::Real;

/// Windows along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

/// The elements of an input axis that lie `stride` apart, and the taps of the kernel by which windows reach them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    /// The first element.
    pub(super) first: usize,
    /// How many there are.
    pub(super) len: usize,
    /// The last tap, with which the earliest window reaches them.
    pub(super) tap: usize,
    /// The distance of taps.
    pub(super) tap_step: usize,
    /// The number of taps.
    pub(super) taps: usize,
    /// The window that reaches the first element with the last tap. There may be no such window.
    pub(super) window: isize,
    /// The distance of windows between one tap and the one before it.
    pub(super) window_step: usize,
}

impl Line {
    /// The elements that windows read, from the padding before the first one on.
    fn reach(&self) -> usize {
        (self.output - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
    }

    /// The elements from `first` on: element first + t·stride is reached by window `window` + t with tap `tap`, by the
    /// windows after it with the taps before.
    fn phase(&self, first: usize) -> Phase {
        let Line { input, kernel, stride, padding, dilation, .. } = *self;
        let hits = |tap: &usize| (first + padding) as isize - (tap * dilation) as isize;
        let divisible = |tap: &usize| hits(tap).rem_euclid(stride as isize) == 0;
        let mut taps = (0..kernel).rev().filter(divisible);
        // Their distance is the same everywhere.
        let (tap, before, more) = (taps.next(), taps.next(), taps.count());
        let count = usize::from(tap.is_some()) + usize::from(before.is_some()) + more;
        let tap = tap.unwrap_or(0);
        let tap_step = before.map_or(0, |before| tap - before);
        Phase {
            first,
            len: (input - first).div_ceil(stride),
            tap,
            tap_step,
            taps: count,
            window: hits(&tap).div_euclid(stride as isize),
            window_step: tap_step * dilation / stride,
        }
    }

    /// All phases, the elements of each axis that lie apart by its stride.
    pub(super) fn phases(self) -> impl Iterator<Item = Phase> {
        (0..self.stride.min(self.input)).map(move |first| self.phase(first))
    }

    /// The windows that reach any element, existing or not: the first, and the one after the last.
    fn windows(&self) -> (isize, isize) {
        let ends = self
            .phases()
            .filter(|phase| phase.taps > 0)
            .map(|p| (p.window, p.window + ((p.taps - 1) * p.window_step + p.len) as isize));
        ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, 1))
    }
}

/// A convolution over three axes; those that it lacks come first and have one element.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub(super) lines: [Line; 3],
    pub(super) groups: usize,
    pub(super) mode: Padding,
    /// Channels of x and y.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl Shape {
    pub(super) fn new(
        axes: [&[usize]; 6],
        groups: usize,
        mode: Padding,
        (x, y): (usize, usize),
        (k, o): (usize, usize),
    ) -> Self {
        let lacking = 3usize.checked_sub(axes[0].len()).expect("convolutions of one, two and three dimensions");
        let axis = |which: usize, a: usize| match a.checked_sub(lacking) {
            Some(a) => axes[which][a],
            None => usize::from(which != 4),
        };
        let lines = [0, 1, 2].map(|a| Line {
            input: axis(0, a),
            output: axis(1, a),
            kernel: axis(2, a),
            stride: axis(3, a),
            padding: axis(4, a),
            dilation: axis(5, a),
        });
        for line in &lines {
            let Line { input, output, kernel, stride, padding, dilation } = *line;
            assert!(input.min(output).min(kernel).min(stride).min(dilation) > 0, "a convolution with an empty axis");
            let behind = line.reach().saturating_sub(padding + input);
            assert!(
                padding.max(behind) <= mode.reach(input),
                "padding of {} by {mode:?} around {input} elements",
                padding.max(behind)
            );
        }
        let elements = |of: fn(&Line) -> usize| lines.iter().map(of).product::<usize>();
        let (inputs, outputs) = (x / elements(|l| l.input), o);
        assert_eq!(x, inputs * elements(|l| l.input), "a sample is not a whole number of the input's positions");
        assert_eq!(y, outputs * elements(|l| l.output), "a result does not have {o} channels at each position");
        assert!(
            groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "{inputs} and {outputs} channels in {groups} groups"
        );
        let expected = elements(|l| l.kernel) * (inputs / groups);
        assert_eq!(k, expected, "a weight of {k} rows, {expected} expected: taps, and channels of a group");
        Shape { lines, groups, mode, inputs, outputs }
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
    pub(super) fn kernel(&self) -> [usize; 3] {
        self.each(|line| line.kernel)
    }

    /// The number of windows.
    pub(super) fn positions(&self) -> usize {
        self.output().iter().product()
    }
    /// The elements of a sample.
    pub(super) fn sample(&self) -> usize {
        self.input().iter().product::<usize>() * self.inputs
    }
    /// The rows of the weight.
    pub(super) fn rows(&self) -> usize {
        self.kernel().iter().product::<usize>() * (self.inputs / self.groups)
    }

    /// The position in a sample of what window `window` has at tap `tap`; zeros around it have none.
    pub(super) fn source(&self, window: usize, tap: usize) -> Option<usize> {
        let (at, tap) = (along(window, self.output()), along(tap, self.kernel()));
        let mut position = 0;
        for (axis, line) in self.lines.iter().enumerate() {
            let place = (at[axis] * line.stride + tap[axis] * line.dilation) as isize - line.padding as isize;
            position = position * line.input + self.mode.source(place, line.input)?;
        }
        Some(position)
    }

    /// Whether windows are the elements themselves: then the convolution is a product of matrices.
    pub(super) fn is_product(&self) -> bool {
        let plain = |l: &Line| l.kernel == 1 && l.stride == 1 && l.padding == 0 && l.input == l.output;
        self.groups == 1 && self.lines.iter().all(plain)
    }

    /// Whether each input channel is a group of its own.
    pub(super) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.inputs
    }

    /// What windows read of samples. Where channels are groups of their own, it has each input channel as often as that
    /// has output channels, so that these are groups of their own too.
    pub(super) fn frame(&self) -> Frame {
        let first = self.lines.each_ref().map(|l| -(l.padding as isize));
        let end = self.lines.each_ref().map(|l| l.reach() as isize - l.padding as isize);
        let repeat = if self.is_depthwise() { self.outputs / self.inputs } else { 1 };
        Frame::new(self.mode, self.input(), (self.inputs, repeat), first, end)
    }

    /// What elements of x meet of results.
    pub(super) fn result_frame(&self) -> Frame {
        let windows = self.lines.each_ref().map(Line::windows);
        Frame::new(Padding::Zeros, self.output(), (self.outputs, 1), windows.map(|w| w.0), windows.map(|w| w.1))
    }

    /// The same windows on samples that have their padding with them.
    pub(super) fn padded(&self) -> Shape {
        let lines = self.lines.map(|line| Line { input: line.reach(), padding: 0, ..line });
        Shape { lines, mode: Padding::Zeros, ..*self }
    }

    /// Counts and distances of windows in a frame.
    pub(super) fn window_axes(&self, frame: &Frame) -> [(usize, usize); 3] {
        let strides = frame.strides();
        [0, 1, 2].map(|a| (self.lines[a].output, self.lines[a].stride * strides[a]))
    }

    /// Counts and distances of a window's elements in a frame.
    pub(super) fn tap_axes(&self, frame: &Frame) -> [(usize, usize); 3] {
        let strides = frame.strides();
        [0, 1, 2].map(|a| (self.lines[a].kernel, self.lines[a].dilation * strides[a]))
    }
}

/// A sample with what stands around it, or that part of it that is read: element i of an axis lies at i + shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    mode: Padding,
    sample: [usize; 3],
    channels: usize,
    /// How often each channel stands in it.
    repeat: usize,
    len: [usize; 3],
    shift: [isize; 3],
}

impl Frame {
    /// Of which the places from `first` to before `end` are read.
    fn new(
        mode: Padding,
        sample: [usize; 3],
        (channels, repeat): (usize, usize),
        first: [isize; 3],
        end: [isize; 3],
    ) -> Frame {
        let within = (0..3).all(|a| first[a] >= 0 && end[a] <= sample[a] as isize);
        if within {
            return Frame { mode, sample, channels, repeat, len: sample, shift: [0; 3] };
        }
        let len = [0, 1, 2].map(|a| (end[a] - first[a]) as usize);
        Frame { mode, sample, channels, repeat, len, shift: first.map(|first| -first) }
    }

    /// Whether it has just the sample's positions.
    pub(super) fn is_unpadded(&self) -> bool {
        self.len == self.sample && self.shift == [0; 3]
    }

    /// Whether it is the sample as it lies.
    pub(super) fn is_sample(&self) -> bool {
        self.is_unpadded() && self.repeat == 1
    }

    /// The elements of a position.
    fn width(&self) -> usize {
        self.channels * self.repeat
    }

    pub(super) fn strides(&self) -> [usize; 3] {
        let width = self.width();
        [self.len[1] * self.len[2] * width, self.len[2] * width, width]
    }

    /// The number of its elements.
    pub(super) fn elements(&self) -> usize {
        self.len[0] * self.strides()[0]
    }

    /// The place of an element.
    pub(super) fn place(&self, at: [isize; 3]) -> usize {
        let strides = self.strides();
        (0..3).map(|a| (at[a] + self.shift[a]) as usize * strides[a]).sum()
    }

    /// The elements that [`of`](Self::of) needs for so many samples.
    pub(super) fn scratch(&self, samples: usize) -> usize {
        if self.is_sample() { 0 } else { samples * self.elements() }
    }

    /// Prepares what [`scratch`](Self::scratch) has asked for: zeros around samples stay there.
    pub(super) fn clear<T: Real>(&self, scratch: &mut [T]) {
        if self.mode == Padding::Zeros {
            scratch.fill(T::ZERO);
        }
    }

    /// The frames of some samples, one after the other: in `scratch`, which has been cleared, or the samples themselves.
    pub(super) fn of<'a, T: Real>(&self, samples: &'a [T], scratch: &'a mut [T]) -> &'a [T] {
        if self.is_sample() {
            return samples;
        }
        let sample = self.sample.iter().product::<usize>() * self.channels;
        let count = samples.len() / sample;
        for (sample, to) in samples.chunks_exact(sample).zip(scratch.chunks_exact_mut(self.elements())) {
            self.fill(sample, to);
        }
        &scratch[..count * self.elements()]
    }

    /// Hands `piece` each line of the frame that is one of the sample: where it begins in either.
    fn lines(&self, mut piece: impl FnMut(usize, usize)) {
        let source = |axis: usize, at: usize| self.mode.source(at as isize - self.shift[axis], self.sample[axis]);
        for d in 0..self.len[0] {
            let Some(from_d) = source(0, d) else { continue };
            for h in 0..self.len[1] {
                if let Some(from_h) = source(1, h) {
                    piece((d * self.len[1] + h) * self.len[2], (from_d * self.sample[1] + from_h) * self.sample[2]);
                }
            }
        }
    }

    /// Hands `piece` the stretches of a line that are such of the sample's: where they begin in either, and how long they are.
    fn stretches(&self, mut piece: impl FnMut(usize, usize, usize)) {
        let (len, sample, shift) = (self.len[2], self.sample[2], self.shift[2]);
        let low = shift.clamp(0, len as isize) as usize;
        let high = (shift + sample as isize).clamp(low as isize, len as isize) as usize;
        if low < high {
            piece(low, (low as isize - shift) as usize, high - low);
        }
        if self.mode != Padding::Zeros {
            for at in (0..low).chain(high..len) {
                if let Some(source) = self.mode.source(at as isize - shift, sample) {
                    piece(at, source, 1);
                }
            }
        }
    }

    /// Copies a sample into its frame.
    fn fill<T: Real>(&self, sample: &[T], to: &mut [T]) {
        let (channels, wide) = (self.channels, self.width());
        self.lines(|line, source| {
            let to = &mut to[line * wide..][..self.len[2] * wide];
            let from = &sample[source * channels..][..self.sample[2] * channels];
            self.stretches(|at, source, len| {
                let to = &mut to[at * wide..][..len * wide];
                let from = &from[source * channels..][..len * channels];
                if self.repeat == 1 {
                    to.copy_from_slice(from);
                } else {
                    from.iter().zip(to.chunks_exact_mut(self.repeat)).for_each(|(&x, to)| to.fill(x));
                }
            });
        });
    }

    /// Adds up in each element of a sample, which begins with `bias` or zero, what its places in the frame hold, in the
    /// frame's order.
    pub(super) fn fold<T: Real>(&self, frame: &[T], bias: &[T], sample: &mut [T]) {
        let channels = self.channels;
        fill_rows(bias, sample);
        self.lines(|line, source| {
            let from = &frame[line * channels..][..self.len[2] * channels];
            let to = &mut sample[source * channels..][..self.sample[2] * channels];
            self.stretches(|at, source, len| {
                let from = &from[at * channels..][..len * channels];
                for (sum, &x) in to[source * channels..].iter_mut().zip(from) {
                    *sum += x;
                }
            });
        });
    }
}

/// Where a place among all lies along each axis.
fn along(place: usize, [_, height, width]: [usize; 3]) -> [usize; 3] {
    [place / width / height, place / width % height, place % width]
}

/// Fills all rows with one, or with zeros if it is empty.
pub(super) fn fill_rows<T: Real>(row: &[T], rows: &mut [T]) {
    if row.is_empty() {
        rows.fill(T::ZERO);
    } else {
        rows.chunks_exact_mut(row.len()).for_each(|to| to.copy_from_slice(row));
    }
}

/// Fills `table` with the places of all elements of nested axes, each a count and a stride, from `base` on.
pub(super) fn fill_table(table: &mut [u32], base: usize, axes: &[(usize, usize)]) {
    let Some(first) = table.first_mut() else { return };
    *first = u32::try_from(base).expect("a sample's places in 32 bits");
    let mut len = 1;
    for &(count, stride) in axes.iter().rev() {
        let (start, rest) = table.split_at_mut(len);
        for (i, copy) in rest.chunks_exact_mut(len).take(count - 1).enumerate() {
            let distance = u32::try_from((i + 1) * stride).expect("a sample's places in 32 bits");
            for (copy, &start) in copy.iter_mut().zip(&*start) {
                *copy = start.checked_add(distance).expect("a sample's places in 32 bits");
            }
        }
        len *= count;
    }
}
