//! Rules and gradients: what is applied at once, in which order, and what is noticed.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// p ← p - rate · g, and counts its calls.
#[derive(Debug)]
struct Descent(f32, AtomicUsize);

impl ElementRule<f32> for Descent {
    fn apply(&self, parameters: &mut [f32], gradient: &[f32], _slots: &mut [&mut [f32]]) {
        self.1.fetch_add(1, Ordering::Relaxed);
        parameters.iter_mut().zip(gradient).for_each(|(p, g)| *p -= self.0 * g);
    }
}

/// Parameters 0, 1 and 4 have the first rule, 3 the second, 2 is frozen.
struct Table([Descent; 2]);

impl Rules<f32> for Table {
    fn rule(&self, index: usize) -> Option<&dyn ElementRule<f32>> {
        [Some(0), Some(0), None, Some(1), Some(0)][index].map(|rule| &self.0[rule] as &dyn ElementRule<f32>)
    }
}

#[test]
fn rules_are_applied_to_neighbours_at_once() {
    let rule = |rate| Descent(rate, Default::default());
    let table = Table([rule(1.0), rule(10.0)]);
    let (mut parameters, mut average) = ([0.0; 20], [0.0; 20]);
    let update = Update::apply(&mut parameters, std::iter::empty(), &table).follow(&mut average, 0.5, false);
    update.gathering(|update| {
        update.finish(0, 0, &[1.0; 4]);
        update.finish_with(1, 4, 4, |gradient| gradient.fill(2.0));
        update.finish_with(2, 8, 4, |_| unreachable!("nobody wants the gradient of a frozen parameter"));
        update.finish(2, 8, &[5.0; 4]);
        update.finish(3, 12, &[3.0; 4]);
        update.finish(4, 16, &[4.0; 2]);
        assert_eq!(table.0[0].1.load(Ordering::Relaxed), 1, "parameters 0 and 1 in one call");
        // The last two elements are left out.
    });
    assert_eq!(parameters[..8], [-1.0, -1.0, -1.0, -1.0, -2.0, -2.0, -2.0, -2.0]);
    assert_eq!(parameters[8..], [0.0, 0.0, 0.0, 0.0, -30.0, -30.0, -30.0, -30.0, -4.0, -4.0, 0.0, 0.0]);
    assert_eq!(average, parameters.map(|p| p / 2.0));
    let calls = table.0.map(|rule| rule.1.into_inner());
    assert_eq!(calls, [2, 1], "and parameters 3 and 4 in one each");
}

/// s ← s + g, p ← p - s in the first array of state, with the second left out.
#[derive(Debug)]
struct Momentum;

impl ElementRule<f32> for Momentum {
    fn apply(&self, parameters: &mut [f32], gradient: &[f32], slots: &mut [&mut [f32]]) {
        let [sums, unused] = slots else { panic!("two arrays of state") };
        assert!(unused.is_empty());
        for ((p, g), s) in parameters.iter_mut().zip(gradient).zip(sums.iter_mut()) {
            *s += g;
            *p -= *s;
        }
    }
}

impl Rules<f32> for Momentum {
    fn rule(&self, _index: usize) -> Option<&dyn ElementRule<f32>> {
        Some(self)
    }
}

#[test]
fn gathered_gradients_may_come_in_any_order_and_to_a_part_of_the_parameters() {
    let gradient: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let run = |gathering: bool, pieces: &[Range<usize>]| {
        let (mut parameters, mut sums) = ([1.0f32; 40], [0.5f32; 40]);
        let slots = [&mut sums[..], &mut []].into_iter();
        let (_, mut update) = Update::apply(&mut parameters, slots, &Momentum).split_at(8);
        let hand_over = |update: &mut Update<'_, f32>| {
            for piece in pieces {
                update.finish(0, piece.start, &gradient[piece.clone()]);
            }
        };
        if gathering {
            update.gathering(hand_over);
        } else {
            hand_over(&mut update);
        }
        (parameters, sums)
    };
    let singles: Vec<_> = (8..40).map(|i| i..i + 1).collect();
    for pieces in [&[24..40, 8..24][..], &[8..10, 30..31, 10..12], &singles] {
        assert_eq!(run(true, pieces), run(false, pieces), "{pieces:?}");
    }
}

/// What is noticed of gradients that are NaN at these places, handed over in pieces, with the elements from 8 on frozen.
fn noticed(places: &[usize], pieces: &[Range<usize>], gathering: bool) -> [Option<usize>; 2] {
    let mut gradient = [1.0f32; 20];
    places.iter().for_each(|&place| gradient[place] = f32::NAN);
    let index = |piece: &Range<usize>| piece.start / 4;
    let table = Table([Descent(1.0, Default::default()), Descent(1.0, Default::default())]);
    let trainable = [true, true, false, true, true];
    let hand_over = |update: &mut Update<'_, f32>| {
        pieces.iter().for_each(|piece| update.finish(index(piece), piece.start, &gradient[piece.clone()]));
    };
    let (mut parameters, mut sums) = ([0.0; 20], [0.0; 20]);
    let mut apply = Update::apply(&mut parameters, std::iter::empty(), &table);
    let mut accumulate = Update::accumulate(&mut sums, Some(&trainable));
    hand_over(&mut accumulate);
    let applied = if gathering {
        apply.gathering(hand_over)
    } else {
        hand_over(&mut apply);
        apply.non_finite()
    };
    [applied, accumulate.non_finite()]
}

#[test]
fn the_first_gradient_that_is_not_finite_is_noticed_whatever_comes_first() {
    let (forwards, backwards) = ([0..4, 4..8, 8..12, 12..16, 16..20], [16..20, 12..16, 8..12, 4..8, 0..4]);
    for gathering in [false, true] {
        for pieces in [&forwards[..], &backwards[..]] {
            assert_eq!(noticed(&[], pieces, gathering), [None; 2]);
            assert_eq!(noticed(&[14, 6, 19], pieces, gathering), [Some(6); 2]);
            // A frozen parameter's does not matter.
            assert_eq!(noticed(&[9], pieces, gathering), [None; 2]);
            assert_eq!(noticed(&[9, 17], pieces, gathering), [Some(17); 2]);
        }
    }
}

#[test]
fn a_sum_of_gradients_may_be_infinite_though_none_of_them_is() {
    let mut sums = [f32::MAX; 4];
    let mut update = Update::accumulate(&mut sums, None);
    update.finish(0, 0, &[0.0, -1e38]);
    assert_eq!(update.non_finite(), None);
    update.finish(0, 2, &[0.0, 1e38]);
    assert_eq!(update.non_finite(), Some(3));
}

#[test]
fn a_part_knows_its_places() {
    let mut sums = [0.0f32; 12];
    let (left, mut right) = Update::accumulate(&mut sums, None).split_at(8);
    right.finish(0, 10, &[f32::INFINITY]);
    assert_eq!((left.non_finite(), right.non_finite()), (None, Some(10)));
}

crate::network! { Saturated < Linear(3, 1) -> ReLU -> Linear(1, 40) -> Tanh -> Linear(40, 2) > }

/// The outputs of the mean.
struct Mean;
impl<T: Real> crate::network::RowLoss<T> for Mean {
    fn rows(&self, _first_row: usize, outputs: &[T], losses: &mut [T], gradient: &mut [T]) {
        losses.iter_mut().zip(outputs.chunks(2)).for_each(|(loss, row)| *loss = row[0] + row[1]);
        gradient.fill(T::ONE);
    }
}

/// The parameter that a step names whose first sample is infinite, folded or not.
fn named<T: Real>(folded: bool, model: &Saturated<T>) -> Option<&'static str>
where
    Saturated<T>: crate::Network<T, Input = [T; 3]>,
{
    use crate::network::{Network, UpdateBy};
    use crate::optim::{Adam, Optimizer, OptimizerState};
    let mut optimizer = Adam::DEFAULT.init(model);
    let (mut workspace, mut gradients) = (model.workspace(5), model.zeros());
    let mut inputs = [[T::from_f64(0.5); 3]; 5];
    for infinite in [f64::INFINITY, 0.5, f64::NEG_INFINITY] {
        inputs[2][1] = T::from_f64(infinite);
        let update = match folded {
            true => UpdateBy::Optimizer(optimizer.fold().expect("it is element-wise")),
            false => UpdateBy::Gradients(&mut gradients.0, None),
        };
        let loss = model.clone().forward_backward(&inputs, &Mean, &mut workspace, update);
        assert!(loss.is_finite(), "{loss}");
        if infinite.is_finite() {
            assert_eq!(workspace.non_finite_gradient(), None);
        }
        gradients.zero();
    }
    workspace.non_finite_gradient().map(|index| <Saturated<T> as Network<T>>::PARAMS[index].name)
}

#[test]
fn a_step_knows_of_a_gradient_that_is_not_finite_on_every_instruction_set() {
    use crate::Network;
    let mut model = Saturated::seeded(1).cast::<f64>();
    model.weights_mut().parameters[..3].fill(0.5);
    for isa in crate::simd::Isa::all() {
        isa.force(|| {
            for folded in [true, false] {
                assert_eq!(named::<f32>(folded, &model.cast()), Some("0.weight"), "{isa:?}");
                assert_eq!(named::<f64>(folded, &model), Some("0.weight"), "{isa:?}");
            }
        });
    }
}

#[test]
fn of_a_whole_gradient_each_part_takes_its_own() {
    let mut gradients = [0.0f32; 10];
    let (mut left, right) = Update::accumulate(&mut gradients, None).split_at(4);
    let (mut middle, mut right) = right.split_at(8);
    for update in [&mut left, &mut middle, &mut right] {
        update.finish_within(0, 0, &[1.0, 2.0]);
        update.finish_within(1, 3, &[3.0, 4.0, 5.0]);
    }
    assert_eq!(right.part_of(3, 3), 3..3, "none of it");
    assert_eq!(gradients, [1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
}
