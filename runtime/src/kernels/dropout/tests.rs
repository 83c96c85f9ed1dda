use super::*;
use crate::kernels::testing::*;

const P: f64 = 0.3;

/// What is kept of `rows` rows of ones, as 1 or 0.
fn mask<const X: usize>(cx: &Context, layer: u64, rows: usize) -> Vec<f64> {
    let (x, mut y) = (vec![[1f32; X]; rows], vec![[9f32; X]; rows]);
    dropout_forward(cx, layer, P, &x, &mut y);
    let kept = (1.0 / (1.0 - P)) as f32;
    assert!(y.as_flattened().iter().all(|&y| y == 0.0 || y == kept), "neither dropped nor scaled");
    y.as_flattened().iter().map(|&y| if y == 0.0 { 0.0 } else { 1.0 }).collect()
}

/// The correlation of two masks, in standard errors of that of independent ones.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (n, mean) = (a.len() as f64, 1.0 - P);
    let covariance: f64 = a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n;
    covariance / (P * (1.0 - P)) * n.sqrt()
}

/// Deviations beyond this many standard errors have a probability below 1e-6, and the numbers are fixed.
const STANDARD_ERRORS: f64 = 5.0;

#[test]
fn the_rate_is_p() {
    on_every_isa(|| {
        for layer in 0..20 {
            let mask = mask::<128>(&context(Mode::Train), layer, 500);
            let n = mask.len() as f64;
            let deviation = mask.iter().sum::<f64>() - n * (1.0 - P);
            assert!(deviation.abs() < STANDARD_ERRORS * (n * P * (1.0 - P)).sqrt(), "layer {layer}: {deviation}");
        }
    });
}

#[test]
fn rows_vary_as_much_as_independent_draws() {
    // The number of kept elements of a row is binomial: its variance is n·p·(1 - p).
    let rows = 4000;
    let mask = mask::<64>(&context(Mode::Train), 1, rows);
    let sums: Vec<f64> = mask.chunks(64).map(|row| row.iter().sum()).collect();
    let expected = 64.0 * P * (1.0 - P);
    let variance = sums.iter().map(|s| (s - 64.0 * (1.0 - P)).powi(2)).sum::<f64>() / rows as f64;
    // The variance's relative standard error is √(2/rows), some 2 %.
    assert!((variance / expected - 1.0).abs() < 0.1, "variance {variance}, expected {expected}");
}

#[test]
fn seeds_draws_layers_and_rows_are_independent() {
    let cx = context(Mode::Train);
    let first = mask::<256>(&cx, 1, 300);
    let others = [
        ("seed", mask::<256>(&Context { seed: cx.seed + 1, ..cx }, 1, 300)),
        ("seed and draw exchanged", mask::<256>(&Context { seed: cx.draw, draw: cx.seed, ..cx }, 1, 300)),
        ("draw", mask::<256>(&Context { draw: cx.draw + 1, ..cx }, 1, 300)),
        ("layer", mask::<256>(&cx, 2, 300)),
        ("row", mask::<256>(&Context { first_row: 1, ..cx }, 1, 300)),
        ("row, far", mask::<256>(&Context { first_row: 1 << 20, ..cx }, 1, 300)),
    ];
    for (what, other) in others {
        let correlation = correlation(&first, &other);
        assert!(correlation.abs() < STANDARD_ERRORS, "another {what}: {correlation} standard errors");
    }
}

#[test]
fn elements_are_independent_of_those_nearby() {
    let mask = mask::<1024>(&context(Mode::Train), 1, 200);
    for distance in [1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1024] {
        let correlation = correlation(&mask[distance..], &mask);
        assert!(correlation.abs() < STANDARD_ERRORS, "at a distance of {distance}: {correlation} standard errors");
    }
}

#[test]
fn the_mask_is_the_same_for_any_share_and_type_and_instruction_set() {
    let cx = context(Mode::Train);
    let whole = mask::<37>(&cx, 1, 20);
    on_every_isa(|| {
        let shares = [mask::<37>(&cx, 1, 7), mask::<37>(&Context { first_row: 7, ..cx }, 1, 13)].concat();
        assert_eq!(shares, whole);
        let (x, mut y) = ([[1f64; 37]; 20], [[0f64; 37]; 20]);
        dropout_forward(&cx, 1, P, &x, &mut y);
        assert!(y.as_flattened().iter().zip(&whole).all(|(&y, &kept)| (y != 0.0) == (kept != 0.0)));
    });
}

#[test]
fn the_backward_pass_has_the_mask_of_the_forward_pass() {
    let (cx, x, dy) = (context(Mode::Train), [[1.0; 50]; 6], [[-3.0; 50]; 6]);
    let (mut y, mut dx) = (x, x);
    dropout_forward(&cx, 4, 0.5, &x, &mut y);
    dropout_backward(&cx, 4, 0.5, &dy, &mut dx);
    assert!(y.as_flattened().iter().zip(dx.as_flattened()).all(|(y, dx)| *dx == -3.0 * y));
    assert!(y.as_flattened().contains(&0.0) && y.as_flattened().contains(&2.0));
}

#[test]
fn evaluation_and_certainty_need_no_random_numbers() {
    let x = [[1.0, f64::NAN, f64::INFINITY]];
    let run = |mode, p| {
        let mut y = [[9.0; 3]];
        dropout_forward(&context(mode), 1, p, &x, &mut y);
        bits(&y[0])
    };
    assert_eq!(run(Mode::Eval, 0.5), bits(&x[0]));
    assert_eq!(run(Mode::Eval, 1.0), bits(&x[0]));
    assert_eq!(run(Mode::Train, 0.0), bits(&x[0]));
    assert_eq!(run(Mode::Train, 1.0), bits(&[0.0; 3]));
}

/// What becomes of one number in many places: each value once, and how often.
fn outcomes<const X: usize>(y: &[[f64; X]]) -> Vec<(f64, usize)> {
    let mut found: Vec<(f64, usize)> = Vec::new();
    for &y in y.as_flattened() {
        match found.iter_mut().find(|(value, _)| *value == y) {
            Some((_, count)) => *count += 1,
            None => found.push((y, 1)),
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found
}

#[test]
fn alpha_dropout_of_ones_has_pytorchs_numbers() {
    let (cx, x) = (context(Mode::Train), [[1.0; 64]; 10]);
    on_every_isa(|| {
        let mut y = x;
        alpha_dropout_forward(&cx, 2, 0.5, &x, &mut y);
        let [(dropped, _), (kept, _)] = outcomes(&y)[..] else { panic!("two values") };
        assert!((kept - 1.665599).abs() < 1e-6 && (dropped + 0.779194).abs() < 1e-6, "{kept}, {dropped}");
        let mut dx = x;
        alpha_dropout_backward(&cx, 2, 0.5, &x, &mut dx);
        let a = kept + dropped;
        for (y, dx) in y.as_flattened().iter().zip(dx.as_flattened()) {
            let want = if *y == kept { a } else { 0.0 };
            assert!((dx - want).abs() < 1e-15, "{y}: {dx}, expected {want}");
        }
        alpha_dropout_forward(&cx, 2, 1.0, &x, &mut y);
        assert_eq!(y, [[0.0; 64]; 10]);
        alpha_dropout_forward(&context(Mode::Eval), 2, 0.5, &x, &mut y);
        assert_eq!(y, x);
    });
}

#[test]
fn alpha_dropout_keeps_mean_and_variance() {
    for p in [0.1, 0.5, 0.8] {
        // Of mean 0 and variance 1: ±1.
        let x: Vec<[f64; 100]> =
            (0..2000).map(|_| std::array::from_fn(|i| if i % 2 == 0 { 1.0 } else { -1.0 })).collect();
        let mut y = x.clone();
        alpha_dropout_forward(&context(Mode::Train), 1, p, &x, &mut y);
        let (y, n) = (y.as_flattened(), 200_000.0);
        let mean = y.iter().sum::<f64>() / n;
        let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
        // Their standard errors are some 1/√n and 2/√n.
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "p = {p}: mean {mean}, variance {variance}");
    }
}

#[test]
fn whole_channels_are_dropped_the_same_ones_in_either_order() {
    const CHANNELS: usize = 37;
    const POSITIONS: usize = 6;
    const X: usize = CHANNELS * POSITIONS;
    let (cx, x) = (context(Mode::Train), vec![[1.0f64; X]; 300]);
    type Kernel = fn(&Context, u64, f64, usize, usize, &[[f64; X]], &mut [[f64; X]]);
    let kernels: [Kernel; 4] = [
        channel_dropout_forward,
        channel_dropout_backward,
        channel_alpha_dropout_forward,
        channel_alpha_dropout_backward,
    ];
    for kernel in kernels {
        on_every_isa(|| {
            let (mut first, mut last, mut moved) = (x.clone(), x.clone(), x.clone());
            kernel(&cx, 3, P, CHANNELS, POSITIONS, &x, &mut first);
            kernel(&cx, 3, P, CHANNELS, 1, &x, &mut last);
            crate::kernels::channels_first(CHANNELS, &last, &mut moved);
            assert!(first == moved, "another mask with channels last");
            assert!(first.as_flattened().chunks(POSITIONS).all(|channel| channel.iter().all(|y| *y == channel[0])));
            let [(_, dropped), _] = outcomes(&first)[..] else { panic!("two values") };
            let (n, dropped) = ((300 * CHANNELS) as f64, (dropped / POSITIONS) as f64);
            assert!((dropped - n * P).abs() < STANDARD_ERRORS * (n * P * (1.0 - P)).sqrt(), "{dropped} of {n}");
        });
    }
}

#[test]
fn a_dropped_element_is_zero_whatever_it_was() {
    // PyTorch multiplies by 0: NaN, NaN and -0 remain.
    let (x, cx) = ([[f64::NAN, f64::INFINITY, -1.0, -0.0]; 50], context(Mode::Train));
    let mut y = x;
    dropout_forward(&cx, 1, 0.5, &x, &mut y);
    for y in y {
        assert!(y[0].is_nan() || y[0].to_bits() == 0, "{}", y[0]);
        assert!(y[1] == f64::INFINITY || y[1].to_bits() == 0, "{}", y[1]);
        assert!(y[2] == -2.0 || y[2].to_bits() == 0, "{}", y[2]);
        assert!(y[3] == 0.0);
    }
}
