from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from autobuild_pipelines.networks import (
    NetworkDefinition,
    backbone_mac_costs,
    build_subnet,
    example_input,
    mac_costs,
    macs,
    parameter_costs,
    parameters,
    resolution_of,
)
from autobuild_pipelines.spaces import Architecture, ArchitectureArray, SearchSpace

Family = tuple[SearchSpace, NetworkDefinition]


def counted(space: SearchSpace, definition: NetworkDefinition, architecture: Architecture) -> tuple[int, int]:
    """MACs and parameters of the real module: half of torch's flops, and the sizes of its parameters."""
    with torch.device("meta"):
        network = build_subnet(space, definition, architecture)
        images = example_input(definition, resolution_of(definition, architecture))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    return counter.get_total_flops() // 2, sum(p.numel() for p in network.parameters())


def extreme(space: SearchSpace, code: int, depth: int, resolution: int) -> ArchitectureArray:
    """The architecture of one layer everywhere, `depth` -1 for the deepest and 0 for the shallowest units."""
    units = [[space.layer_names[code]] * unit.depths[depth] for unit in space.units]
    return space.encode([space.architecture(units, {"resolution": resolution})])


def assert_counted(space: SearchSpace, definition: NetworkDefinition, array: ArchitectureArray) -> None:
    found = zip(macs(space, definition, array), parameters(space, definition, array), strict=True)
    assert list(found) == [counted(space, definition, architecture) for architecture in space.decode(array)]


@pytest.mark.parametrize("resolution", [192, 208, 224])
def test_macs_and_parameters_of_random_architectures_equal_torchs_count(family: Family, resolution: int) -> None:
    space, definition = family
    rng = np.random.default_rng(resolution)
    assert_counted(space, definition, space.sample(5, rng, law="depths", graph={"resolution": resolution}))


@pytest.mark.parametrize("resolution", [192, 208, 224])
def test_macs_and_parameters_of_the_smallest_and_largest_network_equal_torchs_count(
    family: Family, resolution: int
) -> None:
    space, definition = family
    smallest, largest = extreme(space, 0, 0, resolution), extreme(space, -1, -1, resolution)
    assert_counted(space, definition, ArchitectureArray.concat([smallest, largest]))


def test_the_largest_networks_have_the_stated_sizes(family: Family) -> None:
    space, definition = family
    largest = extreme(space, -1, -1, 224)
    # Parameters: those of the public package `ofa` 0.1.0 (PyPI), `OFAMobileNetV3(width_mult=1.2, ...)` and
    # `OFAProxylessNASNets(width_mult=1.3, ...)` with ks_list [3, 5, 7], expand_ratio_list [3, 4, 6], depth_list
    # [2, 3, 4] after `set_max_net()`, in `get_active_subnet()`.
    stated = {"ofa_mbv3": (843_101_040, 10_701_632), "ofa_pn": (1_004_908_032, 7_942_056)}
    assert (macs(space, definition, largest)[0], parameters(space, definition, largest)[0]) == stated[space.name]


def test_ofa_mobilenetv3_at_width_1_0_is_the_same_definition_with_another_multiplier(mbv3: Family) -> None:
    space, definition = mbv3
    narrow = definition.model_copy(update={"width_multiplier": 1.0})
    assert [narrow.channels(stage.width) for stage in narrow.stages] == [24, 40, 80, 112, 160]
    # The public package's largest subnet of `OFAMobileNetV3(width_mult=1.0, ...)`, as above.
    assert parameters(space, narrow, extreme(space, -1, -1, 224))[0] == 7_664_760
    assert_counted(space, narrow, space.sample(5, np.random.default_rng(0), law="depths"))
    assert_counted(space, narrow, ArchitectureArray.concat([extreme(space, 0, 0, 192), extreme(space, -1, -1, 224)]))


def test_costs_are_exact_integers(family: Family) -> None:
    space, definition = family
    array = space.sample(3, np.random.default_rng(0))
    assert macs(space, definition, array).dtype == parameters(space, definition, array).dtype == np.int64


def test_costs_of_many_equal_the_sum_over_their_layers(family: Family) -> None:
    space, definition = family
    array = space.sample(200, np.random.default_rng(1), law="depths")
    for costs in (mac_costs(space, definition), parameter_costs(space, definition)):
        one_by_one = [
            costs.fixed[r] + sum(costs.layers[r, slot, code] for slot, code in enumerate(row) if code >= 0)
            for r, row in zip(array.graph[:, costs.resolution_column].tolist(), array.layers.tolist(), strict=True)
        ]
        assert costs.total(array).tolist() == one_by_one


def test_resolution_changes_macs_and_not_parameters(mbv3: Family) -> None:
    space, definition = mbv3
    small, large = extreme(space, 4, 0, 192), extreme(space, 4, 0, 224)
    assert macs(space, definition, small)[0] < macs(space, definition, large)[0]
    assert parameters(space, definition, small)[0] == parameters(space, definition, large)[0]


def test_no_architectures_cost_nothing(mbv3: Family) -> None:
    space, definition = mbv3
    assert macs(space, definition, space.encode([])).shape == (0,)


@pytest.mark.parametrize("side", [192, 224])
def test_macs_of_a_backbone_equal_torchs_count_of_everything_before_the_pooling(family: Family, side: int) -> None:
    space, definition = family
    array = space.sample(3, np.random.default_rng(side), law="depths", graph={"resolution": side})
    after = [layer.name for layer in definition.head.after_pooling]
    expected = []
    for architecture in space.decode(array):
        with torch.device("meta"):
            network = build_subnet(space, definition, architecture)
            images = example_input(definition, side)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(images)
        counts = {name.rpartition(".")[2]: sum(c.values()) for name, c in counter.get_flop_counts().items()}
        expected.append((counter.get_total_flops() - sum(counts[name] for name in [*after, "classifier"])) // 2)
    other = ArchitectureArray(array.layers, np.ones_like(array.graph))  # at resolution 208
    costs = backbone_mac_costs(space, definition, side)
    assert costs.total(array).tolist() == costs.total(other).tolist() == expected
