"""Predictions of an ensemble for every architecture of a space: shared beginnings against each network on its own.

    python -m benchmarks.exhaustive --space sd_fid

The ensemble is trained first, on random architectures with a made-up label. The slow way is timed on `--sample` random
architectures and scaled up; predictions there are compared, and which ones are best.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from autobuild_pipelines.predictors import ModelSettings, TrainingSettings, train
from autobuild_pipelines.scoring import exhaustive_search, predict_all
from autobuild_pipelines.scoring.exhaustive import best_numbers
from benchmarks.data import made_up, read_space


def main() -> None:
    """Predict everything, then a sample one by one, and print times, their ratio and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="sd_fid")
    parser.add_argument("--architectures", type=int, default=68)
    parser.add_argument("--ensemble", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--count", type=int, default=4)
    arguments = parser.parse_args()
    space = read_space(arguments.space)
    array, labels = made_up(space, arguments.architectures)
    predictors, _ = train(
        space,
        array,
        {"label": labels},
        model=ModelSettings(layers=6),
        training=TrainingSettings(epochs=arguments.epochs, batch_size=len(array), learning_rate=1e-3, device="cpu"),
        ensemble=arguments.ensemble,
        members="folds",
        progress=False,
    )
    before = _peak()
    start = time.perf_counter()
    found = exhaustive_search(predictors, arguments.count)["label"]
    fast = time.perf_counter() - start
    after = _peak()
    numbers = np.sort(np.random.default_rng(0).permutation(space.size)[: arguments.sample])
    start = time.perf_counter()
    alone = predictors.predict(space.enumeration.architectures(numbers))[0]
    slow = (time.perf_counter() - start) / len(numbers) * space.size
    shared = predict_all(predictors, numbers=numbers)[0]
    threads = torch.get_num_threads()
    print(f"{space.name}: {space.size:,} architectures, ensemble of {arguments.ensemble}, {threads} threads")
    print(f"best {arguments.count}: {found.numbers.tolist()}, {np.round(found.predictions, 3).tolist()}")
    print(f"each on its own (scaled up from {len(numbers):,})  {slow:8.1f} s")
    print(f"shared beginnings                       {fast:8.1f} s   ratio {slow / fast:.0f}")
    print(f"peak memory {after:.2f} GiB ({before:.2f} before)")
    difference = np.abs(shared - alone).max() / alone.std()
    same = np.array_equal(best_numbers(shared, arguments.count), np.argsort(-alone, kind="stable")[: arguments.count])
    print(f"on the sample: largest difference {difference:.1e} deviations, the same best {arguments.count}: {same}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
