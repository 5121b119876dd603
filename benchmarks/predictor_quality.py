"""Held-out rank correlation of a predictor and of ridge regression, over several seeds.

    python -m benchmarks.predictor_quality --space ofa_mbv3 --cache PATH/ofa_mbv3_custom_cache.pkl --predictor lifted

Each seed decides the 90/10 split, the initial weights and the batches. `--predictor autobuild` has the paper's
settings; changes to them, such as `--training '{"ranking_weight": 0.1}'`, take the other presets apart.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pandas as pd

from autobuild_pipelines.predictors import PRESETS, RidgeBaseline, predictor_metrics, read_predictor, split_rows, train
from autobuild_pipelines.targets import Equation
from benchmarks.data import read


def main() -> None:
    """Train per seed and print held-out Spearman correlations per target, model and hop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--cache", default=None)
    parser.add_argument("--target", action="append", default=None, help="an equation; may be repeated")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--predictor", choices=sorted(PRESETS), default="autobuild")
    parser.add_argument("--model", type=json.loads, default={}, help="JSON: changes to the predictor's architecture")
    parser.add_argument("--training", type=json.loads, default={}, help="JSON: changes to its training")
    parser.add_argument("--ensemble", type=int, default=None)
    arguments = parser.parse_args()
    space, array, labels = read(arguments.space, arguments.cache)
    table = pd.DataFrame(labels)
    y = {text: Equation(text, text).evaluate(table) for text in arguments.target or ["acc"]}
    frames = []
    for seed in range(arguments.seeds):
        kept, held = split_rows(len(array), 0.1, seed)
        predictor = read_predictor(vars(arguments), len(kept))
        part = {split: {t: v[rows] for t, v in y.items()} for split, rows in (("train", kept), ("held_out", held))}
        start = time.perf_counter()
        trained, _ = train(
            space,
            array.take(kept),
            part["train"],
            model=predictor.model,
            training=predictor.training,
            ensemble=predictor.ensemble,
            seed=seed,
        )
        seconds = (time.perf_counter() - start) / predictor.training.epochs / len(y)
        ridge = RidgeBaseline(space).fit(array.take(kept), np.stack(list(part["train"].values())))
        metrics = predictor_metrics(trained, ridge, {"held_out": (array.take(held), part["held_out"])})
        frames.append(metrics.assign(seed=seed))
        print(f"seed {seed}: {seconds:.3f} s per target and epoch")
    table = pd.concat(frames)
    table = table[table["metric"].str.startswith(("spearman", "bias", "mae"))]
    pivot = table.pivot_table(index=["target", "model", "metric"], columns="seed", values="value")
    print(pivot.assign(mean=pivot.mean(axis=1)).round(4).to_string())


if __name__ == "__main__":
    main()
