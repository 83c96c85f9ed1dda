#!/bin/sh
# safetensors 0.8.0: `safetensors.numpy.save_file` writes the memory of an array under the shape of its view.
#
# The file of a transposed array (a Keras kernel on its way to PyTorch's layout, say) has the right names and shapes, and
# its numbers in another order, without a word. `numpy.ascontiguousarray` avoids it; `safetensors.torch.save_file` refuses
# such tensors.
#
# Input: the transpose of [[0, 1, 2], [3, 4, 5]], which is [[0, 3], [1, 4], [2, 5]].
# Seen:  read back: [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]; of a contiguous copy: [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
#
# Exits with an error if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

kernel = np.arange(6.0).reshape(2, 3)
save_file({"view": kernel.T}, "view.safetensors")
save_file({"copy": np.ascontiguousarray(kernel.T)}, "copy.safetensors")
view, copy = load_file("view.safetensors")["view"], load_file("copy.safetensors")["copy"]
print(f"safetensors {safetensors.__version__}: read back: {view.tolist()}; of a contiguous copy: {copy.tolist()}")
assert copy.tolist() == kernel.T.tolist(), "a contiguous copy has changed too"
assert view.shape == (3, 2) and view.tolist() == kernel.reshape(3, 2).tolist(), "it has changed"
PYTHON
