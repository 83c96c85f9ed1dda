#!/bin/sh
# keras 3.15.1: `keras.losses.Tversky` weighs false positives by `beta` and false negatives by `alpha`.
#
# Its documentation ("alpha: coefficient controlling incidence of false positives") and the paper that it names
# (Salehi et al. 2017, arXiv:1706.05721, equation 4) have it the other way round. With alpha = beta it cannot be seen.
#
# Input: a mask of which everything true is found, and two of four elements are marked wrongly: p = (1, 1, 1, 0),
# y = (1, 0, 0, 0). By the paper 1 - 1 / (1 + alpha * 2 + beta * 0).
# Seen:  alpha 1, beta 0: 0.0000 (paper 0.6667); alpha 0, beta 1: 0.6667 (paper 0.0000)
#
# Exits with an error if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

p, y = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0, 0.0]])
found = [float(keras.losses.Tversky(alpha=alpha, beta=1.0 - alpha)(y, p)) for alpha in (1.0, 0.0)]
print(f"keras {keras.__version__}: alpha 1, beta 0: {found[0]:.4f} (paper 0.6667); "
      f"alpha 0, beta 1: {found[1]:.4f} (paper 0.0000)")
assert abs(found[0]) < 1e-6 and abs(found[1] - 2 / 3) < 1e-6, "it has changed"
PYTHON
