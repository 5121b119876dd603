"""Pipeline `reporting`: the results of all spaces as one page."""

from __future__ import annotations

from collections.abc import Iterable

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.reporting.nodes import SETTING, render_chapters, write_space_chapter

TABLES = frozenset(
    {
        *("architectures", "rejected_architectures", "label_statistics", "predictors", "predictor_metrics"),
        *(
            "module_leaders",
            "feature_importance",
            "reduced_space",
            "built_architectures",
            "evaluations",
            "search_times",
        ),
        *("comparison", "exhaustive_architectures", "construction_comparison", "pareto_gains"),
    }
)
"""What a chapter reads beside figures."""

_SETTINGS = ("label_kind", "seed", "targets", "problems", "evaluators", "ingest", "predictors", "scoring", "building")
_OF_SEARCHES = ("search", "evaluation")


def create_pipeline(outline: SpaceOutline, made: Iterable[str]) -> Pipeline:
    """What a job made of one space, and what other pipelines have saved since → its chapter.

    Args:
        outline: The space's.
        made: Names of the datasets that the job makes of it, without the space; what a chapter reads of them must be
            there.
    """
    results = sorted(name for name in made if name in TABLES or name.endswith("_figure"))
    settings = [*_SETTINGS, *(_OF_SEARCHES if outline.searched else ())]
    inputs = {
        "search_space": "search_space",
        "raw_samples": "raw_samples",
        **{name: name for name in results},
        **{f"{SETTING}{name}": f"params:{name}" for name in settings},
        "further_results": "further_results",
    }
    return Pipeline([node(write_space_chapter, inputs, "report_chapter", name="write_chapter")])


def create_page(spaces: Iterable[str]) -> Pipeline:
    """Chapters of spaces → the page."""
    chapters = [f"{space}.report_chapter" for space in spaces]
    return Pipeline([node(render_chapters, ["run_record", *chapters], "report", name="render_report")])
