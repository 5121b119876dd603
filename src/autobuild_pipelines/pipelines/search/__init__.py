"""Evolutionary search with every variant on one budget."""

from autobuild_pipelines.pipelines.search.pipeline import create_pipeline

__all__ = ["create_pipeline"]
