"""Checkpoints of the original latent-diffusion code are read under this project's names."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from unets import TINY, tiny

from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_blocks import attention_block
from autobuild_pipelines.networks.unet_original import renamed
from autobuild_pipelines.networks.unet_weights import read_unet_weights

pytest.importorskip("diffusers")

ATTENTION = (False, True, True, True)
SOURCE = tiny(input_attention=ATTENTION, output_attention=ATTENTION)
RESIDUAL = ("in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3", "skip_connection")


def original_names() -> list[str]:
    """Every block of the published `inpainting_big` in its own code's names, in the order of the network: input blocks
    0 to 11, of which 3, 6 and 9 halve the size, the middle, and output blocks 0 to 11, of which 2, 5 and 8 double it.
    """
    blocks = ["input_blocks.0.0"]
    number = 1
    for stage in range(4):
        for _ in range(2):
            blocks += [f"input_blocks.{number}.0", *([f"input_blocks.{number}.1"] if stage else [])]
            number += 1
        if stage < 3:
            blocks.append(f"input_blocks.{number}.0")
            number += 1
    blocks += ["middle_block.0", "middle_block.1", "middle_block.2"]
    for number in range(12):
        stage = 3 - number // 3
        blocks += [f"output_blocks.{number}.0", *([f"output_blocks.{number}.1"] if stage else [])]
        if stage and number % 3 == 2:
            blocks.append(f"output_blocks.{number}.2")
    return blocks


def as_original() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A random state dict in the original's names and shapes, and this project's network's of the same numbers."""
    torch.manual_seed(0)
    own = InpaintingUNet(TINY, SOURCE).state_dict()
    order = iter(_blocks_of(own))
    state: dict[str, Tensor] = {}
    for block in original_names():
        name = next(order)
        parts = {n.removeprefix(name + "."): t for n, t in own.items() if n.startswith(name + ".")}
        if "group_norm.weight" in parts:
            for kind in ("weight", "bias"):
                by_head = [parts[f"{x}.{kind}"].reshape(TINY.heads, -1, *parts[f"to_q.{kind}"].shape[1:]) for x in QKV]
                qkv = torch.stack(by_head, dim=1).reshape(-1, *parts[f"to_q.{kind}"].shape[1:])
                state[f"{block}.qkv.{kind}"] = qkv[..., None] if kind == "weight" else qkv
                out = parts[f"to_out.0.{kind}"]
                state[f"{block}.proj_out.{kind}"] = out[..., None] if kind == "weight" else out
                state[f"{block}.norm.{kind}"] = parts[f"group_norm.{kind}"]
        elif "norm1.weight" in parts:
            layers = ("norm1", "conv1", "time_emb_proj", "norm2", "conv2", "conv_shortcut")
            for layer, theirs in zip(layers, RESIDUAL, strict=True):
                state |= {
                    f"{block}.{theirs}.{k}": parts[f"{layer}.{k}"]
                    for k in ("weight", "bias")
                    if f"{layer}.{k}" in parts
                }
        else:
            state |= {f"{block}.{kind}": tensor for kind, tensor in parts.items()}
    ends = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
            "conv_norm_out": "out.0", "conv_out": "out.2"}  # fmt: skip
    state |= {f"{theirs}.{kind}": own[f"{ours}.{kind}"] for ours, theirs in ends.items() for kind in ("weight", "bias")}
    return state, own


QKV = ("to_q", "to_k", "to_v")


def _blocks_of(own: dict[str, Tensor]) -> list[str]:
    """This project's blocks in the order in which data pass them."""
    names = ["conv_in"]
    for place in range(4):
        for block in range(2):
            names += [f"down_blocks.{place}.{kind}.{block}" for kind in ("resnets", "attentions")]
        names.append(f"down_blocks.{place}.downsamplers.0")
    names += ["mid_block.resnets.0", "mid_block.attentions.0", "mid_block.resnets.1"]
    for place in range(4):
        for block in range(3):
            names += [f"up_blocks.{place}.{kind}.{block}" for kind in ("resnets", "attentions")]
        names.append(f"up_blocks.{place}.upsamplers.0")
    return [name for name in names if any(key.startswith(name + ".") for key in own)]


def test_the_original_codes_names_become_this_projects() -> None:
    state, own = as_original()
    found = renamed(state, TINY, SOURCE)
    assert found.keys() == own.keys()
    assert all(torch.equal(found[name], own[name]) for name in own)


def test_a_checkpoint_of_the_whole_model_gives_its_averaged_u_net(tmp_path: Path) -> None:
    state, own = as_original()
    whole = {f"model.diffusion_model.{name}": tensor + 1 for name, tensor in state.items()}
    whole |= {"model_ema." + f"diffusion_model.{name}".replace(".", ""): tensor for name, tensor in state.items()}
    whole |= {"first_stage_model.encoder.conv_in.weight": torch.zeros(1), "betas": torch.zeros(3)}
    torch.save({"state_dict": whole, "global_step": 3}, tmp_path / "last.ckpt")
    found = read_unet_weights(tmp_path / "last.ckpt", TINY, SOURCE)
    assert all(torch.equal(found[name], own[name]) for name in own)


def test_other_names_stay_and_what_is_unexpected_is_told(tmp_path: Path) -> None:
    state, own = as_original()
    assert renamed(own, TINY, SOURCE) == own
    torch.save({**state, "output_blocks.0.2.conv.weight": torch.zeros(1)}, tmp_path / "unet.pt")
    with pytest.raises(
        NetworkError, match=r"unet.pt: the original's weights have unexpected output_blocks.0.2.conv.wei"
    ):
        read_unet_weights(tmp_path / "unet.pt", TINY, SOURCE)


def test_split_attention_computes_what_the_original_code_does() -> None:
    torch.manual_seed(0)
    channels, heads, size = 8, 2, 3
    qkv, bias = torch.randn(3 * channels, channels, 1), torch.randn(3 * channels)
    out = torch.randn(channels, channels, 1)
    x = torch.randn(1, channels, size, size)
    block = attention_block(TINY, channels)
    parts = {"qkv.weight": qkv, "qkv.bias": bias, "proj_out.weight": out, "proj_out.bias": torch.zeros(channels)}
    state = {"input_blocks.0.0.weight": torch.zeros(1)} | {f"middle_block.1.{n}": t for n, t in parts.items()}
    split = renamed(state, TINY, SOURCE)
    weights = {n.removeprefix("mid_block.attentions.0."): t for n, t in split.items() if n.startswith("mid_block")}
    block.load_state_dict({**block.state_dict(), **weights})
    # Ho et al.'s attention as latent diffusion's code has it: heads are split before query, key and value are.
    flat = torch.nn.functional.group_norm(x, TINY.groups).reshape(1, channels, -1)
    projected = torch.nn.functional.conv1d(flat, qkv, bias).reshape(heads, 3 * channels // heads, -1)
    q, k, v = projected.split(channels // heads, dim=1)
    scores = torch.einsum("bct,bcs->bts", q, k) / math.sqrt(channels // heads)
    h = torch.einsum("bts,bcs->bct", scores.softmax(dim=-1), v).reshape(1, channels, -1)
    wanted = x + torch.nn.functional.conv1d(h, out).reshape(x.shape)
    assert torch.allclose(block(x), wanted, atol=1e-5)
