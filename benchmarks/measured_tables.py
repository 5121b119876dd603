"""Few measured labels: how a predictor and ridge regression rank architectures that were really trained.

    python -m benchmarks.measured_tables --space ofa_mbv3_imagenet --table TABLE --label acc --within resolution
    python -m benchmarks.measured_tables --space accel_nasbench --table TABLE --label val_top1

Draws `--count` training architectures at random, ranks all others, and does so `--splits` times. Prints the Spearman
correlation of each split and the means, over all and with `--within` among the architectures of every value of a
graph-level feature. Spaces are the files of `benchmarks/spaces`.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.predictors import PRESETS, RidgeBaseline, read_predictor, train
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.targets import Equation
from benchmarks.data import ROOT


def main() -> None:
    """Train and rank per split; print correlations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--label", required=True, help="an equation over the labels; higher is better")
    parser.add_argument("--within", default=None, help="a graph-level feature")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--predictor", choices=sorted(PRESETS), default="lifted")
    parser.add_argument("--model", type=json.loads, default={}, help="JSON: changes to the predictor's architecture")
    parser.add_argument("--training", type=json.loads, default={}, help="JSON: changes to its training")
    parser.add_argument("--ensemble", type=int, default=None)
    arguments = parser.parse_args()
    predictor = read_predictor(vars(arguments), arguments.count)
    space = SearchSpace.from_yaml(ROOT / f"benchmarks/spaces/{arguments.space}.yml")
    table = ingest_records(space, read_records(arguments.table), max_rejected=0.02).architectures
    array = from_table(space, table)
    y = Equation(arguments.label, arguments.label).evaluate(table)
    group = table[arguments.within].to_numpy() if arguments.within else np.full(len(table), "")
    rows = []
    started = time.perf_counter()
    for split in range(arguments.splits):
        order = np.random.default_rng(split).permutation(len(table))
        kept, ranked = np.sort(order[: arguments.count]), np.sort(order[arguments.count :])
        trained, _ = train(
            space,
            array.take(kept),
            {"label": y[kept]},
            model=predictor.model,
            training=predictor.training,
            ensemble=predictor.ensemble,
            seed=split,
            progress=False,
        )
        ridge = RidgeBaseline(space).fit(array.take(kept), y[None, kept])
        found = {
            arguments.predictor: trained.predict(array.take(ranked))[0],
            "ridge": ridge.predict(array.take(ranked))[0],
        }
        for model, values in found.items():
            rows.append((model, "all", split, spearmanr(values, y[ranked]).statistic))
            for value in sorted(set(group[ranked])) if arguments.within else ():
                mine = group[ranked] == value
                rows.append(
                    (model, f"{arguments.within} {value}", split, spearmanr(values[mine], y[ranked][mine]).statistic)
                )
    seconds = (time.perf_counter() - started) / arguments.splits
    result = pd.DataFrame(rows, columns=["model", "among", "split", "spearman"])
    pivot = result.pivot_table(index=["among", "model"], columns="split", values="spearman", sort=False)
    print(f"{len(table)} architectures, {arguments.count} to learn from; {seconds:.1f} s a split")
    print(pivot.assign(mean=pivot.mean(axis=1)).round(4).to_string())


if __name__ == "__main__":
    main()
