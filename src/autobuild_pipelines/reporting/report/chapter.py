"""The chapter of one space: headline numbers, then every section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.building import read_reduced_spaces
from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.held_out import held_out
from autobuild_pipelines.reporting.report.asked import asked, data, source
from autobuild_pipelines.reporting.report.built import built, reduced
from autobuild_pipelines.reporting.report.content import Chapter, Fact
from autobuild_pipelines.reporting.report.found import cost, fronts, leader, methods, others
from autobuild_pipelines.reporting.report.learned import importance, modules, predictor_quality
from autobuild_pipelines.reporting.report.results import Results, SavedResult
from autobuild_pipelines.spaces import SearchSpace

_SECTIONS = (asked, data, predictor_quality, importance, modules, reduced, built, fronts, methods, cost, others)


def write_chapter(
    space: SearchSpace,
    settings: Mapping[str, Any],
    made: Mapping[str, Any],
    further: Mapping[str, SavedResult] | None = None,
) -> Chapter:
    """Everything that is known of one space, in reading order.

    Args:
        space: The search space.
        settings: Its parameters: label_kind, seed, targets, problems, evaluators and the sections of all steps.
        made: Tables, figures and predictors that the job made, by the name of their dataset without the space.
        further: What other pipelines saved, likewise.
    """
    results = Results(space, settings, made, further or {})
    sections = tuple(section for write in _SECTIONS if (section := write(results)).blocks)
    title = space.declaration.title or space.name
    return Chapter(
        space.name,
        title,
        results.label_kind,
        str(settings.get("seed", "")),
        source(results),
        tuple(_facts(results)),
        sections,
    )


def _facts(results: Results) -> list[Fact]:
    """The headline: data, space, predictors, and who is best at what."""
    space = results.space
    facts = [Fact("Architectures in the space", wording.size(space.size), f"{space.module_count:,} modules ranked")]
    architectures, rejected = results.table("architectures"), results.get("rejected_architectures")
    if architectures is not None:
        refused = 0 if rejected is None else len(rejected)
        facts.insert(0, Fact("Evaluated architectures read", f"{len(architectures):,}", f"{refused:,} rejected"))
    metrics = results.table("predictor_metrics")
    if metrics is not None:
        values = held_out(metrics)
        found = {target: v for (target, model, name), v in values.items() if (model, name) == ("autobuild", "spearman")}
        if found:
            low, high = min(found.values()), max(found.values())
            ridge = [values.get((target, "ridge", "spearman"), float("nan")) for target in found]
            ahead = sum(v < r for v, r in zip(found.values(), ridge, strict=True))
            note = f"held out, {len(found)} targets; ridge regression is ahead on {ahead}"
            facts.append(Fact("Rank correlation of predictors", f"{low:.3f} to {high:.3f}", note))
    table = results.table("reduced_space")
    if table is not None:
        sizes = sorted(part.size for part in read_reduced_spaces(space, table).values())
        shown = dict.fromkeys(wording.size(size) for size in (sizes[0], sizes[-1]))
        facts.append(Fact("Reduced space", " to ".join(shown), "architectures of the best modules"))
    return [*facts, *_leaders(results)]


def _leaders(results: Results) -> list[Fact]:
    comparison = results.table("comparison")
    if comparison is None:
        return []
    facts = []
    for problem in dict.fromkeys(comparison["problem"].astype(str)):
        who, _, volumes = leader(results, problem).partition(" has the largest hypervolume, ")
        facts.append(Fact(f"Best on problem {problem}", who, f"hypervolume {volumes.rstrip('.')}"))
    return facts
