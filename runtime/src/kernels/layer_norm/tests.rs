use super::*;
use crate::kernels::columns::TILE;
use crate::kernels::testing::*;

const EPS: f64 = 1e-3;

/// Lengths below one register, whole registers, several, and remainders.
const LENGTHS: [usize; 9] = [1, 2, 7, 16, 20, 64, 65, 100, 300];

fn plain(len: usize, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let mut y = Vec::new();
    for x in x.chunks(len) {
        let mean = x.iter().sum::<f64>() / len as f64;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / len as f64;
        for (i, x) in x.iter().enumerate() {
            let normalised = (x - mean) / (variance + EPS).sqrt();
            y.push(normalised * w.get(i).unwrap_or(&1.0) + b.get(i).unwrap_or(&0.0));
        }
    }
    y
}

struct Run<T> {
    y: Vec<T>,
    dx: Vec<T>,
    dw: Vec<f64>,
    db: Vec<f64>,
}

fn run<T: Real>(len: usize, x: &[T], w: &[T], b: &[T], dy: &[T]) -> Run<T> {
    let (mut y, mut dx) = (x.to_vec(), x.to_vec());
    let mut statistics = vec![T::ZERO; x.len() / len * 2];
    T::layer_norm_forward(Norm::centred(len), EPS, x, w, b, &mut statistics, &mut y);
    T::layer_norm_backward_input(Norm::centred(len), x, w, &statistics, dy, &mut dx);
    let (mut dw, mut db) = (Vec::new(), Vec::new());
    for first in (0..len).step_by(TILE) {
        let (range, mut sums) = (first..len.min(first + TILE), [0.0; TILE]);
        let shape = Columns { count: len, inner: 1 };
        let scalars = Scalars::Row(&statistics);
        T::column_sums(ColumnSum::Normalised, shape, range.clone(), dy, x, scalars, &mut sums);
        dw.extend(&sums[..range.len()]);
        T::column_sums(ColumnSum::Differences, shape, range.clone(), dy, dy, Scalars::None, &mut sums);
        db.extend(&sums[..range.len()]);
    }
    Run { y, dx, dw, db }
}

#[test]
fn values_are_those_of_the_formula() {
    fn check<T: Real>() {
        for len in LENGTHS {
            // Far from zero, so that a variance from squares would cancel.
            let x: Vec<T> = numbers(5 * len, 1).iter().map(|x| T::from_f64(x + 50.0)).collect();
            let wide: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            for (w, b) in [(0, 0), (len, 0), (0, len), (len, len)] {
                let (w, b): (Vec<T>, Vec<T>) = (cast(&numbers(w, 2)), cast(&numbers(b, 3)));
                let parameters = [&w, &b].map(|p| p.iter().map(|p| p.to_f64()).collect::<Vec<_>>());
                let want = plain(len, &wide, &parameters[0], &parameters[1]);
                // The mean of numbers around 50 has an error of some 50 ulp of 1.
                let tolerance = 10.0 * rounding::<T>();
                on_every_isa(|| {
                    assert_close(&run(len, &x, &w, &b, &x).y, &want, tolerance, &format!("{len} elements"))
                });
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn gradients_are_those_of_central_differences() {
    for len in LENGTHS {
        let (x, dy) = (numbers(3 * len, 4), numbers(3 * len, 5));
        for with_weights in [false, true] {
            let (w, b) = if with_weights { (numbers(len, 6), numbers(len, 7)) } else { (vec![], vec![]) };
            let dx = differences(&x, |x| weighted_sum(&plain(len, x, &w, &b), &dy));
            let dw = differences(&w, |w| weighted_sum(&plain(len, &x, w, &b), &dy));
            let db = differences(&b, |b| weighted_sum(&plain(len, &x, &w, b), &dy));
            on_every_isa(|| {
                let got = run(len, &x, &w, &b, &dy);
                assert_close(&got.dx, &dx, DIFFERENCES, &format!("dx of {len}"));
                if with_weights {
                    assert_close(&got.dw, &dw, DIFFERENCES, &format!("dw of {len}"));
                    assert_close(&got.db, &db, DIFFERENCES, &format!("db of {len}"));
                }
            });
        }
    }
}

#[test]
fn single_precision_is_close_to_double_precision() {
    for len in LENGTHS {
        let cast32 = |len, seed| -> Vec<f32> { cast(&numbers(len, seed)) };
        let operands = [cast32(90 * len, 8), cast32(len, 9), cast32(len, 10), cast32(90 * len, 11)];
        let wide = operands.clone().map(|x| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        on_every_isa(|| {
            let got = run(len, &operands[0], &operands[1], &operands[2], &operands[3]);
            let want = run(len, &wide[0], &wide[1], &wide[2], &wide[3]);
            // One of two numbers may be close to its mean, and its group's r large.
            let tolerance = 20.0 * rounding::<f32>();
            assert_close(&got.y, &want.y, tolerance, &format!("y of {len}"));
            assert_close(&got.dx, &want.dx, tolerance, &format!("dx of {len}"));
            assert_close(&got.dw, &want.dw, tolerance, &format!("dw of {len}"));
            assert_close(&got.db, &want.db, tolerance, &format!("db of {len}"));
        });
    }
}

#[test]
fn equal_values_give_the_bias() {
    for len in [3, 100, 5000] {
        on_every_isa(|| {
            let (x, w, b) = (vec![10_000.1_f32; len], vec![0.7; len], vec![0.3; len]);
            assert_eq!(run(len, &x, &w, &b, &x).y, b, "a group of {len}");
        });
    }
}

#[test]
fn the_bits_of_a_group_do_not_depend_on_its_company() {
    for len in LENGTHS {
        let (x, w, b): (Vec<f32>, _, _) =
            (cast(&numbers(9 * len, 12)), cast(&numbers(len, 13)), cast(&numbers(len, 14)));
        on_every_isa(|| {
            let whole = run(len, &x, &w, &b, &x);
            let (first, second) = x.split_at(4 * len);
            let (first, second) = (run(len, first, &w, &b, first), run(len, second, &w, &b, second));
            assert_eq!(bits(&whole.y), bits(&[first.y, second.y].concat()), "y of {len}");
            assert_eq!(bits(&whole.dx), bits(&[first.dx, second.dx].concat()), "dx of {len}");
        });
    }
}

#[test]
fn the_bits_of_parameter_gradients_do_not_depend_on_how_they_are_shared_out() {
    const LEN: usize = 100;
    // Groups in three samples of two.
    let x: Vec<[f32; 2 * LEN]> = cast(&numbers(6 * LEN, 15)).as_chunks().0.to_vec();
    let dy: Vec<[f32; 2 * LEN]> = cast(&numbers(6 * LEN, 16)).as_chunks().0.to_vec();
    let (w, b) = (Span::<1, LEN>::new(0, 16), Span::<1, LEN>::new(1, 128));
    on_every_isa(|| {
        let (mut statistics, mut y) = (vec![[0.0; 4]; 3], x.clone());
        layer_norm_forward(LEN, EPS, &x, &[], &[], &mut statistics, &mut y);
        let finish = |mut update: Update<'_, f32>| {
            layer_norm_backward_weight(LEN, &x, &statistics, &dy, w, &mut update);
            layer_norm_backward_bias(&dy, b, &mut update);
        };
        let mut whole = vec![0.0; 240];
        finish(Update::accumulate(&mut whole, None));
        assert!(whole[16..116].iter().chain(&whole[128..228]).all(|&g| g != 0.0), "{whole:?}");
        for cut in [16, 17, 80, 116, 130, 227] {
            let mut shared = vec![0.0; 240];
            let (left, right) = Update::accumulate(&mut shared, None).split_at(cut);
            finish(left);
            finish(right);
            assert_eq!(bits(&shared), bits(&whole), "cut at {cut}");
        }
        let mut frozen = vec![0.0; 240];
        finish(Update::accumulate(&mut frozen, Some(&[false, true])));
        assert!(frozen[16..116].iter().all(|&g| g == 0.0), "a frozen weight got a gradient");
        assert_eq!(bits(&frozen[128..228]), bits(&whole[128..228]));
    });
}

#[test]
fn a_prediction_has_the_bits_of_the_forward_pass() {
    let x: Vec<[f32; 40]> = cast(&numbers(40 * 37, 17)).as_chunks().0.to_vec();
    let (mut statistics, mut y, mut predicted) = (vec![[0.0; 4]; 37], x.clone(), x.clone());
    layer_norm_forward(20, EPS, &x, &[], &[], &mut statistics, &mut y);
    layer_norm_predict(20, EPS, &x, &[], &[], &mut predicted);
    assert_eq!(bits(y.as_flattened()), bits(predicted.as_flattened()));
}

fn plain_rms(len: usize, eps: f64, x: &[f64], w: &[f64]) -> Vec<f64> {
    let mut y = Vec::new();
    for x in x.chunks(len) {
        let square = x.iter().map(|x| x * x).sum::<f64>() / len as f64;
        y.extend(x.iter().enumerate().map(|(i, x)| x / (square + eps).sqrt() * w.get(i).unwrap_or(&1.0)));
    }
    y
}

#[test]
fn an_rms_norm_is_that_of_the_formula() {
    fn check<T: Real, const X: usize>(len: usize) {
        let x: Vec<[T; X]> = cast(&numbers(3 * X, 20)).as_chunks().0.to_vec();
        let dy: Vec<[T; X]> = cast(&numbers(3 * X, 21)).as_chunks().0.to_vec();
        let wide = |x: &[[T; X]]| x.as_flattened().iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        let (wide_x, wide_dy) = (wide(&x), wide(&dy));
        for w in [vec![], cast::<T>(&numbers(len, 22))] {
            let wide_w: Vec<f64> = w.iter().map(|w| w.to_f64()).collect();
            let want = plain_rms(len, EPS, &wide_x, &wide_w);
            let dx = differences(&wide_x, |x| weighted_sum(&plain_rms(len, EPS, x, &wide_w), &wide_dy));
            let dw = differences(&wide_w, |w| weighted_sum(&plain_rms(len, EPS, &wide_x, w), &wide_dy));
            on_every_isa(|| {
                let what = format!("{len} elements");
                // Two numbers for each group; as many are there as groups of one have.
                let (mut statistics, mut y, mut got) = (vec![[T::ZERO; X]; 3], x.clone(), x.clone());
                let norm = Norm { len, centred: false };
                let kept = &mut statistics.as_flattened_mut()[..3 * 2 * X / len];
                T::layer_norm_forward(norm, EPS, x.as_flattened(), &w, &[], kept, y.as_flattened_mut());
                assert_close(y.as_flattened(), &want, rounding::<T>(), &what);
                let mut predicted = x.clone();
                rms_norm_predict(len, Some(EPS), &x, &w, &mut predicted);
                assert_eq!(bits(predicted.as_flattened()), bits(y.as_flattened()), "a prediction is the same");
                let (dy, out) = (dy.as_flattened(), got.as_flattened_mut());
                T::layer_norm_backward_input(norm, x.as_flattened(), &w, kept, dy, out);
                let tolerance = DIFFERENCES.max(10.0 * rounding::<T>());
                assert_close(out, &dx, tolerance, &format!("dx of {what}"));
                if !w.is_empty() {
                    let (shape, mut sums) = (Columns { count: len, inner: 1 }, [0.0; TILE]);
                    let range = 0..len.min(TILE);
                    let scalars = Scalars::Row(kept);
                    T::column_sums(
                        ColumnSum::Normalised,
                        shape,
                        range.clone(),
                        dy,
                        x.as_flattened(),
                        scalars,
                        &mut sums,
                    );
                    let got: Vec<T> = sums[range.clone()].iter().map(|&x| T::from_f64(x)).collect();
                    assert_close(&got, &dw[range], tolerance, &format!("dw of {what}"));
                }
            });
        }
    }
    fn both<T: Real>() {
        check::<T, 7>(7);
        check::<T, 6>(3);
        check::<T, 130>(65);
        check::<T, 200>(200);
    }
    both::<f32>();
    both::<f64>();
}

#[test]
fn without_an_epsilon_an_rms_norm_has_that_of_the_type() {
    // A number so small that its square is a few epsilons.
    fn check<T: Real>(eps: f64) {
        let x = [[T::from_f64(eps.sqrt()); 2]];
        let (mut statistics, mut y) = ([[T::ONE; 2]], x);
        rms_norm_forward(2, None, &x, &[], &mut statistics, &mut y);
        assert_close(&y[0], &[0.5f64.sqrt(); 2], rounding::<T>(), "y");
        assert_eq!(statistics[0][0], T::ZERO, "no mean is subtracted");
    }
    check::<f32>(1.1920929e-7);
    check::<f64>(2.220446049250313e-16);
}
