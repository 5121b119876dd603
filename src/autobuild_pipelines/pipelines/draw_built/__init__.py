"""Figures of what predictors learned of features, and of what was built."""

from autobuild_pipelines.pipelines.draw_built.pipeline import create_pipeline

__all__ = ["create_pipeline"]
