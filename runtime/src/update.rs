//! What becomes of a finished gradient: it is added to an array, or it moves its parameter at once.
//!
//! The backward pass hands each parameter's gradient, tile by tile, to an [`Update`]. One kind adds it to a gradient
//! array (the two-phase way, `loss.backward()` and then `optimizer.step()`); the other applies the optimizer's
//! element-wise rule while the tile is still in cache, and the gradient is never stored (those of a small network wait
//! in a few kilobytes, for one call of their rule). The numbers are the same.

mod shares;

use std::fmt::Debug;
use std::ops::Range;

use crate::Real;
use crate::parallel::with_scratch;

#[doc(hidden)]
pub use shares::for_each_update;

/// The most parameter-shaped arrays that an element-wise optimizer keeps (AMSGrad's three moments, and one to spare).
pub const MAX_SLOTS: usize = 4;

/// An optimizer's rule for one step of one parameter group: every number it needs is fixed (bias corrections included).
///
/// Element-wise: element `i` of the parameter and of its state depends on element `i` of the gradient alone, so the
/// rule may be applied to any piece of the parameters that share it, in any order, with the same result.
pub trait ElementRule<T: Real>: Debug + Send + Sync {
    /// Moves `parameters` by `gradient`, and the state in `slots` with it. All slices have the same length; `slots`
    /// holds one for each kind of state that the optimizer may keep, empty where the settings do without it.
    fn apply(&self, parameters: &mut [T], gradient: &[T], slots: &mut [&mut [T]]);
}

/// The rules of one step, looked up by the parameter's place in the table.
pub trait Rules<T: Real>: Sync {
    /// The rule of parameter `index`; `None` if it is frozen.
    fn rule(&self, index: usize) -> Option<&dyn ElementRule<T>>;
}

/// Where gradients go, for the elements `range` of the flat parameter array.
pub struct Update<'a, T: Real> {
    range: Range<usize>,
    target: Target<'a, T>,
    /// The first place of a gradient that is NaN or infinite; behind all places if there is none so far.
    non_finite: usize,
}

enum Target<'a, T: Real> {
    Accumulate {
        gradients: &'a mut [T],
        trainable: Option<&'a [bool]>,
    },
    Apply {
        parameters: &'a mut [T],
        slots: [&'a mut [T]; MAX_SLOTS],
        used: usize,
        rules: &'a dyn Rules<T>,
        followers: [Option<Follower<'a, T>>; MAX_FOLLOWERS],
        gathered: Option<Gathered<'a, T>>,
    },
}

/// Finished gradients that lie side by side and wait for their common rule: a call of it takes as long as moving some
/// hundred elements, and the parameters of a small network have hardly more.
struct Gathered<'a, T> {
    /// One for each element that the update is responsible for.
    gradients: &'a mut [T],
    /// Those that wait.
    run: Range<usize>,
    /// A parameter of theirs.
    index: usize,
}

/// The most bytes of gradients that are gathered: they, the parameters and two arrays of state fit the first-level cache.
const GATHERED_BYTES: usize = 8192;

/// The most arrays that follow the parameters: Lookahead's slow weights, and an average.
const MAX_FOLLOWERS: usize = 2;

/// An array that moves towards the parameters after each update.
struct Follower<'a, T> {
    array: &'a mut [T],
    weight: T,
    leads: bool,
}

impl<T: Real> Follower<'_, T> {
    fn follow(&mut self, parameters: &mut [T], at: Range<usize>) {
        let array = &mut self.array[at];
        if self.weight == T::ONE {
            array.copy_from_slice(parameters);
        } else {
            T::lerp(array, parameters, self.weight);
            if self.leads {
                parameters.copy_from_slice(array);
            }
        }
    }
}

impl<'a, T: Real> Update<'a, T> {
    /// Adds to `gradients`, the whole flat array. `trainable[i]` is false for frozen parameters; `None`: all are trained.
    pub fn accumulate(gradients: &'a mut [T], trainable: Option<&'a [bool]>) -> Self {
        Update::new(0..gradients.len(), Target::Accumulate { gradients, trainable })
    }

    /// Applies `rules` to `parameters`, the whole flat array, whose state arrays are `slots`: each at least as long, or
    /// empty if that state is not kept.
    pub fn apply(parameters: &'a mut [T], slots: impl Iterator<Item = &'a mut [T]>, rules: &'a dyn Rules<T>) -> Self {
        let mut arrays: [&'a mut [T]; MAX_SLOTS] = Default::default();
        let mut used = 0;
        for (place, slot) in arrays.iter_mut().zip(slots) {
            let (found, expected) = (slot.len(), parameters.len());
            assert!(found == 0 || found >= expected, "optimizer state of length {found} for {expected} parameters");
            *place = &mut slot[..expected.min(found)];
            used += 1;
        }
        let followers = [const { None }; MAX_FOLLOWERS];
        Update::new(
            0..parameters.len(),
            Target::Apply { parameters, slots: arrays, used, rules, followers, gathered: None },
        )
    }

    fn new(range: Range<usize>, target: Target<'a, T>) -> Self {
        Update { range, target, non_finite: usize::MAX }
    }

    /// Lets `array`, a whole flat array, follow: right after each update it moves to array + weight · (p − array); with
    /// `leads`, the parameters then take its values.
    ///
    /// # Panics
    /// If this update is not one that applies rules, if it has two followers already, or one that was cut.
    pub fn follow(mut self, array: &'a mut [T], weight: T, leads: bool) -> Self {
        let Target::Apply { parameters, followers, .. } = &mut self.target else {
            panic!("gradients that are added up have no followers");
        };
        assert_eq!(self.range, 0..parameters.len(), "followers come before an update is cut");
        let place = followers.iter_mut().find(|place| place.is_none()).expect("an update has two followers at most");
        let len = parameters.len().min(array.len());
        *place = Some(Follower { array: &mut array[..len], weight, leads });
        self
    }

    /// The elements of the flat array that this part is responsible for.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The first place in the flat array whose gradient (with accumulation the sum of its gradients) has turned out to be
    /// NaN or infinite, of those that are trained and have been handed over so far.
    pub fn non_finite(&self) -> Option<usize> {
        Some(self.non_finite).filter(|&place| place < usize::MAX)
    }

    /// Looks at finished gradients, from place `start` on, while they are in cache.
    #[inline]
    fn look(non_finite: &mut usize, start: usize, gradient: &[T]) {
        if !T::all_finite(gradient) {
            let place = gradient.iter().position(|g| !g.is_finite()).expect("one of them is not");
            *non_finite = (*non_finite).min(start + place);
        }
    }

    /// Whether parameter `index` wants its gradient; a frozen one does not.
    pub fn wants(&self, index: usize) -> bool {
        match &self.target {
            Target::Accumulate { trainable, .. } => trainable.is_none_or(|t| t[index]),
            Target::Apply { rules, .. } => rules.rule(index).is_some(),
        }
    }

    /// The first of `count` parameters that wants its gradient; `count` if none does.
    pub fn first_wanted(&self, count: usize) -> usize {
        (0..count).find(|&index| self.wants(index)).unwrap_or(count)
    }

    /// Takes the finished gradient of the elements `start .. start + gradient.len()` (places in the flat array, within
    /// [`range`](Self::range)), which belong to parameter `index`. Each element may be handed over only once. That of a
    /// frozen parameter is forgotten.
    pub fn finish(&mut self, index: usize, start: usize, gradient: &[T]) {
        let at = start - self.range.start..start - self.range.start + gradient.len();
        match &mut self.target {
            Target::Accumulate { gradients, trainable } => {
                // No kernel has to ask `wants` first.
                if trainable.is_some_and(|trainable| !trainable[index]) {
                    return;
                }
                let sums = &mut gradients[at];
                for (sum, &g) in sums.iter_mut().zip(gradient) {
                    *sum += g;
                }
                Self::look(&mut self.non_finite, start, sums);
            }
            Target::Apply { gathered: Some(_), .. } => {
                if let Some(place) = self.gather(index, at) {
                    place.copy_from_slice(gradient);
                }
            }
            Target::Apply { .. } => self.apply_rule(index, at, gradient),
        }
    }

    /// The same for the whole gradient of parameter `index`, which begins at place `offset` of the flat array: takes the part
    /// of it that is within [`range`](Self::range).
    pub fn finish_within(&mut self, index: usize, offset: usize, gradient: &[T]) {
        let part = self.part_of(offset, gradient.len());
        if !part.is_empty() {
            self.finish(index, offset + part.start, &gradient[part]);
        }
    }

    /// Which of the `len` elements of the parameter at `offset` are within [`range`](Self::range).
    #[inline]
    pub(crate) fn part_of(&self, offset: usize, len: usize) -> Range<usize> {
        let element = |place: usize| place.clamp(offset, offset + len) - offset;
        element(self.range.start)..element(self.range.end)
    }

    /// The same for the gradient, `len` elements from `start` on, that `compute` writes: each element, over whatever is
    /// there. It is not called for a frozen parameter.
    pub(crate) fn finish_with(&mut self, index: usize, start: usize, len: usize, compute: impl FnOnce(&mut [T])) {
        if !self.wants(index) {
            return;
        }
        let from = start - self.range.start;
        match self.gather(index, from..from + len) {
            Some(place) => compute(place),
            None => with_scratch(len, |gradient| {
                compute(gradient);
                self.finish(index, start, gradient);
            }),
        }
    }

    /// Lets `body` hand over gradients. Those of a small network are gathered, and rules applied to several parameters
    /// at once; the numbers are the same. Returns [`non_finite`](Self::non_finite).
    pub(crate) fn gathering(mut self, body: impl FnOnce(&mut Update<'_, T>)) -> Option<usize> {
        if !matches!(self.target, Target::Apply { .. }) || self.range.len() * size_of::<T>() > GATHERED_BYTES {
            body(&mut self);
            return self.non_finite();
        }
        with_scratch(self.range.len(), |gradients| {
            let mut update: Update<'_, T> = self;
            if let Target::Apply { gathered, .. } = &mut update.target {
                *gathered = Some(Gathered { gradients, run: 0..0, index: 0 });
            }
            body(&mut update);
            update.apply_gathered();
            update.non_finite()
        })
    }

    /// Where the gradient of the elements `at` of parameter `index` is to wait; `None` if gradients are not gathered, or
    /// this one is not wanted.
    fn gather(&mut self, index: usize, at: Range<usize>) -> Option<&mut [T]> {
        let Target::Apply { rules, gathered: Some(waiting), .. } = &self.target else { return None };
        let rule = rules.rule(index)?;
        let adjoins = waiting.run.end == at.start;
        if !adjoins || !rules.rule(waiting.index).is_some_and(|common| std::ptr::eq(common, rule)) {
            self.apply_gathered();
        }
        let Target::Apply { gathered: Some(waiting), .. } = &mut self.target else { return None };
        let from = if waiting.run.is_empty() { at.start } else { waiting.run.start };
        (waiting.run, waiting.index) = (from..at.end, index);
        Some(&mut waiting.gradients[at])
    }

    /// Applies their rule to the gradients that wait.
    fn apply_gathered(&mut self) {
        let Target::Apply { gathered, .. } = &mut self.target else { return };
        let Some(mut waiting) = gathered.take() else { return };
        let run = std::mem::take(&mut waiting.run);
        if !run.is_empty() {
            self.apply_rule(waiting.index, run.clone(), &waiting.gradients[run]);
        }
        if let Target::Apply { gathered, .. } = &mut self.target {
            *gathered = Some(waiting);
        }
    }

    /// Applies the rule of parameter `index` to the elements `at`.
    fn apply_rule(&mut self, index: usize, at: Range<usize>, gradient: &[T]) {
        let Target::Apply { parameters, slots, used, rules, followers, .. } = &mut self.target else { return };
        let Some(rule) = rules.rule(index) else { return };
        Self::look(&mut self.non_finite, self.range.start + at.start, gradient);
        let [a, b, c, d] = slots;
        let mut pieces: [&mut [T]; MAX_SLOTS] = Default::default();
        for (piece, slot) in pieces.iter_mut().zip([a, b, c, d]).take(*used) {
            *piece = if slot.is_empty() { slot } else { &mut slot[at.clone()] };
        }
        let parameters = &mut parameters[at.clone()];
        rule.apply(parameters, gradient, &mut pieces[..*used]);
        for follower in followers.iter_mut().flatten() {
            follower.follow(parameters, at.clone());
        }
    }

    /// Cuts the responsibility at element `at` of the flat array, for two threads: before gradients are handed over.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let cut = at - self.range.start;
        let (left, right) = (self.range.start..at, at..self.range.end);
        match self.target {
            Target::Accumulate { gradients, trainable } => {
                let (a, b) = gradients.split_at_mut(cut);
                (
                    Update::new(left, Target::Accumulate { gradients: a, trainable }),
                    Update::new(right, Target::Accumulate { gradients: b, trainable }),
                )
            }
            Target::Apply { parameters, slots, used, rules, followers, gathered } => {
                debug_assert!(gathered.is_none(), "an update is cut before gradients are gathered");
                let (p, q) = parameters.split_at_mut(cut);
                let mut a: [&mut [T]; MAX_SLOTS] = Default::default();
                let mut b: [&mut [T]; MAX_SLOTS] = Default::default();
                for (i, slot) in slots.into_iter().take(used).enumerate() {
                    (a[i], b[i]) = slot.split_at_mut(cut.min(slot.len()));
                }
                let mut f = [const { None }; MAX_FOLLOWERS];
                let mut g = [const { None }; MAX_FOLLOWERS];
                for (i, Follower { array, weight, leads }) in followers.into_iter().flatten().enumerate() {
                    let (x, y) = array.split_at_mut(cut.min(array.len()));
                    f[i] = Some(Follower { array: x, weight, leads });
                    g[i] = Some(Follower { array: y, weight, leads });
                }
                let first = Target::Apply { parameters: p, slots: a, used, rules, followers: f, gathered: None };
                let second = Target::Apply { parameters: q, slots: b, used, rules, followers: g, gathered: None };
                (Update::new(left, first), Update::new(right, second))
            }
        }
    }
}

#[cfg(test)]
mod tests;
