"""What designed target equations reach against those written by hand, searched on the same budget.

    python -m benchmarks.designed_targets --space ofa_mbv3 --data FOLDER_OF_CACHES --models FOLDER_OF_CHECKPOINTS
    python -m benchmarks.designed_targets --space ofa_mbv3_panoptic --env base

Each seed trains predictors of the hand equations of `targets` and of those designed from the labels, on the same 90 %
of the architectures, reduces the space once by each set (contextual scores) and searches both with AutoBuild-NAS.
Data, problems and evaluators are those of the environment; the predictors' settings are those of `conf/base`. Prints
the equations, and each set's hypervolume per seed of the predictors (mean of the EA's seeds) and on average.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.framework.startup import bootstrap_project
from numpy.typing import NDArray

from autobuild_pipelines.building import top_modules
from autobuild_pipelines.datasets import ReleasedPredictorsDataset
from autobuild_pipelines.design import DesignSettings, design_targets, merged_targets, target_equations
from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.pipelines.evaluator import make_evaluator
from autobuild_pipelines.predictors import read_predictor, split_rows, train
from autobuild_pipelines.scoring import choose_contexts, label_statistics, score_modules
from autobuild_pipelines.search import SearchSettings, read_problems, run_search
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table
from autobuild_pipelines.targets import Equation
from benchmarks.data import ROOT
from benchmarks.reduced_spaces import parameters

SETS = ("hand", "designed")


def main() -> None:
    """Design, train, score, reduce and search per seed; print equations and hypervolumes."""
    arguments = _arguments()
    for variable, folder in (("AUTOBUILD_DATA_DIR", arguments.data), ("AUTOBUILD_MODELS_DIR", arguments.models)):
        if folder is not None:
            os.environ[variable] = folder
    bootstrap_project(ROOT)
    settings = parameters(arguments.env, arguments.space)
    settings["predictors"] = parameters("base", arguments.space)["predictors"]
    space = SearchSpace.from_mapping(arguments.space, settings["space"])
    table = ingest_records(
        space, read_records(str(ROOT / settings["source"]["filepath"])), **settings["ingest"]
    ).architectures
    array = from_table(space, table)
    kept = arguments.problems or list(settings["problems"])
    problems = [problem for problem in read_problems(settings["problems"]) if problem.name in kept]
    designed = {
        problem.name: design_targets(problem, table, DesignSettings(count=arguments.count)) for problem in problems
    }
    sets = {
        (problem.name, name): list(targets)
        for problem in problems
        for name, targets in zip(SETS, (problem.targets, target_equations(designed[problem.name])), strict=True)
    }
    texts = dict(settings["targets"])
    for targets in designed.values():
        texts = merged_targets(texts, target_equations(targets))
    equations = {name: texts[name] for names in sets.values() for name in names}
    for target in (target for targets in designed.values() for target in targets):
        print(f"{target.name}: {target.equation}  (margin {target.margin:.2f}{', unchecked' * (not target.checked)})")
    labels = {name: Equation(name, text).evaluate(table) for name, text in equations.items()}
    evaluator = make_evaluator(space, settings["evaluators"], **_sources(settings, arguments))
    search = SearchSettings.from_mapping(
        {
            **{key: settings["search"][key] for key in ("initial", "iterations", "per_iteration")},
            "seeds": arguments.searches,
            "variants": {name: {"mutation": "module", "space": "reduced", "method": name} for name in SETS},
        }
    )
    rows = []
    for seed in range(arguments.seeds):
        start = time.perf_counter()
        chosen, _ = split_rows(len(array), settings["predictors"]["held_out"], seed)
        scores = _scores(
            space, array.take(chosen), {n: y[chosen] for n, y in labels.items()}, settings, arguments, seed
        )
        top = settings["building"]["top"]
        reduced = {key: top_modules(space, scores, names, "contextual", top) for key, names in sets.items()}
        found = run_search(space, problems, search, evaluator, reduced, seed=seed, progress=False)
        for problem in problems:
            for name in SETS:
                runs = found[(found["problem"] == problem.name) & (found["variant"] == name)].groupby("seed")
                volume = float(np.mean([problem.hypervolume(problem.values(run)) for _, run in runs]))
                rows.append((problem.name, name, seed, volume))
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    result = pd.DataFrame(rows, columns=["problem", "targets", "seed", "hypervolume"])
    pivot = result.pivot_table(index=["problem", "targets"], columns="seed", values="hypervolume", sort=False)
    print(pivot.assign(mean=pivot.mean(axis=1), std=np.std(pivot, axis=1)).round(2).to_string())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--env", default="published")
    parser.add_argument("--data", default=None)
    parser.add_argument("--models", default=None)
    parser.add_argument("--problems", nargs="*", default=None)
    parser.add_argument("--count", type=int, default=DesignSettings().count)
    parser.add_argument("--ensemble", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--searches", type=int, default=5)
    return parser.parse_args()


def _scores(
    space: SearchSpace,
    array: ArchitectureArray,
    labels: Mapping[str, NDArray[np.float64]],
    settings: Mapping[str, Any],
    arguments: argparse.Namespace,
    seed: int,
) -> pd.DataFrame:
    """Contextual scores of all modules by predictors of all targets."""
    chosen = {**settings["predictors"], "ensemble": arguments.ensemble or settings["predictors"]["ensemble"]}
    predictor = read_predictor(chosen, len(array))
    predictors, _ = train(
        space,
        array,
        labels,
        model=predictor.model,
        training=predictor.training,
        ensemble=predictor.ensemble,
        seed=seed,
    )
    scoring = settings["scoring"]
    contexts = choose_contexts(
        space, array, scoring["contexts"], seed, source=scoring["contexts_from"], graph=scoring["graph"]
    )
    return score_modules(
        predictors,
        methods=["contextual"],
        label_statistics=label_statistics(space, array, labels),
        contexts=contexts,
        graph=scoring["graph"],
        progress=False,
    )


def _sources(settings: Mapping[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """What the environment's evaluators are made from."""
    sources: dict[str, Any] = {key: settings[key] for key in ("surrogate", "network") if key in settings}
    if arguments.models is not None:
        sources["released"] = ReleasedPredictorsDataset(path=arguments.models).load()
    measured = Path(ROOT / f"data/01_raw/sample/layer_latency_{arguments.space}.csv")
    if measured.is_file():
        sources["layer_latencies"] = pd.read_csv(measured)
    return sources


if __name__ == "__main__":
    main()
