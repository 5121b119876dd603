"""What predictors learn of features, over seeds: contextual effects against the FE-MLP's scalars and the paper's §7.6.

    python -m benchmarks.insight_findings --data FOLDER_WITH_THE_PUBLISHED_CACHES

Trains predictors of accuracy and latencies per seed, which decides weights, batches and contexts, and prints

- what contextual effects say: the order of values in every seed, and how often it is the most frequent one;
- what scalars say of the same values;
- the findings of §7.6 (layer position 0 and OFA-PN's stage 6 near zero, kernel 7 on the NPU) on the scalars of every
  seed: confirmed where all seeds agree, with the spread. Near zero is below a tenth of the category's largest scalar.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from autobuild_pipelines.predictors import PRESETS, read_predictor, train
from autobuild_pipelines.scoring import (
    choose_contexts,
    context_effects,
    effect_shares,
    feature_importance,
    importances,
)
from benchmarks.data import read

SPACES = ("ofa_mbv3", "ofa_pn")
TARGETS = ("acc", "latency_gpu", "latency_npu")
NEAR_ZERO = 0.1
FINDINGS = (
    # space, category, value, what is claimed, of which targets
    ("ofa_mbv3", "layer", "0", "near zero", TARGETS),
    ("ofa_pn", "layer", "0", "near zero", TARGETS),
    ("ofa_pn", "unit", "6", "near zero", TARGETS),
    ("ofa_mbv3", "kernel", "7", "largest", ("latency_npu",)),
    ("ofa_pn", "kernel", "7", "largest", ("latency_npu",)),
)


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
    arguments = parser.parse_args()
    tables, shares = [], []
    for name in SPACES:
        for seed in range(arguments.seeds):
            found, share = measure(name, Path(arguments.data) / f"{name}_custom_cache.pkl", seed, arguments)
            tables.append(found.assign(space=name, seed=seed))
            shares.append(share.assign(space=name, seed=seed))
            print(f"{name}, seed {seed}: done", flush=True)
    table = pd.concat(tables)
    pd.set_option("display.width", 200, "display.max_rows", 500)
    print(f"\nOrders of values, {arguments.predictor}, {arguments.seeds} seeds\n{orders(table).to_string(index=False)}")
    print(f"\nShares of the variance that effects come to [%]\n{of_variance(pd.concat(shares)).to_string()}")
    print(f"\n§7.6 on the scalars\n{findings(table).to_string(index=False)}")


def measure(name: str, cache: Path, seed: int, arguments: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scalars and effects of one seed, means over its predictors, and the shares of effects."""
    space, array, labels = read(name, str(cache))
    predictor = read_predictor(vars(arguments), len(array))
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
    contexts = choose_contexts(space, array, arguments.contexts, seed)
    effects = context_effects(trained, contexts, array, seed=seed)
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


def findings(table: pd.DataFrame) -> pd.DataFrame:
    """The claims of §7.6, seed by seed."""
    rows = []
    scalars = table[(table["source"] == "scalar") & table["trained"]]
    for space, category, value, claim, targets in FINDINGS:
        for target in targets:
            chosen = scalars.query("space == @space and category == @category and target == @target")
            pivot = chosen.pivot_table(index="seed", columns="value", values="amount")
            ratio = (pivot[value] / pivot.max(axis=1)).to_numpy()
            holds = ratio < NEAR_ZERO if claim == "near zero" else ratio == 1
            verdict = "confirmed" if holds.all() else "not confirmed"
            spread = f"{ratio.mean():.2f} ({ratio.min():.2f}-{ratio.max():.2f})"
            rows.append(
                (space, target, f"{category} {value} {claim}", spread, f"{holds.sum()} of {len(holds)}", verdict)
            )
    return pd.DataFrame(rows, columns=["space", "target", "finding", "scalar / largest", "seeds", "verdict"])


if __name__ == "__main__":
    main()
