//! Every kernel, on every instruction set, against the sum over all pairs of a window's element and a weight: on whole numbers,
//! of which no sum is rounded.

use super::*;
use crate::kernels::testing::{bits, cast, numbers, on_every_isa};

/// A convolution with its channels.
#[derive(Clone, Copy, Debug)]
struct Case {
    conv: Conv<3>,
    batch: usize,
    inputs: usize,
    outputs: usize,
}

impl Case {
    fn x(&self) -> usize {
        self.conv.window.input.iter().product::<usize>() * self.inputs
    }
    fn y(&self) -> usize {
        self.conv.window.output.iter().product::<usize>() * self.outputs
    }
    fn rows(&self) -> usize {
        self.conv.window.kernel.iter().product::<usize>() * self.inputs / self.conv.groups
    }

    /// The element of x that window `o` has at tap `t` of an axis.
    fn source(&self, axis: usize, o: usize, t: usize) -> Option<usize> {
        let Window { input, stride, padding, dilation, .. } = self.conv.window;
        let n = input[axis] as isize;
        let i = (o * stride[axis] + t * dilation[axis]) as isize - padding[axis] as isize;
        let i = match self.conv.padding_mode {
            Padding::Zeros if i < 0 || i >= n => return None,
            Padding::Zeros => i,
            Padding::Reflect if i < 0 => -i,
            Padding::Reflect if i >= n => 2 * (n - 1) - i,
            Padding::Reflect => i,
            Padding::Replicate => i.max(0).min(n - 1),
            Padding::Circular => (i + n) % n,
        };
        Some(i as usize)
    }

    /// Calls `link` with the places in a sample of x, in the weight and in a sample of y of all that meet.
    fn links(&self, mut link: impl FnMut(usize, usize, usize)) {
        let Window { input, output, kernel, .. } = self.conv.window;
        let (group_in, group_out) = (self.inputs / self.conv.groups, self.outputs / self.conv.groups);
        let places = |len: [usize; 3]| {
            (0..len[0]).flat_map(move |a| (0..len[1]).flat_map(move |b| (0..len[2]).map(move |c| [a, b, c])))
        };
        let flat = |at: [usize; 3], len: [usize; 3]| (at[0] * len[1] + at[1]) * len[2] + at[2];
        for at in places(output) {
            for tap in places(kernel) {
                let source = [0, 1, 2].map(|axis| self.source(axis, at[axis], tap[axis]));
                let [Some(a), Some(b), Some(c)] = source else { continue };
                for o in 0..self.outputs {
                    for i in 0..group_in {
                        let x = flat([a, b, c], input) * self.inputs + o / group_out * group_in + i;
                        let w = (flat(tap, kernel) * group_in + i) * self.outputs + o;
                        link(x, w, flat(at, output) * self.outputs + o);
                    }
                }
            }
        }
    }
}

/// A square image and a square window, of which the channels are to be said: groups, inputs, outputs.
fn flat(len: usize, kernel: usize, padding: usize, stride: usize) -> impl Fn(usize, usize, usize) -> Case {
    let output = (len + 2 * padding - kernel) / stride + 1;
    let window = Window {
        input: [1, len, len],
        output: [1, output, output],
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding: [0, padding, padding],
        dilation: [1; 3],
    };
    move |groups, inputs, outputs| {
        let conv = Conv { window, groups, padding_mode: Padding::Zeros, transposed: false };
        Case { conv, batch: 3, inputs, outputs }
    }
}

/// A few hundred convolutions, all sizes and options drawn by lot.
fn drawn() -> Vec<Case> {
    let mut state = 7u64;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let mut cases = Vec::new();
    while cases.len() < if cfg!(miri) { 12 } else { 400 } {
        let axes = 1 + pick(3);
        let padding_mode = [Padding::Zeros, Padding::Reflect, Padding::Replicate, Padding::Circular][pick(6).min(3)];
        let most = [11, 7, 4][axes - 1];
        let mut window =
            Window { input: [1; 3], output: [1; 3], kernel: [1; 3], stride: [1; 3], padding: [0; 3], dilation: [1; 3] };
        let mut fits = true;
        for a in 3 - axes..3 {
            let (input, kernel, stride, dilation) = (1 + pick(most), 1 + pick(4), 1 + pick(3), 1 + pick(3));
            let (before, behind) = (pick(5), pick(4));
            let reach = (kernel - 1) * dilation + 1;
            fits &= reach <= input + before + behind;
            fits &= match padding_mode {
                Padding::Zeros | Padding::Replicate => true,
                Padding::Reflect => before.max(behind) < input,
                Padding::Circular => before.max(behind) <= input,
            };
            let output = (input + before + behind).saturating_sub(reach) / stride + 1;
            (window.input[a], window.output[a], window.kernel[a]) = (input, output, kernel);
            (window.stride[a], window.padding[a], window.dilation[a]) = (stride, before, dilation);
        }
        let groups = [1, 1, 2, 3, 5][pick(5)];
        let (inputs, outputs) = match pick(4) {
            0 => (groups, groups * (1 + pick(3))),
            _ => (groups * (1 + pick(9)), groups * (1 + pick(18))),
        };
        if fits {
            let conv = Conv { window, groups, padding_mode, transposed: false };
            cases.push(Case { conv, batch: 1 + pick(5), inputs, outputs });
        }
    }
    cases
}

/// Convolutions that take the paths of large ones.
fn large() -> Vec<Case> {
    if cfg!(miri) {
        return Vec::new();
    }
    let mut cases = vec![
        flat(3, 3, 1, 1)(1, 96, 130),
        flat(4, 3, 1, 2)(1, 260, 70),
        flat(18, 3, 1, 1)(1, 3, 40),
        flat(20, 3, 1, 1)(40, 40, 40),
        flat(9, 3, 1, 2)(20, 20, 40),
        flat(5, 1, 0, 1)(1, 30, 20),
        flat(2, 2, 0, 1)(2, 300, 700),
        // In tiles (`winograd.rs`), whole ones and parts of some, with all there is to paddings.
        flat(8, 3, 1, 1)(1, 64, 32),
        flat(7, 3, 1, 1)(1, 32, 48),
        flat(11, 3, 0, 1)(1, 48, 32),
        flat(9, 3, 2, 1)(1, 32, 32),
        flat(6, 3, 4, 1)(1, 32, 160),
    ];
    let mut uneven = flat(9, 3, 1, 1)(1, 32, 32);
    let window = &mut uneven.conv.window;
    (window.input, window.output, window.padding) = ([1, 5, 12], [1, 7, 11], [0, 3, 0]);
    cases.push(uneven);
    // Of many channels, whose windows are laid out for the weight's gradient.
    for padding_mode in [Padding::Zeros, Padding::Reflect, Padding::Circular] {
        let mut wide = flat(5, 3, 2, 1)(1, 256, 52);
        wide.conv.padding_mode = padding_mode;
        wide.conv.window.dilation = [1, 1, 2];
        wide.conv.window.output[2] = 5;
        cases.push(wide);
    }
    // Not in tiles: an axis of one element with two windows.
    let mut deep = flat(9, 3, 1, 1)(1, 32, 32);
    deep.conv.window.output[0] = 2;
    cases.push(deep);
    cases
}

fn cases() -> Vec<Case> {
    [drawn(), large()].concat()
}

/// Whole numbers from -3 to 3.
fn whole(len: usize, seed: u64) -> Vec<f64> {
    numbers(len, seed).into_iter().map(f64::round).collect()
}

fn check<T: Real>(case: Case) {
    let Case { conv, batch, inputs, outputs } = case;
    let (x_len, y_len, k) = (case.x(), case.y(), case.rows());
    let shape = conv.shape(x_len, y_len, k, outputs);
    let (x, dy) = (whole(batch * x_len, 1), whole(batch * y_len, 2));
    let (w, b, c) = (whole(k * outputs, 3), whole(outputs, 4), whole(inputs, 5));
    let (mut y, mut dx, mut dw) = (vec![0.0; batch * y_len], vec![0.0; batch * x_len], vec![0.0; k * outputs]);
    for (i, y) in y.iter_mut().enumerate() {
        *y = b[i % outputs];
    }
    case.links(|i, p, o| {
        for n in 0..batch {
            let (i, o) = (n * x_len + i, n * y_len + o);
            y[o] += x[i] * w[p];
            dx[i] += dy[o] * w[p];
            dw[p] += x[i] * dy[o];
        }
    });
    let [x, dy, w, b, c, y, dx, dw] = [x, dy, w, b, c, y, dx, dw].map(|numbers| cast::<T>(&numbers));
    // The epilogue sees each element once, with its place.
    let add_places = |at: usize, rows: &mut [T]| {
        rows.iter_mut().enumerate().for_each(|(i, y)| *y += T::from_f64(((at + i) % 5) as f64));
    };
    let with_places = |mut rows: Vec<T>| {
        add_places(0, &mut rows);
        rows
    };

    let mut got = vec![T::from_f64(f64::NAN); batch * y_len];
    T::conv_forward(&shape, &x, &w, &b, &mut got, &add_places);
    assert!(got == with_places(y), "forward: {case:?}");

    let mut got = vec![T::from_f64(f64::NAN); batch * x_len];
    T::conv_backward_input(&shape, &dy, &w, &[], &mut got, &add_places);
    assert!(got == with_places(dx.clone()), "gradient of the input: {case:?}");
    if conv.padding_mode == Padding::Zeros {
        T::conv_backward_input(&shape, &dy, &w, &c, &mut got, &add_places);
        let plus = dx.iter().enumerate().map(|(i, &dx)| dx + c[i % inputs]).collect();
        assert!(got == with_places(plus), "transposed: {case:?}");
    }

    for cut in [0, 1, k / 2, k] {
        assert!(weight_in_two(case, &x, &dy, cut) == dw, "gradient of the weight, cut at row {cut}: {case:?}");
    }
}

/// The gradient of the weight, in the middle of a flat array, in two parts.
fn weight_in_two<T: Real>(case: Case, x: &[T], dy: &[T], cut: usize) -> Vec<T> {
    const OFFSET: usize = 32;
    let (k, o) = (case.rows(), case.outputs);
    let shape = case.conv.shape(case.x(), case.y(), k, o);
    let mut flat = vec![T::ZERO; OFFSET + k * o + 16];
    let (mut left, mut right) = Update::accumulate(&mut flat, None).split_at(OFFSET + cut * o);
    T::conv_backward_weight(&shape, x, dy, (0, OFFSET), &mut left);
    T::conv_backward_weight(&shape, x, dy, (0, OFFSET), &mut right);
    let (parameter, rest) = flat[OFFSET..].split_at(k * o);
    assert!(flat[..OFFSET].iter().chain(rest).all(|&x| x == T::ZERO), "wrote outside of the parameter");
    parameter.to_vec()
}

#[test]
fn f32_kernels_are_the_sums_they_stand_for() {
    on_every_isa(|| cases().into_iter().for_each(check::<f32>));
}

#[test]
fn f64_kernels_are_the_sums_they_stand_for() {
    on_every_isa(|| cases().into_iter().for_each(check::<f64>));
}

#[test]
fn a_sample_has_the_same_bits_in_any_batch_and_a_weight_in_any_part() {
    on_every_isa(|| {
        // And one of many channels whose sums over the batch are made in pieces.
        let long = (!cfg!(miri)).then(|| flat(7, 2, 1, 1)(1, 256, 512));
        for case in drawn().into_iter().step_by(9).chain(large()).chain(long) {
            let case = Case { batch: 7, ..case };
            let (x_len, y_len, k) = (case.x(), case.y(), case.rows());
            let shape = case.conv.shape(x_len, y_len, k, case.outputs);
            let (x, dy) = (cast::<f32>(&numbers(7 * x_len, 1)), cast::<f32>(&numbers(7 * y_len, 2)));
            let w = cast::<f32>(&numbers(k * case.outputs, 3));
            let (mut y, mut dx) = (vec![0.0; 7 * y_len], vec![0.0; 7 * x_len]);
            f32::conv_forward(&shape, &x, &w, &[], &mut y, &|_, _| ());
            f32::conv_backward_input(&shape, &dy, &w, &[], &mut dx, &|_, _| ());
            for samples in [1, 2, 5] {
                let (mut part, mut dpart) = (vec![0.0; samples * y_len], vec![0.0; samples * x_len]);
                let from = 7 - samples;
                f32::conv_forward(&shape, &x[from * x_len..], &w, &[], &mut part, &|_, _| ());
                f32::conv_backward_input(&shape, &dy[from * y_len..], &w, &[], &mut dpart, &|_, _| ());
                assert!(bits(&part) == bits(&y[from * y_len..]), "{samples} samples: {case:?}");
                assert!(bits(&dpart) == bits(&dx[from * x_len..]), "{samples} samples: {case:?}");
            }
            let whole = weight_in_two(case, &x, &dy, 0);
            for cut in [1, k / 3, k / 2] {
                assert!(bits(&weight_in_two(case, &x, &dy, cut)) == bits(&whole), "cut at row {cut}: {case:?}");
            }
        }
    });
}

#[test]
fn a_batch_may_be_empty() {
    for case in drawn().into_iter().step_by(7).chain(large()) {
        let (k, o) = (case.rows(), case.outputs);
        let shape = case.conv.shape(case.x(), case.y(), k, o);
        let w = vec![1.0f32; k * o];
        f32::conv_forward(&shape, &[], &w, &[], &mut [], &|_, _| ());
        f32::conv_backward_input(&shape, &[], &w, &[], &mut [], &|_, _| ());
        assert!(weight_in_two::<f32>(case, &[], &[], 1) == vec![0.0; k * o], "{case:?}");
    }
}

#[test]
fn one_and_two_axes_are_the_last_of_three() {
    let window = Window { input: [4], output: [2], kernel: [3], stride: [2], padding: [1], dilation: [1] };
    let conv = Conv { window, groups: 1, padding_mode: Padding::Circular, transposed: false };
    let mut y = [[0.0; 2]];
    conv_forward(conv, &[[1.0, 2.0, 3.0, 4.0]], &[[1.0], [10.0], [100.0]], &[], &mut y);
    assert_eq!(y, [[214.0, 432.0]]);

    let window =
        Window { input: [1, 2], output: [2, 4], kernel: [2, 2], stride: [1, 1], padding: [1, 2], dilation: [1, 1] };
    let conv = Conv { window, groups: 1, padding_mode: Padding::Zeros, transposed: false };
    let mut y = [[0.0; 8]];
    conv_forward(conv, &[[1.0, 2.0]], &[[1.0], [10.0], [100.0], [1000.0]], &[0.5], &mut y);
    assert_eq!(y, [[0.5, 1000.5, 2100.5, 200.5, 0.5, 10.5, 21.5, 2.5]]);

    let mut x = [[0.0; 2]];
    let weight = [[1.0], [10.0], [100.0], [1000.0]];
    conv_forward(conv.transposed(), &[[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]], &weight, &[], &mut x);
    assert_eq!(x, [[1001.0, 10.0]]);

    let mut dw = [0.0; 4];
    let mut update = Update::accumulate(&mut dw, None);
    let dy = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]];
    conv_backward_weight(conv, &[[1.0, 2.0]], &dy, Span::<4, 1>::new(0, 0), &mut update);
    assert_eq!(dw, [23.0, 20.0, 11.0, 8.0]);
}

#[test]
fn activations_are_applied_to_whole_results() {
    use crate::kernels::{ReLU, SiLU, activation_backward, activation_forward};
    let window =
        Window { input: [5, 4], output: [3, 4], kernel: [3, 3], stride: [2, 1], padding: [1, 1], dilation: [1, 1] };
    let conv = Conv { window, groups: 1, padding_mode: Padding::Zeros, transposed: false };
    // Of two channels to three, and back.
    let samples = |seed| cast::<f32>(&numbers(80, seed));
    let (x, t) = (samples(1), cast::<f32>(&numbers(72, 2)));
    let (x, t): (&[[f32; 40]], &[[f32; 36]]) = (x.as_chunks().0, t.as_chunks().0);
    let weight = cast::<f32>(&numbers(54, 3));
    let weight: &[[f32; 3]; 18] = weight.as_chunks().0.try_into().expect("18 rows");
    let (bias, back) = ([0.5, -1.0, 0.25], [0.125, -2.0]);

    let (mut plain, mut z, mut y, mut folded) = ([[0.0; 36]; 2], [[0.0; 36]; 2], [[0.0; 36]; 2], [[0.0; 36]; 2]);
    conv_forward(conv, x, weight, &bias, &mut plain);
    activation_forward(SiLU, &plain, &mut folded);
    conv_activation_forward_keep(conv, x, weight, &bias, SiLU, &mut z, &mut y);
    assert_eq!((z, y), (plain, folded));
    conv_activation_forward(conv, x, weight, &bias, SiLU, &mut y);
    assert_eq!(y, folded);
    conv_backward_input(conv.transposed(), weight, x, &mut plain);
    activation_backward(ReLU, t, &plain, &mut folded);
    conv_activation_backward_input(conv.transposed(), weight, x, ReLU, t, &mut y);
    assert_eq!(y, folded);

    let (mut plain, mut z, mut y, mut folded) = ([[0.0; 40]; 2], [[0.0; 40]; 2], [[0.0; 40]; 2], [[0.0; 40]; 2]);
    conv_forward(conv.transposed(), t, weight, &back, &mut plain);
    activation_forward(SiLU, &plain, &mut folded);
    conv_activation_forward_keep(conv.transposed(), t, weight, &back, SiLU, &mut z, &mut y);
    assert_eq!((z, y), (plain, folded));
    conv_activation_forward(conv.transposed(), t, weight, &back, SiLU, &mut y);
    assert_eq!(y, folded);
    conv_backward_input(conv, weight, t, &mut plain);
    activation_backward(ReLU, x, &plain, &mut folded);
    conv_activation_backward_input(conv, weight, t, ReLU, x, &mut y);
    assert_eq!(y, folded);

    let (mut dw, mut transposed) = ([0.0; 54], [0.0; 54]);
    conv_backward_weight(conv, x, t, Span::<18, 3>::new(0, 0), &mut Update::accumulate(&mut dw, None));
    let mut update = Update::accumulate(&mut transposed, None);
    conv_backward_weight(conv.transposed(), t, x, Span::<18, 3>::new(0, 0), &mut update);
    assert_eq!(dw, transposed);
}
