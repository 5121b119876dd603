"""The embedded samples: random architectures, labelled by evaluators (surrogate metrics, exact costs)."""

from autobuild_pipelines.sampling.architectures import make_sample, sample_architectures

__all__ = ["make_sample", "sample_architectures"]
