"""Costs of U-Nets are exact: torch counts the same on the built network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from unets import ORIGINAL, TINY, as_architecture, random_unets, tiny, unet_space

from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_arrays import UNetArrays
from autobuild_pipelines.networks.unet_costs import UNetCostTable, unet_macs, unet_parameters
from autobuild_pipelines.networks.unet_definition import UNetDefinition

pytest.importorskip("diffusers")
WHOLE = UNetDefinition()


def counted(definition: UNetDefinition, unet: UNetArchitecture, size: int | None = None) -> tuple[int, int]:
    """Half of the FLOPs that torch counts on the meta device, and the sizes of all parameters."""
    with torch.device("meta"):
        network = InpaintingUNet(definition, unet)
        latents = example_latents(definition, size=size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*latents)
    return counter.get_total_flops() // 2, sum(p.numel() for p in network.parameters())


def assert_counted(definition: UNetDefinition, unets: UNetArrays, size: int | None = None) -> None:
    found = zip(unet_macs(definition, unets, size).total, unet_parameters(definition, unets).total, strict=True)
    assert list(found) == [counted(definition, unets.architecture(row), size) for row in range(len(unets))]


@pytest.mark.slow
def test_costs_of_random_architectures_of_true_width_equal_torchs_count() -> None:
    assert_counted(WHOLE, random_unets(20, seed=4))


@pytest.mark.parametrize("size", [16, 32])
def test_costs_equal_torchs_count_at_any_size_of_latent(size: int) -> None:
    assert_counted(TINY, random_unets(8, seed=size, base=(4, 8, 12)), size)


def test_costs_follow_the_definition() -> None:
    other = TINY.model_copy(update={"latent_channels": 4, "time_factor": 2, "heads": 4})
    assert_counted(other, random_unets(3, seed=6, base=(4, 8)))


def test_costs_of_other_numbers_of_stages_and_blocks_equal_torchs_count() -> None:
    three = UNetArchitecture((8, 8, 16), (1, 3, 4), (4, 1, 2), (True, False, True), (False, True, True))
    assert_counted(TINY, UNetArrays.of([three]))


def test_the_original_has_the_published_number_of_parameters() -> None:
    # As in `test_unet.py`.
    assert unet_parameters(WHOLE, UNetArrays.of([ORIGINAL])).total.tolist() == [387_245_827]


def test_the_parts_sum_to_the_total_and_a_stages_cost_is_its_own() -> None:
    plain, more = tiny(output_residuals=(3, 2, 3, 3)), tiny()
    costs = unet_macs(TINY, UNetArrays.of([plain, more]))
    rows = costs.inputs.sum(axis=1) + costs.outputs.sum(axis=1) + costs.middle + costs.fixed
    assert costs.total.tolist() == rows.tolist()
    assert (costs.outputs[0] != costs.outputs[1]).tolist() == [False, True, False, False]
    assert costs.inputs[0].tolist() == costs.inputs[1].tolist()


def test_a_space_has_one_table_for_all_its_architectures() -> None:
    space = unet_space()
    unets = [tiny(), tiny(input_residuals=(1, 1, 2, 2), output_attention=(False,) * 4)]
    array = space.encode([as_architecture(space, unet) for unet in unets])
    macs = UNetCostTable(space, TINY, "macs").total(array)
    parameters = UNetCostTable(space, TINY, "parameters").total(array)
    assert macs.dtype == parameters.dtype == np.int64
    assert list(zip(macs, parameters, strict=True)) == [counted(TINY, unet) for unet in unets]
    assert UNetCostTable(space, TINY, "macs").total(space.encode([])).shape == (0,)
