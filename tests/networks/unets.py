"""U-Nets and spaces of U-Nets for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from autobuild_pipelines.networks.unet_architecture import ATTENTION, DOWNSAMPLE, RESIDUAL, UPSAMPLE, UNetArchitecture
from autobuild_pipelines.networks.unet_arrays import UNetArrays
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import Architecture, SearchSpace

TINY = UNetDefinition(groups=4, heads=2, latent_size=16)
"""For widths that are multiples of 4."""
ORIGINAL = UNetArchitecture(
    (256, 512, 768, 1024), (2,) * 4, (3,) * 4, (False, True, True, True), (False, True, True, True)
)
"""The published inpainting network."""


def tiny(channels: tuple[int, ...] = (8, 16, 24, 32), **changes: Any) -> UNetArchitecture:
    """The original at small widths, without attention in stage 2."""
    attention = (False, False, True, True)
    whole = {"input_residuals": (2,) * 4, "output_residuals": (3,) * 4}
    return UNetArchitecture(
        channels, **{**whole, "input_attention": attention, "output_attention": attention, **changes}
    )


def random_unets(count: int, seed: int, base: tuple[int, ...] = (128, 192, 256)) -> UNetArrays:
    """Random U-Nets as the paper's first space has them (§7.9)."""
    rng = np.random.default_rng(seed)
    ones, none = np.ones((count, 1), dtype=np.int64), np.zeros((count, 2), dtype=np.int64)
    multipliers = np.concatenate([ones, rng.integers(1, 5, (count, 3))], axis=1)
    attention = [np.concatenate([none, rng.integers(0, 2, (count, 2))], axis=1) for _ in range(2)]
    residuals = [rng.integers(least, least + 2, (count, 4)) for least in (1, 2)]
    return UNetArrays(rng.choice(base, (count, 1)) * multipliers, *residuals, *attention)


def units_of(unet: UNetArchitecture, *, middle: bool = True) -> list[list[dict[str, Any]]]:
    """The layers of a U-Net, unit by unit, as they stand in an architecture of a search space."""

    def stage(index: int, residuals: int, attention: bool, end: list[str]) -> list[dict[str, Any]]:
        operations = ([RESIDUAL, ATTENTION] if attention else [RESIDUAL]) * residuals + end
        return [{"operation": operation, "channels": unet.channels[index]} for operation in operations]

    last = unet.stages - 1
    inputs = [
        stage(s, unet.input_residuals[s], unet.input_attention[s], [DOWNSAMPLE] if s < last else [])
        for s in range(unet.stages)
    ]
    outputs = [
        stage(s, unet.output_residuals[s], unet.output_attention[s], [UPSAMPLE] if s else [])
        for s in range(unet.stages)
    ]
    between = [{"operation": o, "channels": unet.channels[-1]} for o in (RESIDUAL, ATTENTION, RESIDUAL)]
    return [*inputs, *([between] if middle else []), *outputs[::-1]]


def unet_space(channels: tuple[int, ...] = (8, 16, 24, 32), *, middle: bool = True) -> SearchSpace:
    """A space of four stages that holds U-Nets of these channels, and much that is none."""
    units = [{"name": f"input{s}", "layers": list(range(1, 6))} for s in (1, 2, 3, 4)]
    units += [{"name": "middle", "layers": [3]}] if middle else []
    units += [{"name": f"output{s}", "layers": list(range(1, 8))} for s in (4, 3, 2, 1)]
    features = {
        "operation": {"choices": [RESIDUAL, ATTENTION, DOWNSAMPLE, UPSAMPLE]},
        "channels": {"choices": list(channels)},
    }
    return SearchSpace.from_mapping("unets", {"layer_features": features, "units": units})


def as_architecture(space: SearchSpace, unet: UNetArchitecture) -> Architecture:
    """A U-Net as an architecture of a space."""
    return space.architecture(units_of(unet, middle=len(space.units) % 2 == 1))
