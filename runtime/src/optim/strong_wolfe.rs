//! The line search of L-BFGS: a step length that satisfies the strong Wolfe conditions, by cubic interpolation.
//!
//! Along a direction, with f(t) the loss and s(t) its slope after a step of length t, the conditions are
//! f(t) ≤ f(0) + c₁ t s(0) and |s(t)| ≤ −c₂ s(0). Nocedal and Wright, Numerical optimization (2006), algorithms 3.5 and
//! 3.6, with the details of PyTorch's port of minFunc.

/// One evaluation along the direction. `place` says where its gradient is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// The step length.
    pub(super) t: f64,
    /// The loss.
    pub(super) f: f64,
    /// The directional derivative.
    pub(super) slope: f64,
    /// Which of the gradient buffers holds the gradient.
    pub(super) place: usize,
}

const C1: f64 = 1e-4;
const C2: f64 = 0.9;

/// How many gradients have to be kept at a time: the two ends of the bracket, the start, and a new one.
pub(super) const PLACES: usize = 4;

/// Searches from `start` (t = 0) on, beginning with length `t`. `evaluate(t, place)` returns loss and slope after a step
/// of length t, and keeps the gradient in `place`. `d_norm` is the largest element of the direction. Returns the point
/// found and the number of evaluations.
pub(super) fn search(
    mut evaluate: impl FnMut(f64, usize) -> (f64, f64),
    start: Point,
    mut t: f64,
    d_norm: f64,
    tolerance_change: f64,
    max_ls: u64,
) -> (Point, u64) {
    let mut evaluations = 0;
    let mut at = |t: f64, used: [usize; 3]| {
        let place = (0..PLACES).find(|place| !used.contains(place)).expect("there is one place more than points");
        let (f, slope) = evaluate(t, place);
        evaluations += 1;
        Point { t, f, slope, place }
    };
    let armijo = |point: &Point| point.f > start.f + C1 * point.t * start.slope;
    let is_flat = |point: &Point| point.slope.abs() <= -C2 * start.slope;

    // First a bracket that contains a point that satisfies the conditions.
    let (mut last, mut new) = (start, at(t, [start.place; 3]));
    let mut iteration = 0;
    let mut bracket = loop {
        if iteration == max_ls {
            break [start, new];
        }
        if armijo(&new) || (iteration > 1 && new.f >= last.f) {
            break [last, new];
        }
        if is_flat(&new) {
            return (new, evaluations);
        }
        if new.slope >= 0.0 {
            break [last, new];
        }
        let bounds = (t + 0.01 * (t - last.t), t * 10.0);
        t = cubic_interpolate(&last, &new, Some(bounds));
        last = new;
        new = at(t, [start.place, last.place, last.place]);
        iteration += 1;
    };

    // Then the bracket is made smaller around it.
    let mut insufficient = false;
    let order = |bracket: &[Point; 2]| if bracket[0].f <= bracket[1].f { (0, 1) } else { (1, 0) };
    let (mut low, mut high) = order(&bracket);
    while iteration < max_ls {
        if (bracket[1].t - bracket[0].t).abs() * d_norm < tolerance_change {
            break;
        }
        t = cubic_interpolate(&bracket[0], &bracket[1], None);

        // Too near to an end, twice or beyond it: a tenth of the bracket away from that end.
        let (left, right) = (bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t));
        let margin = 0.1 * (right - left);
        let is_near = (right - t).min(t - left) < margin;
        let is_moved = is_near && (insufficient || t >= right || t <= left);
        if is_moved {
            t = if (t - right).abs() < (t - left).abs() { right - margin } else { left + margin };
        }
        insufficient = is_near && !is_moved;

        let new = at(t, [start.place, bracket[0].place, bracket[1].place]);
        iteration += 1;
        if armijo(&new) || new.f >= bracket[low].f {
            bracket[high] = new;
            (low, high) = order(&bracket);
        } else {
            let done = is_flat(&new);
            if !done && new.slope * (bracket[high].t - bracket[low].t) >= 0.0 {
                bracket[high] = bracket[low];
            }
            bracket[low] = new;
            if done {
                break;
            }
        }
    }
    (bracket[low], evaluations)
}

/// The minimum of the cubic through both points with their slopes, within `bounds` (between the points, if `None`).
fn cubic_interpolate(a: &Point, b: &Point, bounds: Option<(f64, f64)>) -> f64 {
    let (lower, upper) = bounds.unwrap_or(if a.t <= b.t { (a.t, b.t) } else { (b.t, a.t) });
    let d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    let d2_square = d1 * d1 - a.slope * b.slope;
    if d2_square >= 0.0 {
        let d2 = d2_square.sqrt();
        let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
        let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
        t.max(lower).min(upper)
    } else {
        (lower + upper) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches on `f` with derivative `slope`; returns length and number of evaluations.
    fn check(f: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64, t: f64) -> (f64, u64) {
        let start = Point { t: 0.0, f: f(0.0), slope: slope(0.0), place: 0 };
        let mut kept = [0.0; PLACES];
        let evaluate = |t, place: usize| {
            assert_ne!(place, 0, "the start's gradient was written over");
            kept[place] = t;
            (f(t), slope(t))
        };
        let (found, evaluations) = search(evaluate, start, t, 1.0, 1e-9, 25);
        assert!(found.f <= start.f + C1 * found.t * start.slope && found.slope.abs() <= -C2 * start.slope, "{found:?}");
        assert_eq!(kept[found.place], found.t, "the gradient of the point found was written over");
        (found.t, evaluations)
    }

    #[test]
    fn a_good_first_length_is_taken() {
        assert_eq!(check(|t| (t - 1.0).powi(2), |t| 2.0 * (t - 1.0), 1.0), (1.0, 1));
    }

    #[test]
    fn a_length_too_short_is_extended() {
        let (t, evaluations) = check(|t| (t - 100.0).powi(2), |t| 2.0 * (t - 100.0), 1.0);
        assert!(t > 5.0 && evaluations > 1, "{t} after {evaluations}");
    }

    #[test]
    fn a_length_too_long_is_bracketed() {
        let (t, _) = check(|t| t * t * t * t - t, |t| 4.0 * t * t * t - 1.0, 50.0);
        assert!((t - 0.63).abs() < 0.4, "{t}");
    }

    #[test]
    fn a_wavy_function_is_searched() {
        check(|t| -(t.sin()) - 0.1 * (7.0 * t).cos(), |t| -(t.cos()) + 0.7 * (7.0 * t).sin(), 3.0);
    }
}
