"""Training time per target and epoch: this package against a plain torch_geometric program, in one run.

    python -m benchmarks.training --cache PATH/ofa_mbv3_custom_cache.pkl

Without `--cache`, the space's committed sample is used (same size: 3,000 architectures, 90 % of them trained on).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from autobuild_pipelines.predictors import TrainingSettings, train
from benchmarks.data import read
from benchmarks.plain_pyg import graphs_of, train_plain


def main() -> None:
    """Alternate both programs and print the ratio of their times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--cache", default=None)
    parser.add_argument("--targets", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    space, array, labels = read(arguments.space, arguments.cache)
    array = array.take(slice(2700))
    y = next(iter(labels.values()))[:2700]
    graphs, sizes = graphs_of(space, array, (y - y.mean()) / y.std())
    targets = {f"target_{i}": y for i in range(arguments.targets)}
    plain, ours = [], []
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        train_plain(graphs, sizes, arguments.epochs)
        plain.append((time.perf_counter() - start) / arguments.epochs)
        start = time.perf_counter()
        settings = TrainingSettings(epochs=arguments.epochs, device="cpu")
        train(space, array, targets, training=settings, progress=False)
        ours.append((time.perf_counter() - start) / arguments.epochs / arguments.targets)
    print(
        f"{arguments.space}: {len(array)} architectures, {arguments.targets} targets, {torch.get_num_threads()} threads"
    )
    print(f"plain torch_geometric  {np.median(plain):.3f} s per target and epoch")
    print(f"autobuild_pipelines    {np.median(ours):.3f} s per target and epoch")
    print(f"ratio                  {np.median(np.divide(plain, ours)):.1f}")


if __name__ == "__main__":
    main()
