#!/bin/sh
# PyTorch 2.15.0: `OneCycleLR(total_steps=n, anneal_strategy="linear")` has a negative rate after n calls of `step()`.
#
# The usual loop (`optimizer.step(); scheduler.step()`, n times) ends there without an error: the line of the last phase is
# followed one step too far, so a step of the optimizer more climbs. Only the call after it raises.
#
# Input: max_lr = 1, ten steps.
# Seen:  rates of the last steps: 0.14286, 0.00000, -0.14285; the 11th call: ValueError
#
# Exits with an error if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch

p = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10, anneal_strategy="linear")
rates = [optimizer.param_groups[0]["lr"]]
for _ in range(10):
    p.grad = torch.zeros(1)
    optimizer.step()
    scheduler.step()
    rates.append(optimizer.param_groups[0]["lr"])
try:
    scheduler.step()
    after = "no error"
except ValueError:
    after = "ValueError"
print(f"torch {torch.__version__}: rates of the last steps: " + ", ".join(f"{lr:.5f}" for lr in rates[-3:]) +
      f"; the 11th call: {after}")
assert abs(rates[10] + 0.14285257142857133) < 1e-12 and after == "ValueError", "it has changed"
PYTHON
