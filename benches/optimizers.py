"""PyTorch's optimizers on one flat parameter: the same JSON lines as the program `optimizers`, without the copy.

python3 benches/optimizers.py --threads 1    (needs torch)
"""
import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
threads = parser.parse_args().threads
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

import torch
from timing import median_us

torch.set_num_threads(threads)
OPTIMIZERS = [
    (torch.optim.SGD, dict(lr=1e-3, momentum=0.9, fused=True), 5),
    (torch.optim.Adam, dict(fused=True), 7),
    (torch.optim.AdamW, dict(fused=True), 7),
    (torch.optim.RMSprop, dict(), 5),
    (torch.optim.Adagrad, dict(fused=True), 5),
]


for parameters in (50_000, 25_000_000):
    for kind, options, arrays in OPTIMIZERS:
        weight = torch.nn.Parameter(torch.full((parameters,), 0.5))
        weight.grad = torch.full((parameters,), 1e-3)
        us = median_us(kind([weight], **options).step)
        print(json.dumps({"peer": "pytorch", "optimizer": kind.__name__, "parameters": parameters, "threads": threads,
                          "us_per_step_median": round(us, 2), "gigabytes_per_second": round(arrays * 4 * parameters / us / 1e3, 2)}), flush=True)
