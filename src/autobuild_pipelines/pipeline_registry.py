"""The pipelines: every step once per space, the main job that strings them together, and jobs on spaces of their own.

A space is a Kedro namespace, which prefixes its datasets; each step is a namespace in it, which prefixes nodes only:
kedro-viz folds a space into its steps, and `kedro run --namespaces=ofa_pn.search` is one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from kedro.pipeline import Pipeline

from autobuild_pipelines.config import ConfigError, SpaceOutline
from autobuild_pipelines.context import Registered, registered
from autobuild_pipelines.pipelines import (
    building,
    compare_built,
    compare_methods,
    design_targets,
    draw_built,
    evaluate_architectures,
    evaluation,
    exhaustive_search,
    graphs,
    ingest,
    insight,
    ir_insight,
    label_statistics,
    latency_predictors,
    make_sample,
    measure_latency,
    measure_layer_latency,
    predictors,
    reporting,
    scoring,
    search,
    verification,
)

REPORTING = "reporting"
"""The step that ends a job: one page on all its spaces."""

MAIN = (
    "ingest",
    "graphs",
    "label_statistics",
    "predictors",
    "scoring",
    "insight",
    "building",
    "search",
    "evaluation",
    REPORTING,
)
"""The steps of `autobuild_nas`, in order."""

OF_SEARCHES = ("search", "evaluation", "compare_methods")
"""Steps that a space without an evolutionary search has not."""

VERIFIED = "latency_predictor"
"""The type of evaluator whose word is checked at the end of the main job: pipeline `verification` runs with it."""

NOTHING = Pipeline([])

SHARED = {"released_predictors", "evaluation_ledger"}
"""Datasets that all spaces share; all others belong to one space."""


def register_pipelines() -> dict[str, Pipeline]:
    """Name → pipeline: every step and the main job for the spaces that the configuration lists, and its other jobs.

    Raises:
        ConfigError: A job has the name of another pipeline.
    """
    found = registered()
    outlines = found.spaces | found.of_jobs
    of_spaces = {space: _in_namespaces(_steps(outline), space) for space, outline in outlines.items()}
    names = dict.fromkeys([*(name for steps in of_spaces.values() for name in steps), REPORTING])
    steps = {name: _sum(of_spaces[space].get(name, NOTHING) for space in found.spaces) for name in names}
    steps = {name: pipeline for name, pipeline in steps.items() if pipeline.nodes}
    if "compare_methods" in steps:
        steps["compare_methods"] = steps["search"] + steps["compare_methods"]
    main = _chain(of_spaces, found.spaces, MAIN)
    steps[REPORTING] = _reports(of_spaces, found.spaces, _chains(found))
    pipelines = {"__default__": main, "autobuild_nas": main, **steps}
    for name, job in found.jobs.items():
        if name in pipelines or name in names:
            raise ConfigError(f"parameters: jobs.{name}: a pipeline has this name; give the job another")
        if unknown := [step for step in job.steps or () if step not in names]:
            raise ConfigError(f"parameters: jobs.{name}.steps: there is no step {unknown[0]!r}, only {list(names)}")
        spaces = {space: outlines[space] for space in job.spaces}
        pipelines[name] = _chain(of_spaces, spaces, job.steps or MAIN)
    return pipelines


def _chain(
    of_spaces: Mapping[str, Mapping[str, Pipeline]], spaces: Mapping[str, SpaceOutline], steps: Iterable[str]
) -> Pipeline:
    """Steps of these spaces, and `verification` where it belongs to the main job; the report last."""
    steps = tuple(steps)
    chain = [_sum(_of_chain(of_spaces[space], outline, steps)) for space, outline in spaces.items()]
    if REPORTING in steps:
        chain.append(_reports(of_spaces, spaces, dict.fromkeys(spaces, steps)))
    return _sum(chain)


def _of_chain(steps: Mapping[str, Pipeline], outline: SpaceOutline, names: Iterable[str]) -> list[Pipeline]:
    """What a job with steps of these names does for one space, but for its report."""
    verified = [steps["verification"]] if VERIFIED in outline.evaluator_types else []
    return [*(steps.get(name, NOTHING) for name in names), *verified]


def _reports(
    of_spaces: Mapping[str, Mapping[str, Pipeline]],
    spaces: Mapping[str, SpaceOutline],
    steps: Mapping[str, tuple[str, ...]],
) -> Pipeline:
    """The page on these spaces, from what the steps of each make."""
    chapters = []
    for space, outline in spaces.items():
        made = _sum(_of_chain(of_spaces[space], outline, steps[space])).all_outputs()
        chapter = reporting.create_pipeline(outline, {name.removeprefix(f"{space}.") for name in made})
        chapters.append(_in_namespaces({REPORTING: chapter}, space)[REPORTING])
    return _sum([*chapters, reporting.create_page(spaces)])


def _chains(found: Registered) -> dict[str, tuple[str, ...]]:
    """The steps of the job that an active space belongs to, the main one's where it belongs to no other."""
    steps: dict[str, tuple[str, ...]] = dict.fromkeys(found.spaces, MAIN)
    for job in found.jobs.values():
        steps |= {space: job.steps or MAIN for space in job.spaces if space in steps}
    return steps


def _steps(outline: SpaceOutline) -> dict[str, Pipeline]:
    steps = {
        "ingest": ingest.create_pipeline(outline),
        "graphs": graphs.create_pipeline(),
        "label_statistics": label_statistics.create_pipeline(),
        "design_targets": design_targets.create_pipeline(outline),
        "predictors": predictors.create_pipeline(outline),
        "scoring": scoring.create_pipeline(),
        "insight": insight.create_pipeline(),
        "building": building.create_pipeline(outline),
        "exhaustive_search": exhaustive_search.create_pipeline(outline),
        "compare_built": compare_built.create_pipeline(outline),
        "draw_built": draw_built.create_pipeline(outline),
        "search": search.create_pipeline(outline),
        "evaluation": evaluation.create_pipeline(outline),
        "compare_methods": compare_methods.create_pipeline(),
        "evaluate_architectures": evaluate_architectures.create_pipeline(outline),
        "verification": verification.create_pipeline(),
        "measure_latency": measure_latency.create_pipeline(),
        "latency_predictors": latency_predictors.create_pipeline(),
        "make_sample": make_sample.create_pipeline(outline),
        "measure_layer_latency": measure_layer_latency.create_pipeline(),
        "ir_insight": ir_insight.create_pipeline(outline),
    }
    return {name: step for name, step in steps.items() if outline.searched or name not in OF_SEARCHES}


def _in_namespaces(steps: Mapping[str, Pipeline], space: str) -> dict[str, Pipeline]:
    """The steps of a space; a node that several steps share is in the namespace of the space alone."""
    times = Counter(node.name for step in steps.values() for node in step.nodes)
    out = {}
    for name, step in steps.items():
        own = [node for node in step.nodes if times[node.name] == 1]
        shared = [node for node in step.nodes if times[node.name] > 1]
        whole = Pipeline([Pipeline(own, namespace=name, prefix_datasets_with_namespace=False), *shared])
        out[name] = Pipeline(whole, namespace=space, inputs=SHARED & whole.inputs())
    return out


def _sum(pipelines: Iterable[Pipeline]) -> Pipeline:
    return sum(pipelines, NOTHING)
