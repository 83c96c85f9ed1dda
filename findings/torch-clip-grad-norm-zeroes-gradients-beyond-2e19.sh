#!/bin/sh
# PyTorch 2.15.0: `clip_grad_norm_` sets float32 gradients to zero whose norm is far from the largest float32.
#
# The norm is summed as squares in float32 (as of CPU tensors), so it is infinite from elements of about 1.8e19 on, and the
# factor max_norm / inf is 0: the step is lost, and with `error_if_nonfinite=False`, the default, without a word.
#
# Input: three gradients of 1e20, whose norm is 1.7e20 (the largest float32 is 3.4e38), clipped to a norm of 1.
# Seen:  norm inf, gradients [0.0, 0.0, 0.0]; in float64: norm 1.732e+20, gradients [0.577, 0.577, 0.577]
#
# Exits with an error if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch


def clipped(dtype):
    p = torch.zeros(3, dtype=dtype, requires_grad=True)
    p.grad = torch.full((3,), 1e20, dtype=dtype)
    norm = torch.nn.utils.clip_grad_norm_([p], max_norm=1.0)
    return norm.item(), [round(g, 3) for g in p.grad.tolist()]


(norm, gradients), (norm64, gradients64) = clipped(torch.float32), clipped(torch.float64)
print(f"torch {torch.__version__}: norm {norm}, gradients {gradients}; "
      f"in float64: norm {norm64:.4g}, gradients {gradients64}")
assert norm == float("inf") and gradients == [0.0] * 3, "it has changed"
assert abs(norm64 / 1.7320508e20 - 1) < 1e-6 and gradients64 == [0.577] * 3, "float64 has changed"
PYTHON
