"""The names of U-Net weights in the original latent-diffusion code, and in this project (diffusers' `UNet2DModel`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_definition import UNetDefinition

PREFIX, AVERAGED = "model.diffusion_model.", "model_ema."
"""Before the U-Net's tensors in a checkpoint of the whole model, and before their averages, whose dots are left out."""

_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_ENDS = {
    "input_blocks.0.0": "conv_in",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}


def renamed(state: Mapping[str, Tensor], definition: UNetDefinition, source: UNetArchitecture) -> dict[str, Tensor]:
    """A state dict under this project's names, from one under the original code's; others are returned as they are.

    Of a checkpoint of the whole model the U-Net is taken, with averaged weights where they are kept.

    Args:
        state: The tensors by name.
        definition: The family; the original keeps query, key and value in one tensor, head by head.
        source: The architecture.
    """
    whole = any(name.startswith(PREFIX) for name in state)
    original = {n.removeprefix(PREFIX): t for n, t in state.items() if not whole or n.startswith(PREFIX)}
    if "input_blocks.0.0.weight" not in original:
        return dict(state)
    for name in original:
        averaged = AVERAGED + ("diffusion_model." + name).replace(".", "")
        original[name] = state.get(averaged, original[name])
    blocks = dict(_blocks(source))
    found: dict[str, Tensor] = {}
    for name, tensor in original.items():
        place, _, kind = name.rpartition(".")
        if place in _ENDS:
            found[f"{_ENDS[place]}.{kind}"] = tensor
            continue
        block = next((b for b in (place.rsplit(".", depth)[0] for depth in (1, 2)) if b in blocks), None)
        if block is None:
            found[name] = tensor  # unexpected; whoever checks the names will say so
            continue
        inner = place.removeprefix(block + ".")
        if inner in _RESIDUAL:
            found[f"{blocks[block]}.{_RESIDUAL[inner]}.{kind}"] = tensor
        else:
            found |= {f"{blocks[block]}.{n}.{kind}": t for n, t in _attention(inner, tensor, definition.heads)}
    return found


def _blocks(source: UNetArchitecture) -> Iterator[tuple[str, str]]:
    """Every block's name in the original code and here, in the order of the network."""
    number = 1
    for stage, count in enumerate(source.input_residuals):
        for block in range(count):
            yield f"input_blocks.{number}.0", f"down_blocks.{stage}.resnets.{block}"
            yield f"input_blocks.{number}.1", f"down_blocks.{stage}.attentions.{block}"
            number += 1
        if stage < source.stages - 1:
            yield f"input_blocks.{number}.0", f"down_blocks.{stage}.downsamplers.0"
            number += 1
    for number, name in enumerate(("resnets.0", "attentions.0", "resnets.1")):
        yield f"middle_block.{number}", f"mid_block.{name}"
    number = 0
    for stage in reversed(range(source.stages)):
        count, place = source.output_residuals[stage], source.stages - 1 - stage
        for block in range(count):
            yield f"output_blocks.{number}.0", f"up_blocks.{place}.resnets.{block}"
            follows = 1
            if source.output_attention[stage]:
                yield f"output_blocks.{number}.1", f"up_blocks.{place}.attentions.{block}"
                follows = 2
            if block == count - 1 and stage:
                yield f"output_blocks.{number}.{follows}", f"up_blocks.{place}.upsamplers.0"
            number += 1


def _attention(inner: str, tensor: Tensor, heads: int) -> Iterator[tuple[str, Tensor]]:
    """The tensors of an attention block, whose linear layers the original has as convolutions of one position."""
    if inner == "norm":
        yield "group_norm", tensor
        return
    matrix = tensor.squeeze(-1) if tensor.dim() == 3 else tensor
    if inner == "proj_out":
        yield "to_out.0", matrix
    elif inner == "qkv":
        by_head = matrix.reshape(heads, 3, -1, *matrix.shape[1:])
        for part, name in enumerate(("to_q", "to_k", "to_v")):
            yield name, by_head[:, part].flatten(0, 1).contiguous()
    else:
        yield inner, tensor
