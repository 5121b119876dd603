"""Operator graphs as arrays: features, parts of a batch, and nodes that cannot be told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.graphs.operator_features import OperatorFeatureError, operator_features
from autobuild_pipelines.graphs.operator_graph import OperatorGraph

Make = Callable[..., OperatorGraph]
SOME: Sequence[Sequence[int]] = ([3, 4], [6], [4, 4, 3], [6, 3])


def test_a_part_of_a_batch_is_the_batch_of_the_part(residual_graph: Make) -> None:
    graphs = [residual_graph(e) for e in SOME]
    whole = OperatorBatch.of(graphs)
    rows = np.asarray([3, 0, 0])
    part, alone = whole.take(rows), OperatorBatch.of([graphs[row] for row in rows], whole.schema)
    np.testing.assert_array_equal(part.features[part.words][:, :1], alone.features[alone.words][:, :1])
    np.testing.assert_array_equal(part.offsets, alone.offsets)
    np.testing.assert_array_equal(part.sources, alone.sources)
    np.testing.assert_array_equal(part.in_offsets, alone.in_offsets)


def test_equal_blocks_count_once_and_every_node_knows_its_class(residual_graph: Make) -> None:
    batch = OperatorBatch.of([residual_graph([3, 3, 3]), residual_graph([3])])
    classes = batch.classes(batch.hashes(2))
    # At hop 0: stem, two convolutions, relu, add. At hop 1 blocks behind the stem differ from blocks behind an add, and
    # at hop 2 blocks behind the first block's add differ from those behind other adds.
    assert [len(level.own) for level in classes] == [5, 7, 10]
    for level in classes:
        assert level.counts.sum() == len(batch.words) == len(level.of_nodes)
        assert level.share.sum() == pytest.approx(1)


def test_features_are_operation_shapes_and_attributes_that_differ(residual_graph: Make) -> None:
    schema, codes = operator_features(pack([residual_graph([3]), residual_graph([6])]))
    names = [category.name for category in schema.categories]
    assert names == ["operation", "in_channels", "out_channels", "groups", "kernel"]
    kernel = schema.categories[-1].values
    assert kernel == ("none", 1, 3)
    assert [kernel[code] for code in codes[:5, -1]] == [3, 1, "none", 1, "none"]
    channels = schema.categories[1]
    assert channels.scaled == pytest.approx([np.log2(float(v)) / 10 for v in channels.values])


def test_a_depthwise_convolution_is_told_by_its_groups(residual_graph: Make) -> None:
    graph = residual_graph([3])
    attributes = ({"kernel": 3, "groups": 3}, {"kernel": 1, "groups": 2}, *graph.attributes[2:])
    schema, codes = operator_features(pack([replace(graph, attributes=attributes)]))
    groups = next(c for c in schema.categories if c.name == "groups")
    column = schema.categories.index(groups)
    assert [groups.values[code] for code in codes[:4, column]] == ["depthwise", 2, "none", 1]


def test_an_operation_that_was_not_learned_is_an_error_that_names_it(residual_graph: Make) -> None:
    known = OperatorBatch.of([residual_graph([3])]).schema
    graph = residual_graph([3])
    other = replace(graph, operations=("conv", "conv", "gelu", "conv", "add"))
    with pytest.raises(OperatorFeatureError, match=r"operation 'gelu', which the predictor has not learned"):
        OperatorBatch.of([other], known)
