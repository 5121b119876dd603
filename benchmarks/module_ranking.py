"""How a predictor ranks modules, against the truth: the released accuracy predictor's own contextual scores.

    python -m benchmarks.module_ranking --space ofa_mbv3 --cache CACHE --models FOLDER_OF_CHECKPOINTS

Trains predictors of accuracy over several seeds, scores all modules by contextual scores and by Eq. 5, and prints the
Spearman correlation with the marginal effect of every module: the mean released prediction over random contexts of the
whole space, drawn with another seed than the predictors' own. Per unit: over all modules, and within those with the
most layers; then the correlation of contextual scores between seeds. Beside them what sums over layers reach: `ridge`
regression of the labels on one-hot layers, and `sums`, the same regression of the marginal effects themselves.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from autobuild_pipelines.datasets import ReleasedPredictorsDataset
from autobuild_pipelines.predictors import PRESETS, RidgeBaseline, read_predictor, train
from autobuild_pipelines.scoring import choose_contexts, contextual_scores, eq5_scores, label_statistics
from autobuild_pipelines.spaces import ArchitectureArray, Codes, RankingUnit, module_depths
from benchmarks.data import read

CHECKPOINT = "minMAE_{space}_custom_acc_GraphConv_sum_directed_srcc1"


def main() -> None:
    """Train, score, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--predictor", choices=sorted(PRESETS), default="lifted")
    parser.add_argument("--model", type=json.loads, default={}, help="JSON: changes to the predictor's architecture")
    parser.add_argument("--training", type=json.loads, default={}, help="JSON: changes to its training")
    parser.add_argument("--ensemble", type=int, default=None)
    parser.add_argument("--labels", type=int, nargs="*", default=[None], help="sizes of random training sets")
    parser.add_argument("--contexts", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    space, array, labels = read(arguments.space, arguments.cache)
    graph = {"resolution": 224}
    released = ReleasedPredictorsDataset(path=arguments.models).load()
    truth = released[CHECKPOINT.format(space=arguments.space)]().for_space(space).trained
    others = choose_contexts(space, array, arguments.contexts, 10_000, graph=graph)
    modules = {unit: unit.module_array() for unit in space.ranking_units}
    effects = {unit: contextual_scores(truth, unit, found, others)[0, 0] for unit, found in modules.items()}
    for size in arguments.labels:
        rows, scored = [], []
        for seed in range(arguments.seeds):
            chosen = np.sort(np.random.default_rng(seed).permutation(len(array))[:size])
            part, y = array.take(chosen), {"acc": labels["acc"][chosen]}
            predictor = read_predictor(vars(arguments), len(part))
            trained, _ = train(
                space,
                part,
                y,
                model=predictor.model,
                training=predictor.training,
                ensemble=predictor.ensemble,
                seed=seed,
                progress=False,
            )
            contexts = choose_contexts(space, part, arguments.contexts, seed, graph=graph)
            statistics = label_statistics(space, part, y)
            ridge = RidgeBaseline(space).fit(part, y["acc"][None])
            for unit, found in modules.items():
                scores = {"contextual": contextual_scores(trained, unit, found, contexts)[0].mean(axis=0)}
                alone = _in_one_context(unit, found, contexts)
                scores["ridge"] = ridge.predict(alone)[0]
                scores["sums"] = RidgeBaseline(space).fit(alone, effects[unit][None]).predict(alone)[0]
                scores["eq5"] = eq5_scores(trained, unit, found, statistics, graph=graph, min_count=2)[0].mean(axis=0)
                deepest = module_depths(found) == unit.depths[-1]
                for method, values in scores.items():
                    rows.append((method, "all", unit.number, seed, spearmanr(values, effects[unit]).statistic))
                    within = spearmanr(values[deepest], effects[unit][deepest]).statistic
                    rows.append((method, f"{unit.depths[-1]} layers", unit.number, seed, within))
                scored.append((unit.number, seed, scores["contextual"]))
        result = pd.DataFrame(rows, columns=["method", "among", "unit", "seed", "spearman"])
        pivot = result.pivot_table(
            index=["method", "among"], columns="unit", values="spearman", aggfunc=["mean", "min"]
        )
        print(f"{arguments.predictor}, {size or len(array)} labelled, {predictor.ensemble} predictors")
        print(pivot.round(4).to_string())
        between = [spearmanr(a, b).statistic for (u, s, a), (v, t, b) in combinations(scored, 2) if u == v and s != t]
        if between:
            print(f"between seeds: Spearman {min(between):.4f} to {max(between):.4f}", flush=True)


def _in_one_context(unit: RankingUnit, modules: Codes, contexts: ArchitectureArray) -> ArchitectureArray:
    """All modules of a unit in the first context."""
    first = contexts.take(np.zeros(len(modules), dtype=np.int64))
    layers = first.layers.copy()
    layers[:, unit.columns] = modules
    return ArchitectureArray(layers, first.graph)


if __name__ == "__main__":
    main()
