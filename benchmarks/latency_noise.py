"""How far any predictor can rank the batch-1 latencies of the HELP table: their noise ceiling.

    python -m benchmarks.latency_noise --table PATH/help_ofa_mbv3_latency/table.jsonl.gz

Four GPUs measured the same 5,000 networks. At batch 1 all of them wait for the CPU to launch kernels, so that their
labels are one function of the network, each with noise of its own. If so, with r the Spearman correlations of labels,

    reliability(a) = sqrt(r_ab * r_ac / r_bc)

is (exactly for Pearson correlations, closely for these) the correlation of the labels of GPU a with that function, and
no predictor of the network correlates with them better (Spearman 1904, correction for attenuation, three measurements).
Two things show that it is so: the three pairs (b, c) give the same number, and what a ridge regression leaves
unexplained on one GPU does not correlate with what it leaves on any other.
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict

from autobuild_pipelines.predictors.baseline import one_hot
from autobuild_pipelines.spaces import ABSENT
from benchmarks.latency_predictors import read_help

GPUS = ("2080ti", "titan_rtx", "titan_xp", "v100")
RESAMPLES = 500

Ranks = dict[str, NDArray[np.float64]]


def main() -> None:
    """Print every GPU's ceiling beside what ridge regressions reach, and the correlations of their residuals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True)
    parser.add_argument("--batch", default="1", choices=["1", "32", "64"])
    arguments = parser.parse_args()
    space, array, labels = read_help(arguments.table)
    names = [f"lat_{gpu}_{arguments.batch}" for gpu in GPUS]
    ranks = {name: rankdata(labels[name]) for name in names}
    depths = np.stack([(array.layers[:, unit.columns] != ABSENT).sum(axis=1) for unit in space.units], axis=1)
    folds = KFold(10, shuffle=True, random_state=0)
    residuals = []
    print("Spearman correlation with the labels; ridge regressions: 10-fold, on all networks")
    print(f"{'label':18}{'ceiling':>9}{'95 %':>17}{'by pair':>22}{'one-hot':>9}{'depths':>8}")
    for name in names:
        linear = cross_val_predict(Ridge(1.0), one_hot(space, array), ranks[name], cv=folds)
        short = cross_val_predict(Ridge(1.0), depths, ranks[name], cv=folds)
        residuals.append(ranks[name] - linear)
        low, high = _interval(ranks, name, len(array))
        by_pair = " ".join(f"{value:.3f}" for value in reliabilities(ranks, name))
        reached = [spearmanr(prediction, labels[name]).statistic for prediction in (linear, short)]
        ceiling = np.mean(reliabilities(ranks, name))
        print(f"{name:18}{ceiling:9.3f}{f'{low:.3f}-{high:.3f}':>17}{by_pair:>22}{reached[0]:9.3f}{reached[1]:8.3f}")
    correlations = np.corrcoef(residuals)[np.triu_indices(len(names), 1)]
    print("correlations of the ridge regressions' residuals between GPUs:", np.round(correlations, 3).tolist())


def reliabilities(ranks: Ranks, name: str) -> list[float]:
    """Correlation of a label with what it shares with the others, from every pair of others."""
    others = [other for other in ranks if other != name]
    return [
        float(np.sqrt(_r(ranks, name, a) * _r(ranks, name, b) / _r(ranks, a, b))) for a, b in combinations(others, 2)
    ]


def _r(ranks: Ranks, first: str, second: str) -> float:
    return float(np.corrcoef(ranks[first], ranks[second])[0, 1])


def _interval(ranks: Ranks, name: str, count: int) -> tuple[float, float]:
    """Bootstrap interval of the ceiling, over networks."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, count, count)
        found.append(np.mean(reliabilities({other: rankdata(values[rows]) for other, values in ranks.items()}, name)))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
