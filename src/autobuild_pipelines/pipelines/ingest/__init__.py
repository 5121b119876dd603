"""Read, check and tabulate evaluated architectures."""

from autobuild_pipelines.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
