"""Measure what was built, and compare with what was expected of it."""

from autobuild_pipelines.pipelines.verification.pipeline import create_pipeline

__all__ = ["create_pipeline"]
