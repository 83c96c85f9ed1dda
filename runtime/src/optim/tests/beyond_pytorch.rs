//! Optimizers that PyTorch does not have, against their formulas written out, one element at a time.

use super::*;

static ONE: [ParamSpec; 1] = [param("p", &[2], 0, &[])];

/// Three steps from (1, −2) with the gradients below; `expected` writes the same formula out for one element.
fn check<S: Optimizer>(settings: S, expected: impl Fn(f64, [f64; 3]) -> f64) {
    let gradients = [[0.5, -1.0], [0.25, 0.75], [-2.0, 0.125]];
    let mut state = settings.init_for::<f64>(&ONE).unwrap();
    let mut p = vec![0.0; 16];
    (p[0], p[1]) = (1.0, -2.0);
    for gradient in gradients {
        let mut g = vec![0.0; 16];
        g[..2].copy_from_slice(&gradient);
        state.step_flat(&mut p, &g);
    }
    for (i, start) in [1.0, -2.0].into_iter().enumerate() {
        let expected = expected(start, gradients.map(|g| g[i]));
        assert!((p[i] - expected).abs() < 1e-12, "{}: {} instead of {expected}", S::NAME, p[i]);
    }
}

#[test]
fn lion_follows_its_formula() {
    for maximize in [false, true] {
        let settings = Lion { lr: 0.1, betas: (0.8, 0.9), weight_decay: 0.3, maximize };
        check(settings, |mut p, gradients| {
            let mut m = 0.0;
            for g in gradients {
                let g = if maximize { -g } else { g };
                p -= 0.1 * ((0.8 * m + (1.0 - 0.8) * g).signum() + 0.3 * p);
                m = 0.9 * m + (1.0 - 0.9) * g;
            }
            p
        });
    }
}

#[test]
fn adan_follows_its_formula() {
    for no_prox in [false, true] {
        let settings = Adan { lr: 0.1, betas: (0.9, 0.8, 0.7), eps: 1e-3, weight_decay: 0.3, no_prox, maximize: false };
        check(settings, |mut p, gradients| {
            let (mut m, mut n, mut v) = (0.0, 0.0, 0.0);
            for (i, &g) in gradients.iter().enumerate() {
                let t = i as i32 + 1;
                let difference = if i == 0 { 0.0 } else { g - gradients[i - 1] };
                m = 0.9 * m + 0.1 * g;
                n = 0.8 * n + 0.2 * difference;
                v = 0.7 * v + 0.3 * (g + 0.8 * difference).powi(2);
                let corrected = |x: f64, beta: f64| x / (1.0 - f64::powi(beta, t));
                let denominator = corrected(v, 0.7).sqrt() + 1e-3;
                let step = 0.1 * (corrected(m, 0.9) + 0.8 * corrected(n, 0.8)) / denominator;
                p = if no_prox { p * (1.0 - 0.03) - step } else { (p - step) / 1.03 };
            }
            p
        });
    }
}

#[test]
fn schedule_free_adamw_follows_its_formula() {
    let settings = AdamWScheduleFree {
        lr: 0.1,
        betas: (0.9, 0.8),
        eps: 1e-3,
        weight_decay: 0.3,
        warmup_steps: 2,
        r: 0.5,
        ..AdamWScheduleFree::DEFAULT
    };
    check(settings, |start, gradients| {
        let (mut x, mut y, mut z, mut v, mut sum) = (start, start, start, 0.0, 0.0);
        for (g, t) in gradients.into_iter().zip(1..) {
            let lr = if t <= 2 { 0.1 * t as f64 / 2.0 } else { 0.1 };
            v = 0.8 * v + 0.2 * g * g;
            let u = g / ((v / (1.0 - f64::powi(0.8, t))).sqrt() + 1e-3) + 0.3 * y;
            let weight = f64::from(t).sqrt() * lr * lr;
            sum += weight;
            // The average is taken with the z that this gradient has moved.
            z -= lr * u;
            x += weight / sum * (z - x);
            y = z + 0.9 * (x - z);
        }
        y
    });
}

#[test]
fn schedule_free_parameters_for_evaluation_are_the_averages() {
    let settings = AdamWScheduleFree { lr: 0.1, ..AdamWScheduleFree::DEFAULT };
    let mut state = settings.init_for::<f64>(&TABLE).unwrap();
    let mut parameters = start::<f64>(&TABLE);
    steps(&TABLE, &mut state, &mut parameters, 0..5);
    let training = parameters.clone();
    state.eval(&mut parameters);
    for spec in &TABLE {
        for i in spec.offset..spec.offset + spec.len {
            let (x, y, z) = (parameters[i], training[i], state.slot(0)[i]);
            assert!((y - (z + 0.9 * (x - z))).abs() < 1e-12);
        }
    }
    // Saved and loaded while evaluating, and evaluated twice: training goes on as if nothing had been.
    let mut resumed = settings.init_for::<f64>(&TABLE).unwrap();
    resumed.load_state_dict(&state.state_dict()).unwrap();
    state.eval(&mut parameters);
    let mut other = parameters.clone();
    resumed.train(&mut other);
    state.train(&mut parameters);
    state.train(&mut parameters);
    assert_eq!((&parameters, &other), (&training, &training));
    steps(&TABLE, &mut state, &mut parameters, 5..8);
    steps(&TABLE, &mut resumed, &mut other, 5..8);
    assert_eq!(parameters, other);
    assert_eq!(state.state_dict(), resumed.state_dict());
}

#[test]
fn lookahead_moves_its_slow_weights_every_k_steps() {
    let settings = Lookahead { optimizer: SGD { lr: 0.1, ..SGD::DEFAULT }, k: 2, alpha: 0.25 };
    check(settings, |start, [g1, g2, g3]| {
        let slow = start + 0.25 * (-0.1 * g1 - 0.1 * g2);
        slow - 0.1 * g3
    });
}

#[test]
fn lookahead_refuses_groups_that_do_not_agree() {
    let base = Lookahead { optimizer: SGD::DEFAULT, k: 2, alpha: 0.25 };
    let error = groups(&TABLE, base).group("head", Lookahead { k: 3, ..base }).build::<f32>().unwrap_err();
    assert_eq!(error.to_string(), "Lookahead: k and alpha = 3 and 0.25, expected the same in all groups");
    assert!(matches!(Lookahead { k: 0, ..base }.check(), Err(OptimError::Option { option: "k", .. })));
    assert!(matches!(Lookahead { alpha: 1.5, ..base }.check(), Err(OptimError::Option { option: "alpha", .. })));
    let inner = Lookahead { optimizer: SGD { lr: -1.0, ..SGD::DEFAULT }, ..base };
    assert!(matches!(inner.check(), Err(OptimError::Option { optimizer: "SGD", option: "lr", .. })));
}

/// Whole-parameter optimizers: both elements at once.
fn check_whole<S: Optimizer>(settings: S, expected: impl Fn([f64; 2], &[[f64; 2]]) -> [f64; 2]) {
    let gradients = [[0.5, -1.0], [0.25, 0.75], [-2.0, 0.125]];
    let mut state = settings.init_for::<f64>(&ONE).unwrap();
    let mut p = vec![0.0; 16];
    (p[0], p[1]) = (1.0, -2.0);
    for gradient in gradients {
        let mut g = vec![0.0; 16];
        g[..2].copy_from_slice(&gradient);
        state.step_flat(&mut p, &g);
    }
    let expected = expected([1.0, -2.0], &gradients);
    for i in 0..2 {
        assert!((p[i] - expected[i]).abs() < 1e-12, "{}: {} instead of {}", S::NAME, p[i], expected[i]);
    }
}

fn norm(x: [f64; 2]) -> f64 {
    x[0].hypot(x[1])
}

#[test]
fn lamb_follows_its_formula() {
    let settings = LAMB { lr: 0.1, betas: (0.9, 0.8), eps: 1e-3, weight_decay: 0.3, maximize: false };
    check_whole(settings, |mut p, gradients| {
        let (mut m, mut v) = ([0.0; 2], [0.0; 2]);
        for (g, t) in gradients.iter().zip(1..) {
            let u = std::array::from_fn(|i| {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.8 * v[i] + 0.2 * g[i] * g[i];
                let m_hat: f64 = m[i] / (1.0 - f64::powi(0.9, t));
                let v_hat: f64 = v[i] / (1.0 - f64::powi(0.8, t));
                m_hat / (v_hat.sqrt() + 1e-3) + 0.3 * p[i]
            });
            let step = 0.1 * norm(p) / norm(u);
            p = [p[0] - step * u[0], p[1] - step * u[1]];
        }
        p
    });
}

#[test]
fn lars_follows_its_formula() {
    let settings =
        LARS { lr: 2.0, momentum: 0.9, weight_decay: 0.3, trust_coefficient: 0.1, eps: 1e-3, maximize: false };
    check_whole(settings, |mut p, gradients| {
        let mut b = [0.0; 2];
        for &g in gradients {
            let trust = 0.1 * norm(p) / (norm(g) + 0.3 * norm(p) + 1e-3);
            for i in 0..2 {
                b[i] = 0.9 * b[i] + 2.0 * trust * (g[i] + 0.3 * p[i]);
            }
            p = [p[0] - b[0], p[1] - b[1]];
        }
        p
    });
}

#[test]
fn sparse_adam_leaves_rows_without_a_gradient_alone() {
    let settings = SparseAdam { lr: 0.1, ..SparseAdam::DEFAULT };
    let dense = Adam { lr: 0.1, ..Adam::DEFAULT };
    let (mut sparse, mut dense) = (settings.init_for::<f64>(&TABLES).unwrap(), dense.init_for::<f64>(&TABLES).unwrap());
    let (mut p, mut q) = (start::<f64>(&TABLES), start::<f64>(&TABLES));
    let before = p.clone();
    for step in 0..3 {
        let mut gradients = gradient(&TABLES, step, &p);
        gradients[10..20].fill(0.0);
        sparse.step_flat(&mut p, &gradients);
        dense.step_flat(&mut q, &gradients);
    }
    assert_eq!(p[10..20], before[10..20]);
    for i in (0..10).chain(20..35) {
        // SparseAdam adds eps before the correction.
        assert!((p[i] - q[i]).abs() < 1e-5, "{} {}", p[i], q[i]);
        assert!(p[i] != before[i]);
    }
}

/// `nn.Embedding(4, 2, sparse=True)` with `torch.optim.SparseAdam(lr=0.1)` in PyTorch 2.15, in float64.
#[test]
fn sparse_adam_has_the_numbers_of_pytorch() {
    static EMBEDDING: [ParamSpec; 1] = [ParamSpec { kind: Kind::Embedding, ..param("weight", &[4, 2], 0, &[]) }];
    let mut state = SparseAdam { lr: 0.1, ..SparseAdam::DEFAULT }.init_for::<f64>(&EMBEDDING).unwrap();
    let mut p: Vec<f64> = (0..16).map(|i| if i < 8 { f64::from(i) / 4.0 } else { 0.0 }).collect();
    let [none, one, half, minus] = [[0.0; 2], [1.0, 2.0], [0.5, 1.0], [-0.5, -1.0]];
    for rows in [[one, none, one, none], [none, none, minus, minus], [half, none, none, none]] {
        let mut gradients = rows.concat();
        gradients.resize(16, 0.0);
        state.step_flat(&mut p, &gradients);
    }
    let expected = [
        -0.18002407725059583,
        0.06997589561637735,
        0.5,
        0.75,
        0.8733663351928886,
        1.1233663156134273,
        1.5744136352933829,
        1.824413658825033,
    ];
    for (found, expected) in p.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-14, "{found}, expected {expected}");
    }
}

#[test]
fn parameters_that_an_optimizer_cannot_train_are_named() {
    let error = Muon::DEFAULT.init_for::<f32>(&TABLE).unwrap_err();
    assert_eq!(error.to_string(), "Muon cannot train stem.bias: found shape [7], expected a matrix");
    let error = SparseAdam::DEFAULT.init_for::<f32>(&TABLE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SparseAdam cannot train stem.weight: found a weight, expected a table of embeddings"
    );
    assert!(groups(&MATRICES, Muon::DEFAULT).freeze("head").build::<f32>().is_ok());
}
