//! Layers with a matrix.

/// y = x·Wᵀ + b on the last axis.
///
/// `Linear(in_features, out_features, bias = true)`, and beyond PyTorch, by name, `init` and `bias_init`: how the weight
/// and the bias of a new network begin, by the functions of [`init`](crate::init), as in
/// `init = kaiming_normal(nonlinearity = "relu")`. Without them both are U(±1/√in_features), as in PyTorch.
///
/// # Shapes
/// `[…, in_features]` → `[…, out_features]`, with any axes before the last. `weight: [out_features, in_features]`,
/// `bias: [out_features]` in a state dict. In memory the weight is `[in_features, out_features]`, which is what the fields
/// of `params()` show.
///
/// # Example
/// ```
/// # use glulam::prelude::*;
/// network! { Net < fc: Linear(2, 3, init = ones, bias_init = constant(0.5)) > }
/// assert_eq!(Net::seeded(0).predict(&[[1.0, 10.0]]), [[11.5; 3]]);
/// assert_eq!(Net::PARAMETERS, 9);
/// ```
///
/// # References
/// `torch.nn.Linear`.
#[derive(Clone, Copy, Debug)]
pub struct Linear;
