"""Held-out rank correlation of the k-GNN latency predictor (Eq. 6) and of ridge regression on measured GPU latencies.

    python -m benchmarks.latency_predictors --table PATH/help_ofa_mbv3_latency/table.jsonl.gz

Each seed decides the 90/10 split, the initial weights and the batches. Settings are the paper's (§7.4: GraphConv, width
128, sum, LeakyReLU, MAE + (1 - rho), 500 epochs of batches of 32). It gives no learning rate; 1e-4 is §7.1's. As in the
authors' trainer, the weights of the epoch with the smallest error on a validation part of the training architectures
are kept, which matters where labels are noisy (see `benchmarks.latency_noise`).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.predictors import (
    ModelSettings,
    RidgeBaseline,
    TrainingSettings,
    predictor_metrics,
    split_rows,
    train,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table, label_columns

MODEL = ModelSettings(
    layer="GraphConv", hidden=128, layers=4, aggregation="sum", activation="LeakyReLU", head_activation="LeakyReLU"
)
RESOLUTIONS = list(range(128, 225, 4))


def main() -> None:
    """Train per seed; print each as it finishes and the table of all at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True)
    parser.add_argument("--target", action="append", default=None, help="a label; may be repeated, or 'all'")
    parser.add_argument("--seed", type=int, action="append", default=None, help="may be repeated; 0, 1, 2 by default")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--validation", type=float, default=0.1)
    parser.add_argument("--output", type=Path, default=None, help="CSV file for the metrics, written after every seed")
    arguments = parser.parse_args()
    space, array, labels = read_help(arguments.table)
    targets = arguments.target or ["lat_2080ti_1", "lat_v100_64"]
    y = labels if targets == ["all"] else {target: labels[target] for target in targets}
    settings = TrainingSettings(
        loss="latency",
        epochs=arguments.epochs,
        batch_size=32,
        learning_rate=arguments.learning_rate,
        validation=arguments.validation,
    )
    frames = []
    for seed in arguments.seed or [0, 1, 2]:
        start = time.perf_counter()
        frames.append(_of_seed(space, array, y, settings, seed))
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s\n{_pivot(frames[-1])}", flush=True)
        if arguments.output is not None:
            pd.concat(frames).to_csv(arguments.output, index=False)
    print(_pivot(pd.concat(frames)))


def read_help(path: str) -> tuple[SearchSpace, ArchitectureArray, dict[str, NDArray[np.float64]]]:
    """OFA-MobileNetV3 at the 25 resolutions of the HELP table, its architectures and their latencies [ms a batch]."""
    resolution = {"choices": RESOLUTIONS, "aliases": ["res"], "scale": {"offset": 128, "divisor": 96}}
    space = SearchSpace.from_mapping(
        "help_ofa_mbv3",
        {
            "layer_features": {"expand": {"choices": [3, 4, 6]}, "kernel": {"choices": [3, 5, 7]}},
            "graph_features": {"resolution": resolution},
            "units": [{"name": f"stage{n}", "layers": [2, 3, 4]} for n in range(1, 6)],
        },
    )
    table = ingest_records(space, read_records(path)).architectures
    return space, from_table(space, table), {c: table[c].to_numpy() for c in label_columns(space, table)}


def _of_seed(
    space: SearchSpace,
    array: ArchitectureArray,
    y: dict[str, NDArray[np.float64]],
    settings: TrainingSettings,
    seed: int,
) -> pd.DataFrame:
    kept, held = split_rows(len(array), 0.1, seed)
    learned = {target: values[kept] for target, values in y.items()}
    rest = (array.take(held), {target: values[held] for target, values in y.items()})
    trained, _ = train(space, array.take(kept), learned, model=MODEL, training=settings, seed=seed)
    ridge = RidgeBaseline(space).fit(array.take(kept), np.stack(list(learned.values())))
    metrics = predictor_metrics(trained, ridge, {"held_out": rest}).assign(seed=seed)
    return metrics[metrics["metric"].isin(["spearman", "mae"])].replace({"model": {"autobuild": "k_gnn"}})


def _pivot(metrics: pd.DataFrame) -> str:
    table = metrics.pivot_table(index=["target", "metric", "model"], columns="seed", values="value")
    return table.assign(mean=table.mean(axis=1)).round(4).to_string()


if __name__ == "__main__":
    main()
