"""What predictors learn of features, over seeds: contextual effects against the FE-MLP's scalars and the paper's §7.6.

    python -m benchmarks.insight_findings --data FOLDER_WITH_THE_PUBLISHED_CACHES --keep FOLDER
    python -m benchmarks.insight_findings --data FOLDER_WITH_THE_PUBLISHED_CACHES --keep FOLDER --predictor autobuild

Trains predictors of accuracy and latencies per seed, which decides weights, batches and contexts, and prints

- what contextual effects say: the order of values in every seed, and how often it is the most frequent one;
- what scalars say of the same values;
- whether effects find what the labels contain (wide layers and units 4 and 5 for accuracy, kernel 7 for the NPU, length
  alone for the GPU);
- the findings of §7.6 (layer position 0 and OFA-PN's stage 6 near zero, kernel 7 on the NPU) on the scalars of every
  seed: confirmed where all seeds agree, with the spread, and the same of the seeds' mean, which is an ensemble. Near
  zero is below a tenth of the category's largest scalar.

With `--keep` every seed's result is written as it is found, and one that is there already is read: a run that was
stopped goes on. A result belongs to its settings and its data, not to the code; empty the folder when that changes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.predictors import PRESETS, Preset, read_predictor, train
from autobuild_pipelines.scoring import (
    choose_contexts,
    context_effects,
    effect_shares,
    feature_importance,
    importances,
)
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace
from benchmarks.data import read

SPACES = ("ofa_mbv3", "ofa_pn")
TARGETS = ("acc", "latency_gpu", "latency_npu")
NEAR_ZERO = 0.1
ORDERS = (
    # target, category, the order of effects that labels have: known from their means over the caches
    ("acc", "expand", "6 > 4 > 3"),
    ("acc", "layers", "4 > 3 > 2"),
    ("latency_npu", "kernel", "7 > 5 > 3"),
    ("latency_gpu", "layers", "4 > 3 > 2"),
)
LARGEST = (
    # target, by, keys that account for most of the variance
    ("acc", "unit", ("4", "5")),
    ("latency_npu", "feature", ("kernel",)),
    ("latency_gpu", "feature", ("layers",)),
)
FINDINGS = (
    # space, category, value, what is claimed, of which targets
    ("ofa_mbv3", "layer", "0", "near zero", TARGETS),
    ("ofa_pn", "layer", "0", "near zero", TARGETS),
    ("ofa_pn", "unit", "6", "near zero", TARGETS),
    ("ofa_mbv3", "kernel", "7", "largest", ("latency_npu",)),
    ("ofa_pn", "kernel", "7", "largest", ("latency_npu",)),
)

Found = tuple[pd.DataFrame, pd.DataFrame]
"""Scalars and effects of one seed, means over its predictors, and the shares of effects."""


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of SPACE_custom_cache.pkl")
    parser.add_argument("--predictor", choices=sorted(PRESETS), default="lifted")
    parser.add_argument("--model", type=json.loads, default={}, help="JSON: changes to the predictor's architecture")
    parser.add_argument("--training", type=json.loads, default={}, help="JSON: changes to its training")
    parser.add_argument("--ensemble", type=int, default=None)
    parser.add_argument("--contexts", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=None, help="folder in which results of seeds are kept")
    arguments = parser.parse_args()
    tables, shares = [], []
    for seed in range(arguments.seeds):
        for name in SPACES:
            found, share = kept(name, Path(arguments.data) / f"{name}_custom_cache.pkl", seed, arguments)
            tables.append(found.assign(space=name, seed=seed))
            shares.append(share.assign(space=name, seed=seed))
            print(f"{name}, seed {seed}: done", flush=True)
    table, share_table = pd.concat(tables), pd.concat(shares)
    pd.set_option("display.width", 200, "display.max_rows", 500, "display.max_columns", 20)
    print(f"\nOrders of values, {arguments.predictor}, {arguments.seeds} seeds\n{orders(table).to_string(index=False)}")
    print(f"\nShares of the variance that effects come to [%]\n{of_variance(share_table).to_string()}")
    print(f"\nWhat labels contain, by effects\n{in_context(table, share_table).to_string(index=False)}")
    print(f"\n§7.6 on the scalars\n{findings(table).to_string(index=False)}")


def kept(name: str, cache: Path, seed: int, arguments: argparse.Namespace) -> Found:
    """`measure`, or what it found the last time with these settings and data."""
    space, array, labels = read(name, str(cache))
    predictor = read_predictor(vars(arguments), len(array))
    if arguments.keep is None:
        return measure(space, array, labels, seed, predictor, arguments.contexts)
    asked = {**asdict(predictor), "contexts": arguments.contexts, "targets": TARGETS}
    asked["data"] = hashlib.sha256(cache.read_bytes()).hexdigest()
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
    path = arguments.keep / f"{name}_{arguments.predictor}_{digest}_{seed}.json"
    if path.exists():
        content = json.loads(path.read_text())
        first, second = (pd.read_json(io.StringIO(text), orient="table") for text in content["tables"])
        return first, second
    found = measure(space, array, labels, seed, predictor, arguments.contexts)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    tables = [table.to_json(orient="table", index=False, double_precision=15) for table in found]
    part.write_text(json.dumps({"asked": asked, "tables": tables}))
    os.replace(part, path)
    return found


def measure(
    space: SearchSpace,
    array: ArchitectureArray,
    labels: dict[str, NDArray[np.float64]],
    seed: int,
    predictor: Preset,
    contexts: int,
) -> Found:
    """Train the predictors of one seed and take their scalars and effects."""
    trained, _ = train(
        space,
        array,
        {target: labels[target] for target in TARGETS},
        model=predictor.model,
        training=predictor.training,
        ensemble=predictor.ensemble,
        seed=seed,
        progress=False,
    )
    effects = context_effects(trained, choose_contexts(space, array, contexts, seed), array, seed=seed)
    table = importances(space, feature_importance(trained, array), effects)
    keys = ["target", "category", "source", "value", "trained"]
    return table.groupby(keys, sort=False)["amount"].mean().reset_index(), effect_shares(effects)


def orders(table: pd.DataFrame) -> pd.DataFrame:
    """Per space, target, category and source the most frequent order of values, the first the largest."""
    rows = []
    keys = ["space", "target", "category", "source"]
    for key, group in table[table["trained"]].groupby(keys, sort=False):
        if group["value"].nunique() < 2:
            continue
        ranked = group.sort_values("amount", ascending=False).groupby("seed")["value"].agg(" > ".join)
        counts = ranked.value_counts()
        rows.append((*key, counts.index[0], f"{counts.iloc[0]} of {len(ranked)}", ranked.nunique()))
    return pd.DataFrame(rows, columns=[*keys, "most frequent order", "seeds", "orders"])


def of_variance(shares: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and greatest share over seeds and predictors."""
    found = shares.groupby(["space", "target", "by", "key"], sort=False)["share"].agg(["mean", "min", "max"])
    return (100 * found).round(1)


def in_context(table: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """What labels are known to contain, seed by seed: in how many the effects have it, and what it amounts to."""
    rows = []
    effects = table[(table["source"] == "effect") & table["trained"]]
    for space in SPACES:
        for target, category, order in ORDERS:
            chosen = effects.query("space == @space and category == @category and target == @target")
            ranked = chosen.sort_values("amount", ascending=False).groupby("seed")["value"].agg(" > ".join)
            rows.append((space, target, f"{category}: {order}", "", (ranked == order).to_numpy()))
        for target, by, keys in LARGEST:
            chosen = shares.query("space == @space and target == @target and by == @by")
            pivot = chosen.pivot_table(index="seed", columns="key", values="share")
            together = pivot[list(keys)].sum(axis=1)
            ahead = pivot[list(keys)].min(axis=1) > pivot.drop(columns=list(keys)).max(axis=1)
            spread = f"{together.mean():.1%} ({together.min():.1%}-{together.max():.1%})"
            rows.append((space, target, f"{by} {' and '.join(keys)} largest", spread, ahead.to_numpy()))
    columns = ["space", "target", "finding", "share of the variance", "seeds", "verdict"]
    return pd.DataFrame([(*row[:-1], *_verdict(row[-1])) for row in rows], columns=columns)


def findings(table: pd.DataFrame) -> pd.DataFrame:
    """The claims of §7.6, seed by seed, and of the mean over seeds."""
    rows = []
    scalars = table[(table["source"] == "scalar") & table["trained"]]
    for space, category, value, claim, targets in FINDINGS:
        for target in targets:
            chosen = scalars.query("space == @space and category == @category and target == @target")
            pivot = chosen.pivot_table(index="seed", columns="value", values="amount")
            ratio = (pivot[value] / pivot.max(axis=1)).to_numpy()
            holds = ratio < NEAR_ZERO if claim == "near zero" else ratio == 1
            spread = f"{ratio.mean():.2f} ({ratio.min():.2f}-{ratio.max():.2f})"
            mean = f"{pivot.mean()[value] / pivot.mean().max():.2f}"
            rows.append((space, target, f"{category} {value} {claim}", spread, mean, *_verdict(holds)))
    columns = ["space", "target", "finding", "scalar / largest", "of mean scalars", "seeds", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _verdict(holds: NDArray[np.bool_]) -> tuple[str, str]:
    """In how many seeds something holds, and "confirmed" where in all."""
    return f"{holds.sum()} of {len(holds)}", "confirmed" if holds.all() else "not confirmed"


if __name__ == "__main__":
    main()
