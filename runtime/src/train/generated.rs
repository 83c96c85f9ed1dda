//! What the statements of a generated `step` name. No one else should: it may change in any release.

pub use std::option::Option::{None, Some};
pub use std::result::Result::Ok;

pub use super::share::Share;
pub use super::{Metrics as _, StepOutput};
pub use crate::clip::{clip_grad_norm_, clip_grad_value_};
pub use crate::loss::Loss as _;
pub use crate::network::{Network as _, UpdateBy};
pub use crate::optim::{Optimizer as _, OptimizerState as _};
use crate::{Network, Real, Workspace};

/// The shape of one output of `model`.
pub fn output_shape<T: Real, N: Network<T>>(_model: &N) -> &'static [usize] {
    N::OUTPUT_SHAPE
}

/// The outputs of the step under way.
pub fn outputs<'w, T: Real, N: Network<T>>(_model: &N, workspace: &'w Workspace<T>) -> &'w [N::Output] {
    N::outputs(workspace)
}
