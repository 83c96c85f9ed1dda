//! Each parameter is updated once, between rows, and threads have as much to do as each other.

use super::*;
use crate::kernels::rows_of_a_cut;
use crate::network::Kind;
use crate::parallel::tests::with_threads;

/// The parameters of a network.
#[derive(Default)]
struct Table(Vec<ParamSpec>);

impl Table {
    fn param(mut self, len: usize, row: usize, cost: usize) -> Self {
        let offset = self.0.last().map_or(0, |last| (last.offset + last.len).next_multiple_of(16));
        self.0.push(ParamSpec { len, row, cost, ..ParamSpec::new("p", &[], offset, Kind::Weight) });
        self
    }

    fn matrix(self, rows: usize, columns: usize, cost: usize) -> Self {
        self.param(rows * columns, columns * rows_of_a_cut(rows), cost)
    }

    fn vector(self, len: usize, cost: usize) -> Self {
        self.param(len, 1, cost)
    }

    fn linear(self, inputs: usize, outputs: usize, cost: usize) -> Self {
        self.matrix(inputs, outputs, cost).vector(outputs, cost)
    }

    /// A square kernel that is applied at `side`² places.
    fn conv(self, inputs: usize, outputs: usize, kernel: usize, side: usize) -> Self {
        self.matrix(kernel * kernel * inputs, outputs, side * side)
    }

    fn norm(self, features: usize, cost: usize) -> Self {
        self.vector(features, cost).vector(features, cost)
    }

    /// The length of the flat array.
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| last.offset + last.len)
    }

    /// What is cut off for each of some threads, in hundredths of the whole cost.
    fn shares(&self, threads: usize, samples: usize, trainable: Option<&[bool]>) -> Vec<f64> {
        let costs = Costs { table: &self.0, samples };
        let mut gradients = vec![0.0f32; self.len()];
        let mut rest = Update::accumulate(&mut gradients, trainable);
        let all = costs.of(&rest);
        let mut shares = Vec::new();
        while let Some(at) = costs.cut(&rest, all / threads as f64) {
            let (share, left) = rest.split_at(at);
            shares.push(100.0 * costs.of(&share) / all);
            rest = left;
        }
        shares.push(100.0 * costs.of(&rest) / all);
        shares
    }
}

/// LeNet-5 on images of 28 × 28.
fn lenet5() -> Table {
    let table = Table::default().conv(1, 6, 5, 28).vector(6, 28 * 28).conv(6, 16, 5, 10).vector(16, 10 * 10);
    table.linear(400, 120, 1).linear(120, 84, 1).linear(84, 10, 1)
}

/// Two convolutions of 3 × 3 without padding, and wide layers behind them.
fn lenet() -> Table {
    let table = Table::default().conv(1, 32, 3, 26).vector(32, 26 * 26).conv(32, 64, 3, 24).vector(64, 24 * 24);
    table.linear(9216, 128, 1).linear(128, 10, 1)
}

/// Three residual blocks for images of 32 × 32; the sums of batch norms are there before.
fn resnet8() -> Table {
    let mut table = Table::default().conv(3, 16, 3, 32).norm(16, 0);
    for (inputs, outputs, side) in [(16, 16, 32), (16, 32, 16), (32, 64, 8)] {
        table = table.conv(inputs, outputs, 3, side).norm(outputs, 0).conv(outputs, outputs, 3, side).norm(outputs, 0);
        if inputs != outputs {
            table = table.conv(inputs, outputs, 1, side).norm(outputs, 0);
        }
    }
    table.linear(64, 10, 1)
}

/// Twelve blocks, 128 wide, on 64 tokens of 5000. A tied head's product is part of the gradient of the table.
fn gpt(tied: bool) -> Table {
    const TOKENS: usize = 64;
    let mut table = Table::default().matrix(5000, 128, if tied { TOKENS } else { 0 }).matrix(TOKENS, 128, 1);
    for _ in 0..12 {
        table = table.norm(128, TOKENS).linear(128, 3 * 128, TOKENS).linear(128, 128, TOKENS);
        table = table.norm(128, TOKENS).linear(128, 4 * 128, TOKENS).linear(4 * 128, 128, TOKENS);
    }
    let table = table.norm(128, TOKENS);
    if tied { table } else { table.matrix(128, 5000, TOKENS) }
}

#[test]
fn two_threads_have_as_much_to_do_as_each_other() {
    let networks = [("LeNet-5", lenet5()), ("LeNet", lenet()), ("ResNet", resnet8())];
    let networks = networks.into_iter().chain([("GPT", gpt(false)), ("GPT with a tied head", gpt(true))]);
    for (name, table) in networks {
        for samples in [0, 1, 16, 64, 256] {
            let shares = table.shares(2, samples, None);
            let fair = |share: &f64| (45.0..=55.0).contains(share);
            assert!(shares.len() == 2 && shares.iter().all(fair), "{name}, {samples} samples: {shares:?}");
            let shares = table.shares(4, samples, None);
            let fair = |share: &f64| (20.0..=30.0).contains(share);
            assert!(shares.len() == 4 && shares.iter().all(fair), "{name}, {samples} samples: {shares:?}");
        }
    }
}

#[test]
fn a_frozen_parameter_costs_nothing() {
    let table = Table::default().linear(100, 80, 1).linear(80, 60, 1).linear(60, 60, 1);
    let shares = table.shares(2, 64, Some(&[false, false, true, true, true, true]));
    assert!(shares.len() == 2 && shares.iter().all(|share| (45.0..=55.0).contains(share)), "{shares:?}");
    assert!(table.shares(2, 64, Some(&[false; 6])).len() == 1, "there is nothing to share");
}

#[test]
fn one_large_parameter_is_cut_at_whole_tiles() {
    let table = Table::default().linear(1000, 300, 1);
    for threads in 2..=16 {
        let shares = table.shares(threads, 64, None);
        let whole = 100.0 / threads as f64;
        assert!(shares.len() == threads, "{shares:?}");
        // A tile of 6 rows is 0.6 of a hundred.
        assert!(shares.iter().all(|share| (share - whole).abs() < 0.7), "{shares:?}");
    }
}

#[test]
fn the_parameters_are_cut_between_rows_and_each_is_updated_once() {
    let table = Table::default().matrix(10, 7, 3).vector(33, 1).matrix(300, 5, 0).matrix(3, 40, 100).vector(5, 0);
    for threads in [1, 2, 3, 7, 16] {
        let _settings = with_threads(threads);
        let mut gradients = vec![0.0f32; table.len()];
        for_each_update(Update::accumulate(&mut gradients, None), &table.0, 8, |update| {
            for param in &table.0 {
                for start in (param.offset..param.offset + param.len).step_by(param.row) {
                    let (range, row) =
                        (update.range(), start..param.offset + param.len.min(start - param.offset + param.row));
                    if range.contains(&row.start) {
                        assert!(range.contains(&(row.end - 1)), "{row:?} is cut by {range:?}");
                        update.finish(0, start, &vec![1.0; row.len()]);
                    }
                }
            }
        });
        let expected: usize = table.0.iter().map(|param| param.len).sum();
        assert_eq!(gradients.iter().sum::<f32>(), expected as f32);
        assert!(gradients.iter().all(|&g| g <= 1.0));
    }
}
