"""How many heads of operator-graph predictors start badly, with batch norm before the head and without.

    python -m benchmarks.operator_heads --seeds 6

Trains the preset of `ir_insight` on as many architectures of the embedded sample as `ir_insight` draws, for the
sample's three targets, with every seed, which decides the split, the weights and the batches. A head starts badly
whose training error is still above 0.9 of the labels' variance, which is a constant's error, after a quarter of the
epochs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd

from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.networks.operator_graphs import operator_graphs
from autobuild_pipelines.predictors import PRESETS, split_rows
from autobuild_pipelines.predictors.operator_training import train_on_operators
from autobuild_pipelines.targets import Equation
from benchmarks.data import ROOT, read

TARGETS = {
    "acc": "acc",
    "acc_per_cpu": "acc * 100 / latency_cpu_ms",
    "balanced": "acc * 100 - 0.4 * latency_cpu_ms",
}
STUCK = 0.9
KINDS = {False: "none", True: "batch norm"}


def main() -> None:
    """Build graphs, train every seed both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=PRESETS["operators"].training.epochs)
    arguments = parser.parse_args()
    space, array, values = read(arguments.space, None)
    rows = np.sort(np.random.default_rng(0).permutation(len(array))[: arguments.count])
    definition = NetworkDefinition.from_yaml(ROOT / f"conf/base/networks/{arguments.space}.yml", arguments.space)
    graphs = OperatorBatch.from_packed(
        pack(operator_graphs(space, definition, space.decode(array.take(rows)), progress=False))
    )
    table = pd.DataFrame({name: column[rows] for name, column in values.items()})
    labels = {name: Equation(name, text).evaluate(table) for name, text in TARGETS.items()}
    found = pd.concat(
        _heads(graphs, labels, seed, normed, arguments.epochs).assign(seed=seed, before_head=KINDS[normed])
        for seed in range(arguments.seeds)
        for normed in KINDS
    )
    print(found.to_string(index=False, float_format="%.3f"))
    for kind, heads in found.groupby("before_head", sort=False):
        early, last = ((heads[f"{when}_error"] > STUCK).sum() for when in ("early", "last"))
        print(
            f"before the head {kind}: {early} of {len(heads)} heads start badly, {last} end so; "
            f"held-out Spearman {heads['spearman'].median():.3f} in the median, {heads['spearman'].min():.3f} at least"
        )


def _heads(graphs: OperatorBatch, labels: dict[str, np.ndarray], seed: int, normed: bool, epochs: int) -> pd.DataFrame:
    """Per target: training error after a quarter of the epochs, and at the end that and held-out Spearman."""
    preset = PRESETS["operators"]
    learned, held_out = (
        (graphs.take(part), {target: values[part] for target, values in labels.items()})
        for part in split_rows(len(graphs), 0.2, seed)
    )
    _, history = train_on_operators(
        *learned,
        held_out=held_out,
        model=replace(preset.model, head_norm=normed),
        training=replace(preset.training, epochs=epochs, evaluate_every=epochs),
        seed=seed,
        progress=False,
    )
    by_epoch = history.pivot_table(index="target", columns="epoch", values="error").loc[list(labels)]
    spearman = history[history["epoch"] == epochs].set_index("target")["held_out_spearman"]
    print(f"seed {seed}, {KINDS[normed]}: held-out Spearman {spearman.round(3).to_dict()}", flush=True)
    return pd.DataFrame(
        {
            "target": by_epoch.index,
            "early_error": by_epoch[max(epochs // 4, 1)].to_numpy(),
            "last_error": by_epoch[epochs].to_numpy(),
            "spearman": spearman.loc[by_epoch.index].to_numpy(),
        }
    )


if __name__ == "__main__":
    main()
