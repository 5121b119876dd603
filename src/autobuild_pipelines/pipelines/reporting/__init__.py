"""Pipeline `reporting`."""

from autobuild_pipelines.pipelines.reporting.pipeline import create_page, create_pipeline

__all__ = ["create_page", "create_pipeline"]
