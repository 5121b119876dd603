"""Pipeline `compare_methods`, behind the searches: what all variants reach, how soon, under which limits."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.compare_methods.nodes import (
    draw_anytime,
    draw_methods,
    seek_under_caps,
    trace_hypervolumes,
)

_KIND = "params:label_kind"


def create_pipeline() -> Pipeline:
    """Evaluations and their wall times → curves, comparison, best values under limits, and figures."""
    return Pipeline(
        [
            node(
                trace_hypervolumes,
                ["evaluations", "params:problems", _KIND],
                ["hypervolume_curves", "method_comparison"],
                name="trace_hypervolumes",
            ),
            node(
                seek_under_caps,
                ["search_space", "architectures", "evaluations", "params:problems", "params:compare_methods", _KIND],
                "best_under_caps",
                name="seek_under_caps",
            ),
            node(
                draw_anytime,
                ["search_space", "hypervolume_curves", "params:problems", _KIND],
                "anytime_figure",
                name="draw_anytime",
            ),
            node(
                draw_methods,
                ["search_space", "method_comparison", "best_under_caps", "search_times", _KIND],
                "methods_figure",
                name="draw_methods",
            ),
        ]
    )
