"""PyTorch's time per training step against batch, width and depth: the same JSON lines as the program `growth`.

python3 benches/growth.py --threads 1 >> growth.jsonl    (needs torch)
"""
import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
threads = parser.parse_args().threads
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

import torch
import torch.nn as nn
from timing import median_us

torch.set_num_threads(threads)
BATCH = 128


def mlp(width, hidden):
    layers = [layer for _ in range(hidden) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def measure(axis, x, batch, model):
    inputs, targets = torch.rand(batch, model[0].in_features), torch.arange(batch) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, fused=True)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    line = {"peer": "pytorch", "axis": axis, "x": x, "threads": threads, "us_per_step_median": round(median_us(step), 2)}
    print(json.dumps(line), flush=True)


for i in range(13):
    measure("batch", 2**i, 2**i, mlp(256, 2))
for i in range(4, 13):
    measure("width", 2**i, BATCH, mlp(2**i, 2))
for i in range(6):
    measure("depth", 2**i, BATCH, mlp(128, 2**i))
