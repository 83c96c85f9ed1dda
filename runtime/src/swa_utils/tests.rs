//! Averages against their formulas and against PyTorch; folded and apart the same bits; new running statistics.

use super::*;
use crate::network::{RowLoss, UpdateBy};
use crate::optim::{Adam, Lookahead, Optimizer, OptimizerState, SGD};

crate::network! { Mlp < Linear(3, 5) -> ReLU -> Linear(5, 2) > }
crate::network! { Normed < Linear(3, 5) -> BatchNorm1d(5) -> ReLU -> Linear(5, 4) -> BatchNorm1d(4, momentum = 0.3) > }

const BATCH: [[f64; 3]; 4] = [[1.0, 0.5, -0.5], [-1.0, 2.0, 0.25], [0.0, 0.75, 1.0], [3.0, -2.0, 0.5]];

/// A model whose parameters all are `value`.
fn filled(value: f64) -> Mlp<f64> {
    let mut model = Mlp::seeded(1).cast::<f64>();
    model.weights_mut().parameters.fill(value);
    model
}

fn check(averaging: Averaging<f64>, models: &[f64], expected: f64) {
    let mut average = AveragedModel::new(&filled(7.0), averaging, false);
    models.iter().for_each(|&value| average.update_parameters(&filled(value)));
    let found = average.module().weights().parameters[0];
    assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    assert_eq!(average.n_averaged(), models.len() as u64);
}

#[test]
fn the_first_model_is_copied() {
    check(get_swa_avg_fn(), &[2.0], 2.0);
    check(get_ema_avg_fn(0.9).unwrap(), &[2.0], 2.0);
}

#[test]
fn swa_is_the_mean() {
    check(get_swa_avg_fn(), &[2.0, 4.0, 9.0], 5.0);
}

#[test]
fn ema_forgets_exponentially() {
    check(get_ema_avg_fn(0.75).unwrap(), &[2.0, 4.0, 10.0], 0.75 * 2.5 + 0.25 * 10.0);
}

#[test]
fn a_function_of_ones_own_is_called() {
    let last_two: fn(&mut [f64], &[f64], u64) =
        |a, p, n| a.iter_mut().zip(p).for_each(|(a, p)| *a = 10.0 * n as f64 + *a + p);
    check(Averaging::Custom(last_two), &[1.0, 2.0, 3.0], 10.0 + 1.0 + 2.0 + 20.0 + 3.0);
}

#[test]
fn a_decay_outside_of_0_to_1_is_refused() {
    for found in [-0.1, 1.1] {
        assert_eq!(get_ema_avg_fn::<f32>(found).err(), Some(InvalidDecay { found }));
    }
    assert!(get_ema_avg_fn::<f32>(f64::NAN).is_err());
}

#[test]
fn buffers_are_averaged_where_asked_for() {
    let mut model = Normed::seeded(1).cast::<f64>();
    for use_buffers in [false, true] {
        let mut average = AveragedModel::new(&model, get_swa_avg_fn(), use_buffers);
        for value in [2.0, 5.0] {
            model.weights_mut().buffers.fill(value);
            model.weights_mut().counters.fill(value as u64);
            average.update_parameters(&model);
        }
        let (buffer, counter) = (average.module().weights().buffers[0], average.module().weights().counters[0]);
        assert_eq!((buffer, counter), if use_buffers { (3.5, 3) } else { (5.0, 5) });
    }
}

#[test]
fn swapped_twice_everything_is_as_before() {
    let mut model = filled(1.0);
    let mut average = AveragedModel::new(&model, get_swa_avg_fn(), false);
    average.update_parameters(&filled(3.0));
    average.swap(&mut model);
    assert_eq!((model.weights().parameters[0], average.module().weights().parameters[0]), (3.0, 1.0));
    average.swap(&mut model);
    assert_eq!((model.weights().parameters[0], average.module().weights().parameters[0]), (1.0, 3.0));
}

/// The mean of the outputs.
struct Mean;
impl RowLoss<f64> for Mean {
    fn rows(&self, _first_row: usize, outputs: &[f64], losses: &mut [f64], gradient: &mut [f64]) {
        losses.iter_mut().zip(outputs.chunks(2)).for_each(|(loss, row)| *loss = row.iter().sum::<f64>() / 8.0);
        gradient.fill(1.0 / 8.0);
    }
}

fn folding_gives_the_same_bits<O: Optimizer>(settings: O) {
    let (mut one, mut two) = (Mlp::seeded(3).cast::<f64>(), Mlp::seeded(3).cast::<f64>());
    let (mut s, mut t) = (settings.clone().init(&one), settings.init(&two));
    let mut a = AveragedModel::new(&one, get_ema_avg_fn(0.9).unwrap(), false);
    let mut b = a.clone();
    let mut workspace = one.workspace(4);
    for _ in 0..7 {
        let fold = s.fold().expect("element-wise");
        one.forward_backward(&BATCH, &Mean, &mut workspace, UpdateBy::Optimizer(fold));
        a.update_parameters(&one);

        let mut fold = b.fold(t.fold().expect("element-wise")).expect("no function of one's own");
        two.forward_backward(&BATCH, &Mean, &mut workspace, UpdateBy::Optimizer(&mut fold));
        b.end_step(&two);
        assert_eq!(one.weights(), two.weights());
        assert_eq!(a.module().weights().parameters, b.module().weights().parameters);
    }
    assert_eq!(b.n_averaged(), 7);
    assert!(a.module().weights().parameters != one.weights().parameters);
}

#[test]
fn an_average_that_follows_in_the_backward_pass_has_the_same_bits() {
    folding_gives_the_same_bits(Adam { lr: 0.1, ..Adam::DEFAULT });
    folding_gives_the_same_bits(Lookahead { optimizer: SGD { lr: 0.1, ..SGD::DEFAULT }, k: 3, alpha: 0.5 });
}

#[test]
fn batch_norms_get_the_mean_statistics_of_the_batches() {
    let mut model = Normed::seeded(5).cast::<f64>();
    let other: Vec<[f64; 3]> = BATCH.iter().map(|row| row.map(|x| 3.0 * x - 1.0)).collect();
    let batches = [&BATCH[..], &other, &BATCH[..3]];
    let mut workspace = model.workspace(4);

    // With momentum 1 … the statistics of each batch: what a forward adds to zeros, over the momentum.
    let mut expected = vec![0.0; model.weights().buffers.len()];
    for batch in batches {
        let mut copy = model.clone();
        copy.weights_mut().buffers.fill(0.0);
        copy.forward(Mode::Train, batch, &mut workspace);
        for spec in <Normed<f64> as Network<f64>>::BUFFERS.iter().filter(|spec| !spec.counter) {
            let momentum = if spec.name.starts_with('1') { 0.1 } else { 0.3 };
            for place in spec.offset..spec.offset + spec.len {
                expected[place] += copy.weights().buffers[place] / momentum / 3.0;
            }
        }
    }
    let before = model.weights().parameters.clone();
    update_bn(&mut model, batches, &mut workspace);
    for (found, expected) in model.weights().buffers.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found}, expected {expected}");
    }
    assert_eq!(model.weights().counters, [3, 3]);
    assert_eq!(model.weights().parameters, before);

    update_bn(&mut model, [], &mut workspace);
    assert_eq!(model.weights().counters, [0, 0]);
    assert_eq!(model.weights().buffers, Normed::seeded(5).cast::<f64>().weights().buffers);
}

#[test]
fn a_network_without_batch_norms_is_left_alone() {
    let mut model = filled(1.0);
    let mut workspace = model.workspace(4);
    update_bn(&mut model, [&BATCH[..]], &mut workspace);
    assert_eq!(model.weights(), filled(1.0).weights());
}

/// `AveragedModel` of PyTorch 2.15 after five models with parameters (k² − 2, 1/k, −k), running means of k/2 and 3k batches.
#[test]
fn averages_have_the_numbers_of_pytorch() {
    let ema = || get_ema_avg_fn::<f64>(0.9).unwrap();
    let expected_swa = [9.0, 0.45666666666666667, -3.0];
    let expected_ema = [3.616699999999999, 0.76205, -1.9048999999999998];
    for (averaging, use_buffers, parameters, running_mean, batches) in [
        (get_swa_avg_fn(), false, expected_swa, 2.5, 15),
        (ema(), false, expected_ema, 2.5, 15),
        (get_swa_avg_fn(), true, expected_swa, 1.5, 7),
        (ema(), true, expected_ema, 0.9524499999999999, 4),
    ] {
        let mut model = Normed::seeded(1).cast::<f64>();
        let mut average = AveragedModel::new(&model, averaging, use_buffers);
        for k in 1..=5 {
            let number = f64::from(k);
            let weights = model.weights_mut();
            weights.parameters[..3].copy_from_slice(&[number * number - 2.0, 1.0 / number, -number]);
            weights.buffers.fill(number / 2.0);
            weights.counters.fill(3 * k as u64);
            average.update_parameters(&model);
        }
        let weights = average.module().weights();
        for (found, expected) in weights.parameters.iter().zip(parameters) {
            assert!((found - expected).abs() < 1e-14, "{found}, expected {expected}");
        }
        assert!((weights.buffers[0] - running_mean).abs() < 1e-14, "{}", weights.buffers[0]);
        assert_eq!((weights.counters[0], average.n_averaged()), (batches, 5));
    }
}

/// `update_bn` of PyTorch 2.15 on this network, its parameters in PyTorch's order being (7k mod 11 − 5) / 8.
#[test]
fn running_statistics_have_the_numbers_of_pytorch() {
    let mut model = Normed::seeded(5).cast::<f64>();
    let mut k = 0;
    for spec in <Normed<f64> as Network<f64>>::PARAMS {
        let values: Vec<f64> = (k..k + spec.len).map(|k| (k * 7 % 11) as f64 / 8.0 - 0.625).collect();
        spec.write(&values, &mut model.weights_mut().parameters);
        k += spec.len;
    }
    let other: Vec<[f64; 3]> = BATCH.iter().map(|row| row.map(|x| 3.0 * x - 1.0)).collect();
    let mut workspace = model.workspace(4);
    update_bn(&mut model, [&BATCH[..], &other, &BATCH[..3]], &mut workspace);
    let expected: [(&str, &[f64]); 4] = [
        (
            "1.running_mean",
            &[-0.22222222222222227, 0.03472222222222224, 0.7500000000000001, 0.0902777777777778, -0.3402777777777778],
        ),
        (
            "1.running_var",
            &[7.5733506944444455, 2.9771050347222228, 3.0529513888888893, 3.1411675347222228, 3.0334743923611116],
        ),
        ("4.running_mean", &[-0.058253714496508555, -0.19275027554642946, -0.6635504534614427, 0.5769529854886364]),
        ("4.running_var", &[0.01432074884283634, 0.02128301211302707, 0.0060363517443114655, 0.006879094371631949]),
    ];
    for (name, expected) in expected {
        let spec = <Normed<f64> as Network<f64>>::BUFFERS.iter().find(|spec| spec.name == name).expect(name);
        let found = &model.weights().buffers[spec.offset..][..spec.len];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7, "{name}: {found}, expected {expected}");
        }
    }
    assert_eq!(model.weights().counters, [3, 3]);
}
