"""The median over blocks of the time of one step, as the Rust programs take it."""
import statistics
import time


def median_us(step):
    def block(steps):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return time.perf_counter() - start

    block(3)
    steps = 1
    while block(steps) < 0.05:
        steps *= 2
    return statistics.median(block(steps) / steps * 1e6 for _ in range(7))
