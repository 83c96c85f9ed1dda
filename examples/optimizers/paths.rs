//! The way of every optimizer through Rosenbrock's valley, f = (1 − x)² + 100 (y − x²)², from (−1.2, 1) to (1, 1).
//!
//! Each may take the same number of gradients, and has the learning rate, of a fixed list, that ends lowest without
//! leaving the map on the way; its other options are the defaults but for what the title says and for the weight decay,
//! which would move the minimum.

use std::error::Error;
use std::ops::Range;

use glulam::network::{Kind, ParamSpec};
use glulam::optim::*;

/// Where every path begins.
const START: Point = [-1.2, 1.0];

/// The map.
pub(crate) const MAP_X: Range<f64> = -1.75..1.45;
pub(crate) const MAP_Y: Range<f64> = -0.55..1.95;

/// x and y.
pub(crate) type Point = [f64; 2];

/// What an optimizer is a relative of: its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Gradient,
    Adaptive,
    Length,
    Around,
    Curvature,
}

/// One optimizer's path.
pub(crate) struct Path {
    pub title: &'static str,
    pub family: Family,
    pub lr: f64,
    /// How many gradients had been taken at each point.
    pub gradients: Vec<usize>,
    pub points: Vec<Point>,
}

impl Path {
    /// The function where the path ends.
    pub(crate) fn loss(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |&point| rosenbrock(point).0)
    }
}

/// The function and its gradient.
fn rosenbrock([x, y]: Point) -> (f64, Point) {
    let (a, b) = (1.0 - x, y - x * x);
    (a * a + 100.0 * b * b, [-2.0 * a - 400.0 * x * b, 200.0 * b])
}

/// x and y are one parameter: a table of one row, since Muon moves matrices and SparseAdam rows of tables.
static TABLE: [ParamSpec; 1] = [ParamSpec::new("point", &[1, 2], 0, Kind::Embedding)];

/// A path in the making, within its budget of gradients.
struct Walk {
    budget: usize,
    taken: usize,
    gradients: Vec<usize>,
    points: Vec<Point>,
}

impl Walk {
    fn new(budget: usize) -> Self {
        Walk { budget, taken: 0, gradients: vec![0], points: vec![START] }
    }

    /// The loss at `at`, with its gradient.
    fn evaluate(&mut self, at: &[f64], gradient: &mut [f64]) -> f64 {
        let (loss, slope) = rosenbrock([at[0], at[1]]);
        gradient[..2].copy_from_slice(&slope);
        self.taken += 1;
        loss
    }

    fn arrive(&mut self, at: &[f64]) {
        self.gradients.push(self.taken);
        self.points.push([at[0], at[1]]);
    }

    fn goes_on(&self) -> bool {
        self.taken < self.budget
    }
}

/// An optimizer that is given a gradient for each step.
fn walk<S: Optimizer>(settings: S, budget: usize) -> Result<Walk, OptimError> {
    let mut state = settings.init_for::<f64>(&TABLE)?;
    let (mut walk, mut at, mut gradient) = (Walk::new(budget), START, [0.0; 2]);
    while walk.goes_on() {
        walk.evaluate(&at, &mut gradient);
        state.step_flat(&mut at, &gradient);
        // What one would evaluate and save: the averages, of a schedule-free optimizer.
        state.eval(&mut at);
        walk.arrive(&at);
        state.train(&mut at);
    }
    Ok(walk)
}

fn walk_sam(settings: SAM<SGD>, budget: usize) -> Result<Walk, OptimError> {
    let mut state = settings.init_for::<f64>(&TABLE)?;
    let (mut walk, mut at) = (Walk::new(budget), START);
    while walk.goes_on() {
        state.step_flat(&mut at, |p, gradient| walk.evaluate(p, gradient));
        walk.arrive(&at);
    }
    Ok(walk)
}

fn walk_lbfgs(settings: LBFGS, budget: usize) -> Result<Walk, OptimError> {
    let mut state = settings.init_for::<f64>(&TABLE)?;
    let (mut walk, mut at) = (Walk::new(budget), START);
    while walk.goes_on() {
        let before = at;
        state.step_flat(&mut at, |p, gradient| walk.evaluate(p, gradient));
        walk.arrive(&at);
        if at == before {
            break; // It has converged.
        }
    }
    Ok(walk)
}

/// A quarter of a decade apart.
fn rates() -> impl Iterator<Item = f64> {
    (-20..=10).map(|k| 10f64.powf(f64::from(k) / 4.0))
}

/// The path with the rate that ends lowest, of those that stay on the map.
fn best(
    title: &'static str,
    family: Family,
    rates: impl Iterator<Item = f64>,
    walk: impl Fn(f64) -> Result<Walk, OptimError>,
) -> Result<Path, OptimError> {
    let mut best: Option<Path> = None;
    for lr in rates {
        let Walk { gradients, points, .. } = walk(lr)?;
        let path = Path { title, family, lr, gradients, points };
        let stays = path.points.iter().all(|[x, y]| MAP_X.contains(x) && MAP_Y.contains(y));
        if stays && best.as_ref().is_none_or(|best| path.loss() < best.loss()) {
            best = Some(path);
        }
    }
    Ok(best.expect("no optimizer leaves the map with the smallest rates"))
}

/// The paths of all optimizers with a budget of so many gradients each.
pub(crate) fn all(budget: usize) -> Result<Vec<Path>, Box<dyn Error>> {
    use Family::{Adaptive, Around, Curvature, Gradient, Length};
    let mut paths = Vec::new();
    // `SGD { momentum: 0.9 }` becomes `SGD { lr, momentum: 0.9, ..SGD::DEFAULT }` for each rate.
    macro_rules! path {
        ($family:ident, $title:literal, $name:ident { $($option:ident: $value:expr),* }) => {
            paths.push(best($title, $family, rates(), |lr| {
                walk($name { lr, $($option: $value,)* ..$name::DEFAULT }, budget)
            })?);
        };
    }
    path!(Gradient, "SGD", SGD {});
    path!(Gradient, "SGD, momentum 0.9", SGD { momentum: 0.9 });
    path!(Gradient, "SGD, nesterov", SGD { momentum: 0.9, nesterov: true });
    path!(Gradient, "ASGD", ASGD {});
    path!(Gradient, "Rprop", Rprop {});
    path!(Adaptive, "Adagrad", Adagrad {});
    path!(Adaptive, "Adadelta", Adadelta {});
    path!(Adaptive, "RMSprop", RMSprop {});
    path!(Adaptive, "Adam", Adam {});
    path!(Adaptive, "AdamW", AdamW { weight_decay: 0.0 });
    path!(Adaptive, "Adamax", Adamax {});
    path!(Adaptive, "NAdam", NAdam {});
    path!(Adaptive, "RAdam", RAdam {});
    path!(Adaptive, "SparseAdam", SparseAdam {});
    path!(Adaptive, "Adan", Adan {});
    path!(Adaptive, "Adafactor", Adafactor {});
    path!(Length, "Lion", Lion {});
    path!(Length, "Muon", Muon { weight_decay: 0.0 });
    path!(Length, "LAMB", LAMB {});
    path!(Length, "LARS", LARS {});
    path!(Around, "AdamWScheduleFree", AdamWScheduleFree {});
    paths.push(best("Lookahead(Adam)", Around, rates(), |lr| {
        walk(Lookahead { optimizer: Adam { lr, ..Adam::DEFAULT }, ..Lookahead::DEFAULT }, budget)
    })?);
    paths.push(best("SAM(SGD, momentum 0.9)", Around, rates(), |lr| {
        walk_sam(SAM { optimizer: SGD { lr, momentum: 0.9, ..SGD::DEFAULT }, ..SAM::DEFAULT }, budget)
    })?);
    // Its line search finds the length of a step; one iteration a step, so that each is drawn.
    paths.push(best("LBFGS, strong_wolfe", Curvature, [1.0].into_iter(), |lr| {
        let line_search_fn = Some(LineSearch::StrongWolfe);
        walk_lbfgs(LBFGS { lr, max_iter: 1, max_eval: Some(25), line_search_fn, ..LBFGS::DEFAULT }, budget)
    })?);
    Ok(paths)
}
