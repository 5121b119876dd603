"""What searches in reduced spaces reach, over several predictor seeds, evaluated by the released predictors.

    python -m benchmarks.reduced_spaces --data FOLDER_OF_CACHES --models FOLDER_OF_CHECKPOINTS --ensemble 3

Each seed trains an ensemble of predictors per target on 90 % of the published cache, scores all modules, reduces the
space and searches it with every variant. Data, targets, problems and evaluators are those of `conf/published`; the
predictors' settings are those of `conf/base`, or with `--predictors published` the paper's. Prints, per seed and on
average, each variant's hypervolume over the EA's seeds, and the mean accuracy of a random member of the contextual
reduced spaces (the union of both targets, and accuracy alone).
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from autobuild_pipelines.building import top_modules
from autobuild_pipelines.datasets import ReleasedPredictorsDataset
from autobuild_pipelines.evaluators import Evaluator
from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.pipelines.evaluator import make_evaluator
from autobuild_pipelines.predictors import read_predictor, split_rows, train
from autobuild_pipelines.scoring import choose_contexts, label_statistics, score_modules
from autobuild_pipelines.search import SearchSettings, compare, random_members, read_problems, run_search
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.targets import Equation
from benchmarks.data import ROOT


def main() -> None:
    """Train, score, reduce and search per seed; print hypervolumes and random members."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--predictors", choices=["base", "published"], default="base")
    parser.add_argument("--ensemble", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=4)
    arguments = parser.parse_args()
    settings, space, evaluator = published(arguments.space, arguments.data, arguments.models)
    settings["predictors"] = parameters(arguments.predictors, arguments.space)["predictors"]
    chosen = {**settings["predictors"], "ensemble": arguments.ensemble or settings["predictors"]["ensemble"]}
    table = ingest_records(space, read_records(settings["source"]["filepath"])).architectures
    array = from_table(space, table)
    labels = {name: Equation(name, text).evaluate(table) for name, text in settings["targets"].items()}
    problems = read_problems(settings["problems"])
    search = SearchSettings.from_mapping(settings["search"])
    rows = []
    for seed in range(arguments.seeds):
        start = time.perf_counter()
        kept, _ = split_rows(len(array), settings["predictors"]["held_out"], seed)
        part = {name: y[kept] for name, y in labels.items()}
        predictor = read_predictor(chosen, len(kept))
        predictors, _ = train(
            space,
            array.take(kept),
            part,
            model=predictor.model,
            training=predictor.training,
            ensemble=predictor.ensemble,
            seed=seed,
        )
        scores = score_modules(
            predictors,
            methods=["eq5", "contextual"],
            label_statistics=label_statistics(space, array.take(kept), part),
            contexts=choose_contexts(
                space,
                array.take(kept),
                settings["scoring"]["contexts"],
                seed,
                source=settings["scoring"]["contexts_from"],
                graph=settings["scoring"]["graph"],
            ),
            graph=settings["scoring"]["graph"],
            progress=False,
        )
        top = settings["building"]["top"]
        reduced = {
            (problem.name, method): top_modules(space, scores, problem.targets, method, top)
            for problem in problems
            for method in ("eq5", "contextual")
        }
        found = compare(
            space,
            problems,
            run_search(space, problems, search, evaluator, reduced, seed=seed, progress=False),
            label_kind=settings["label_kind"],
        )
        rows += [(seed, row.variant, row.problem, row.hypervolume_mean) for row in found.itertuples()]
        accuracy = {
            (problem.name, "contextual"): top_modules(space, scores, ["acc"], "contextual", top) for problem in problems
        }
        for name, spaces in (("random member, union", reduced), ("random member, acc alone", accuracy)):
            only = SearchSettings.from_mapping(
                {"variants": {name: {"mutation": "module", "space": "reduced", "method": "contextual"}}}
            )
            members = random_members(space, problems, only, evaluator, spaces, seed=seed)
            members = members[members["objective"] == "acc_percent"]
            rows += [(seed, name, row.problem, row.mean) for row in members.itertuples()]
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    result = pd.DataFrame(rows, columns=["seed", "variant", "problem", "value"])
    pivot = result.pivot_table(index=["variant", "problem"], columns="seed", values="value", sort=False)
    print(pivot.assign(mean=pivot.mean(axis=1), std=np.std(pivot, axis=1)).round(2).to_string())


def published(name: str, data: str, models: str) -> tuple[dict[str, Any], SearchSpace, Evaluator]:
    """Parameters, space and evaluator of `conf/published`, with the caches and checkpoints of two folders."""
    os.environ["AUTOBUILD_DATA_DIR"], os.environ["AUTOBUILD_MODELS_DIR"] = data, models
    bootstrap_project(ROOT)
    settings = parameters("published", name)
    space = SearchSpace.from_mapping(name, settings["space"])
    released = ReleasedPredictorsDataset(path=models).load()
    return settings, space, make_evaluator(space, settings["evaluators"], released=released)


def parameters(env: str, space: str) -> dict[str, Any]:
    """The parameters of a space in an environment of the project's configuration."""
    with KedroSession.create(ROOT, env=env) as session:
        return dict(session.load_context().params[space])


if __name__ == "__main__":
    main()
