"""Evaluate a user's own list of architectures."""

from autobuild_pipelines.pipelines.evaluate_architectures.pipeline import create_pipeline

__all__ = ["create_pipeline"]
