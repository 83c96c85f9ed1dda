//! The phase of the parameters: each thread finishes the gradients of a part of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Update;
use crate::Real;
use crate::network::ParamSpec;
use crate::parallel::{num_threads, share_out, threads_for};

/// How many multiply-adds take as long as handing over one element of a gradient. With AVX2 and in cache adding it to an
/// array takes 9, SGD's momentum 13, Adam's moments 30; from memory it is more.
const HANDING_OVER: f64 = 20.0;

/// Runs `body` on `update`, shared out among the threads by cutting the flat parameter array, each parameter at
/// multiples of its [`ParamSpec::row`] only, so that each thread has as much to do; gradients are sums over `samples`
/// samples, none if they are there already. What is too little to gain from a second thread is done by one. Returns the
/// first parameter of `table` of which a gradient was NaN or infinite, the same one however the work is shared out.
///
/// # Panics
/// If `body` does, on whatever thread.
#[doc(hidden)]
#[inline]
pub fn for_each_update<T: Real>(
    update: Update<'_, T>,
    table: &[ParamSpec],
    samples: usize,
    body: impl Fn(&mut Update<'_, T>) + Sync,
) -> Option<usize> {
    let costs = Costs { table, samples };
    let (mut threads, mut share) = (num_threads(), 0.0);
    if threads > 1 {
        let cost = costs.of(&update);
        threads = threads_for((2.0 * cost) as u64, update.range().len());
        share = cost / threads as f64;
    }
    if threads <= 1 {
        return update.gathering(body).and_then(|place| parameter_at(table, place));
    }
    let first = AtomicUsize::new(usize::MAX);
    share_out(
        threads,
        update,
        |rest: Update<'_, T>| match costs.cut(&rest, share) {
            Some(at) => {
                let (share, rest) = rest.split_at(at);
                (share, Some(rest))
            }
            None => (rest, None),
        },
        |mut update| {
            body(&mut update);
            if let Some(place) = update.non_finite() {
                first.fetch_min(place, Ordering::Relaxed);
            }
        },
    );
    parameter_at(table, first.into_inner())
}

/// The parameter that has the element `place` of the flat array.
fn parameter_at(table: &[ParamSpec], place: usize) -> Option<usize> {
    table.iter().position(|param| (param.offset..param.offset + param.len).contains(&place))
}

/// What finishing gradients takes, in multiply-adds.
#[derive(Clone, Copy)]
struct Costs<'t> {
    table: &'t [ParamSpec],
    samples: usize,
}

impl Costs<'_> {
    /// Of one element of a parameter.
    fn of_element<T: Real>(self, update: &Update<'_, T>, index: usize) -> f64 {
        // Nobody computes the gradient of a frozen one.
        if !update.wants(index) {
            return 0.0;
        }
        HANDING_OVER + self.table[index].cost as f64 * self.samples as f64
    }

    /// Of all that `update` is responsible for.
    fn of<T: Real>(self, update: &Update<'_, T>) -> f64 {
        let params = self.table.iter().enumerate();
        params.map(|(i, p)| update.part_of(p.offset, p.len).len() as f64 * self.of_element(update, i)).sum()
    }

    /// Where to cut what is left, `rest`, so that a share of about `share` comes off; `None` if it is no more than one.
    fn cut<T: Real>(self, rest: &Update<'_, T>, share: f64) -> Option<usize> {
        let cost = self.of(rest);
        let shares = (cost / share).round();
        if shares < 2.0 {
            return None;
        }
        // Of equal shares of the rest, so that what rounding has left over is nobody's alone.
        let wanted = cost / shares;
        let mut before = 0.0;
        for (index, param) in self.table.iter().enumerate() {
            let (part, element) = (rest.part_of(param.offset, param.len), self.of_element(rest, index));
            let cost = part.len() as f64 * element;
            if before + cost > wanted {
                let rows = |elements: usize| (elements + param.row / 2) / param.row;
                // Some of it, if it is the first.
                let least = part.start / param.row + usize::from(before == 0.0);
                let rows = rows(part.start + ((wanted - before) / element) as usize).max(least);
                let at = param.offset + (rows * param.row).min(param.len);
                return Some(at).filter(|&at| at < rest.range().end);
            }
            before += cost;
        }
        None
    }
}

#[cfg(test)]
mod tests;
