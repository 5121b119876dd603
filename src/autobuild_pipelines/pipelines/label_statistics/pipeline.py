"""Pipeline `label_statistics`: what the labels say by themselves."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.label_statistics.nodes import draw_label_statistics, summarise_labels


def create_pipeline() -> Pipeline:
    """Architectures → label statistics and their figure."""
    return Pipeline(
        [
            node(
                summarise_labels,
                ["search_space", "architectures", "params:targets", "params:predictors", "params:seed"],
                "label_statistics",
                name="summarise_labels",
            ),
            node(
                draw_label_statistics,
                ["search_space", "label_statistics", "params:label_kind"],
                "label_statistics_figure",
                name="draw_label_statistics",
            ),
        ]
    )
