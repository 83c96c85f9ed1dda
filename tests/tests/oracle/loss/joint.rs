//! Losses of several inputs.

use glulam::Real;
use glulam::loss::*;

use super::{all_known, option};
use crate::fixture::{Case, Checks};
use crate::layer::all_compared;

/// An input of the case, and the place of its gradient.
struct Place<T> {
    name: &'static str,
    samples: usize,
    values: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Real> Place<T> {
    fn of(case: &Case, name: &'static str) -> Self {
        let array = case.array(&format!("in/{name}"));
        let values: Vec<T> = array.reals();
        Place { name, samples: array.shape[0], gradient: vec![T::ZERO; values.len()], values }
    }

    fn input(&mut self) -> Input<'_, T> {
        Input::new(self.samples, &self.values, &mut self.gradient)
    }
}

/// Compares the losses and the gradients of all inputs.
fn compare<T: Real>(case: &Case, losses: &[T], places: &[Place<T>]) -> Checks {
    let mut checks = Checks::default();
    case.compare(&mut checks, "out/loss", losses);
    for place in places {
        case.compare(&mut checks, &format!("grad_in/{}", place.name), &place.gradient);
    }
    all_compared(case, &mut checks);
    checks
}

/// Runs a loss of several inputs, reduced or not; `None` if the case is of another.
pub(super) fn run<T: Real>(case: &Case) -> Option<Result<Checks, String>> {
    let config = case.config();
    macro_rules! make {
        ($kind:ident { $($field:ident),* }) => {{
            if let Err(error) = all_known(config, &[$(stringify!($field)),*]) {
                return Some(Err(error));
            }
            $kind {
                $($field: option(config, stringify!($field), $kind::DEFAULT.$field, case),)*
                reduction: option(config, "reduction", $kind::DEFAULT.reduction, case),
            }
        }};
    }
    // The loss of the places, in the order of PyTorch's arguments.
    macro_rules! apply {
        ($loss:expr, $places:expr, |[$($p:ident),*]| $($argument:expr),*) => {{
            let loss = $loss;
            let mut places = $places;
            let [$($p),*] = &mut places;
            let losses = if loss.reduction == Reduction::None {
                let upstream: Vec<T> = case.array("gout/loss").reals();
                let mut losses = vec![T::ZERO; upstream.len()];
                loss.unreduced($($argument,)* &upstream, &mut losses).map(|()| losses)
            } else {
                loss.forward($($argument),*).map(|loss| vec![loss])
            };
            losses.map(|losses| compare(case, &losses, &places)).map_err(|e| e.to_string())
        }};
    }
    let target = || -> Vec<T> { case.array("in/target").reals() };
    let place = |name| Place::<T>::of(case, name);
    Some(match case.op() {
        "GaussianNLLLoss" => {
            let targets = target();
            apply!(
                make!(GaussianNLLLoss { full, eps }),
                [place("input"), place("var")],
                |[input, var]| input.input(),
                &targets,
                var.input()
            )
        }
        "MarginRankingLoss" => {
            let targets = target();
            apply!(
                make!(MarginRankingLoss { margin }),
                [place("input1"), place("input2")],
                |[a, b]| a.input(),
                b.input(),
                &targets
            )
        }
        "CosineEmbeddingLoss" => {
            let targets = target();
            apply!(
                make!(CosineEmbeddingLoss { margin }),
                [place("input1"), place("input2")],
                |[a, b]| a.input(),
                b.input(),
                &targets
            )
        }
        "TripletMarginLoss" => {
            let places = [place("anchor"), place("positive"), place("negative")];
            apply!(
                make!(TripletMarginLoss { margin, p, eps, swap }),
                places,
                |[a, p, n]| a.input(),
                p.input(),
                n.input()
            )
        }
        "CTCLoss" => ctc::<T>(case),
        _ => return None,
    })
}

/// The case gives logits, PyTorch's loss takes `log_softmax(logits, -1)`: the gradient goes back through it.
fn ctc<T: Real>(case: &Case) -> Result<Checks, String> {
    let config = case.config();
    all_known(config, &["blank", "zero_infinity"])?;
    let default = CTCLoss::DEFAULT;
    let loss = CTCLoss {
        blank: config["blank"].as_u64().map_or(default.blank, |b| b as usize),
        zero_infinity: option(config, "zero_infinity", default.zero_infinity, case),
        reduction: option(config, "reduction", default.reduction, case),
    };
    let mut logits = Place::<T>::of(case, "logits");
    let shape: [usize; 3] = case.array("in/logits").shape.clone().try_into().map_err(|_| "logits have three axes")?;
    let classes = shape[2];
    let log_softmax = |row: &[T]| {
        let max = row.iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x.to_f64() - max).exp()).sum();
        row.iter().map(|x| T::from_f64(x.to_f64() - max - sum.ln())).collect::<Vec<T>>()
    };
    let log_probs: Vec<T> = logits.values.chunks(classes).flat_map(log_softmax).collect();
    let integers = |name: &str| case.array(name).integers();
    let (targets, inputs, lengths) =
        (integers("in/targets"), integers("in/input_lengths"), integers("in/target_lengths"));
    let mut gradient = vec![T::ZERO; log_probs.len()];
    let mut workspace = CTCWorkspace::default();
    let losses = if loss.reduction == Reduction::None {
        let upstream: Vec<T> = case.array("gout/loss").reals();
        let mut losses = vec![T::ZERO; upstream.len()];
        let (g, w) = (&mut gradient, &mut workspace);
        loss.unreduced(shape, &log_probs, &targets, &inputs, &lengths, &upstream, &mut losses, g, w).map(|()| losses)
    } else {
        let (g, w) = (&mut gradient, &mut workspace);
        loss.forward_flat(shape, &log_probs, &targets, &inputs, &lengths, g, w).map(|loss| vec![loss])
    };
    let losses = losses.map_err(|e| e.to_string())?;
    // d logits = d log_probs − softmax · Σ d log_probs
    for ((dx, d), p) in logits.gradient.chunks_mut(classes).zip(gradient.chunks(classes)).zip(log_probs.chunks(classes))
    {
        let sum: f64 = d.iter().map(|d| d.to_f64()).sum();
        for ((dx, d), p) in dx.iter_mut().zip(d).zip(p) {
            *dx = T::from_f64(d.to_f64() - p.to_f64().exp() * sum);
        }
    }
    Ok(compare(case, &losses, &[logits]))
}
