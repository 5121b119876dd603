from __future__ import annotations

import numpy as np
import pytest
import torch

from autobuild_pipelines.networks import NetworkDefinition, NetworkError, build_subnet, example_input
from autobuild_pipelines.networks.modules import ResidualBlock, SqueezeExcite
from autobuild_pipelines.spaces import Architecture, SearchSpace

Family = tuple[SearchSpace, NetworkDefinition]


def first(space: SearchSpace, seed: int = 0) -> Architecture:
    return space.decode(space.sample(1, np.random.default_rng(seed), law="depths"))[0]


def test_a_subnet_maps_images_of_any_resolution_to_class_scores(family: Family) -> None:
    space, definition = family
    network = build_subnet(space, definition, first(space))
    with torch.no_grad():
        for resolution in (64, 96, 97):
            scores = network(example_input(definition, resolution, batch=2))
            assert scores.shape == (2, 1000)
            assert bool(torch.isfinite(scores).all())


def test_a_subnet_is_in_evaluation_mode_and_deterministic(family: Family) -> None:
    space, definition = family
    network = build_subnet(space, definition, first(space))
    images = torch.randn(1, 3, 64, 64)
    assert not any(module.training for module in network.modules())
    with torch.no_grad():
        assert torch.equal(network(images), network(images))


def test_a_subnet_has_one_block_per_layer_and_the_fixed_one(family: Family) -> None:
    space, definition = family
    architecture = first(space)
    network = build_subnet(space, definition, architecture)
    assert len(network.blocks) == 1 + sum(len(unit) for unit in architecture.units)


def test_blocks_have_the_architectures_kernels_and_expansions(family: Family) -> None:
    space, definition = family
    architecture = first(space, 3)
    blocks = list(build_subnet(space, definition, architecture).blocks)[1:]
    layers = [dict(layer) for unit in architecture.units for layer in unit]
    for block, layer in zip(blocks, layers, strict=True):
        assert isinstance(block, ResidualBlock)
        depthwise = block.conv.depth_conv.conv
        assert depthwise.kernel_size == (layer["kernel"], layer["kernel"])
        assert depthwise.in_channels == block.conv.inverted_bottleneck.conv.in_channels * int(layer["expand"])


def test_only_the_first_block_of_a_stage_changes_width_or_stride(mbv3: Family) -> None:
    space, definition = mbv3
    architecture = first(space, 5)
    blocks = list(build_subnet(space, definition, architecture).blocks)
    residual = [block.residual for block in blocks]
    expected = [True] + [position > 0 for unit in architecture.units for position in range(len(unit))]
    assert residual == expected


def test_squeeze_excite_stands_in_ofa_mobilenetv3s_stages_2_4_and_5(mbv3: Family) -> None:
    space, definition = mbv3
    architecture = first(space, 7)
    blocks = list(build_subnet(space, definition, architecture).blocks)[1:]
    stages = [number for number, unit in enumerate(architecture.units, start=1) for _ in unit]
    found = {
        stage
        for stage, block in zip(stages, blocks, strict=True)
        if any(isinstance(module, SqueezeExcite) for module in block.modules())
    }
    assert found == {2, 4, 5}


def test_the_state_dict_has_the_public_names(mbv3: Family) -> None:
    space, definition = mbv3
    names = set(build_subnet(space, definition, first(space)).state_dict())
    assert {
        "first_conv.conv.weight",
        "blocks.0.conv.depth_conv.conv.weight",
        "blocks.1.conv.inverted_bottleneck.bn.running_mean",
        "blocks.1.conv.point_linear.conv.weight",
        "final_expand_layer.bn.weight",
        "feature_mix_layer.conv.weight",
        "classifier.linear.bias",
    } <= names
    assert any(name.endswith("depth_conv.se.fc.reduce.weight") for name in names)


def test_an_architecture_of_another_space_is_refused(mbv3: Family) -> None:
    space, definition = mbv3
    other = Architecture("elsewhere", first(space).graph, first(space).units)
    with pytest.raises(NetworkError, match="is of space 'elsewhere', not 'ofa_mbv3'"):
        build_subnet(space, definition, other)
