"""The VQ-GAN of a latent-diffusion checkpoint becomes an encoder that computes the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from parts import SIZE, vq_gan
from torch import Tensor

from autobuild_pipelines.diffusion import original_encoder
from autobuild_pipelines.diffusion.encoder import read_encoder
from autobuild_pipelines.diffusion.errors import DiffusionError
from autobuild_pipelines.diffusion.original_encoder import save_encoder


def original_name(name: str) -> str:
    """The original code's name of a tensor of diffusers' `VQModel` of three stages."""
    for stage in range(3):
        name = name.replace(f"decoder.up_blocks.{stage}.", f"decoder.up.{2 - stage}.")
    for theirs, ours in (
        ("down_blocks.", "down."),
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("resnets.", "block."),
        ("downsamplers.0.", "downsample."),
        ("upsamplers.0.", "upsample."),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
    ):
        name = name.replace(theirs, ours)
    return name


def checkpoint(model: Any, path: Path) -> Path:
    """The model inside a checkpoint of the original code."""

    def shaped(name: str, tensor: Tensor) -> Tensor:
        return tensor[:, :, None, None] if "attentions" in name and tensor.dim() == 2 else tensor

    state = {"first_stage_model." + original_name(n): shaped(n, t) for n, t in model.state_dict().items()}
    state["model.diffusion_model.out.0.weight"] = torch.zeros(1)
    torch.save({"state_dict": state}, path)
    return path


@pytest.mark.parametrize("attention", [False, True])
def test_a_checkpoints_vq_gan_is_written_as_an_encoder(tmp_path: Path, attention: bool) -> None:
    model = vq_gan(mid_block_add_attention=attention, layers_per_block=2).eval()
    save_encoder(checkpoint(model, tmp_path / "last.ckpt"), tmp_path / "encoder", groups=2)
    encoder = read_encoder(tmp_path / "encoder")
    images = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    with torch.no_grad():
        latents = model.encode(images).latents
        assert torch.equal(encoder.encode(images), latents)
        assert torch.equal(encoder.decode(latents), model.decode(latents).sample)


def test_names_are_those_of_the_original_code() -> None:
    names = {original_name(name) for name in vq_gan(layers_per_block=2).state_dict()}
    # From ldm/modules/diffusionmodules/model.py of latent diffusion, as in the checkpoint `inpainting_big`.
    assert {"encoder.down.0.block.1.norm2.weight", "encoder.down.1.downsample.conv.bias", "encoder.norm_out.weight",
            "encoder.mid.block_1.conv1.weight", "decoder.up.2.block.0.conv1.weight", "decoder.up.0.block.2.norm1.bias",
            "decoder.up.2.upsample.conv.weight", "decoder.up.0.block.0.conv1.weight", "quantize.embedding.weight",
            "decoder.conv_in.weight", "post_quant_conv.bias", "quant_conv.weight"} <= names  # fmt: skip
    assert "decoder.up.0.upsample.conv.weight" not in names


def test_the_command_line_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(original_encoder, "save_encoder", lambda *paths: asked.append(paths))
    monkeypatch.setattr(sys, "argv", ["original_encoder", "last.ckpt", "encoder"])
    original_encoder.main()
    assert asked == [("last.ckpt", "encoder")]


def test_a_file_without_a_vq_gan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiffusionError, match=r"last.ckpt: no such file"):
        save_encoder(tmp_path / "last.ckpt", tmp_path)
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "last.ckpt")
    with pytest.raises(DiffusionError, match=r"last.ckpt: has no VQ-GAN of latent diffusion in it"):
        save_encoder(tmp_path / "last.ckpt", tmp_path)
    model = vq_gan()
    state = {original_name(name): tensor for name, tensor in model.state_dict().items()}
    torch.save({**state, "encoder.down.0.attn.0.q.weight": torch.zeros(1)}, tmp_path / "last.ckpt")
    with pytest.raises(DiffusionError, match="its VQ-GAN is not of diffusers' kind"):
        save_encoder(tmp_path / "last.ckpt", tmp_path, groups=2)
