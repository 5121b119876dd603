"""Measure the latency of sampled architectures on this machine."""

from autobuild_pipelines.pipelines.measure_latency.pipeline import create_pipeline

__all__ = ["create_pipeline"]
