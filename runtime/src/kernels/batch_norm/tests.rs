use super::*;
use crate::kernels::testing::*;
use crate::network::PIECES;

const EPS: f64 = 1e-3;

/// y, place by place, and (mean, biased variance) of each channel.
fn plain(channels: usize, inner: usize, x: &[f64], w: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let n = (x.len() / channels) as f64;
    let channel = |i: usize| i / inner % channels;
    let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
    for (i, x) in x.iter().enumerate() {
        mean[channel(i)] += x / n;
    }
    for (i, x) in x.iter().enumerate() {
        variance[channel(i)] += (x - mean[channel(i)]).powi(2) / n;
    }
    let y = x.iter().enumerate().map(|(i, x)| {
        let c = channel(i);
        (x - mean[c]) / (variance[c] + EPS).sqrt() * w.get(c).unwrap_or(&1.0) + b.get(c).unwrap_or(&0.0)
    });
    (y.collect(), mean, variance)
}

/// The statistics of a batch, piece by piece.
fn statistics_of<T: Real, const X: usize, const M: usize>(
    cx: &Context,
    inner: usize,
    momentum: Option<f64>,
    x: &[[T; X]],
    (running_mean, running_var): (&mut [T], &mut [T]),
    count: Option<&mut u64>,
    statistics: &mut [T; M],
) {
    let cx = Context { rows: x.len(), ..*cx };
    let mut moments = [[0.0; M]; PIECES];
    batch_norm_moments(&cx, inner, !running_mean.is_empty(), x, &mut moments);
    let each = 2 * X / M;
    batch_norm_statistics(&cx, each, EPS, momentum, &moments, running_mean, running_var, count, statistics);
}

struct Run<T> {
    y: Vec<T>,
    dx: Vec<T>,
    dw: Vec<T>,
    db: Vec<T>,
}

/// Training without running statistics: forward and backward of a whole batch.
fn run<T: Real, const X: usize, const M: usize>(inner: usize, x: &[T], w: &[T], b: &[T], dy: &[T]) -> Run<T> {
    let (x, dy) = (x.as_chunks::<X>().0, dy.as_chunks().0);
    let cx = Context { rows: x.len(), ..context(Mode::Train) };
    let (mut statistics, mut partial) = ([T::ZERO; M], [[0.0; M]; PIECES]);
    let (mut sums, mut y, mut dx) = (statistics.to_vec(), x.to_vec(), x.to_vec());
    statistics_of(&cx, inner, Some(0.1), x, (&mut [], &mut []), None, &mut statistics);
    batch_norm_forward(inner, x, w, b, &statistics, &mut y);
    batch_norm_partial_sums(&cx, inner, x, dy, &statistics, &mut partial);
    batch_norm_sums(&cx, &partial, &mut sums);
    batch_norm_backward_input(&cx, inner, x.len(), false, x, w, &statistics, &sums, dy, &mut dx);
    let dw = sums.split_off(M / 2);
    Run { y: y.into_flattened(), dx: dx.into_flattened(), dw, db: sums }
}

/// Calls `$check::<X, M>(rows, inner)`, M twice the channels, for few channels and many, alone and with elements behind them.
macro_rules! for_each_shape {
    ($check:ident) => {
        $check::<1, 2>(7, 1);
        $check::<3, 6>(40, 1);
        $check::<16, 32>(33, 1);
        $check::<100, 200>(9, 1);
        $check::<150, 300>(5, 1);
        $check::<12, 6>(6, 4);
        $check::<60, 6>(5, 20);
        $check::<140, 140>(4, 2);
        $check::<1200, 4>(2, 600);
    };
}

#[test]
fn values_are_those_of_the_formula() {
    fn check_type<T: Real, const X: usize, const M: usize>(rows: usize, inner: usize) {
        // Far from zero, so that a variance from squares would cancel.
        let x: Vec<T> = numbers(rows * X, 1).iter().map(|x| T::from_f64(x + 50.0)).collect();
        let wide: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
        let channels = X / inner;
        for (w, b) in [(0, 0), (channels, 0), (0, channels), (channels, channels)] {
            let (w, b): (Vec<T>, Vec<T>) = (cast(&numbers(w, 2)), cast(&numbers(b, 3)));
            let parameters = [&w, &b].map(|p| p.iter().map(|p| p.to_f64()).collect::<Vec<_>>());
            let (want, ..) = plain(channels, inner, &wide, &parameters[0], &parameters[1]);
            // The mean of numbers around 50 has an error of some 50 ulp of 1.
            let tolerance = 10.0 * rounding::<T>();
            let what = format!("{rows} of {channels} channels of {inner}");
            on_every_isa(|| assert_close(&run::<T, X, M>(inner, &x, &w, &b, &x).y, &want, tolerance, &what));
        }
    }
    fn check<const X: usize, const M: usize>(rows: usize, inner: usize) {
        check_type::<f32, X, M>(rows, inner);
        check_type::<f64, X, M>(rows, inner);
    }
    for_each_shape!(check);
}

#[test]
fn gradients_are_those_of_central_differences() {
    fn check<const X: usize, const M: usize>(rows: usize, inner: usize) {
        let channels = X / inner;
        let (x, dy) = (numbers(rows * X, 4), numbers(rows * X, 5));
        let (w, b) = (numbers(channels, 6), numbers(channels, 7));
        let value = |x: &[f64], w: &[f64], b: &[f64]| weighted_sum(&plain(channels, inner, x, w, b).0, &dy);
        let dx = differences(&x, |x| value(x, &w, &b));
        let dw = differences(&w, |w| value(&x, w, &b));
        let db = differences(&b, |b| value(&x, &w, b));
        on_every_isa(|| {
            let got = run::<f64, X, M>(inner, &x, &w, &b, &dy);
            let what = format!("{rows} of {channels} channels of {inner}");
            // The weighted sum is one of up to 2400 numbers, which round more than a difference of few.
            let tolerance = 10.0 * DIFFERENCES;
            assert_close(&got.dx, &dx, tolerance, &format!("dx, {what}"));
            assert_close(&got.dw, &dw, tolerance, &format!("dw, {what}"));
            assert_close(&got.db, &db, tolerance, &format!("db, {what}"));
        });
    }
    for_each_shape!(check);
}

#[test]
fn single_precision_is_close_to_double_precision() {
    fn check<const X: usize, const M: usize>(rows: usize, inner: usize) {
        let cast32 = |len, seed| -> Vec<f32> { cast(&numbers(len, seed)) };
        let operands = [cast32(rows * X, 8), cast32(X / inner, 9), cast32(X / inner, 10), cast32(rows * X, 11)];
        let wide = operands.clone().map(|x| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
        on_every_isa(|| {
            let got = run::<f32, X, M>(inner, &operands[0], &operands[1], &operands[2], &operands[3]);
            let want = run::<f64, X, M>(inner, &wide[0], &wide[1], &wide[2], &wide[3]);
            let tolerance = rounding::<f32>();
            assert_close(&got.y, &want.y, tolerance, "y");
            assert_close(&got.dx, &want.dx, tolerance, "dx");
            assert_close(&got.dw, &want.dw, tolerance, "dw");
            assert_close(&got.db, &want.db, tolerance, "db");
        });
    }
    for_each_shape!(check);
}

#[test]
fn the_mean_of_many_rows_keeps_its_digits() {
    // Added up one by one in single precision, the sum would be off by some hundred ulp.
    let x = vec![[0.1f32, 0.7]; 100_000];
    on_every_isa(|| {
        let mut statistics = [0.0; 4];
        statistics_of(&context(Mode::Train), 1, None, &x, (&mut [], &mut []), None, &mut statistics);
        let close = |got: f32, want: f32| (got - want).abs() <= 4.0 * f32::EPSILON * want;
        assert!(close(statistics[0], 0.1) && close(statistics[1], 0.7), "{statistics:?}");
    });
}

#[test]
fn equal_values_are_their_own_mean() {
    for value in [-7.3f32, 1e3, 0.1] {
        // Channels with 13 elements behind them, and alone.
        let (x, dy) = (vec![value; 17 * 39], cast::<f32>(&numbers(17 * 39, 1)));
        for run in [run::<f32, 39, 6>(13, &x, &[], &[], &dy), run::<f32, 39, 78>(1, &x, &[], &[], &dy)] {
            assert!(run.y.iter().chain(&run.dw).all(|&x| x == 0.0), "{value}");
        }
    }
}

#[test]
fn running_statistics_move_by_momentum_towards_the_unbiased_variance() {
    let x = numbers(24, 12);
    let (_, mean, variance) = plain(2, 3, &x, &[], &[]);
    let batch = x.as_chunks::<6>().0;
    on_every_isa(|| {
        let (mut running_mean, mut running_var, mut count, mut statistics) = ([1.0; 2], [2.0; 2], 4, [0.0; 4]);
        let cx = context(Mode::Train);
        let running = (&mut running_mean[..], &mut running_var[..]);
        statistics_of(&cx, 3, Some(0.3), batch, running, Some(&mut count), &mut statistics);
        let want = [0, 1].map(|c| 0.7 + 0.3 * mean[c]);
        assert_close(&running_mean, &want, 1e-14, "running mean");
        let want = [0, 1].map(|c| 1.4 + 0.3 * variance[c] * 12.0 / 11.0);
        assert_close(&running_var, &want, 1e-14, "running variance");
        assert_eq!(count, 5);
    });
}

#[test]
fn without_momentum_running_statistics_are_the_average_of_all_batches() {
    let (mut running_mean, mut running_var, mut count, mut statistics) = ([0.0], [1.0], 0, [0.0; 2]);
    let batches: [Vec<f64>; 3] = [20, 21, 22].map(|seed| numbers(10, seed));
    for x in &batches {
        let (x, running, cx) =
            (x.as_chunks::<1>().0, (&mut running_mean[..], &mut running_var[..]), context(Mode::Train));
        statistics_of(&cx, 1, None, x, running, Some(&mut count), &mut statistics);
    }
    let plain = batches.map(|x| plain(1, 1, &x, &[], &[]));
    let mean = plain.iter().map(|(_, mean, _)| mean[0]).sum::<f64>() / 3.0;
    let variance = plain.iter().map(|(_, _, variance)| variance[0] * 10.0 / 9.0).sum::<f64>() / 3.0;
    assert_close(&running_mean, &[mean], 1e-14, "running mean");
    assert_close(&running_var, &[variance], 1e-14, "running variance");
    assert_eq!(count, 3);
}

#[test]
fn a_momentum_of_zero_leaves_running_statistics_and_counts() {
    let x = numbers(10, 23);
    let (mut running_mean, mut running_var, mut count, mut statistics) = ([0.25], [1.5], 0, [0.0; 2]);
    let (x, running) = (x.as_chunks::<1>().0, (&mut running_mean[..], &mut running_var[..]));
    statistics_of(&context(Mode::Train), 1, Some(0.0), x, running, Some(&mut count), &mut statistics);
    assert_eq!((running_mean, running_var, count), ([0.25], [1.5], 1));
}

#[test]
fn evaluation_uses_running_statistics_and_passes_gradients_through() {
    let (x, dy) = ([[1.0, -2.0], [0.5, 4.0], [3.0, 0.0]], [[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]]);
    let (mut running_mean, mut running_var, w) = ([0.5, 1.0], [4.0, 0.25], [2.0, -1.0]);
    let r = [4.0f64, 0.25].map(|var| 1.0 / (var + EPS).sqrt());
    on_every_isa(|| {
        let (cx, mut count, mut statistics) = (context(Mode::Eval), 9, [0.0; 4]);
        let (mut y, mut dx) = (x, x);
        let running = (&mut running_mean[..], &mut running_var[..]);
        statistics_of(&cx, 1, Some(0.1), &x, running, Some(&mut count), &mut statistics);
        batch_norm_forward(1, &x, &w, &[], &statistics, &mut y);
        batch_norm_backward_input(&cx, 1, 3, true, &x, &w, &statistics, &[0.0; 4], &dy, &mut dx);
        let want = x.map(|x| [(x[0] - 0.5) * r[0] * 2.0, (x[1] - 1.0) * -r[1]]);
        assert_close(y.as_flattened(), want.as_flattened(), 1e-14, "y");
        let want = dy.map(|dy| [dy[0] * r[0] * 2.0, dy[1] * -r[1]]);
        assert_close(dx.as_flattened(), want.as_flattened(), 1e-14, "dx");
        assert_eq!(
            (running_mean, running_var, count),
            ([0.5, 1.0], [4.0, 0.25], 9),
            "evaluation changed the statistics"
        );
        let mut predicted = [0.0; 4];
        batch_norm_statistics_predict(1, EPS, &x, &running_mean, &running_var, &mut predicted);
        assert_eq!(predicted, statistics);
    });
}

#[test]
fn evaluation_without_running_statistics_uses_those_of_the_batch() {
    let x = numbers(20, 13);
    let x = x.as_chunks::<2>().0;
    let statistics = |mode| {
        let mut statistics = [0.0; 4];
        statistics_of(&context(mode), 1, Some(0.1), x, (&mut [], &mut []), None, &mut statistics);
        statistics
    };
    assert_eq!(statistics(Mode::Eval), statistics(Mode::Train));
    let mut predicted = [0.0; 4];
    batch_norm_statistics_predict(1, EPS, x, &[], &[], &mut predicted);
    assert_eq!(predicted, statistics(Mode::Train));
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_its_company() {
    fn check<const X: usize, const M: usize>(rows: usize, inner: usize) {
        let (x, dy): (Vec<f32>, Vec<f32>) = (cast(&numbers(rows * X, 14)), cast(&numbers(rows * X, 15)));
        let (x, dy) = (x.as_chunks::<X>().0, dy.as_chunks::<X>().0);
        let w: Vec<f32> = cast(&numbers(X / inner, 16));
        on_every_isa(|| {
            let cx = Context { rows, ..context(Mode::Train) };
            let (mut statistics, mut sums, mut partial) = ([0.0; M], [0.0; M], [[0.0; M]; PIECES]);
            statistics_of(&cx, inner, None, x, (&mut [], &mut []), None, &mut statistics);
            batch_norm_partial_sums(&cx, inner, x, dy, &statistics, &mut partial);
            batch_norm_sums(&cx, &partial, &mut sums);
            let share = |from: usize, to: usize| {
                let (mut y, mut dx) = (x[from..to].to_vec(), x[from..to].to_vec());
                batch_norm_forward(inner, &x[from..to], &w, &w, &statistics, &mut y);
                let (x, dy) = (&x[from..to], &dy[from..to]);
                batch_norm_backward_input(&cx, inner, rows, false, x, &w, &statistics, &sums, dy, &mut dx);
                (y, dx)
            };
            let (whole, first, second) = (share(0, rows), share(0, 1), share(1, rows));
            assert_eq!(bits([first.0, second.0].concat().as_flattened()), bits(whole.0.as_flattened()), "y");
            assert_eq!(bits([first.1, second.1].concat().as_flattened()), bits(whole.1.as_flattened()), "dx");
        });
    }
    for_each_shape!(check);
}

#[test]
fn parameter_gradients_go_where_they_belong_whoever_takes_which_part() {
    let sums: Vec<f32> = (1..=20).map(|i| i as f32).collect();
    let finish = |mut update: Update<'_, f32>| {
        batch_norm_backward_weight(&sums, Span::<1, 10>::new(0, 16), &mut update);
        batch_norm_backward_bias(&sums, Span::<1, 10>::new(1, 32), &mut update);
    };
    let mut want = vec![0.0; 48];
    want[16..26].copy_from_slice(&sums[10..]);
    want[32..42].copy_from_slice(&sums[..10]);
    for cut in [0, 16, 20, 32, 41, 48] {
        let mut gradients = vec![0.0; 48];
        let (left, right) = Update::accumulate(&mut gradients, None).split_at(cut);
        finish(left);
        finish(right);
        assert_eq!(gradients, want, "cut at {cut}");
    }
    let mut frozen = vec![0.0; 48];
    finish(Update::accumulate(&mut frozen, Some(&[true, false])));
    assert!(frozen[32..].iter().all(|&g| g == 0.0), "a frozen bias got a gradient");
}

#[test]
fn one_value_per_channel_is_refused_in_training() {
    let outcome = std::panic::catch_unwind(|| {
        let mut statistics = [0.0; 4];
        statistics_of(&context(Mode::Train), 1, None, &[[1.0, 2.0]], (&mut [], &mut []), None, &mut statistics);
    });
    let message = outcome.expect_err("it must be refused");
    let message = message.downcast_ref::<&str>().expect("a text");
    assert!(message.contains("more than 1 value per channel"), "{message}");
}

#[test]
fn channels_may_lie_side_by_side() {
    // [3, 4] as [4, 3].
    let x = numbers(7 * 12, 17);
    let last: Vec<f64> = (0..x.len()).map(|i| x[i / 12 * 12 + i % 3 * 4 + i % 12 / 3]).collect();
    on_every_isa(|| {
        let (first, last) = (run::<f64, 12, 6>(4, &x, &[], &[], &x), run::<f64, 12, 6>(1, &last, &[], &[], &last));
        for i in 0..x.len() {
            let moved = i / 12 * 12 + i % 3 * 4 + i % 12 / 3;
            let close = |a: &[f64], b: &[f64]| (a[i] - b[moved]).abs() < 1e-12;
            assert!(close(&last.y, &first.y) && close(&last.dx, &first.dx));
        }
    });
}

#[test]
fn pieces_say_what_the_batch_does_however_rows_are_shared_out() {
    let x: Vec<f32> = cast(&numbers(100 * 6, 18));
    let x = x.as_chunks::<6>().0;
    let cx = Context { rows: 100, ..context(Mode::Train) };
    assert_eq!(rows_of_piece(100), 4);
    let (mut whole, mut shared) = ([[0.0; 6]; PIECES], [[0.0; 6]; PIECES]);
    batch_norm_moments(&cx, 2, false, x, &mut whole);
    for (from, to) in [(0, 44), (44, 48), (48, 100)] {
        batch_norm_moments(&cx, 2, false, &x[from..to], &mut shared[from / 4..]);
    }
    assert_eq!(shared, whole);
}
