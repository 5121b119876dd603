"""Sequence graphs: a node a layer, features in their fixed order, batches that can be cut and rejoined."""

from __future__ import annotations

import numpy as np
import torch

from autobuild_pipelines.graphs import FeatureSchema, Vocabulary, sequence_graphs
from autobuild_pipelines.spaces import SearchSpace


def test_nodes_carry_stage_position_block_expansion_kernel_and_resolution(ofa_pn: SearchSpace) -> None:
    layers = [["mbconv2_e6_k3", "mbconv2_e3_k7"]] * 5 + [["mbconv2_e4_k5"]]
    array = ofa_pn.encode([ofa_pn.architecture(layers, {"resolution": 208})])
    vocabulary = Vocabulary(ofa_pn)
    graphs = sequence_graphs(ofa_pn, array, vocabulary)
    features = (vocabulary.features - vocabulary.schema.offsets)[graphs.nodes.numpy()]
    assert [c.name for c in vocabulary.schema.categories] == [
        "unit",
        "layer",
        "block",
        "expand",
        "kernel",
        "resolution",
    ]
    np.testing.assert_array_equal(features[1], [0, 1, 0, 0, 2, 1])
    np.testing.assert_array_equal(features[-1], [5, 0, 0, 1, 1, 1])  # the sixth stage restarts at position 0
    assert vocabulary.schema.categories[-1].scaled == (0.0, 0.5, 1.0)  # (r - 192) / 32


def test_edges_lead_from_each_layer_to_the_next_inside_each_graph(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(3, np.random.default_rng(0))
    graphs = sequence_graphs(ofa_mbv3, array)
    source, target = graphs.edge_index()
    assert len(source) == len(graphs.nodes) - 3
    assert torch.equal(source + 1, target)
    assert not set(target.tolist()) & set(graphs.starts.tolist())


def test_taking_graphs_gives_the_same_nodes_as_building_them_alone(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(20, np.random.default_rng(0))
    rows = np.asarray([7, 3, 3, 19])
    taken = sequence_graphs(ofa_mbv3, array).take(torch.from_numpy(rows))
    alone = sequence_graphs(ofa_mbv3, array.take(rows))
    assert torch.equal(taken.nodes, alone.nodes)
    assert torch.equal(taken.pointer, alone.pointer)


def test_a_schema_survives_json(ofa_mbv3: SearchSpace) -> None:
    schema = FeatureSchema.of(ofa_mbv3)
    assert FeatureSchema.from_json(schema.to_json()) == schema


def test_nodes_of_a_unet_carry_section_stage_operation_and_channels_and_no_position(sd_fid: SearchSpace) -> None:
    array = sd_fid.sample(1, np.random.default_rng(0))
    vocabulary = Vocabulary(sd_fid)
    graphs = sequence_graphs(sd_fid, array, vocabulary)
    values = (vocabulary.features - vocabulary.schema.offsets)[graphs.nodes.numpy()]
    names = [category.name for category in vocabulary.schema.categories]
    assert names == ["section", "stage", "operation", "channels"]
    rows = [
        dict(zip(names, (c.values[i] for c, i in zip(vocabulary.schema.categories, row, strict=True)), strict=True))
        for row in values
    ]
    stages = [("input", 1), ("input", 2), ("input", 3), ("input", 4), ("middle", 4)]
    stages += [("output", stage) for stage in (4, 3, 2, 1)]
    expected = [
        {"section": section, "stage": stage, **layer}
        for (section, stage), unit in zip(stages, sd_fid.decode(array)[0].unit_objects(), strict=True)
        for layer in unit
    ]
    assert rows == expected
    assert FeatureSchema.from_json(vocabulary.schema.to_json()) == vocabulary.schema
