//! What `train!` has the compiler check: numbers in their range, patterns that choose something. Each stops the
//! compilation at the user's token with what to change.

use super::TrainError;
use crate::Real;
use crate::loss::Text;
use crate::network::{Network, ParamSpec};
use crate::optim::{matches, matches_any};
use crate::swa_utils::{AveragedModel, Averaging};

/// Checks `clip_grad_norm: …`.
#[track_caller]
pub const fn assert_clip_grad_norm(max_norm: f64) {
    assert!(max_norm > 0.0, "`clip_grad_norm` must be above 0");
}

/// Checks `clip_grad_value: …`.
#[track_caller]
pub const fn assert_clip_grad_value(clip_value: f64) {
    assert!(clip_value > 0.0, "`clip_grad_value` must be above 0");
}

/// Checks `accumulate: …`.
#[track_caller]
pub const fn assert_accumulate(batches: usize) {
    assert!(batches > 0, "`accumulate` must be at least 1");
}

/// Checks `ema: …`.
#[track_caller]
pub const fn assert_ema(decay: f64) {
    assert!(decay >= 0.0 && decay <= 1.0, "`ema` must be in [0, 1]");
}

/// Checks that `pattern` chooses parameters of `table`, and none that one of the `earlier` groups has chosen.
#[track_caller]
pub const fn assert_chooses(pattern: &str, earlier: &[&str], table: &[ParamSpec]) {
    if !matches_any(pattern, table) {
        let mut text = Text::new().text("no parameter is called `").text(pattern).text("`; there are ");
        let mut i = 0;
        while i < table.len() {
            text = if i > 0 { text.text(", ") } else { text };
            text = text.text(table[i].name);
            i += 1;
        }
        text.panic()
    }
    let mut i = 0;
    while i < table.len() {
        let mut group = 0;
        while group < earlier.len() {
            if matches(pattern, table[i].name) && matches(earlier[group], table[i].name) {
                let text = Text::new().text("`").text(table[i].name).text("` is in two groups, `");
                text.text(earlier[group]).text("` and `").text(pattern).text("`; narrow one of them").panic()
            }
            group += 1;
        }
        i += 1;
    }
}

/// Checks that the group of `pattern` has parameters left to train, where `frozen` are the patterns of those that are not.
#[track_caller]
pub const fn assert_group_trains(pattern: &str, frozen: &[&str], table: &[ParamSpec]) {
    let mut i = 0;
    while i < table.len() {
        if matches(pattern, table[i].name) && !is_frozen(frozen, table[i].name) {
            return;
        }
        i += 1;
    }
    // That the pattern chooses nothing at all has been said.
    if matches_any(pattern, table) {
        Text::new().text("all parameters of the group `").text(pattern).text("` are frozen").panic()
    }
}

/// Checks that `frozen`, the patterns after `freeze`, leave something to train.
#[track_caller]
pub const fn assert_trains(frozen: &[&str], table: &[ParamSpec]) {
    let mut i = 0;
    while i < table.len() {
        if !is_frozen(frozen, table[i].name) {
            return;
        }
        i += 1;
    }
    // A network without parameters has nothing to freeze, and each pattern is told so.
    assert!(table.is_empty(), "every parameter is frozen: nothing would be trained");
}

const fn is_frozen(frozen: &[&str], name: &str) -> bool {
    let mut i = 0;
    while i < frozen.len() {
        if matches(frozen[i], name) {
            return true;
        }
        i += 1;
    }
    false
}

/// A setting that `train!` has declared, and that is therefore there.
///
/// # Errors
/// If somebody made the settings by hand and left it out.
pub fn declared<V>(setting: Option<V>, name: &'static str) -> Result<V, TrainError> {
    let error = || TrainError::Setting { name, found: "nothing".into(), expected: "a value".into() };
    setting.ok_or_else(error)
}

/// The moving average of the parameters of `model`, as PyTorch's `AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))`.
pub fn moving_average<T: Real, N: Network<T>>(model: &N, decay: f64) -> AveragedModel<T, N> {
    AveragedModel::new(model, Averaging::Ema { decay }, false)
}
