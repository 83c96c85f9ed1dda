use super::*;
use crate::kernels::channels_last;
use crate::kernels::testing::*;
use crate::network::Mode;

const EPS: f64 = 1e-3;

/// y, place by place.
fn plain(groups: Groups, sample: usize, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let channel = |i: usize| i / groups.inner % groups.channels;
    let group = |i: usize| channel(i) * groups.groups / groups.channels;
    let mut y = Vec::new();
    for x in x.chunks(sample) {
        let n = (sample / groups.groups) as f64;
        let (mut mean, mut variance) = (vec![0.0; groups.groups], vec![0.0; groups.groups]);
        for (i, x) in x.iter().enumerate() {
            mean[group(i)] += x / n;
        }
        for (i, x) in x.iter().enumerate() {
            variance[group(i)] += (x - mean[group(i)]).powi(2) / n;
        }
        y.extend(x.iter().enumerate().map(|(i, x)| {
            let (c, g) = (channel(i), group(i));
            let normalised = (x - mean[g]) / (variance[g] + EPS).sqrt();
            normalised * w.get(c).unwrap_or(&1.0) + b.get(c).unwrap_or(&0.0)
        }));
    }
    y
}

struct Run<T> {
    y: Vec<T>,
    dx: Vec<T>,
    dw: Vec<f64>,
    db: Vec<f64>,
}

fn run<T: Real>(groups: Groups, sample: usize, x: &[T], w: &[T], b: &[T], dy: &[T]) -> Run<T> {
    let (mut y, mut dx) = (x.to_vec(), x.to_vec());
    let mut statistics = vec![T::ZERO; x.len() / sample * 2 * groups.groups];
    T::group_norm_forward(groups, sample, EPS, x, w, b, &mut statistics, &mut y);
    let mut predicted = x.to_vec();
    T::group_norm_forward(groups, sample, EPS, x, w, b, &mut [], &mut predicted);
    assert_eq!(bits(&predicted), bits(&y), "a prediction is the same");
    T::group_norm_backward_input(groups, sample, x, w, &statistics, dy, &mut dx);
    let (mut dw, mut db) = (Vec::new(), Vec::new());
    for first in (0..groups.channels).step_by(TILE) {
        let (range, mut sums) = (first..groups.channels.min(first + TILE), [0.0; TILE]);
        T::group_norm_sums(groups, sample, range.clone(), x, &statistics, dy, &mut sums);
        dw.extend(&sums[..range.len()]);
        T::column_sums(ColumnSum::Differences, groups.columns(), range.clone(), dy, dy, Scalars::None, &mut sums);
        db.extend(&sums[..range.len()]);
    }
    Run { y, dx, dw, db }
}

/// Few channels and many, in PyTorch's order and channels last; with the length of a sample.
fn shapes() -> Vec<(Groups, usize)> {
    let shapes =
        [(1, 3, 5, 1), (2, 4, 1, 1), (2, 6, 7, 3), (3, 3, 5, 2), (5, 70, 3, 2), (1, 2, 600, 1), (130, 130, 3, 1)];
    let both = |(groups, channels, positions, rows)| {
        let of = |inner| (Groups { groups, channels, inner }, channels * positions * rows);
        [of(positions * rows), of(1)]
    };
    shapes.into_iter().flat_map(both).collect()
}

#[test]
fn values_are_those_of_the_formula() {
    fn check<T: Real>() {
        for (groups, sample) in shapes() {
            // Far from zero, so that a variance from squares would cancel.
            let x: Vec<T> = numbers(2 * sample, 1).iter().map(|x| T::from_f64(x + 50.0)).collect();
            let wide: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
            let c = groups.channels;
            for (w, b) in [(0, 0), (c, 0), (0, c), (c, c)] {
                let (w, b): (Vec<T>, Vec<T>) = (cast(&numbers(w, 2)), cast(&numbers(b, 3)));
                let parameters = [&w, &b].map(|p| p.iter().map(|p| p.to_f64()).collect::<Vec<_>>());
                let want = plain(groups, sample, &wide, &parameters[0], &parameters[1]);
                // The mean of numbers around 50 has an error of some 50 ulp of 1.
                let tolerance = 10.0 * rounding::<T>();
                on_every_isa(|| {
                    let y = run(groups, sample, &x, &w, &b, &x).y;
                    assert_close(&y, &want, tolerance, &format!("{groups:?}"));
                });
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn gradients_are_those_of_central_differences() {
    for (groups, sample) in shapes() {
        let (x, dy) = (numbers(2 * sample, 4), numbers(2 * sample, 5));
        for with_weights in [false, true] {
            let parameters = if with_weights { groups.channels } else { 0 };
            let (w, b) = (numbers(parameters, 6), numbers(parameters, 7));
            let value = |x: &[f64], w: &[f64], b: &[f64]| weighted_sum(&plain(groups, sample, x, w, b), &dy);
            let dx = differences(&x, |x| value(x, &w, &b));
            let dw = differences(&w, |w| value(&x, w, &b));
            let db = differences(&b, |b| value(&x, &w, b));
            on_every_isa(|| {
                let got = run(groups, sample, &x, &w, &b, &dy);
                // The weighted sum is one of up to 2400 numbers, which round more than a difference of few.
                let tolerance = 10.0 * DIFFERENCES;
                assert_close(&got.dx, &dx, tolerance, &format!("dx of {groups:?}"));
                if with_weights {
                    assert_close(&got.dw, &dw, tolerance, &format!("dw of {groups:?}"));
                    assert_close(&got.db, &db, tolerance, &format!("db of {groups:?}"));
                }
            });
        }
    }
}

#[test]
fn single_precision_is_close_to_double_precision() {
    for (groups, sample) in shapes() {
        let cast32 = |len, seed| -> Vec<f32> { cast(&numbers(len, seed)) };
        let c = groups.channels;
        let operands = [cast32(9 * sample, 8), cast32(c, 9), cast32(c, 10), cast32(9 * sample, 11)];
        let wide = operands.clone().map(|x| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        on_every_isa(|| {
            let got = run(groups, sample, &operands[0], &operands[1], &operands[2], &operands[3]);
            let want = run(groups, sample, &wide[0], &wide[1], &wide[2], &wide[3]);
            // One of two numbers may be close to its mean, and its group's r large.
            let tolerance = 20.0 * rounding::<f32>();
            assert_close(&got.y, &want.y, tolerance, &format!("y of {groups:?}"));
            assert_close(&got.dx, &want.dx, tolerance, &format!("dx of {groups:?}"));
            let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
            assert_close(&narrow(&got.dw), &want.dw, tolerance, &format!("dw of {groups:?}"));
            assert_close(&narrow(&got.db), &want.db, tolerance, &format!("db of {groups:?}"));
        });
    }
}

#[test]
fn equal_values_give_the_bias() {
    // PyTorch leaves rounding noise of up to 316 times that of the value.
    for value in [3.0f32, 0.1, -7.3, 4.2e6] {
        for (groups, sample) in shapes() {
            let (x, b) = (vec![value; 2 * sample], cast::<f32>(&numbers(groups.channels, 1)));
            let got = run(groups, sample, &x, &[], &b, &x);
            let want = x.iter().enumerate().map(|(i, _)| b[i / groups.inner % groups.channels]);
            assert!(got.y.iter().copied().eq(want), "{value}, {groups:?}");
        }
    }
}

#[test]
fn the_mean_of_many_values_keeps_its_digits() {
    let x: Vec<f32> = (0..200_000).map(|i| if i % 2 == 0 { 1000.1 } else { 1000.3 }).collect();
    let want = (f64::from(1000.1f32) + f64::from(1000.3f32)) / 2.0;
    for inner in [1, x.len()] {
        let (mut statistics, mut y) = ([0.0; 2], x.clone());
        let groups = Groups { groups: 1, channels: 1, inner };
        f32::group_norm_forward(groups, x.len(), 0.0, &x, &[], &[], &mut statistics, &mut y);
        assert!((f64::from(statistics[0]) - want).abs() <= 1000.0 * f64::from(f32::EPSILON), "{statistics:?}");
        assert!(y.iter().all(|y| (y.abs() - 1.0).abs() < 1e-3), "{:?}", &y[..2]);
    }
}

#[test]
fn the_bits_of_a_sample_do_not_depend_on_its_company() {
    for (groups, sample) in shapes() {
        let (x, w): (Vec<f32>, Vec<f32>) = (cast(&numbers(5 * sample, 12)), cast(&numbers(groups.channels, 13)));
        on_every_isa(|| {
            let whole = run(groups, sample, &x, &w, &w, &x);
            let (first, second) = x.split_at(2 * sample);
            let parts = [first, second].map(|x| run(groups, sample, x, &w, &w, x));
            assert_eq!(bits(&whole.y), [bits(&parts[0].y), bits(&parts[1].y)].concat(), "y of {groups:?}");
            assert_eq!(bits(&whole.dx), [bits(&parts[0].dx), bits(&parts[1].dx)].concat(), "dx of {groups:?}");
        });
    }
}

#[test]
fn the_bits_of_parameter_gradients_do_not_depend_on_how_they_are_shared_out() {
    const C: usize = 100;
    const GROUPS: Groups = Groups { groups: 4, channels: C, inner: 3 };
    let x: Vec<[f32; 3 * C]> = cast(&numbers(9 * C, 15)).as_chunks().0.to_vec();
    let dy: Vec<[f32; 3 * C]> = cast(&numbers(9 * C, 16)).as_chunks().0.to_vec();
    let (w, b) = (Span::<1, C>::new(0, 16), Span::<1, C>::new(1, 128));
    on_every_isa(|| {
        let (mut statistics, mut y) = (vec![[0.0; 8]; 3], x.clone());
        group_norm_forward(GROUPS, EPS, &x, &[], &[], &mut statistics, &mut y);
        let finish = |mut update: Update<'_, f32>| {
            group_norm_backward_weight(GROUPS, &x, &statistics, &dy, w, &mut update);
            group_norm_backward_bias(GROUPS, &dy, b, &mut update);
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
    });
}

/// An instance norm with running statistics on three samples of two channels of five, in a mode.
struct Instance {
    y: [[f64; 10]; 3],
    dx: [[f64; 10]; 3],
    running_mean: [f64; 2],
    running_var: [f64; 2],
}

fn instance(mode: Mode, last: bool) -> Instance {
    let x: [[f64; 10]; 3] = *numbers(30, 20).as_chunks().0.first_chunk().expect("three samples");
    let dy: [[f64; 10]; 3] = *numbers(30, 21).as_chunks().0.first_chunk().expect("three samples");
    let (mut from, mut d_from) = (x, dy);
    if last {
        channels_last(2, &x, &mut from);
        channels_last(2, &dy, &mut d_from);
    }
    let (groups, cx) = (Groups { groups: 2, channels: 2, inner: if last { 1 } else { 5 } }, context(mode));
    let (mut running_mean, mut running_var, mut running) = ([0.5, -1.0], [2.0, 3.0], [0.0; 4]);
    let (mut kept, mut y, mut dx, w) = ([[0.0; 4]; 3], x, x, [2.0, -0.5]);
    instance_norm_statistics(EPS, &running_mean, &running_var, &mut running);
    instance_norm_forward(&cx, groups, EPS, &from, &w, &[], &running, &mut kept, &mut y);
    instance_norm_running(&cx, 5, EPS, 0.3, &kept, &mut running_mean, &mut running_var);
    instance_norm_backward_input(&cx, groups, &from, &w, &kept, &d_from, &mut dx);
    if last {
        let (y_last, dx_last) = (y, dx);
        crate::kernels::channels_first(2, &y_last, &mut y);
        crate::kernels::channels_first(2, &dx_last, &mut dx);
    }
    Instance { y, dx, running_mean, running_var }
}

#[test]
fn running_statistics_are_moved_by_the_means_over_samples() {
    let (x, w) = (numbers(30, 20), [2.0, -0.5]);
    let moments = |c: usize| {
        let of_sample = |x: &[f64]| {
            let x = &x[c * 5..][..5];
            let mean = x.iter().sum::<f64>() / 5.0;
            (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0)
        };
        let all: Vec<_> = x.chunks(10).map(of_sample).collect();
        (all.iter().map(|m| m.0).sum::<f64>() / 3.0, all.iter().map(|m| m.1).sum::<f64>() / 3.0)
    };
    for last in [false, true] {
        let got = instance(Mode::Train, last);
        let want = [0.7 * 0.5 + 0.3 * moments(0).0, -0.7 + 0.3 * moments(1).0];
        assert_close(&got.running_mean, &want, 1e-13, "running mean");
        let want = [0.7 * 2.0 + 0.3 * moments(0).1, 0.7 * 3.0 + 0.3 * moments(1).1];
        assert_close(&got.running_var, &want, 1e-13, "running variance");
        let groups = Groups { groups: 2, channels: 2, inner: 5 };
        assert_close(got.y.as_flattened(), &plain(groups, 10, &x, &w, &[]), 1e-13, "y");
    }
}

#[test]
fn evaluation_uses_running_statistics_and_passes_gradients_through() {
    let (x, dy) = (numbers(30, 20), numbers(30, 21));
    let (mean, w) = ([0.5, -1.0], [2.0, -0.5]);
    let r = [2.0f64, 3.0].map(|var| 1.0 / (var + EPS).sqrt());
    let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| (x - mean[i / 5 % 2]) * r[i / 5 % 2] * w[i / 5 % 2]).collect();
    let dx: Vec<f64> = dy.iter().enumerate().map(|(i, dy)| dy * r[i / 5 % 2] * w[i / 5 % 2]).collect();
    for last in [false, true] {
        let got = instance(Mode::Eval, last);
        assert_close(got.y.as_flattened(), &y, 1e-14, "y");
        assert_close(got.dx.as_flattened(), &dx, 1e-14, "dx");
        assert_eq!((got.running_mean, got.running_var), ([0.5, -1.0], [2.0, 3.0]), "evaluation changed the statistics");
    }
}
