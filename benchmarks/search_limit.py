"""The hypervolume that nearly unlimited evaluations reach: what searches of 250 can be measured against.

    python -m benchmarks.search_limit --space ofa_pn --data FOLDER_OF_CACHES --models FOLDER_OF_CHECKPOINTS

Layer-Full with the problems and evaluators of `conf/published`, a thousand evaluations a generation. Prints, per
problem, the hypervolume after a quarter, a half and all of them: a limit that still grows is a lower bound.
"""

from __future__ import annotations

import argparse

from autobuild_pipelines.search import SearchSettings, read_problems, run_search
from benchmarks.reduced_spaces import published

GENERATION = 1000


def main() -> None:
    """Search, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="ofa_mbv3")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--evaluations", type=int, default=140_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    settings, space, evaluator = published(arguments.space, arguments.data, arguments.models)
    search = SearchSettings.from_mapping(
        {
            **settings["search"],
            "variants": {"layer_full": settings["search"]["variants"]["layer_full"]},
            "seeds": 1,
            "initial": GENERATION,
            "iterations": arguments.evaluations // GENERATION - 1,
            "per_iteration": GENERATION,
        }
    )
    for problem in read_problems(settings["problems"]):
        evaluations = run_search(space, [problem], search, evaluator, {}, seed=arguments.seed, progress=False)
        values = problem.values(evaluations)
        reached = {spent: problem.hypervolume(values[:spent]) for spent in (len(values) // n for n in (4, 2, 1))}
        parts = ", ".join(f"{spent:,}: {volume:.2f}" for spent, volume in reached.items())
        print(f"{space.name} {problem.name}: {parts}", flush=True)


if __name__ == "__main__":
    main()
