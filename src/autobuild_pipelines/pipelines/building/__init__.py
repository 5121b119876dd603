"""Reduced spaces and directly built architectures from module scores."""

from autobuild_pipelines.pipelines.building.pipeline import create_pipeline

__all__ = ["create_pipeline"]
