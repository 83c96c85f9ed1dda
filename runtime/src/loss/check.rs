//! Checks that a constant evaluation can make: options in their range, and a loss that fits the network's output.
//!
//! `train!` emits them as constant assertions at the user's token, so a mistake is an error of the compiler and its text
//! says what to change. The same problems are typed errors where a loss is used at run time.

use super::{LossError, LossWeights, Reduction};
use crate::network::Output;

/// What a loss takes the network's outputs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// Numbers of any kind.
    Anything,
    /// Real numbers that the loss itself turns into probabilities.
    Logits,
    /// Numbers in [0, 1].
    Probabilities,
    /// Logarithms of probabilities.
    LogProbabilities,
}

impl Expects {
    /// Stops the compilation (or panics) if a network that ends in `output` is no match for `loss`.
    ///
    /// # Panics
    /// If they do not match, with what to change.
    #[track_caller]
    pub const fn assert_fits(self, loss: &str, output: Output) {
        let ending = match output {
            Output::Unknown => return,
            Output::Unbounded => "numbers of any size",
            Output::Probabilities => "Softmax",
            Output::LogProbabilities => "LogSoftmax",
            Output::Sigmoid => "Sigmoid",
        };
        let (expected, fix) = match (self, output) {
            (Expects::Logits, Output::Probabilities | Output::LogProbabilities | Output::Sigmoid) => {
                ("logits", "remove it")
            }
            (Expects::Probabilities, Output::Unbounded) => ("probabilities", "end it with Sigmoid"),
            (Expects::Probabilities, Output::LogProbabilities) => ("probabilities", "use Softmax instead"),
            (Expects::LogProbabilities, Output::Unbounded) => ("log-probabilities", "end it with LogSoftmax"),
            (Expects::LogProbabilities, Output::Probabilities | Output::Sigmoid) => {
                ("log-probabilities", "use LogSoftmax instead")
            }
            _ => return,
        };
        let text = Text::new().text(loss).text(" expects ").text(expected).text(", but the network ends in ");
        text.text(ending).text("; ").text(fix).panic()
    }
}

/// `assert_fits` of a loss that takes outputs of any shape.
macro_rules! fits_any_shape {
    ($loss:ident, $expects:ident) => {
        impl $loss {
            $crate::loss::check::assertions!($loss, $expects);

            /// Stops the compilation (or panics) unless a network with this output can be trained with the loss.
            ///
            /// # Panics
            /// If it cannot, with what to change.
            #[track_caller]
            pub const fn assert_fits(&self, _output_shape: &[usize], output: $crate::network::Output) {
                self.assert_trainable(output);
            }
        }
    };
}
pub(super) use fits_any_shape;

/// The constant assertions that every loss has.
macro_rules! assertions {
    ($loss:ident, $expects:ident) => {
        /// Stops the compilation (or panics) if an option is out of its range.
        ///
        /// # Panics
        /// If it is, with what is allowed.
        #[track_caller]
        pub const fn assert_valid(&self) {
            if let Some(problem) = self.problem() {
                problem.panic(stringify!($loss))
            }
        }

        /// Valid, reduced to one number, and what the network puts out is what the loss expects.
        #[track_caller]
        const fn assert_trainable(&self, output: $crate::network::Output) {
            self.assert_valid();
            $crate::loss::check::assert_reduced(stringify!($loss), self.reduction);
            $crate::loss::Expects::$expects.assert_fits(stringify!($loss), output);
        }
    };
}
pub(super) use assertions;

/// An option outside its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    pub(super) option: &'static str,
    pub(super) found: f64,
    pub(super) expected: &'static str,
}

impl Problem {
    /// `None` if `valid`.
    pub(super) const fn unless(
        valid: bool,
        option: &'static str,
        found: f64,
        expected: &'static str,
    ) -> Option<Problem> {
        if valid { None } else { Some(Problem { option, found, expected }) }
    }

    #[track_caller]
    pub(super) const fn panic(self, loss: &str) -> ! {
        Text::new().text(loss).text(": `").text(self.option).text("` must be ").text(self.expected).panic()
    }

    pub(super) fn error(self, loss: &'static str) -> LossError {
        LossError::Option {
            loss,
            option: self.option,
            found: self.found.to_string(),
            expected: self.expected.to_string(),
        }
    }
}

/// Refuses `Reduction::None`, for `train!`.
#[track_caller]
pub(super) const fn assert_reduced(loss: &str, reduction: Reduction) {
    if matches!(reduction, Reduction::None) {
        let text = Text::new().text(loss);
        text.text(": a training step needs one number, but the reduction is `None`; use `Mean` or `Sum`").panic()
    }
}

/// The number of classes of an output: its axis `dim`, counted as PyTorch does, the batch being axis 0.
pub(super) const fn class_axis(shape: &[usize], dim: isize) -> Option<usize> {
    let axes = shape.len() as isize + 1;
    let axis = if dim < 0 { dim + axes } else { dim };
    if axis >= 1 && axis < axes { Some(axis as usize - 1) } else { None }
}

/// Stops unless `shape` has the class axis `dim`, and `weight` one number for each class.
#[track_caller]
pub(super) const fn assert_classes(loss: &str, shape: &[usize], dim: isize, weight: &LossWeights) {
    let Some(axis) = class_axis(shape, dim) else {
        let text = Text::new().text(loss).text(" expects classes along axis ").signed(dim);
        text.text(" (the batch is axis 0), but the shape of the network's output is ").shape(shape).panic()
    };
    if let Some(w) = weight.as_slice()
        && w.len() != shape[axis]
    {
        let text = Text::new().text(loss).text(" has weights for ").number(w.len());
        text.text(" classes, the network's output has ").number(shape[axis]).panic()
    }
}

/// The number of classes of an output with that axis alone.
pub(super) fn one_axis(loss: &'static str, shape: &[usize]) -> Result<usize, LossError> {
    match shape {
        [classes] => Ok(*classes),
        _ => Err(LossError::Shape { loss, shape: shape.to_vec(), expected: "one axis, the classes".to_string() }),
    }
}

/// Stops unless `shape` has one axis.
#[track_caller]
pub(super) const fn assert_one_axis(loss: &str, shape: &[usize]) {
    if shape.len() != 1 {
        let text =
            Text::new().text(loss).text(" expects one axis, the classes, but the shape of the network's output is ");
        text.shape(shape).panic()
    }
}

/// Stops unless `weight` can be repeated over outputs of `shape` (or might be for a whole batch of them).
#[track_caller]
pub(super) const fn assert_repeats(loss: &str, option: &str, shape: &[usize], weight: &LossWeights) {
    if let Some(w) = weight.as_slice() {
        let len = super::elements(shape);
        let whole_batch = len > 0 && w.len().is_multiple_of(len);
        if !super::weights::repeats_over(w.len(), shape) && !whole_batch {
            let text = Text::new().text(loss).text(": ").text(option).text(" has ").number(w.len());
            text.text(" elements, but the shape of the network's output is ").shape(shape).panic()
        }
    }
}

/// A message put together in a constant evaluation, where `format!` does not exist.
pub(crate) struct Text {
    bytes: [u8; 400],
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Text { bytes: [0; 400], len: 0 }
    }

    /// Appends `part`, as far as there is room.
    pub(crate) const fn text(mut self, part: &str) -> Self {
        let part = part.as_bytes();
        let mut i = 0;
        while i < part.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = part[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    pub(crate) const fn number(self, n: usize) -> Self {
        let tens = if n >= 10 { self.number(n / 10) } else { self };
        let digit = [b'0' + (n % 10) as u8];
        match std::str::from_utf8(&digit) {
            Ok(digit) => tens.text(digit),
            Err(_) => tens,
        }
    }

    const fn signed(self, n: isize) -> Self {
        let text = if n < 0 { self.text("-") } else { self };
        text.number(n.unsigned_abs())
    }

    pub(crate) const fn shape(self, shape: &[usize]) -> Self {
        let mut text = self.text("[");
        let mut axis = 0;
        while axis < shape.len() {
            text = if axis > 0 { text.text(", ") } else { text };
            text = text.number(shape[axis]);
            axis += 1;
        }
        text.text("]")
    }

    #[track_caller]
    pub(crate) const fn panic(self) -> ! {
        let (written, _) = self.bytes.split_at(self.len);
        match std::str::from_utf8(written) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("the loss does not fit the network"),
        }
    }
}
