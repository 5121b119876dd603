"""Scoring time of all modules of a space: shared windows against one module (or one network) at a time, in one run.

    python -m benchmarks.scoring --space ofa_mbv3

The slow ways are timed on `--sample` random modules and scaled up; what is computed is the same, and checked to be.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from autobuild_pipelines.predictors import TrainedPredictors, TrainingSettings, train
from autobuild_pipelines.scoring import choose_contexts, contextual_scores, root_norms
from autobuild_pipelines.spaces import ArchitectureArray, Codes, RankingUnit
from benchmarks.data import read
from benchmarks.plain_pyg import PlainPredictor, graphs_of


def main() -> None:
    """Score every module, then some one at a time, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--cache", default=None)
    parser.add_argument("--contexts", type=int, default=16)
    parser.add_argument("--sample", type=int, default=300)
    arguments = parser.parse_args()
    space, array, labels = read(arguments.space, arguments.cache)
    settings = TrainingSettings(epochs=1, device="cpu")
    target = next(iter(labels))
    trained, _ = train(space, array, {target: labels[target]}, training=settings, progress=False)
    contexts = choose_contexts(space, array, arguments.contexts, seed=0)
    units = [(unit, unit.module_array()) for unit in space.ranking_units]
    total = sum(len(modules) for _, modules in units)

    start = time.perf_counter()
    norms = [root_norms(trained, unit, modules) for unit, modules in units]
    eq5 = time.perf_counter() - start
    start = time.perf_counter()
    scores = [contextual_scores(trained, unit, modules, contexts) for unit, modules in units]
    contextual = time.perf_counter() - start

    rng = np.random.default_rng(0)
    picks = [rng.permutation(len(modules))[: arguments.sample // len(units)] for _, modules in units]
    count = sum(len(p) for p in picks)
    one_eq5 = one_pyg = one_contextual = 0.0
    for (unit, modules), pick, norm, score in zip(units, picks, norms, scores, strict=True):
        start = time.perf_counter()
        alone = np.asarray([root_norms(trained, unit, modules[[i]])[0, 0, 0] for i in pick])
        one_eq5 += time.perf_counter() - start
        one_pyg += _plain(trained, unit, modules[pick])
        start = time.perf_counter()
        whole = np.asarray([_in_contexts(trained, unit, modules[i], contexts) for i in pick])
        one_contextual += time.perf_counter() - start
        np.testing.assert_allclose(norm[0, pick], alone, rtol=1e-4)
        np.testing.assert_allclose(score[0, pick], whole, rtol=1e-3)
    scale = total / count
    print(f"{arguments.space}: {total} modules, one target, {torch.get_num_threads()} threads")
    rows = [
        ("Eq. 5, all modules at once", eq5, eq5),
        ("Eq. 5, plain torch_geometric, a module at a time", one_pyg * scale, eq5),
        ("Eq. 5, this package, a module at a time", one_eq5 * scale, eq5),
        (f"contextual ({len(contexts)} contexts), all modules at once", contextual, contextual),
        ("contextual, this package, a module at a time", one_contextual * scale, contextual),
    ]
    for name, seconds, fast in rows:
        print(f"{name:55} {seconds:10.2f} s   ratio {seconds / fast:6.0f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def _plain(trained: TrainedPredictors, unit: RankingUnit, modules: Codes) -> float:
    """Seconds that a plain torch_geometric program takes to embed each module as a graph of its own."""
    space = trained.space
    layers = np.full((len(modules), space.slots), -1, dtype=np.int16)
    layers[:, unit.columns] = modules
    array = ArchitectureArray(layers, np.tile(space.graph_code(), (len(modules), 1)))
    graphs, sizes = graphs_of(space, array, np.zeros(len(modules)))
    model = PlainPredictor(sizes, layers=trained.model.hops).eval()
    start = time.perf_counter()
    with torch.inference_mode():
        for graph in graphs:
            float(model.nodes(graph.x, graph.edge_index)[len(graph.x) - 1][-1].abs().sum())
    return time.perf_counter() - start


def _in_contexts(trained: TrainedPredictors, unit: RankingUnit, module: Codes, contexts: ArchitectureArray) -> float:
    layers = contexts.layers.copy()
    layers[:, unit.columns] = module
    return float(trained.predict(ArchitectureArray(layers, contexts.graph))[0].mean())


if __name__ == "__main__":
    main()
