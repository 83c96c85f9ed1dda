//! Losses: the value and the gradient of each input, for every reduction.

mod joint;

use glulam::Real;
use glulam::loss::*;
use serde_json::Value;

use crate::fixture::{Array, Case, Checks};
use crate::layer::all_compared;

/// The losses that Glulam has.
pub(crate) const LOSSES: &[&str] = &[
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "GaussianNLLLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
];

/// An option of a loss, read from the index.
trait FromOption: Sized {
    fn read(value: &Value, case: &Case) -> Self;
}
impl FromOption for f64 {
    fn read(value: &Value, _: &Case) -> Self {
        value.as_f64().expect("a number")
    }
}
impl FromOption for i64 {
    fn read(value: &Value, _: &Case) -> Self {
        value.as_i64().expect("an integer")
    }
}
impl FromOption for u32 {
    fn read(value: &Value, _: &Case) -> Self {
        value.as_u64().and_then(|v| v.try_into().ok()).expect("an integer")
    }
}
impl FromOption for bool {
    fn read(value: &Value, _: &Case) -> Self {
        value.as_bool().expect("true or false")
    }
}
impl FromOption for LossWeights {
    fn read(value: &Value, case: &Case) -> Self {
        let weights = case.array(value["tensor"].as_str().expect("a tensor's name"));
        match case.get("in/input") {
            // Weights that are not repeated over the last axes are written out for the whole batch.
            Some(input) if !input.shape.ends_with(&weights.shape) && weights.values.len() > 1 => {
                weights.broadcast(&input.shape).unwrap_or_else(|| weights.values.clone()).into()
            }
            _ => weights.values.clone().into(),
        }
    }
}
impl FromOption for Reduction {
    fn read(value: &Value, _: &Case) -> Self {
        serde_json::from_value(value.clone()).expect("mean, sum, none or batchmean")
    }
}

/// The option `name`, or its default.
fn option<V: FromOption>(config: &Value, name: &str, default: V, case: &Case) -> V {
    match &config[name] {
        Value::Null => default,
        value => V::read(value, case),
    }
}

/// No option of the index may be passed over.
fn all_known(config: &Value, known: &[&str]) -> Result<(), String> {
    let mut options = config.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    match options.find(|name| !matches!(*name, "reduction" | "name") && !known.contains(name)) {
        Some(name) => Err(format!("the test does not know the option {name}")),
        None => Ok(()),
    }
}

/// What is done with a loss, whichever it is.
pub(crate) trait Then<T: Real> {
    type Result;
    fn with<Y: Element, L: Loss<T, Y> + 'static>(self, loss: L) -> Self::Result;
}

/// A target's element, read from a tensor.
pub(crate) trait Element: Copy + Sync + 'static {
    fn read(array: &Array) -> Vec<Self>;
}
impl Element for i64 {
    fn read(array: &Array) -> Vec<Self> {
        array.integers()
    }
}
impl Element for f32 {
    fn read(array: &Array) -> Vec<Self> {
        array.reals()
    }
}
impl Element for f64 {
    fn read(array: &Array) -> Vec<Self> {
        array.reals()
    }
}

/// Makes the loss `name` with the options of `config` and hands it on; `None` if there is none. `classes`: the targets
/// are integers.
#[allow(clippy::needless_update, reason = "some losses have options that PyTorch's have not")]
pub(crate) fn with_loss<T: Real + Element, F: Then<T>>(
    name: &str,
    classes: bool,
    config: &Value,
    case: &Case,
    then: F,
) -> Option<Result<F::Result, String>> {
    macro_rules! make {
        ($kind:ident as $element:ty { $($field:ident),* }) => {{
            if let Err(error) = all_known(config, &[$(stringify!($field)),*]) {
                return Some(Err(error));
            }
            let default = $kind::DEFAULT;
            let loss = $kind {
                $($field: option(config, stringify!($field), default.$field.clone(), case),)*
                reduction: option(config, "reduction", default.reduction, case),
                ..$kind::DEFAULT
            };
            then.with::<$element, _>(loss)
        }};
    }
    Some(Ok(match (name, classes) {
        ("CrossEntropyLoss", true) => make!(CrossEntropyLoss as i64 { weight, ignore_index, label_smoothing }),
        ("CrossEntropyLoss", false) => make!(CrossEntropyLoss as T { weight, ignore_index, label_smoothing }),
        ("NLLLoss", true) => make!(NLLLoss as i64 { weight, ignore_index }),
        ("MSELoss", false) => make!(MSELoss as T {}),
        ("L1Loss", false) => make!(L1Loss as T {}),
        ("SmoothL1Loss", false) => make!(SmoothL1Loss as T { beta }),
        ("HuberLoss", false) => make!(HuberLoss as T { delta }),
        ("BCELoss", false) => make!(BCELoss as T { weight }),
        ("BCEWithLogitsLoss", false) => make!(BCEWithLogitsLoss as T { weight, pos_weight }),
        ("KLDivLoss", false) => make!(KLDivLoss as T { log_target }),
        ("PoissonNLLLoss", false) => make!(PoissonNLLLoss as T { log_input, full, eps }),
        ("HingeEmbeddingLoss", false) => make!(HingeEmbeddingLoss as T { margin }),
        ("SoftMarginLoss", false) => make!(SoftMarginLoss as T {}),
        ("MultiMarginLoss", true) => make!(MultiMarginLoss as i64 { p, margin, weight }),
        ("MultiLabelMarginLoss", true) => make!(MultiLabelMarginLoss as i64 {}),
        ("MultiLabelSoftMarginLoss", false) => make!(MultiLabelSoftMarginLoss as T { weight }),
        _ => return None,
    }))
}

pub(crate) fn run<T: Real + Element>(case: &Case) -> Option<Checks> {
    if !LOSSES.contains(&case.op()) {
        return None;
    }
    if let Some(result) = joint::run::<T>(case) {
        return Some(result.unwrap_or_else(Checks::failed));
    }
    let classes = case.json["inputs"]["in/target"]["dtype"] == "i64";
    let result = with_loss::<T, _>(case.op(), classes, case.config(), case, Single { case })?;
    Some(result.unwrap_or_else(Checks::failed))
}

/// A loss of one output and one target.
struct Single<'a> {
    case: &'a Case,
}

impl<T: Real> Then<T> for Single<'_> {
    type Result = Checks;

    fn with<Y: Element, L: Loss<T, Y> + 'static>(self, loss: L) -> Checks {
        let case = self.case;
        let input = case.array("in/input");
        let (samples, shape) = (input.shape[0], &input.shape[1..]);
        let (outputs, targets) = (input.reals::<T>(), Y::read(case.array("in/target")));
        let mut gradient = vec![T::ZERO; outputs.len()];
        let values = if loss.reduction() == Reduction::None {
            let mut losses = vec![T::ZERO; samples * loss.unreduced_len(shape)];
            let upstream: Vec<T> = case.array("gout/loss").reals();
            let result = loss.unreduced(shape, &outputs, &targets, &upstream, &mut losses, &mut gradient);
            result.map(|()| losses)
        } else {
            let mut losses = vec![T::ZERO; samples];
            loss.forward_flat(shape, &outputs, &targets, &mut losses, &mut gradient).map(|total| vec![total])
        };
        let values = match values {
            Ok(values) => values,
            Err(error) => return Checks::failed(error),
        };
        let mut checks = Checks::default();
        case.compare(&mut checks, "out/loss", &values);
        case.compare(&mut checks, "grad_in/input", &gradient);
        all_compared(case, &mut checks);
        checks
    }
}
