use super::*;
use crate::kernels::testing::*;

const RESPONSE: Response = Response { size: 4, alpha: 1.7, beta: 0.75, k: 1.3 };

/// y, place by place.
fn plain(axis: Axis, response: Response, x: &[f64]) -> Vec<f64> {
    let Response { size, alpha, beta, k } = response;
    let mut y = Vec::new();
    for piece in x.chunks(axis.len * axis.inner) {
        for (i, x) in piece.iter().enumerate() {
            let (c, position) = (i / axis.inner, i % axis.inner);
            let window = c.saturating_sub(size / 2)..(c + (size - 1) / 2 + 1).min(axis.len);
            let squares: f64 = window.map(|c| piece[c * axis.inner + position].powi(2)).sum();
            y.push(x * (k + alpha / size as f64 * squares).powf(-beta));
        }
    }
    y
}

fn forward<T: Real>(axis: Axis, response: Response, x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    T::local_response(axis, response, x, &[], &mut [], &mut y);
    y
}

fn backward<T: Real>(axis: Axis, response: Response, x: &[T], dy: &[T]) -> Vec<T> {
    let (mut dx, mut scratch) = (x.to_vec(), vec![T::ZERO; axis.len * axis.inner]);
    T::local_response(axis, response, x, dy, &mut scratch, &mut dx);
    dx
}

/// Fewer channels than a window has and more than a tile, channels last and with positions behind them.
const AXES: [Axis; 7] = [
    Axis { len: 1, inner: 1 },
    Axis { len: 3, inner: 1 },
    Axis { len: 7, inner: 5 },
    Axis { len: 129, inner: 1 },
    Axis { len: 300, inner: 1 },
    Axis { len: 5, inner: 130 },
    Axis { len: 2, inner: 64 },
];

const SIZES: [usize; 5] = [1, 2, 3, 4, 9];

#[test]
fn values_are_those_of_the_formula() {
    fn check<T: Real>() {
        for axis in AXES {
            for size in SIZES {
                let response = Response { size, ..RESPONSE };
                let x: Vec<T> = cast(&numbers(3 * axis.len * axis.inner, 1));
                let wide: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
                let want = plain(axis, response, &wide);
                let what = format!("{axis:?}, {size} channels");
                on_every_isa(|| assert_close(&forward(axis, response, &x), &want, rounding::<T>(), &what));
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn gradients_are_those_of_central_differences() {
    for axis in AXES {
        for size in SIZES {
            let response = Response { size, ..RESPONSE };
            let len = 2 * axis.len * axis.inner;
            let (x, dy) = (numbers(len, 2), numbers(len, 3));
            let dx = differences(&x, |x| weighted_sum(&plain(axis, response, x), &dy));
            let what = format!("{axis:?}, {size} channels");
            // The weighted sum is one of up to 1300 numbers, which round more than a difference of few.
            on_every_isa(|| assert_close(&backward(axis, response, &x, &dy), &dx, 10.0 * DIFFERENCES, &what));
        }
    }
}

#[test]
fn single_precision_is_close_to_double_precision() {
    for axis in AXES {
        let (x, dy): (Vec<f32>, Vec<f32>) = {
            let len = 3 * axis.len * axis.inner;
            (cast(&numbers(len, 4)), cast(&numbers(len, 5)))
        };
        let [wide_x, wide_dy] = [&x, &dy].map(|x| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        let want = backward(axis, RESPONSE, &wide_x, &wide_dy);
        on_every_isa(|| {
            assert_close(&backward(axis, RESPONSE, &x, &dy), &want, rounding::<f32>(), &format!("dx of {axis:?}"));
        });
    }
}

#[test]
fn a_window_of_four_has_two_channels_before_and_one_after() {
    // The 3 is in the windows of the channels from one before it to two after it.
    let response = Response { size: 4, alpha: 4.0, beta: 1.0, k: 1.0 };
    let x = [[1.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0f64]];
    let mut y = [[0.0; 7]];
    local_response_norm_forward(Axis { len: 7, inner: 1 }, response, &x, &mut y);
    let scales = [3.0, 4.0, 13.0, 13.0, 13.0, 13.0, 4.0];
    for c in 0..7 {
        assert!((y[0][c] - x[0][c] / scales[c]).abs() < 1e-15, "channel {c}: {y:?}");
    }
}

#[test]
fn the_bits_of_a_sample_do_not_depend_on_its_company() {
    for axis in AXES {
        let len = axis.len * axis.inner;
        let (x, dy): (Vec<f32>, Vec<f32>) = (cast(&numbers(5 * len, 6)), cast(&numbers(5 * len, 7)));
        on_every_isa(|| {
            let run = |range: std::ops::Range<usize>| backward(axis, RESPONSE, &x[range.clone()], &dy[range]);
            let parts = [run(0..2 * len), run(2 * len..5 * len)].concat();
            assert_eq!(bits(&run(0..5 * len)), bits(&parts), "{axis:?}");
        });
    }
}
