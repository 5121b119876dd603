"""Weights of an original U-Net are inherited: identically by itself, in leading slices by narrower ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from unets import TINY, random_unets, tiny

from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_weights import Inheritance, inherit, read_unet_weights

pytest.importorskip("diffusers")

ATTENTION = (False, True, True, True)
SOURCE = tiny((16, 32, 48, 64), input_attention=ATTENTION, output_attention=ATTENTION)


def built(unet: UNetArchitecture, seed: int) -> InpaintingUNet:
    """A U-Net with random numbers in every tensor, biases and normalisation too."""
    torch.manual_seed(seed)
    network = InpaintingUNet(TINY, unet).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.dim() == 1))
    return network


@pytest.fixture(scope="module")
def original() -> dict[str, Tensor]:
    return built(SOURCE, seed=0).state_dict()


def inherited(unet: UNetArchitecture, original: dict[str, Tensor]) -> tuple[InpaintingUNet, Inheritance]:
    network = built(unet, seed=1)
    return network, inherit(network, original, SOURCE)


def test_the_original_architecture_inherits_identically_and_computes_the_same(original: dict[str, Tensor]) -> None:
    network, report = inherited(SOURCE, original)
    assert all(torch.equal(tensor, original[name]) for name, tensor in network.state_dict().items())
    assert set(report.whole) == set(original)
    assert report.cut == report.partly == report.initial == report.dropped == ()
    latents = example_latents(TINY)
    assert torch.equal(network(*latents), built(SOURCE, seed=0)(*latents))


def test_attention_that_an_architecture_lacks_is_skipped_and_the_rest_is_whole(original: dict[str, Tensor]) -> None:
    network, report = inherited(tiny((16, 32, 48, 64)), original)
    assert all(torch.equal(tensor, original[name]) for name, tensor in network.state_dict().items())
    assert set(report.dropped) == {n for n in original if n.startswith(("down_blocks.1.att", "up_blocks.2.att"))}


def test_narrower_stages_inherit_leading_channels(original: dict[str, Tensor]) -> None:
    network, report = inherited(tiny((8, 16, 16, 32)), original)
    own = network.state_dict()
    assert report.partly == report.initial == ()
    assert torch.equal(own["conv_in.weight"], original["conv_in.weight"][:8])
    assert torch.equal(
        own["down_blocks.1.resnets.0.conv1.weight"], original["down_blocks.1.resnets.0.conv1.weight"][:16, :8]
    )
    assert torch.equal(own["down_blocks.2.resnets.1.norm2.bias"], original["down_blocks.2.resnets.1.norm2.bias"][:16])
    assert torch.equal(own["mid_block.resnets.0.conv2.weight"], original["mid_block.resnets.0.conv2.weight"][:32, :32])
    assert torch.equal(own["conv_out.weight"], original["conv_out.weight"][:, :8])
    assert torch.equal(
        own["down_blocks.0.resnets.0.time_emb_proj.weight"],
        original["down_blocks.0.resnets.0.time_emb_proj.weight"][:8, :32],
    )


def test_each_of_what_an_output_block_concatenates_is_cut_by_itself(original: dict[str, Tensor]) -> None:
    network, _ = inherited(tiny((8, 16, 16, 32)), original)
    own = network.state_dict()
    # Stage 3's first block: the original's 64 channels of stage 4 and 48 of stage 3, of which 32 and 16 are left.
    rows, columns = torch.arange(16), torch.cat([torch.arange(32), 64 + torch.arange(16)])
    name = "up_blocks.1.resnets.0."
    assert torch.equal(own[name + "norm1.weight"], original[name + "norm1.weight"][columns])
    for layer in ("conv1", "conv_shortcut"):
        wanted = original[f"{name}{layer}.weight"][rows][:, columns]
        assert torch.equal(own[f"{name}{layer}.weight"], wanted)
    # Its last block: stage 3's 48 channels, and 32 of the input stage's input, of which 16 and 16 are left.
    columns = torch.cat([torch.arange(16), 48 + torch.arange(16)])
    name = "up_blocks.1.resnets.2.conv1.weight"
    assert torch.equal(own[name], original[name][rows][:, columns])


def test_heads_keep_their_number_and_each_its_leading_channels(original: dict[str, Tensor]) -> None:
    network, _ = inherited(tiny((16, 32, 24, 64)), original)
    name = "down_blocks.2.attentions.0."
    heads = torch.cat([torch.arange(12), 24 + torch.arange(12)])  # two heads of 24 channels
    for layer in ("to_q", "to_k", "to_v"):
        assert torch.equal(
            network.state_dict()[f"{name}{layer}.weight"], original[f"{name}{layer}.weight"][heads][:, :24]
        )
        assert torch.equal(network.state_dict()[f"{name}{layer}.bias"], original[f"{name}{layer}.bias"][heads])
    wanted = original[name + "to_out.0.weight"][:24][:, heads]
    assert torch.equal(network.state_dict()[name + "to_out.0.weight"], wanted)


def test_timesteps_keep_their_meaning_at_half_the_width(original: dict[str, Tensor]) -> None:
    network, _ = inherited(tiny((8, 16, 24, 32)), original)
    wide, narrow = built(SOURCE, seed=0), network
    timesteps = torch.tensor([10, 500, 990])
    own, theirs = narrow.time_proj(timesteps), wide.time_proj(timesteps)
    columns = torch.tensor([0, 2, 4, 6, 8, 10, 12, 14])  # every second frequency, of cosines and of sines
    assert torch.allclose(own, theirs[:, columns], atol=1e-5)
    weight = "time_embedding.linear_1.weight"
    assert torch.equal(narrow.state_dict()[weight], original[weight][:32][:, columns])


def test_a_stages_last_output_block_is_the_originals_last(original: dict[str, Tensor]) -> None:
    network, report = inherited(tiny((16, 32, 48, 64), input_residuals=(1,) * 4, output_residuals=(2,) * 4), original)
    own = network.state_dict()
    for stage in range(4):
        for layer in ("conv1.weight", "norm1.bias", "conv2.weight"):
            last = original[f"up_blocks.{stage}.resnets.2.{layer}"]
            assert torch.equal(own[f"up_blocks.{stage}.resnets.1.{layer}"], last)
    assert set(report.whole) == set(own)
    assert {n for n in report.dropped if n.startswith("up_blocks.3")} == {
        n for n in original if n.startswith("up_blocks.3.resnets.1")
    }


def test_a_skip_connection_that_the_originals_block_does_not_take_starts_at_zero(original: dict[str, Tensor]) -> None:
    network, report = inherited(tiny((16, 32, 48, 64), output_residuals=(2,) * 4), original)
    weight = network.state_dict()["up_blocks.0.resnets.1.conv1.weight"]
    last = original["up_blocks.0.resnets.2.conv1.weight"]  # 64 of its stage, 48 of the stage's input
    assert weight.shape[1] == 64 + 64 + 48
    assert torch.equal(weight[:, :64], last[:, :64])
    assert not bool(weight[:, 64:128].any())
    assert torch.equal(weight[:, 128:], last[:, 64:])
    assert report.partly == report.initial == ()


def test_a_block_without_a_skip_connection_inherits_the_rest(original: dict[str, Tensor]) -> None:
    network, _ = inherited(tiny((16, 32, 48, 64), input_residuals=(1,) * 4), original)
    name = "up_blocks.0.resnets.1.conv1.weight"
    assert torch.equal(network.state_dict()[name], original[name][:, :64])


def test_a_shortcut_that_the_original_has_not_starts_as_the_identity() -> None:
    equal = tiny((16, 16, 16, 16))
    source = built(equal, seed=0).state_dict()
    network = built(tiny((16, 8, 16, 16)), seed=1)
    inherit(network, source, equal)
    weight = network.state_dict()["down_blocks.1.resnets.0.conv_shortcut.weight"]
    assert torch.equal(weight[:, :, 0, 0], torch.eye(8, 16))
    assert not bool(network.state_dict()["down_blocks.1.resnets.0.conv_shortcut.bias"].any())


def test_every_architecture_that_is_nowhere_wider_inherits_all_its_weights(original: dict[str, Tensor]) -> None:
    unets = random_unets(40, seed=5, base=(4, 8, 12, 16))
    for row in range(len(unets)):
        unet = unets.architecture(row)
        if all(own <= theirs for own, theirs in zip(unet.channels, SOURCE.channels, strict=True)):
            network, report = inherited(unet, original)
            assert report.partly == report.initial == ()
            assert bool(network(*example_latents(TINY)).isfinite().all())


def test_wider_architectures_are_refused_unless_the_rest_may_keep_its_initial_weights(
    original: dict[str, Tensor],
) -> None:
    network = built(tiny((16, 48, 48, 64)), seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(NetworkError, match=r"is \[48.*, the original's has \[32.*nowhere wider or deeper"):
        inherit(network, original, SOURCE)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    report = inherit(network, original, SOURCE, wider="keep")
    name = "down_blocks.1.resnets.1.conv2.weight"
    own = network.state_dict()[name]
    assert torch.equal(own[:32, :32], original[name])
    assert torch.equal(own[32:], before[name][32:])
    assert torch.equal(own[:, 32:], before[name][:, 32:])
    assert name in report.partly
    assert report.initial == ()


def test_blocks_that_the_original_has_not_are_refused_or_keep_initial_weights() -> None:
    source = tiny((8, 16, 24, 32), input_residuals=(1,) * 4, output_attention=(False,) * 4)
    state = built(source, seed=0).state_dict()
    with pytest.raises(NetworkError, match="the original's has no such block"):
        inherit(built(tiny(), seed=1), state, source)
    report = inherit(built(tiny(), seed=1), state, source, wider="keep")
    assert "up_blocks.0.attentions.0.to_q.weight" in report.initial
    assert "down_blocks.0.resnets.1.conv1.weight" in report.initial


def test_weights_of_another_architecture_are_refused_by_tensor(original: dict[str, Tensor], tmp_path: Path) -> None:
    name = "conv_in.weight"
    four = {**original, name: torch.zeros(16, 9, 3, 3)}
    with pytest.raises(NetworkError, match=r"conv_in.weight is \[16, 9, 3, 3\], expected \[16, 7, 3, 3\]"):
        inherit(built(SOURCE, 1), four, SOURCE)
    with pytest.raises(NetworkError, match=r"lack conv_in.weight \(1 such tensors\)"):
        inherit(built(SOURCE, 1), {n: t for n, t in original.items() if n != name}, SOURCE)
    with pytest.raises(NetworkError, match=r"have unexpected down_blocks.1.attentions.0.*\(50 such tensors\)"):
        inherit(built(SOURCE, 1), original, tiny((16, 32, 48, 64)))
    with pytest.raises(NetworkError, match=r"conv_in\.weight holds infinite or undefined"):
        inherit(built(SOURCE, 1), {**original, name: original[name] * torch.nan}, SOURCE)
    save_file(four, str(tmp_path / "unet.safetensors"))
    with pytest.raises(NetworkError, match=r"unet.safetensors: the original's weights: conv_in.weight is"):
        read_unet_weights(tmp_path / "unet.safetensors", TINY, SOURCE)


def test_weights_are_read_from_a_file_as_single_precision(original: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "unet.safetensors"
    save_file({name: tensor.half() for name, tensor in original.items()}, str(path))
    found = read_unet_weights(path, TINY, SOURCE)
    assert all(torch.equal(found[name], tensor.half().float()) for name, tensor in original.items())
