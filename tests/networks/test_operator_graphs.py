"""Operator graphs of the project's networks, alone and of many architectures at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from unets import TINY, as_architecture, random_unets, tiny, unet_space

from autobuild_pipelines.graphs import operator_graph, read_onnx
from autobuild_pipelines.networks import (
    NetworkDefinition,
    NetworkError,
    build_subnet,
    example_input,
    macs,
    operator_graphs,
    resolution_of,
)
from autobuild_pipelines.networks.operator_graphs import network_parts, whole_operator_graph
from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_arrays import UNetArrays
from autobuild_pipelines.networks.unet_costs import unet_macs
from autobuild_pipelines.spaces import SearchSpace

Family = tuple[SearchSpace, NetworkDefinition]


def assert_joined_graphs_are_right(space: SearchSpace, definition: NetworkDefinition, count: int) -> None:
    array = space.sample(count, np.random.default_rng(count))
    architectures = space.decode(array)
    graphs = operator_graphs(space, definition, architectures)
    assert graphs == [whole_operator_graph(space, definition, architecture) for architecture in architectures]
    assert [int(graph.macs.sum()) for graph in graphs] == macs(space, definition, array).tolist()


def test_batch_norms_are_operations_of_their_own_where_they_are_not_folded(small: Family) -> None:
    space, definition = small
    architectures = space.decode(space.sample(2, np.random.default_rng(0)))
    kept = operator_graphs(space, definition, architectures, fold=False)
    assert kept == [whole_operator_graph(space, definition, a, fold=False) for a in architectures]
    for graph, folded in zip(kept, operator_graphs(space, definition, architectures), strict=True):
        assert len(graph.operations) == len(folded.operations) + graph.operations.count("batch_norm")
        assert graph.operations.count("batch_norm") > graph.operations.count("conv") / 2


@pytest.mark.slow
def test_graphs_joined_from_layers_equal_exports_of_whole_networks_and_have_their_macs(family: Family) -> None:
    assert_joined_graphs_are_right(*family, count=4)


def test_squeeze_excite_is_the_operations_that_it_consists_of(small: Family) -> None:
    space, definition = small
    graph = operator_graphs(space, definition, space.decode(space.sample(1, np.random.default_rng(0))))[0]
    start = graph.operations.index("global_pool")
    assert graph.operations[start - 2 : start + 6] == (
        *("conv", "h_swish", "global_pool", "conv", "relu", "conv", "h_sigmoid", "mul"),
    )
    assert graph.edges[0][graph.edges[1] == start + 5].tolist() == [start - 1, start + 4]


def test_parts_are_those_of_the_network(mbv3: Family) -> None:
    space, definition = mbv3
    graph = operator_graphs(space, definition, space.decode(space.sample(1, np.random.default_rng(0))))[0]
    assert list(dict.fromkeys(graph.parts)) == ["stem", "first block", *(f"unit {u}" for u in range(1, 6)), "head"]


def test_progress_is_shown_where_it_is_asked_for(small: Family, capsys: pytest.CaptureFixture[str]) -> None:
    space, definition = small
    architectures = space.decode(space.sample(2, np.random.default_rng(0)))
    operator_graphs(space, definition, architectures, progress=True)
    assert "operator graphs of small: 100%" in capsys.readouterr().err
    operator_graphs(space, definition, architectures)
    assert not capsys.readouterr().err


def test_an_architecture_of_another_space_is_refused(small: Family, mbv3: Family) -> None:
    architectures = mbv3[0].decode(mbv3[0].sample(1, np.random.default_rng(0)))
    with pytest.raises(NetworkError, match="is of space 'ofa_mbv3', not 'small'"):
        operator_graphs(*small, architectures)


def test_macs_of_u_nets_with_attention_and_timesteps_equal_the_cost_table() -> None:
    pytest.importorskip("diffusers")
    unets = UNetArrays.of([tiny(), random_unets(1, seed=3, base=(4,)).architecture(0)])
    for row, wanted in enumerate(unet_macs(TINY, unets).total.tolist()):
        with torch.device("meta"):
            network, latents = InpaintingUNet(TINY, unets.architecture(row)), example_latents(TINY)
        graph = operator_graph(network, latents)
        assert graph.macs.sum() == wanted
        assert {"attention", "cat", "group_norm", "upsample", "sin"} <= set(graph.operations)


def test_skip_connections_of_u_nets_are_edges_to_concatenations() -> None:
    pytest.importorskip("diffusers")
    space = unet_space()
    graph = operator_graphs(space, TINY, [as_architecture(space, tiny())])[0]
    readers = [node for node, name in enumerate(graph.operations) if name == "cat" and "output" in graph.parts[node]]
    sources = [graph.edges[0][graph.edges[1] == node] for node in readers]
    assert len(readers) == 12, "three output blocks in each of four stages"
    assert all(len(source) == 2 for source in sources)
    assert {graph.parts[int(source[0])].split()[0] for source in sources} == {"input", "stem"}


def assert_onnx_file_gives_the_same_graph(path: Path, space: SearchSpace, definition: NetworkDefinition) -> None:
    pytest.importorskip("onnxscript")
    architecture = space.decode(space.sample(1, np.random.default_rng(4)))[0]
    network = build_subnet(space, definition, architecture)
    for module in network.modules():  # the exporter drops biases that are zero, as those of fresh networks are
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.bias)
    images = example_input(definition, resolution_of(definition, architecture))
    torch.onnx.export(network, (images,), str(path), dynamo=True, verbose=False)
    found = read_onnx(path, parts=network_parts(architecture))
    wanted = whole_operator_graph(space, definition, architecture)
    assert replace(found, names=wanted.names) == wanted, "but for names: what the exporter folds has the norm's path"


@pytest.mark.filterwarnings("ignore:.*LeafSpec")
def test_a_network_exported_to_onnx_has_the_same_graph(tmp_path: Path, small: Family) -> None:
    assert_onnx_file_gives_the_same_graph(tmp_path / "network.onnx", *small)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*LeafSpec")
def test_searched_networks_exported_to_onnx_have_the_same_graphs(tmp_path: Path, family: Family) -> None:
    assert_onnx_file_gives_the_same_graph(tmp_path / "network.onnx", *family)
