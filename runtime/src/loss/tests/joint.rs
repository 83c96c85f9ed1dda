//! Losses of several inputs.

use super::*;

/// Checks a loss of `K` inputs of `samples` samples, where it is smooth: `count` losses, whose gradients agree with
/// central differences whatever the reduction.
#[track_caller]
fn check_joint<const K: usize>(
    name: &'static str,
    samples: usize,
    count: usize,
    values: [Vec<f64>; K],
    forward: impl Fn(Reduction, [Input<'_, f64>; K]) -> Result<f64, LossError>,
    unreduced: impl Fn([Input<'_, f64>; K], &[f64], &mut [f64]) -> Result<(), LossError>,
) {
    let upstream: Vec<f64> = (0..count).map(|i| 0.5 + 0.25 * (i % 5) as f64).collect();
    let mut single = vec![7.0; count];
    let ones = apart(&values, samples, &vec![1.0; count], &mut single, &unreduced);
    for reduction in [Reduction::Mean, Reduction::Sum, Reduction::BatchMean] {
        let value = |values: &[Vec<f64>; K]| {
            let mut gradients = values.clone();
            let value = forward(reduction, inputs(samples, values, &mut gradients)).unwrap();
            (value, gradients)
        };
        let factor = match reduction {
            Reduction::Mean => 1.0 / count as f64,
            Reduction::BatchMean => 1.0 / samples as f64,
            _ => 1.0,
        };
        let (whole, gradients) = value(&values);
        assert_close(whole, factor * single.iter().sum::<f64>(), &format!("{reduction:?}"));
        check_differences(&values, &gradients, |values| value(values).0);
        for (gradient, ones) in gradients.iter().flatten().zip(ones.iter().flatten()) {
            assert_close(*gradient, factor * ones, &format!("gradient of {reduction:?}"));
        }
    }
    let gradients = apart(&values, samples, &upstream, &mut single, &unreduced);
    check_differences(&values, &gradients, |values| {
        let mut losses = vec![7.0; count];
        apart(values, samples, &upstream, &mut losses, &unreduced);
        losses.iter().zip(&upstream).map(|(loss, upstream)| loss * upstream).sum()
    });
    let mut gradients = values.clone();
    let error = forward(Reduction::None, inputs(samples, &values, &mut gradients)).unwrap_err();
    assert!(matches!(error, LossError::NotReduced(_)), "{error}");
    let error = forward(Reduction::Mean, [(); K].map(|()| Input::new(0, &[], &mut []))).unwrap_err();
    assert!(matches!(error, LossError::Input { .. } | LossError::Empty(_)), "{error}");
    let signs = [1000.0, -1000.0, 80.0, -80.0, 0.0];
    for phase in 0..5 {
        // Variances and the like stay above 0.
        let far = values.each_ref().map(|values| {
            let allowed = |x: f64| if smallest(values) > 0.0 { x.abs() } else { x };
            (0..values.len()).map(|i| allowed(signs[(i * 3 + phase) % 5])).collect::<Vec<_>>()
        });
        let mut gradients = far.clone();
        let value = forward(Reduction::Mean, inputs(samples, &far, &mut gradients)).unwrap();
        assert!(value.is_finite() && gradients.iter().flatten().all(|d| d.is_finite()), "{value} {gradients:?}");
    }
    for check in [Check::Gradient, Check::Reductions, Check::Empty, Check::Extremes] {
        passed(name, check);
    }
}

fn smallest(values: &[f64]) -> f64 {
    values.iter().fold(f64::INFINITY, |least, &x| least.min(x))
}

fn inputs<'a, const K: usize>(
    samples: usize,
    values: &'a [Vec<f64>; K],
    gradients: &'a mut [Vec<f64>; K],
) -> [Input<'a, f64>; K] {
    let mut values = values.iter();
    gradients.each_mut().map(|gradient| Input::new(samples, values.next().expect("as many values"), gradient))
}

fn apart<const K: usize>(
    values: &[Vec<f64>; K],
    samples: usize,
    upstream: &[f64],
    losses: &mut [f64],
    unreduced: impl Fn([Input<'_, f64>; K], &[f64], &mut [f64]) -> Result<(), LossError>,
) -> [Vec<f64>; K] {
    let mut gradients = values.clone();
    unreduced(inputs(samples, values, &mut gradients), upstream, losses).unwrap();
    gradients
}

#[track_caller]
fn check_differences<const K: usize>(
    values: &[Vec<f64>; K],
    gradients: &[Vec<f64>; K],
    loss: impl Fn(&[Vec<f64>; K]) -> f64,
) {
    let mut moved = values.clone();
    for k in 0..K {
        for i in 0..values[k].len() {
            moved[k][i] = values[k][i] + STEP;
            let above = loss(&moved);
            moved[k][i] = values[k][i] - STEP;
            let below = loss(&moved);
            moved[k][i] = values[k][i];
            assert_close(gradients[k][i], (above - below) / (2.0 * STEP), &format!("gradient {i} of input {k}"));
        }
    }
}

/// Numbers of another sequence for each input, so that no two are alike.
fn rows<const K: usize>(len: usize) -> [Vec<f64>; K] {
    let all = numbers(K * len);
    std::array::from_fn(|k| all[k * len..(k + 1) * len].to_vec())
}

fn signs(len: usize) -> Vec<f64> {
    (0..len).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect()
}

#[test]
pub(super) fn margin_ranking() {
    let (targets, loss) = (signs(12), MarginRankingLoss { margin: 0.4, ..MarginRankingLoss::DEFAULT });
    check_joint(
        "MarginRankingLoss",
        12,
        12,
        rows(12),
        |reduction, [a, b]| MarginRankingLoss { reduction, ..loss }.forward(a, b, &targets),
        |[a, b], upstream, losses| loss.unreduced(a, b, &targets, upstream, losses),
    );
}

/// As `torch.autograd` chooses among the slopes on either side.
#[test]
fn a_margin_that_is_just_kept_has_no_gradient() {
    let (mut d1, mut d2) = ([7.0], [7.0]);
    let (x1, x2) = (Input::new(1, &[2.0], &mut d1), Input::new(1, &[2.0], &mut d2));
    assert_eq!(MarginRankingLoss::DEFAULT.forward(x1, x2, &[1.0]), Ok(0.0));
    assert_eq!((d1, d2), ([0.0], [0.0]));

    let (mut d1, mut d2) = ([7.0; 2], [7.0; 2]);
    let (x1, x2) = (Input::new(1, &[1.0, 0.0], &mut d1), Input::new(1, &[0.0, 2.0], &mut d2));
    assert_eq!(CosineEmbeddingLoss::DEFAULT.forward(x1, x2, &[-1.0]), Ok(0.0));
    assert_eq!((d1, d2), ([0.0; 2], [0.0; 2]));

    let (values, mut gradients) = ([vec![0.0], vec![3.0], vec![4.0]], [vec![7.0], vec![7.0], vec![7.0]]);
    let [a, p, n] = inputs(1, &values, &mut gradients);
    assert_eq!(TripletMarginLoss { eps: 0.0, ..TripletMarginLoss::DEFAULT }.forward(a, p, n), Ok(0.0));
    assert_eq!(gradients, [[0.0], [0.0], [0.0]]);
}

#[test]
pub(super) fn cosine_embedding() {
    let (targets, loss) = (signs(4), CosineEmbeddingLoss { margin: -0.8, ..CosineEmbeddingLoss::DEFAULT });
    check_joint(
        "CosineEmbeddingLoss",
        4,
        4,
        rows(20),
        |reduction, [a, b]| {
            let samples = a.samples();
            CosineEmbeddingLoss { reduction, ..loss }.forward(a, b, &targets[..samples])
        },
        |[a, b], upstream, losses| loss.unreduced(a, b, &targets, upstream, losses),
    );
    // Vectors of nothing have a cosine of 0, and no NaN.
    let (mut d1, mut d2) = ([7.0; 2], [7.0; 2]);
    let (x1, x2) = (Input::new(1, &[0.0; 2], &mut d1), Input::new(1, &[1.0, 2.0], &mut d2));
    assert_eq!(loss.forward(x1, x2, &[1.0]), Ok(1.0));
    assert!(d1.iter().chain(&d2).all(|d| d.is_finite()));
}

#[test]
pub(super) fn gaussian_likelihood() {
    for full in [false, true] {
        for variances in [12, 4] {
            let loss = GaussianNLLLoss { full, eps: 1e-3, ..GaussianNLLLoss::DEFAULT };
            let targets = numbers(12);
            let outputs = shares(12);
            let var = shares(variances).iter().map(|v| 0.3 + v).collect();
            check_joint(
                "GaussianNLLLoss",
                4,
                12,
                [outputs, var],
                |reduction, [x, var]| {
                    let len = x.values().len();
                    GaussianNLLLoss { reduction, ..loss }.forward(x, &targets[..len], var)
                },
                |[x, var], upstream, losses| loss.unreduced(x, &targets, var, upstream, losses),
            );
        }
    }
    // Below the smallest variance its derivative is that at it, as in PyTorch.
    let (mut dx, mut dv) = ([7.0], [7.0]);
    let (x, var) = (Input::new(1, &[1.0], &mut dx), Input::new(1, &[0.0], &mut dv));
    let loss = GaussianNLLLoss { eps: 0.5, ..GaussianNLLLoss::DEFAULT };
    assert_close(loss.forward(x, &[0.0], var).unwrap(), 0.5 * (0.5f64.ln() + 2.0), "variance below the smallest");
    assert_eq!((dx, dv), ([2.0], [-1.0]));
}

#[test]
pub(super) fn triplets() {
    for (p, swap) in [(2.0, false), (2.0, true), (1.0, true), (3.0, false), (1.5, true), (f64::INFINITY, true)] {
        let loss = TripletMarginLoss { margin: 1.3, p, swap, ..TripletMarginLoss::DEFAULT };
        check_joint(
            "TripletMarginLoss",
            4,
            4,
            rows(20),
            |reduction, [a, p, n]| TripletMarginLoss { reduction, ..loss }.forward(a, p, n),
            |[a, p, n], upstream, losses| loss.unreduced(a, p, n, upstream, losses),
        );
    }
}

#[test]
pub(super) fn triplets_with_a_distance_function() {
    let distance_function = PairwiseDistance { p: 3.0, ..PairwiseDistance::DEFAULT };
    let loss = TripletMarginWithDistanceLoss {
        margin: 1.3,
        swap: true,
        ..TripletMarginWithDistanceLoss::with(distance_function)
    };
    check_joint(
        "TripletMarginWithDistanceLoss",
        4,
        4,
        rows(20),
        |reduction, [a, p, n]| TripletMarginWithDistanceLoss { reduction, ..loss }.forward(a, p, n),
        |[a, p, n], upstream, losses| loss.unreduced(a, p, n, upstream, losses),
    );
}

#[test]
fn equal_distances_share_the_derivative() {
    let (values, mut gradients) = ([vec![0.0], vec![0.0], vec![3.0]], [vec![7.0], vec![7.0], vec![7.0]]);
    let loss = TripletMarginLoss { margin: 4.0, eps: 0.0, swap: true, ..TripletMarginLoss::DEFAULT };
    let [a, p, n] = inputs(1, &values, &mut gradients);
    assert_eq!(loss.forward(a, p, n), Ok(1.0));
    assert_eq!(gradients, [[0.5], [0.5], [-1.0]]);
}

#[test]
fn several_inputs_that_do_not_fit_are_refused() {
    let (mut d1, mut d2) = ([0.0; 4], [0.0; 2]);
    let error = {
        let (x1, x2) = (Input::new(2, &[1.0; 4], &mut d1), Input::new(2, &[1.0; 2], &mut d2));
        MarginRankingLoss::DEFAULT.forward(x1, x2, &[1.0; 4]).unwrap_err()
    };
    assert_eq!(
        error.to_string(),
        "MarginRankingLoss: input2 has 2 elements in 2 samples, expected 4 elements in 2 samples, as the first input"
    );
    let (x, var) = (Input::new(2, &[1.0; 4], &mut d1), Input::new(2, &[1.0, -1.0], &mut d2));
    assert_eq!(
        GaussianNLLLoss::DEFAULT.forward(x, &[1.0; 4], var).unwrap_err().to_string(),
        "GaussianNLLLoss: var has -1 at 1, expected no negative variance"
    );
    let [a, p, n] = [(); 3].map(|()| Input::new(1, &[], &mut []));
    let loss = TripletMarginLoss { margin: 0.0, ..TripletMarginLoss::DEFAULT };
    assert_eq!(
        loss.forward::<f64>(a, p, n).unwrap_err().to_string(),
        "TripletMarginLoss: margin = 0, expected more than 0"
    );
}
