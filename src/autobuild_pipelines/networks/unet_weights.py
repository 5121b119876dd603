"""Inheriting an original U-Net's weights: an architecture of the space starts from parts of them (§7.9).

A tensor of the new network is cut out of the original's, axis by axis:

- Channels are the original's leading ones.
- Where an output block concatenates, each of the concatenated tensors is cut by itself. The first is the block's input.
  Of skip connections the last is the original block's last; one that the original's block does not take gets weights of
  zero, so that the block starts without it.
- Heads keep their number: of each head's channels the leading ones.
- Sinusoids of the timestep are those of the nearest frequency, since fewer of them span the same frequencies.

A stage's blocks are the original's first ones, but its last output block is the original's last: these two are the ones
that see what the original's see. Blocks that an architecture lacks are skipped. A convolution on a block's shortcut
that the original has not, since it passes its input on, starts as that: the identity's leading corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from autobuild_pipelines.networks.definition import NetworkError
from autobuild_pipelines.networks.supernet_weights import read_weights
from autobuild_pipelines.networks.unet import InpaintingUNet, output_segments
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.networks.unet_original import renamed

Wider = Literal["refuse", "keep"]

NEW, UNSEEN = -1, -2
"""No index into the original's axis: it has no such channel; its block does not take this skip connection."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What became of every tensor of the new network, by name, and of the original's.

    Attributes:
        whole: Taken as they are.
        cut: Cut out of the original's, all of them.
        partly: Cut out in part; the rest keeps its initial values.
        initial: Keep their initial values: the original has no such block.
        dropped: Tensors of the original that nothing was taken from.
    """

    whole: tuple[str, ...]
    cut: tuple[str, ...]
    partly: tuple[str, ...]
    initial: tuple[str, ...]
    dropped: tuple[str, ...]


def read_unet_weights(path: str | Path, definition: UNetDefinition, source: UNetArchitecture) -> dict[str, Tensor]:
    """The state dict of an original U-Net from a file, every name and shape checked, as float32.

    Args:
        path: A `.safetensors` file or a torch checkpoint of tensors only, named as in diffusers' `UNet2DModel` or as in
            the original latent-diffusion code (then its averaged weights are taken, if there are any).
        definition: Its family.
        source: Its architecture.

    Raises:
        NetworkError: Names the file and what is wrong with it.
    """
    state = {name: tensor.float() for name, tensor in renamed(read_weights(path), definition, source).items()}
    try:
        check_unet_weights(state, definition, source)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None
    return state


def check_unet_weights(state: Mapping[str, Tensor], definition: UNetDefinition, source: UNetArchitecture) -> None:
    """Check that a state dict is that of an architecture.

    Raises:
        NetworkError: Names the first tensor that is missing, unexpected, of another shape or not finite.
    """
    with torch.device("meta"):
        wanted = InpaintingUNet(definition, source).state_dict()
    for what, names in (("lack", wanted.keys() - state.keys()), ("have unexpected", state.keys() - wanted.keys())):
        if names:
            raise NetworkError(
                f"the original's weights {what} {min(names)} ({len(names)} such tensors); expected those of {source}"
            )
    for name, tensor in wanted.items():
        if state[name].shape != tensor.shape:
            found, right = list(state[name].shape), list(tensor.shape)
            raise NetworkError(f"the original's weights: {name} is {found}, expected {right} for {source}")
        if not bool(state[name].isfinite().all()):
            raise NetworkError(f"the original's weights: {name} holds infinite or undefined numbers")


def inherit(
    network: InpaintingUNet, state: Mapping[str, Tensor], source: UNetArchitecture, *, wider: Wider = "refuse"
) -> Inheritance:
    """Give a U-Net the weights of an original one, in place.

    Args:
        network: The new network, with initial weights.
        state: The original's state dict, named as `InpaintingUNet`'s.
        source: The original's architecture.
        wider: What to do where the new network has more channels, or blocks, than the original: "refuse" it, or "keep"
            initial weights there.

    Raises:
        NetworkError: The state dict is not the architecture's; the numbers of stages differ; or the network is wider
            than the original somewhere, and that is refused.
    """
    check_unet_weights(state, network.definition, source)
    if source.stages != network.architecture.stages:
        raise NetworkError(f"the original has {source.stages} stages, the network {network.architecture.stages}")
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    kinds: dict[str, list[str]] = {"whole": [], "cut": [], "partly": [], "initial": []}
    used = set()
    for name, tensor in own.items():
        origin = _counterpart(name, network.architecture, source)
        original = _original(origin, state)
        if original is None:
            kind = "initial"
        else:
            used.add(origin)
            kind = _cut(tensor, original, _axes(name, origin, network, source, tensor, original))
        if kind in ("partly", "initial") and wider == "refuse":
            shape = "no such block" if original is None else list(original.shape)
            raise NetworkError(
                f"{name} is {list(tensor.shape)}, the original's has {shape}; expected an architecture that is nowhere "
                "wider or deeper than the original, or wider='keep' to start the rest from initial weights"
            )
        kinds[kind].append(name)
    network.load_state_dict(own)
    parts = {kind: tuple(names) for kind, names in kinds.items()}
    return Inheritance(**parts, dropped=tuple(name for name in state if name not in used))


def _counterpart(name: str, unet: UNetArchitecture, source: UNetArchitecture) -> str:
    """The original's name of a tensor: the last output block of a stage is the original's last. "" if there is none."""
    branch, _, rest = name.partition(".")
    parts = rest.split(".")
    if branch not in ("down_blocks", "up_blocks") or parts[1] not in ("resnets", "attentions"):
        return name
    stage, block = int(parts[0]), int(parts[2])
    if branch == "up_blocks":
        stage = unet.stages - 1 - stage
        if block == unet.output_residuals[stage] - 1:
            parts[2] = str(source.output_residuals[stage] - 1)
        elif block >= source.output_residuals[stage] - 1:
            return ""
    return ".".join([branch, *parts])


def _original(name: str, state: Mapping[str, Tensor]) -> Tensor | None:
    """The original's tensor; the identity for the convolution on a shortcut where the original has none."""
    if name in state:
        return state[name]
    head, _, tail = name.rpartition("conv_shortcut.")
    if head + "conv1.weight" not in state:
        return None
    width, inputs = state[head + "conv1.weight"].shape[:2]
    identity = torch.eye(width, inputs)[:, :, None, None]
    return {"weight": identity, "bias": torch.zeros(width)}.get(tail)


def _axes(
    name: str, origin: str, network: InpaintingUNet, source: UNetArchitecture, tensor: Tensor, original: Tensor
) -> list[Tensor]:
    """For the first two axes of a tensor, which of the original's positions each position is."""
    axes = [_leading(*sizes) for sizes in zip(tensor.shape[:2], original.shape[:2], strict=True)]
    parts = name.split(".")
    if name == "time_embedding.linear_1.weight":
        axes[1] = _frequencies(tensor.shape[1], original.shape[1])
    elif "attentions" in parts and parts[-2] in ("to_q", "to_k", "to_v"):
        axes[0] = _heads(tensor.shape[0], original.shape[0], network.definition.heads)
    elif "attentions" in parts and parts[-1] == "weight" and "to_out" in parts:
        axes[1] = _heads(tensor.shape[1], original.shape[1], network.definition.heads)
    elif parts[0] == "up_blocks" and parts[2] == "resnets" and parts[4] in ("norm1", "conv1", "conv_shortcut"):
        stage = network.architecture.stages - 1 - int(parts[1])
        own = output_segments(network.architecture, stage)[int(parts[3])]
        theirs = output_segments(source, stage)[int(origin.split(".")[3])]
        axis = 0 if parts[4] == "norm1" else 1
        if axis < len(axes):
            axes[axis] = _segments(own, theirs)
    return axes


def _cut(tensor: Tensor, original: Tensor, axes: list[Tensor]) -> str:
    """Fill a tensor from the original's; says whether it is the whole of it, cut, or only partly from it."""
    known = [axis >= 0 for axis in axes]
    places = torch.meshgrid(*[torch.nonzero(mask)[:, 0] for mask in known], indexing="ij")
    origins = torch.meshgrid(*[axis[mask] for axis, mask in zip(axes, known, strict=True)], indexing="ij")
    tensor[places] = original[origins].to(tensor)
    if len(axes) > 1:
        tensor[:, axes[1] == UNSEEN] = 0
    if any(bool((axis == NEW).any()) for axis in axes):
        return "partly"
    return "whole" if tensor.shape == original.shape and torch.equal(tensor, original.to(tensor)) else "cut"


def _leading(size: int, original: int) -> Tensor:
    index = torch.arange(size)
    return torch.where(index < original, index, NEW)


def _heads(size: int, original: int, heads: int) -> Tensor:
    """Each head's leading channels."""
    own, theirs = size // heads, original // heads
    inside = _leading(own, theirs)
    return torch.cat([torch.where(inside >= 0, inside + head * theirs, NEW) for head in range(heads)])


def _segments(own: tuple[int, ...], theirs: tuple[int, ...]) -> Tensor:
    """Each concatenated tensor's leading channels: the block's input is the first, skip connections end together."""
    starts = [sum(theirs[:i]) for i in range(len(theirs))]
    pairs: dict[int, int] = {len(own) - k: len(theirs) - k for k in range(1, min(len(own), len(theirs)))}
    pairs[0] = 0
    parts = []
    for number, size in enumerate(own):
        if number in pairs:
            inside = _leading(size, theirs[pairs[number]])
            parts.append(torch.where(inside >= 0, inside + starts[pairs[number]], NEW))
        else:
            parts.append(torch.full((size,), UNSEEN))
    return torch.cat(parts)


def _frequencies(size: int, original: int) -> Tensor:
    """Of cosines and of sines each the one of the nearest frequency: sinusoid i of h has 10000^(-i / h)."""
    own, theirs = size // 2, original // 2
    nearest = (torch.arange(own) * theirs / own).round().long().clamp(max=theirs - 1)
    return torch.cat([nearest, nearest + theirs])
