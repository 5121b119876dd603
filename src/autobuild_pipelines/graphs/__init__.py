"""Architectures as tensors: sequence graphs and the node features that predictors read."""

from autobuild_pipelines.graphs.features import Category, FeatureSchema
from autobuild_pipelines.graphs.sequence import SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.graphs.windows import HopWindows, hop_windows

__all__ = [
    "Category",
    "FeatureSchema",
    "HopWindows",
    "SequenceGraphs",
    "Vocabulary",
    "hop_windows",
    "sequence_graphs",
]
