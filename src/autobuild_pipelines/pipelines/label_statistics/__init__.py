"""What the labels say per unit and number of layers."""

from autobuild_pipelines.pipelines.label_statistics.pipeline import create_pipeline

__all__ = ["create_pipeline"]
