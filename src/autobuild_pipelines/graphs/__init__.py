"""Architectures as tensors: sequence graphs, operator graphs and the node features that predictors read."""

from autobuild_pipelines.graphs.export import operator_graph
from autobuild_pipelines.graphs.features import Category, FeatureSchema
from autobuild_pipelines.graphs.onnx_file import read_onnx
from autobuild_pipelines.graphs.onnx_operations import onnx_operator_graph
from autobuild_pipelines.graphs.operator_arrays import pack, unpack
from autobuild_pipelines.graphs.operator_graph import OperatorGraph, OperatorGraphError
from autobuild_pipelines.graphs.sequence import SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.graphs.windows import HopWindows, NodeWindows, hop_windows, node_windows, window_counts

__all__ = [
    "Category",
    "FeatureSchema",
    "HopWindows",
    "NodeWindows",
    "OperatorGraph",
    "OperatorGraphError",
    "SequenceGraphs",
    "Vocabulary",
    "hop_windows",
    "node_windows",
    "onnx_operator_graph",
    "operator_graph",
    "pack",
    "read_onnx",
    "sequence_graphs",
    "unpack",
    "window_counts",
]
