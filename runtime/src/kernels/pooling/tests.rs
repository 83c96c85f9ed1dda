//! Every kernel, on every instruction set, against the definition; and what PyTorch makes of the cases that are easily got wrong.

use super::*;
use crate::kernels::Window;
use crate::kernels::testing::{assert_close, bits, cast, numbers, on_every_isa, rounding};

/// A pooling of three axes with its channels.
#[derive(Clone, Copy, Debug)]
struct Case {
    pool: Pool<3>,
    batch: usize,
    channels: usize,
}

impl Case {
    fn x(&self) -> usize {
        self.pool.window.input.iter().product::<usize>() * self.channels
    }
    fn y(&self) -> usize {
        self.pool.window.output.iter().product::<usize>() * self.channels
    }

    /// The elements of window `o` along an axis, and how many it has with the padding.
    fn cells(&self, axis: usize, o: usize) -> (Vec<usize>, usize) {
        let Window { input, output, kernel, stride, padding, dilation } = self.pool.window;
        let (n, count) = (input[axis], output[axis]);
        if self.pool.adaptive {
            let cells: Vec<usize> = (0..n).filter(|i| i * count < (o + 1) * n && (i + 1) * count > o * n).collect();
            return (cells.clone(), cells.len());
        }
        let places = (0..kernel[axis]).map(|t| o * stride[axis] + t * dilation[axis]);
        let all = places.filter(|at| *at < n + 2 * padding[axis]);
        let real = all.clone().filter(|at| (padding[axis]..n + padding[axis]).contains(at));
        (real.map(|at| at - padding[axis]).collect(), all.count())
    }

    /// Calls `window` for each window and channel, with its place in a sample of y, those of its cells in a sample of x, and
    /// the number that an average divides by.
    fn windows(&self, mut window: impl FnMut(usize, &[usize], f64)) {
        let (input, output) = (self.pool.window.input, self.pool.window.output);
        for d in 0..output[0] {
            for h in 0..output[1] {
                for w in 0..output[2] {
                    let axes = [self.cells(0, d), self.cells(1, h), self.cells(2, w)];
                    let divisor = match self.pool.divisor {
                        Divisor::Number(number) => number as f64,
                        Divisor::Padded => axes.iter().map(|(_, all)| all).product::<usize>() as f64,
                        Divisor::Real => axes.iter().map(|(real, _)| real.len()).product::<usize>() as f64,
                    };
                    for c in 0..self.channels {
                        let mut cells = Vec::new();
                        for d in &axes[0].0 {
                            for h in &axes[1].0 {
                                let place = |w| ((d * input[1] + h) * input[2] + w) * self.channels + c;
                                cells.extend(axes[2].0.iter().map(place));
                            }
                        }
                        window(((d * output[1] + h) * output[2] + w) * self.channels + c, &cells, divisor);
                    }
                }
            }
        }
    }
}

/// A few hundred poolings, all sizes and options drawn by lot.
fn cases(averages: bool) -> Vec<Case> {
    let mut state = 3u64;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let mut cases = Vec::new();
    while cases.len() < if cfg!(miri) { 12 } else { 400 } {
        let axes = 1 + pick(3);
        let most = [13, 9, 5][axes - 1];
        let (adaptive, simple) = (pick(4) == 0, pick(3) == 0);
        let (mut input, mut output) = ([1; 3], [1; 3]);
        let (mut kernel, mut stride, mut padding, mut dilation) = ([1; 3], [1; 3], [0; 3], [1; 3]);
        let mut fits = true;
        for a in 3 - axes..3 {
            input[a] = 1 + pick(most);
            if adaptive {
                output[a] = 1 + pick(most);
                continue;
            }
            (kernel[a], stride[a]) = if simple { (2, 2) } else { (1 + pick(4), 1 + pick(4)) };
            if !simple {
                padding[a] = pick(kernel[a] / 2 + 1);
                dilation[a] = if averages { 1 } else { 1 + pick(3) };
            }
            let (whole, reach) = (input[a] + 2 * padding[a], (kernel[a] - 1) * dilation[a] + 1);
            let ceil = !simple && pick(2) == 0;
            let whole = if ceil { whole + stride[a] - 1 } else { whole };
            fits &= whole >= reach;
            output[a] = whole.saturating_sub(reach) / stride[a] + 1;
            if (output[a] - 1) * stride[a] >= input[a] + padding[a] {
                output[a] -= 1;
            }
        }
        if !fits {
            continue;
        }
        let pool = match adaptive {
            true => Pool::adaptive(input, output),
            false => Pool::new(input, kernel).stride(stride).padding(padding).dilation(dilation).output(output),
        };
        let pool = match pick(4) {
            0 if !adaptive => pool.divided_by(3),
            1 => pool.without_padding(),
            _ => pool,
        };
        cases.push(Case { pool, batch: pick(4), channels: 1 + pick(19) });
    }
    cases
}

/// A kernel's functions take arrays; of sizes that only a test knows, their loops are called.
fn shape(case: &Case) -> Shape {
    case.pool.shape(case.x(), case.y())
}

fn the_largest_is_the_first_of_the_largest<T: Real>() {
    for case in cases(false) {
        let shape = shape(&case);
        // Few different numbers: many are equal.
        let x: Vec<T> = numbers(case.batch * case.x(), 5).iter().map(|x| T::from_f64(x.round())).collect();
        let dy: Vec<T> = cast(&numbers(case.batch * case.y(), 6));
        let (mut y, mut dx) = (vec![-T::INFINITY; dy.len()], vec![T::ZERO; x.len()]);
        for n in 0..case.batch {
            case.windows(|to, cells, _| {
                let mut largest = None;
                for &at in cells {
                    let at = n * case.x() + at;
                    if largest.is_none_or(|largest: usize| x[at] > x[largest]) {
                        largest = Some(at);
                    }
                }
                let Some(largest) = largest else { return };
                y[n * case.y() + to] = x[largest];
                dx[largest] += dy[n * case.y() + to];
            });
        }
        on_every_isa(|| {
            let junk = T::from_f64(77.0);
            let mut predicted = vec![junk; y.len()];
            T::max_pool(&shape, &x, PlacesMut::None, &mut predicted);
            assert_eq!(bits(&predicted), bits(&y), "{case:?}");
            let (mut small, mut wide) = (vec![9; y.len()], vec![9; y.len()]);
            let (mut got, mut d_got) = (vec![junk; y.len()], vec![junk; x.len()]);
            T::max_pool(&shape, &x, PlacesMut::Small(&mut small), &mut got);
            assert_eq!(bits(&got), bits(&y), "{case:?}");
            T::max_pool_backward(&shape, &dy, &small, &mut d_got, &|_, _| ());
            assert_close(&d_got, &dx.iter().map(|d| d.to_f64()).collect::<Vec<_>>(), rounding::<T>(), "dx");
            T::max_pool(&shape, &x, PlacesMut::Large(&mut wide), &mut got);
            assert!(bits(&got) == bits(&y) && small.iter().map(|&p| u32::from(p)).eq(wide.iter().copied()), "{case:?}");
            let mut d_wide = vec![junk; x.len()];
            T::max_pool_backward_large(&shape, &dy, &wide, &mut d_wide, &|_, _| ());
            assert_eq!(bits(&d_wide), bits(&d_got), "{case:?}");
        });
    }
}

#[test]
fn the_largest_is_the_first_of_the_largest_f32() {
    the_largest_is_the_first_of_the_largest::<f32>();
}

#[test]
fn the_largest_is_the_first_of_the_largest_f64() {
    the_largest_is_the_first_of_the_largest::<f64>();
}

fn averages_are_sums_over_counts<T: Real>() {
    for case in cases(true) {
        let shape = shape(&case);
        let x: Vec<T> = cast(&numbers(case.batch * case.x(), 7));
        let dy: Vec<T> = cast(&numbers(case.batch * case.y(), 8));
        let (mut y, mut dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
        for n in 0..case.batch {
            case.windows(|to, cells, divisor| {
                let to = n * case.y() + to;
                for at in cells.iter().map(|at| n * case.x() + at) {
                    y[to] += x[at].to_f64() / divisor;
                    dx[at] += dy[to].to_f64() / divisor;
                }
            });
        }
        on_every_isa(|| {
            let junk = T::from_f64(77.0);
            let (mut got, mut d_got) = (vec![junk; y.len()], vec![junk; x.len()]);
            T::average_pool(&shape, &x, &mut got);
            T::average_pool_backward(&shape, &dy, &mut d_got, &|_, _| ());
            assert_close(&got, &y, rounding::<T>(), &format!("{case:?}"));
            assert_close(&d_got, &dx, rounding::<T>(), &format!("{case:?}"));
        });
    }
}

#[test]
fn averages_are_sums_over_counts_f32() {
    averages_are_sums_over_counts::<f32>();
}

#[test]
fn averages_are_sums_over_counts_f64() {
    averages_are_sums_over_counts::<f64>();
}

#[test]
fn a_sample_has_the_same_bits_whichever_others_are_in_the_call() {
    for case in cases(true) {
        let shape = shape(&case);
        let x: Vec<f32> = cast(&numbers(case.batch * case.x(), 9));
        let (mut y, mut dx) = (vec![0.0; case.batch * case.y()], vec![0.0; x.len()]);
        let (mut one, mut d_one) = (y.clone(), dx.clone());
        on_every_isa(|| {
            f32::average_pool(&shape, &x, &mut y);
            f32::average_pool_backward(&shape, &y, &mut dx, &|_, _| ());
            for (x, y) in x.chunks_exact(case.x()).zip(one.chunks_exact_mut(case.y())) {
                f32::average_pool(&shape, x, y);
            }
            for (y, dx) in one.chunks_exact(case.y()).zip(d_one.chunks_exact_mut(case.x())) {
                f32::average_pool_backward(&shape, y, dx, &|_, _| ());
            }
            assert!(bits(&one) == bits(&y) && bits(&d_one) == bits(&dx), "{case:?}");
        });
    }
}

#[test]
fn epilogues_see_every_element_once_and_finished() {
    for case in cases(false) {
        let shape = shape(&case);
        let x: Vec<f32> = cast(&numbers(case.batch * case.x(), 9));
        let (mut places, mut y) = (vec![0; case.batch * case.y()], vec![0.0; case.batch * case.y()]);
        on_every_isa(|| {
            f32::max_pool(&shape, &x, PlacesMut::Small(&mut places), &mut y);
            let (mut plain, mut negated) = (vec![0.0; x.len()], vec![5.0; x.len()]);
            f32::max_pool_backward(&shape, &y, &places, &mut plain, &|_, _| ());
            let then = |at: usize, d: &mut [f32]| {
                assert_eq!(d, &plain[at..at + d.len()]);
                d.iter_mut().for_each(|d| *d = -*d);
            };
            f32::max_pool_backward(&shape, &y, &places, &mut negated, &then);
            assert!(negated.iter().zip(&plain).all(|(n, p)| *n == -p), "{case:?}");
        });
    }
}

/// The largest, with the place of the element that has the gradient, of one channel.
fn largest<const X: usize, const Y: usize>(pool: Pool<1>, x: [f32; X]) -> ([f32; Y], [f32; X]) {
    let (mut places, mut y, mut dx) = ([[0u8; Y]], [[0.0; Y]], [[0.0; X]]);
    max_pool_forward(pool, &[x], &mut places, &mut y);
    max_pool_backward(pool, &places, &[[1.0; Y]], &mut dx);
    (y[0], dx[0])
}

#[test]
fn nan_is_the_largest_and_the_last_has_the_gradient() {
    let nan = f32::NAN;
    let (y, dx) = largest::<4, 1>(Pool::new([4], [4]), [1.0, nan, nan, 9.0]);
    assert!(y[0].is_nan());
    assert_eq!(dx, [0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn negative_zero_ties_with_zero() {
    let (y, dx) = largest::<4, 2>(Pool::new([4], [2]), [-0.0, 0.0, 0.0, -0.0]);
    assert_eq!((bits(&y), dx), (bits(&[-0.0f32, 0.0]), [1.0, 0.0, 1.0, 0.0]));
}

#[test]
fn a_window_of_negative_infinities_has_its_first_real_cell() {
    let low = f32::NEG_INFINITY;
    let (y, dx) = largest::<2, 1>(Pool::new([2], [3]).padding([1]), [low, low]);
    assert_eq!((y, dx), ([low], [1.0, 0.0]));
}

#[test]
fn squares_know_nan_and_ties_too() {
    on_every_isa(|| {
        // [2, 2, 9]: more channels than a tile.
        const C: usize = 9;
        let cell = |at: usize, c: usize| match c {
            0 => [1.0, f32::NAN, f32::NAN, 9.0][at],
            1 => [-0.0, 0.0, -0.0, 0.0][at],
            8 => [f32::NEG_INFINITY; 4][at],
            _ => [2.0, 3.0, 3.0, 1.0][at],
        };
        let x: [f32; 4 * C] = std::array::from_fn(|i| cell(i / C, i % C));
        let (mut places, mut y) = ([[7u8; C]], [[0.0; C]]);
        max_pool_forward(Pool::new([2, 2], [2, 2]), &[x], &mut places, &mut y);
        assert_eq!(places, [[2, 0, 1, 1, 1, 1, 1, 1, 0]]);
        assert!(y[0][0].is_nan() && y[0][1].to_bits() == (-0.0f32).to_bits());
        assert_eq!(y[0][2..], [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, f32::NEG_INFINITY]);
    });
}

/// The power averages of one channel, and the gradient of their sum.
fn powers<const X: usize, const Y: usize>(pool: Pool<1>, p: f64, x: [f64; X]) -> ([f64; Y], [f64; X]) {
    let (mut y, mut dx) = ([[0.0; Y]], [[0.0; X]]);
    lp_pool_forward(pool, p, &[x], &mut y);
    lp_pool_backward(pool, p, &[x], &y, &[[1.0; Y]], &mut dx);
    (y[0], dx[0])
}

#[test]
fn powers_have_a_sign() {
    let pool = Pool::new([3], [3]);
    assert_eq!(powers(pool, 1.0, [-1.0, -2.0, -3.0]), ([-6.0], [1.0; 3]));
    let (y, dx) = powers::<3, 1>(pool, 3.0, [-1.0, -2.0, 1.0]);
    assert!(y[0].is_nan() && dx.iter().all(|dx| dx.is_nan()));
}

#[test]
fn a_cut_window_of_powers_stands_for_a_whole_one() {
    let (y, _) = powers::<2, 1>(Pool::new([2], [3]).output([1]), 2.0, [5.0, 6.0]);
    assert!((y[0] - 9.565563).abs() < 1e-6, "{}", y[0]);
}

#[test]
fn powers_of_zeros_have_no_gradient() {
    for p in [1.5, 2.0, 3.0, 4.0] {
        assert_eq!(powers(Pool::new([2], [2]), p, [0.0, 0.0]), ([0.0], [0.0; 2]), "{p}");
    }
    let (_, dx) = powers::<2, 1>(Pool::new([2], [2]), 0.5, [0.0, 0.0]);
    assert!(dx.iter().all(|dx| dx.is_nan()));
}
