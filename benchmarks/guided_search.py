"""What AutoBuild-Guided reaches with few evaluations, evaluated by the released predictors.

    python -m benchmarks.guided_search --data FOLDER_OF_CACHES --models FOLDER_OF_CHECKPOINTS --ensemble 2

Trains predictors of the objectives on the published cache (all of it, or `--labels` random architectures) and runs the
guided search over several seeds, with the problems, evaluators and budget of `conf/published` and the predictor of
`conf/base`. Prints, per problem, the hypervolume after every generation: mean and sample deviation over the seeds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.predictors import read_predictor, train
from autobuild_pipelines.search import (
    PredictorGuide,
    SearchSettings,
    objective_targets,
    read_problems,
    run_search,
)
from autobuild_pipelines.spaces import from_table
from autobuild_pipelines.targets import Equation
from benchmarks.reduced_spaces import parameters, published


def main() -> None:
    """Train, search, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--labels", type=int, default=None)
    parser.add_argument("--ensemble", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings, space, evaluator = published(arguments.space, arguments.data, arguments.models)
    chosen = dict(parameters("base", arguments.space)["predictors"])
    if arguments.epochs:
        chosen["training"] = {**chosen["training"], "epochs": arguments.epochs}
    table = ingest_records(space, read_records(settings["source"]["filepath"])).architectures
    if arguments.labels:
        rows = np.random.default_rng(arguments.seed).permutation(len(table))[: arguments.labels]
        table = table.iloc[np.sort(rows)].reset_index(drop=True)
    problems = read_problems(settings["problems"])
    wanted = objective_targets(problems, {}, [str(column) for column in table.columns])
    labels = {name: Equation(name, text).evaluate(table) for name, text in wanted.equations.items()}
    if arguments.ensemble:
        chosen["ensemble"] = arguments.ensemble
    predictor = read_predictor(chosen, len(table))
    started = time.perf_counter()
    predictors, _ = train(
        space,
        from_table(space, table),
        labels,
        equations=wanted.equations,
        model=predictor.model,
        training=predictor.training,
        ensemble=predictor.ensemble,
        seed=arguments.seed,
    )
    trained = time.perf_counter() - started
    variants = settings["search"]["variants"].items()
    guided = {name: entry for name, entry in variants if entry.get("strategy") == "guided"}
    search = SearchSettings.from_mapping({**settings["search"], "variants": guided, "seeds": arguments.seeds})
    guides = {name: PredictorGuide(predictors, targets) for name, targets in wanted.of_problem.items()}
    started = time.perf_counter()
    evaluations = run_search(space, problems, search, evaluator, {}, seed=arguments.seed, guides=guides)
    searched = (time.perf_counter() - started) / (len(problems) * arguments.seeds)
    print(
        f"{space.name}: {len(table)} labelled, {predictors.ensemble} predictors an objective, {predictor.training}; "
        f"training {trained:.0f} s, {searched:.1f} s a run"
    )
    for problem in problems:
        mine = evaluations[evaluations["problem"] == problem.name]
        runs = [problem.values(run.sort_values("evaluation")) for _, run in mine.groupby("seed")]
        budgets = [search.initial + n * search.per_iteration for n in range(search.iterations + 1)]
        reached = [[problem.hypervolume(run[:budget]) for budget in budgets] for run in runs]
        parts = [f"{b}: {m:.2f}" for b, m in zip(budgets, np.mean(reached, axis=0), strict=True)]
        print(f"  {problem.name}: {', '.join(parts)} +- {np.std(reached, axis=0, ddof=1)[-1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
