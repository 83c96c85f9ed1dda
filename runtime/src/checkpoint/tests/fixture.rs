//! A network of weights only: a transposed matrix, a bias, a batch norm with its buffers, a convolution's kernel, a matrix
//! behind its flattened channels, and a tied weight.

use crate::network::{
    BufferSpec, Kind, LayerSpec, Mode, Network, Output, Outputs, ParamSpec, RowLoss, Sample, UpdateBy, Weights,
};
use crate::{Flat, Real, Update, Workspace};

/// `Sequential(Linear(3, 2), BatchNorm1d(2), …, Conv2d(3, 2, 2, bias=False), Flatten(), Linear(8, 2, bias=False))`, as
/// far as weights go, and the first matrix used again as `head`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fixture<T: Real>(pub(crate) Weights<T>);

const fn param(name: &'static str, shape: &'static [usize], offset: usize, order: &'static [usize]) -> ParamSpec {
    ParamSpec::new(name, shape, offset, Kind::Weight).stored(order)
}

impl<T: Real + Sample<T>> Fixture<T> {
    /// Numbers that are all different, so that none can stand in for another.
    pub(crate) fn new() -> Self {
        let mut model = Fixture::zeros();
        for spec in Self::PARAMS {
            for i in spec.offset..spec.offset + spec.len {
                model.0.parameters[i] = T::from_f64(i as f64 + 0.1);
            }
        }
        for (i, x) in model.0.buffers.iter_mut().enumerate() {
            *x = T::from_f64(100.0 / (i as f64 + 3.0));
        }
        model.0.counters[0] = 7;
        model
    }

    pub(crate) fn zeros() -> Self {
        Fixture(Weights { parameters: Flat::zeros(112), buffers: Flat::zeros(4), counters: vec![0], seed: 3, draws: 5 })
    }
}

impl<T: Real + Sample<T>> Network<T> for Fixture<T> {
    const NAME: &'static str = "Fixture";
    const PARAMS: &'static [ParamSpec] = &[
        param("0.weight", &[2, 3], 0, &[1, 0]),
        param("0.bias", &[2], 16, &[]),
        param("1.weight", &[2], 32, &[]),
        param("1.bias", &[2], 48, &[]),
        param("2.weight", &[2, 3, 2, 2], 64, &[2, 3, 1, 0]),
        param("4.weight", &[2, 8], 96, &[]).split(&[2, 2, 2, 2]).stored(&[2, 3, 1, 0]),
    ];
    const ALIASES: &'static [(&'static str, &'static str)] = &[("head.weight", "0.weight")];
    const BUFFERS: &'static [BufferSpec] = &[
        BufferSpec { name: "1.running_mean", shape: &[2], offset: 0, len: 2, counter: false, init: 0.0 },
        BufferSpec { name: "1.running_var", shape: &[2], offset: 2, len: 2, counter: false, init: 1.0 },
        BufferSpec { name: "1.num_batches_tracked", shape: &[], offset: 0, len: 1, counter: true, init: 0.0 },
    ];
    const LAYERS: &'static [LayerSpec] = &[];
    const PARAMETERS: usize = 52;
    const FLOPS_PER_SAMPLE: u64 = 12;
    const VALUES: usize = 0;
    const STATISTICS: usize = 0;
    const WORKSPACE_BYTES_PER_SAMPLE: usize = 0;
    const INPUT_SHAPE: &'static [usize] = &[3];
    const OUTPUT_SHAPE: &'static [usize] = &[2];
    const OUTPUT: Output = Output::Unbounded;

    type InputScalar = T;
    type Input = [T; 3];
    type Output = [T; 2];

    fn weights(&self) -> &Weights<T> {
        &self.0
    }
    fn weights_mut(&mut self) -> &mut Weights<T> {
        &mut self.0
    }
    fn forward<'w>(
        &mut self,
        _mode: Mode,
        _inputs: &[[T; 3]],
        _workspace: &'w mut Workspace<T>,
    ) -> Outputs<'w, T, [T; 2]> {
        unreachable!("{COMPUTES_NOTHING}")
    }
    fn outputs(_workspace: &Workspace<T>) -> &[[T; 2]] {
        unreachable!("{COMPUTES_NOTHING}")
    }
    fn backward_into(
        &self,
        _inputs: &[[T; 3]],
        _workspace: &mut Workspace<T>,
        _update: Update<'_, T>,
        _d_inputs: Option<&mut [[T; 3]]>,
    ) {
        unreachable!("{COMPUTES_NOTHING}")
    }
    fn forward_backward(
        &mut self,
        _inputs: &[[T; 3]],
        _loss: &dyn RowLoss<T>,
        _workspace: &mut Workspace<T>,
        _update: UpdateBy<'_, T>,
    ) -> T {
        unreachable!("{COMPUTES_NOTHING}")
    }
    fn predict_into(&self, _inputs: &[[T; 3]], _outputs: &mut [[T; 2]]) {
        unreachable!("{COMPUTES_NOTHING}")
    }
}

const COMPUTES_NOTHING: &str = "the fixture has weights, and computes nothing";
