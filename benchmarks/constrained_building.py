"""The best U-Nets by sum of module scores under the space's constraints: lazily, and by all sums, in one run.

    python -m benchmarks.constrained_building --space sd_fid --count 4

Scores are random. Both ways are timed from the scores on: the brute force numbers all architectures, adds the scores of
their modules, and sorts. What they find is compared.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.building import best_agreeing_combinations
from autobuild_pipelines.spaces import Enumeration, SearchSpace, summary

SPACES = Path(__file__).resolve().parents[1] / "conf" / "base" / "spaces"


def lazily(space: SearchSpace, scores: list[NDArray[np.float64]], count: int) -> NDArray[np.int64]:
    """Modules [count, units] of the best architectures."""
    modules = [unit.module_array() for unit in space.ranking_units]
    parts = [unit.part_of(listed) for unit, listed in zip(space.ranking_units, modules, strict=True)]
    return best_agreeing_combinations(scores, parts, space.assignments.ranking_parts, count)[0]


def by_all_sums(space: SearchSpace, scores: list[NDArray[np.float64]], count: int) -> NDArray[np.int64]:
    """The same, from the sums of every architecture."""
    rows = Enumeration(space).rows(range(space.size))
    sums = np.zeros(space.size)
    for values, row in zip(scores, rows.T, strict=True):
        sums += values[row]
    return rows[np.argsort(-sums, kind="stable")[:count]]


def main() -> None:
    """Print both times and their ratio, the median of the rounds, and whether both ways agree in each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="sd_fid")
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    space = SearchSpace.from_yaml(SPACES / f"{arguments.space}.yml")
    print(summary(space))
    lazy, brute, equal = [], [], []
    for seed in range(arguments.rounds):
        rng = np.random.default_rng(seed)
        scores = [rng.normal(size=unit.count()) for unit in space.ranking_units]
        start = time.perf_counter()
        found = lazily(space, scores, arguments.count)
        lazy.append(time.perf_counter() - start)
        start = time.perf_counter()
        expected = by_all_sums(space, scores, arguments.count)
        brute.append(time.perf_counter() - start)
        equal.append(bool(np.array_equal(found, expected)))
    print(f"top {arguments.count} of {space.size:,}, seconds (median of {arguments.rounds})")
    slow, fast = np.median(brute), np.median(lazy)
    print(f"all sums {slow:8.3f}   lazily {fast:8.4f}   ratio {slow / fast:6.1f}")
    print(f"the same architectures in {sum(equal)} of {len(equal)} rounds")


if __name__ == "__main__":
    main()
