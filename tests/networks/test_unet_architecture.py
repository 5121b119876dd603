"""U-Nets are read from their layers; what is no U-Net is refused by unit and layer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unets import as_architecture, random_unets, tiny, unet_space, units_of

from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture, stage_skips
from autobuild_pipelines.networks.unet_arrays import UNetArrays, read_unet, unet_arrays
from autobuild_pipelines.spaces import ArchitectureArray

COUNTS = st.integers(1, 5)


def test_a_u_net_is_read_from_its_layers_with_and_without_a_middle() -> None:
    unets = random_unets(50, seed=0)
    for row in range(len(unets)):
        unet = unets.architecture(row)
        assert UNetArchitecture.read(units_of(unet)) == unet
        assert UNetArchitecture.read(units_of(unet, middle=False)) == unet


def test_features_may_have_other_names_and_more_of_them() -> None:
    units = [[{"op": x["operation"], "width": x["channels"], "section": "any"} for x in u] for u in units_of(tiny())]
    assert UNetArchitecture.read(units, operation="op", channels="width") == tiny()


@pytest.mark.parametrize("middle", [True, False])
def test_many_are_read_from_a_spaces_codes_as_each_of_them_is(middle: bool) -> None:
    widths = tuple(sorted({base * multiplier for base in (128, 192, 256) for multiplier in (1, 2, 3, 4)}))
    space = unet_space(widths, middle=middle)
    unets = random_unets(60, seed=1)
    architectures = [as_architecture(space, unets.architecture(row)) for row in range(60)]
    found = unet_arrays(space, space.encode(architectures))
    assert [found.architecture(row) for row in range(60)] == [unets.architecture(row) for row in range(60)]
    assert [read_unet(space, a) for a in architectures] == [unets.architecture(row) for row in range(60)]
    assert len(unet_arrays(space, space.encode([]))) == 0


@given(COUNTS, COUNTS)
def test_every_skip_connection_is_used_once_and_the_last_block_takes_the_input(inputs: int, outputs: int) -> None:
    skips = stage_skips(inputs, outputs)
    assert len(skips) == outputs
    assert [skip for block in skips for skip in block] == list(range(inputs, -1, -1))
    assert skips[-1][-1] == 0


@given(COUNTS)
def test_with_one_more_output_block_each_takes_one_skip_connection_as_in_the_original(inputs: int) -> None:
    assert stage_skips(inputs, inputs + 1) == tuple((skip,) for skip in range(inputs, -1, -1))


def test_skip_connections_of_the_spaces_stages() -> None:
    assert stage_skips(1, 2) == ((1,), (0,))
    assert stage_skips(1, 3) == ((1,), (), (0,))
    assert stage_skips(2, 2) == ((2,), (1, 0))
    assert stage_skips(2, 3) == ((2,), (1,), (0,))


def changed(unit: int, layer: int, **values: Any) -> list[list[dict[str, Any]]]:
    units = units_of(tiny())
    units[unit][layer] = {**units[unit][layer], **values}
    return units


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (changed(2, 1, operation="residual"), "input stage 3: ['residual', 'residual', 'residual', 'attention', 'down"),
        (changed(1, 2, operation="residual"), "input stage 2: ['residual', 'residual', 'residual'] is no stage"),
        (changed(8, 2, operation="upsample"), "output stage 1: ['residual', 'residual', 'upsample'] is no stage"),
        (changed(4, 1, operation="residual"), "middle: ['residual', 'residual', 'residual'], expected ['residual', 'a"),
        (changed(0, 1, operation="conv"), "input stage 1 layer 2: operation is 'conv', expected one of"),
        (changed(0, 1, channels=16), "input stage 1: channels are [8, 16, 8], expected one whole number"),
        (changed(0, 1, channels="8"), "expected one whole number, the same in every layer"),
        ([*units_of(tiny())[:4], [], *units_of(tiny())[5:]], "middle: [], expected"),
        (units_of(tiny())[:1], "has 1 units"),
    ],
)
def test_what_is_no_u_net_is_refused_by_unit_and_layer(units: list[list[dict[str, Any]]], message: str) -> None:
    with pytest.raises(NetworkError, match=re.escape(message)):
        UNetArchitecture.read(units)


def test_branches_and_middle_must_agree_in_channels() -> None:
    other = units_of(tiny((8, 16, 24, 16)))
    whole = units_of(tiny())
    with pytest.raises(NetworkError, match="stage 4: input has 32 channels, output 16"):
        UNetArchitecture.read([*whole[:5], *other[5:]])
    with pytest.raises(NetworkError, match="the middle has 16 channels, expected stage 4's 32"):
        UNetArchitecture.read([*whole[:4], other[4], *whole[5:]])


def test_codes_of_what_is_no_u_net_are_refused_by_space_and_architecture() -> None:
    space = unet_space()
    good = space.encode([as_architecture(space, tiny())])
    other = space.encode([as_architecture(space, tiny((8, 16, 24, 16)))])
    mixed = ArchitectureArray(good.layers.copy(), good.graph)
    mixed.layers[:, space.units[5].columns] = other.layers[:, space.units[5].columns]
    both = ArchitectureArray.concat([good, mixed])
    with pytest.raises(NetworkError, match="architecture 2: input stage 4 has 32 channels, output stage 4 16"):
        unet_arrays(space, both)
    with pytest.raises(NetworkError, match="input stage 1 of space 'unets'"):
        unet_arrays(space, space.sample(5, np.random.default_rng(0)))


def test_stages_without_blocks_and_tuples_of_other_lengths_are_refused() -> None:
    with pytest.raises(NetworkError, match="input_residuals: expected one number of at least 1"):
        tiny(input_residuals=(2, 0, 2, 2))
    with pytest.raises(NetworkError, match="output_attention has 3 entries"):
        tiny(output_attention=(False, False, True))


def test_arrays_of_single_architectures_give_them_back() -> None:
    unets = [tiny(), tiny((4, 4, 4, 4), input_residuals=(1, 2, 1, 2))]
    arrays = UNetArrays.of(unets)
    assert [arrays.architecture(row) for row in range(2)] == unets
