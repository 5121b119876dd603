"""Score every module of every unit for every target."""

from autobuild_pipelines.pipelines.scoring.pipeline import create_pipeline

__all__ = ["create_pipeline"]
