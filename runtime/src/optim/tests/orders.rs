//! An optimizer does the same in whatever order a parameter is stored.

use super::*;

/// Kernels, the second of one place.
static KERNELS: [ParamSpec; 3] = [
    param("stem.weight", &[4, 3, 2, 2], 0, &[2, 3, 1, 0]),
    param("head.weight", &[3, 2, 1, 1], 48, &[2, 3, 1, 0]),
    param("head.bias", &[3], 64, &[]),
];
/// Tables of the same orders.
static KERNEL_TABLES: [ParamSpec; 2] =
    [ParamSpec { kind: Kind::Embedding, ..KERNELS[0] }, ParamSpec { kind: Kind::Embedding, ..KERNELS[1] }];
/// Matrices: a wide one behind flattened channels, and a high one whose rows are two axes.
static SPLIT: [ParamSpec; 2] = [
    param("stem.weight", &[5, 12], 0, &[]).split(&[5, 3, 2, 2]).stored(&[2, 3, 1, 0]),
    param("head.weight", &[6, 4], 64, &[]).split(&[2, 3, 4]).stored(&[1, 2, 0]),
];
static SQUARE: [ParamSpec; 1] = [param("weight", &[4, 4], 0, &[]).split(&[4, 2, 2]).stored(&[2, 1, 0])];

/// `values`, in PyTorch's order, as the parameters of `table` are stored.
fn stored<T: Real>(table: &[ParamSpec], values: &[T]) -> Vec<T> {
    let mut stored = vec![T::ZERO; LEN];
    table.iter().for_each(|spec| spec.write(&values[spec.offset..spec.offset + spec.len], &mut stored));
    stored
}

#[track_caller]
fn check_close<T: Real>(found: &[T], expected: &[T], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected) = (found.to_f64(), expected.to_f64());
        assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{i}: {found} for {expected}");
    }
}

/// The parameters and state of `table` after a few steps are those of parameters in PyTorch's order.
#[track_caller]
fn check<T: Real, S: Optimizer>(table: &'static [ParamSpec], settings: S, tolerance: f64) {
    let plain = table.iter().map(|spec| ParamSpec { dims: spec.shape, order: &[], ..*spec }).collect::<Vec<_>>().leak();
    let mut expected = settings.clone().init_for::<T>(plain).unwrap();
    let mut state = settings.clone().init_for::<T>(table).unwrap();
    let mut p = start::<T>(plain);
    let mut q = stored(table, &p);
    for step in 0..4 {
        let mut gradients = gradient(plain, step, &p);
        // Of each parameter one of PyTorch's rows has no gradient.
        for spec in plain.iter() {
            let width = spec.len / spec.shape[0];
            gradients[spec.offset + step % spec.shape[0] * width..][..width].fill(T::ZERO);
        }
        expected.step_flat(&mut p, &gradients);
        state.step_flat(&mut q, &stored(table, &gradients));
        check_close(&q, &stored(table, &p), tolerance);
    }
    let (expected, found) = (expected.state_dict(), state.state_dict());
    assert_eq!(found.state.keys().collect::<Vec<_>>(), expected.state.keys().collect::<Vec<_>>());
    for (found, expected) in found.state.values().flatten().zip(expected.state.values().flatten()) {
        match (found, expected) {
            (
                (a, StateValue::Tensor { shape, values }),
                (b, StateValue::Tensor { shape: b_shape, values: b_values }),
            ) => {
                assert_eq!((a, shape), (b, b_shape));
                check_close(values, b_values, tolerance);
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }
    // In PyTorch's order the state goes on, and comes back as it was.
    let mut resumed = settings.init_for::<T>(plain).unwrap();
    resumed.load_state_dict(&found).unwrap();
    assert_eq!(resumed.state_dict(), found);
    state.load_state_dict(&resumed.state_dict()).unwrap();
    assert_eq!(state.state_dict(), found);
}

#[test]
fn what_is_done_element_by_element_is_the_same_to_the_bit() {
    check::<f32, _>(&KERNELS, Adam { lr: 0.05, ..Adam::DEFAULT }, 0.0);
    check::<f64, _>(&SPLIT, SGD { lr: 0.05, momentum: 0.9, ..SGD::DEFAULT }, 0.0);
}

/// Sums of squares are made in another order.
const ROUNDING: [f64; 2] = [1e-5, 1e-13];

#[test]
fn adafactor_means_pytorchs_rows_and_columns() {
    let settings = Adafactor { lr: 0.05, ..Adafactor::DEFAULT };
    check::<f32, _>(&KERNELS, settings, ROUNDING[0]);
    check::<f64, _>(&KERNELS, settings, ROUNDING[1]);
    check::<f64, _>(&SPLIT, settings, ROUNDING[1]);
}

#[test]
fn norms_of_parameters_are_the_same() {
    check::<f32, _>(&KERNELS, LAMB { lr: 0.05, ..LAMB::DEFAULT }, ROUNDING[0]);
    check::<f64, _>(&KERNELS, LAMB { lr: 0.05, ..LAMB::DEFAULT }, ROUNDING[1]);
    check::<f64, _>(&KERNELS, LARS { lr: 0.05, momentum: 0.9, ..LARS::DEFAULT }, ROUNDING[1]);
}

#[test]
fn muon_makes_pytorchs_matrix_orthogonal() {
    check::<f32, _>(&SPLIT, Muon { lr: 0.05, ..Muon::DEFAULT }, 0.0);
    check::<f64, _>(&SPLIT, Muon { lr: 0.05, ..Muon::DEFAULT }, 0.0);
    // Of a square matrix it is the transpose, with other sums.
    let settings = Muon { lr: 0.05, ns_dtype: NsDtype::Parameters, ..Muon::DEFAULT };
    check::<f64, _>(&SQUARE, settings, ROUNDING[1]);
}

#[test]
fn sparse_adam_leaves_pytorchs_rows_alone() {
    check::<f32, _>(&KERNEL_TABLES, SparseAdam { lr: 0.05, ..SparseAdam::DEFAULT }, 0.0);
    check::<f64, _>(&KERNEL_TABLES, SparseAdam { lr: 0.05, ..SparseAdam::DEFAULT }, 0.0);
}
