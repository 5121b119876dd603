"""Target equations that together cover the Pareto front, designed from labelled architectures."""

from autobuild_pipelines.pipelines.design_targets.pipeline import create_pipeline

__all__ = ["create_pipeline"]
