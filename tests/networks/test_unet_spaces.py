"""Every architecture of the two Stable Diffusion spaces is a working U-Net of known cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from unets import ORIGINAL, TINY, as_architecture

from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_arrays import read_unet, unet_arrays
from autobuild_pipelines.networks.unet_costs import UNetCostTable, unet_parameters
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import SearchSpace

pytest.importorskip("diffusers")

SPACES = Path(__file__).parents[2] / "conf" / "base" / "spaces"
WHOLE = UNetDefinition()
RUN = 40
"""`benchmarks/unet_costs.py --run 200` runs more."""


def read_space(name: str) -> SearchSpace:
    path = SPACES / f"{name}.yml"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return SearchSpace.from_yaml(path)


@pytest.fixture(params=["sd_fid", "sd_hardware"])
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return read_space(request.param)


def test_every_architecture_of_10000_random_ones_is_a_u_net_of_known_cost(space: SearchSpace) -> None:
    WHOLE.check_fits(space)
    array = space.sample(10_000, np.random.default_rng(0))
    unets = unet_arrays(space, array, WHOLE.features)
    for row, architecture in enumerate(space.decode(array.take(slice(200)))):
        assert read_unet(space, architecture) == unets.architecture(row)
    parameters = UNetCostTable(space, WHOLE, "parameters").total(array)
    assert parameters.tolist() == unet_parameters(WHOLE, unets).total.tolist()
    assert 9e6 < parameters.min() < parameters.max() < 588e6


def test_random_ones_run_at_a_thirty_second_of_their_width(space: SearchSpace) -> None:
    unets = unet_arrays(space, space.sample(RUN, np.random.default_rng(1)))
    latents = example_latents(TINY)
    for row in range(RUN):
        unet = unets.architecture(row)
        narrow = replace(unet, channels=tuple(width // 32 for width in unet.channels))
        with torch.inference_mode():
            noise = InpaintingUNet(TINY.model_copy(update={"groups": 2}), narrow)(*latents)
        assert noise.shape == (1, 3, 16, 16)
        assert bool(noise.isfinite().all())


@pytest.mark.slow
def test_random_ones_pass_latents_at_their_true_width(space: SearchSpace) -> None:
    unets = unet_arrays(space, space.sample(16, np.random.default_rng(2)))
    for row in range(16):
        with torch.device("meta"):
            assert InpaintingUNet(WHOLE, unets.architecture(row))(*example_latents(WHOLE)).shape == (1, 3, 64, 64)


def test_no_hardware_aware_architecture_is_larger_than_the_original_without_attention_in_stage_2() -> None:
    # §7.10: "the original SDv1.4 U-Net is the largest architecture"; attention in stage 2 is always removed (§7.9).
    space = read_space("sd_hardware")
    attention = (False, False, True, True)
    largest = replace(ORIGINAL, input_attention=attention, output_attention=attention)
    array = space.encode([as_architecture(space, largest)])
    assert unet_arrays(space, array).architecture(0) == largest
    random = UNetCostTable(space, WHOLE, "macs").total(space.sample(5000, np.random.default_rng(3)))
    assert random.max() <= UNetCostTable(space, WHOLE, "macs").total(array)[0]
