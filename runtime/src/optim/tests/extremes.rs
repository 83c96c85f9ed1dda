//! Gradients whose squares are too small or too large for their type, and gradients and parameters that are zero.

use super::*;

static ONE: [ParamSpec; 1] = [param("p", &[1], 0, &[])];

/// Where a parameter is that has begun at 1 and had these gradients.
fn run<T: Real, S: Optimizer>(settings: S, gradients: &[f64]) -> f64 {
    let mut state = settings.init_for::<T>(&ONE).unwrap();
    let mut p = vec![T::ZERO; 16];
    p[0] = T::ONE;
    for &gradient in gradients {
        let mut g = vec![T::ZERO; 16];
        g[0] = T::from_f64(gradient);
        state.step_flat(&mut p, &g);
    }
    p[0].to_f64()
}

/// A unit in the last place of a subnormal square is up to one part in 70 here, and PyTorch rounds some of them once less.
const CLOSE: f64 = 3e-5;

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= CLOSE * expected.abs().max(1.0)
}

/// PyTorch 2.15's parameters with `foreach=False` and eps = 0.
fn check<T: Real, S: Optimizer>(settings: S, expected: &[(&[f64], f64)]) {
    for &(gradients, expected) in expected {
        let found = run::<T, S>(settings.clone(), gradients);
        assert!(close(found, expected), "{settings:?} {}: {found}, expected {expected} of {gradients:?}", T::DTYPE);
    }
}

#[test]
fn squares_that_underflow_or_overflow_single_precision_are_those_of_pytorch() {
    fn four<S: Optimizer>(settings: S, [tiny, once, huge, small]: [f64; 4]) {
        let cases: [(&[f64], f64); 4] =
            [(&[1e-20; 3], tiny), (&[1e-20, 0.0, 0.0], once), (&[1e25; 3], huge), (&[3e-18; 8], small)];
        check::<f32, S>(settings, &cases);
    }
    let adam = Adam { eps: 0.0, ..Adam::DEFAULT };
    check::<f32, _>(adam, &[(&[1e-20], 0.9989974498748779)]);
    let of_adam = [0.9969930648803711, 0.9978072643280029, 1.0, 0.9920001029968262];
    four(adam, of_adam);
    four(Adam { amsgrad: true, ..adam }, of_adam);
    four(AdamW { eps: 0.0, weight_decay: 0.0, ..AdamW::DEFAULT }, of_adam);
    let nadam = NAdam { eps: 0.0, ..NAdam::DEFAULT };
    four(nadam, [0.9948432445526123, 0.9976232647895813, 1.0, 0.9871807098388672]);
    four(RAdam { eps: 0.0, ..RAdam::DEFAULT }, [1.0, 1.0, -2.9999999334588925e22, 0.9999027252197266]);
    let rmsprop = RMSprop { eps: 0.0, ..RMSprop::DEFAULT };
    four(rmsprop, [0.7711555361747742, 0.9000263214111328, 1.0, 0.5598570108413696]);
    let centered = RMSprop { centered: true, ..rmsprop };
    four(centered, [0.7690720558166504, 0.899532675743103, 1.0, 0.5514687299728394]);
    let of_momentum = [0.5364212989807129, 0.7290714979171753, 1.0, -0.7937795519828796];
    four(RMSprop { momentum: 0.9, ..rmsprop }, of_momentum);
    let of_both = [0.532855749130249, 0.7277335524559021, 1.0, -0.8201701641082764];
    four(RMSprop { momentum: 0.9, ..centered }, of_both);
    let adagrad = Adagrad { eps: 0.0, ..Adagrad::DEFAULT };
    four(adagrad, [0.977155327796936, 0.9899999499320984, 1.0, 0.9562856554985046]);
    let adamax = Adamax { eps: 0.0, ..Adamax::DEFAULT };
    four(adamax, [0.9940000772476196, 0.9964527487754822, 0.9940000772476196, 0.9840002059936523]);
    four(Adadelta { eps: 0.0, ..Adadelta::DEFAULT }, [1.0; 4]);
    let adafactor = Adafactor { eps: (Some(0.0), 1e-3), ..Adafactor::DEFAULT };
    let cases: [(&[f64], f64); 3] = [
        (&[1e-20; 3], 0.9702990651130676),
        (&[1e-20, 0.0, 0.0], 0.9900000095367432),
        (&[3e-18; 8], 0.9227446913719177),
    ];
    check::<f32, _>(adafactor, &cases);
    // A large gradient among others, and the default eps.
    check::<f32, _>(adam, &[(&[1.0, 1e-20, 0.0], 0.9978119730949402), (&[-1e25, 1.0, 1.0], 1.0)]);
    check::<f32, _>(RMSprop { centered: true, ..RMSprop::DEFAULT }, &[(&[1e25], 1.0), (&[-1e25, 1.0, 1.0], 1.0)]);
}

#[test]
fn squares_that_underflow_or_overflow_double_precision_are_those_of_pytorch() {
    fn three<S: Optimizer>(settings: S, [tiny, once, huge]: [f64; 3]) {
        check::<f64, S>(settings, &[(&[1e-160; 3], tiny), (&[1e-160, 0.0, 0.0], once), (&[1e200; 3], huge)]);
    }
    three(Adam { eps: 0.0, ..Adam::DEFAULT }, [0.996982791359435, 0.9977997417572281, 1.0]);
    three(NAdam { eps: 0.0, ..NAdam::DEFAULT }, [0.9948256185348183, 0.9976151261565757, 1.0]);
    let rmsprop = RMSprop { eps: 0.0, ..RMSprop::DEFAULT };
    three(rmsprop, [0.7701864290264004, 0.899401229304899, 1.0]);
    three(RMSprop { centered: true, ..rmsprop }, [0.7682873210895683, 0.899401229304899, 1.0]);
    three(Adagrad { eps: 0.0, ..Adagrad::DEFAULT }, [0.9771553023329614, 0.9899999443354487, 1.0]);
    three(Adamax { eps: 0.0, ..Adamax::DEFAULT }, [0.994, 0.9964526999166421, 0.994]);
}

/// Each of them moves by its rate at first, whatever the size of the gradient.
#[test]
fn the_first_step_does_not_depend_on_the_size_of_the_gradient() {
    for gradient in [1.0, 1e-18, 1e-20] {
        let moved = |found: f64| assert!(close(found, 0.999), "{found} after {gradient}");
        moved(run::<f32, _>(Adan { lr: 1e-3, eps: 0.0, ..Adan::DEFAULT }, &[gradient]));
        moved(run::<f32, _>(LAMB { lr: 1e-3, eps: 0.0, ..LAMB::DEFAULT }, &[gradient]));
        moved(run::<f32, _>(AdamWScheduleFree { lr: 1e-3, eps: 0.0, ..AdamWScheduleFree::DEFAULT }, &[gradient]));
        moved(run::<f32, _>(Lion { lr: 1e-3, ..Lion::DEFAULT }, &[gradient]));
    }
}

/// Means of squares fall for ever where the gradient is zero: PyTorch's end at the smallest number there is, not at zero.
#[test]
fn a_unit_that_is_dead_for_long_does_not_divide_by_zero() {
    let gradients: Vec<f64> = std::iter::once(1.0).chain(std::iter::repeat_n(0.0, 5000)).collect();
    let finite = |p: f64| assert!(p.is_finite() && p.abs() < 10.0, "{p}");
    finite(run::<f32, _>(Adam { eps: 0.0, betas: (0.9, 0.95), ..Adam::DEFAULT }, &gradients));
    finite(run::<f32, _>(NAdam { eps: 0.0, betas: (0.9, 0.95), ..NAdam::DEFAULT }, &gradients));
    finite(run::<f32, _>(RAdam { eps: 0.0, betas: (0.9, 0.95), ..RAdam::DEFAULT }, &gradients));
    finite(run::<f32, _>(Adamax { eps: 0.0, betas: (0.9, 0.95), ..Adamax::DEFAULT }, &gradients));
    finite(run::<f32, _>(RMSprop { eps: 0.0, alpha: 0.9, ..RMSprop::DEFAULT }, &gradients));
    finite(run::<f32, _>(Adan { eps: 0.0, ..Adan::DEFAULT }, &gradients));
}

#[test]
fn lars_decays_a_parameter_without_a_gradient_by_its_formula() {
    static TWO: [ParamSpec; 1] = [param("p", &[2], 0, &[])];
    for gradient in [0.0, 1e-30] {
        let settings = LARS { lr: 1.0, weight_decay: 0.01, momentum: 0.9, ..LARS::DEFAULT };
        let mut state = settings.init_for::<f64>(&TWO).unwrap();
        let mut p = vec![0.0; 16];
        (p[0], p[1]) = (3.0, 4.0);
        let mut g = vec![0.0; 16];
        g[..2].fill(gradient);
        state.step_flat(&mut p, &g);
        assert!((p[0] - 2.997).abs() < 1e-8 && (p[1] - 3.996).abs() < 1e-8, "{gradient}: {:?}", &p[..2]);
    }
    // Nothing to divide by, nothing to move.
    assert_eq!(run::<f64, _>(LARS { eps: 0.0, ..LARS::DEFAULT }, &[0.0, 0.0]), 1.0);
    assert_eq!(run::<f64, _>(LAMB { lr: 0.1, ..LAMB::DEFAULT }, &[0.0, 0.0]), 1.0);
}

/// Parameters that are zero would never move if their length were the length of the step.
#[test]
fn a_parameter_that_is_zero_moves_by_the_plain_step() {
    fn first_step<S: Optimizer>(settings: S) -> f64 {
        let mut state = settings.init_for::<f64>(&ONE).unwrap();
        let (mut p, mut g) = (vec![0.0; 16], vec![0.0; 16]);
        g[0] = 2.0;
        state.step_flat(&mut p, &g);
        p[0]
    }
    assert_eq!(first_step(LARS { lr: 0.5, ..LARS::DEFAULT }), -1.0);
    assert!((first_step(LAMB { lr: 0.5, eps: 0.0, ..LAMB::DEFAULT }) + 0.5).abs() < 1e-15);
    assert!((first_step(Adafactor::DEFAULT) + 1e-5).abs() < 1e-15);
}
