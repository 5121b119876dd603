"""The U-Net of an architecture works: at tiny and at true widths, on the CPU and on the meta device."""

from __future__ import annotations

import sys
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from unets import ORIGINAL, TINY, random_unets, tiny, unet_space

from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet import InpaintingUNet, concatenated, example_latents, output_segments
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_definition import UNetDefinition, read_network

diffusers = pytest.importorskip("diffusers")


def seeded(definition: UNetDefinition, unet: UNetArchitecture, seed: int = 0) -> InpaintingUNet:
    torch.manual_seed(seed)
    return InpaintingUNet(definition, unet).eval()


def test_the_original_is_the_published_network_of_387_million_parameters() -> None:
    # Rombach et al. 2022, Sec. 4.5: attention on three levels, residual blocks for up- and downsampling, 387 M
    # parameters; their configuration `inpainting_big`.
    with torch.device("meta"):
        network = InpaintingUNet(UNetDefinition(), ORIGINAL)
    assert sum(p.numel() for p in network.parameters()) == 387_245_827


def test_the_original_computes_what_diffusers_own_u_net_does() -> None:
    torch.manual_seed(0)
    theirs = diffusers.UNet2DModel(
        in_channels=7,
        out_channels=3,
        layers_per_block=2,
        block_out_channels=(8, 16, 24, 32),
        down_block_types=("ResnetDownsampleBlock2D", *["AttnDownBlock2D"] * 3),
        up_block_types=(*["AttnUpBlock2D"] * 3, "ResnetUpsampleBlock2D"),
        downsample_type="resnet",
        upsample_type="resnet",
        norm_num_groups=4,
    )
    for module in theirs.modules():
        if type(module).__name__ == "Attention":
            module.heads = TINY.heads  # that class fixes the channels of a head, the original their number
    attention = (False, True, True, True)
    ours = InpaintingUNet(TINY, tiny(input_attention=attention, output_attention=attention))
    ours.load_state_dict(theirs.state_dict())
    sample, _ = example_latents(TINY, batch=2)
    timesteps = torch.tensor([3, 700])
    assert torch.equal(ours(sample, timesteps), theirs(sample, timesteps).sample)


@pytest.mark.parametrize(("inputs", "outputs"), list(product((1, 2), (2, 3))))
@pytest.mark.parametrize("attention", [False, True])
def test_every_combination_of_residual_blocks_runs_and_trains_every_weight(
    inputs: int, outputs: int, attention: bool
) -> None:
    has = (False, False, attention, attention)
    unet = tiny(
        (8, 24, 16, 8),
        input_residuals=(inputs,) * 4,
        output_residuals=(outputs,) * 4,
        input_attention=has,
        output_attention=has,
    )
    network = seeded(TINY, unet)
    sample, timesteps = example_latents(TINY, batch=2, size=16)
    noise = network(sample, timesteps)
    assert noise.shape == (2, 3, 16, 16)
    noise.square().sum().backward()
    # A key's bias moves all scores of a query alike, which softmax undoes.
    without = {n for n, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())}
    assert [name for name in without if not name.endswith("to_k.bias")] == []


def test_random_architectures_of_the_space_run_at_tiny_widths() -> None:
    unets = random_unets(40, seed=2, base=(4, 8, 12))
    sample, timesteps = example_latents(TINY, size=16)
    for row in range(len(unets)):
        with torch.inference_mode():
            noise = seeded(TINY, unets.architecture(row))(sample, timesteps)
        assert noise.shape == (1, 3, 16, 16)
        assert bool(noise.isfinite().all())


def test_random_architectures_have_the_right_channels_on_the_meta_device() -> None:
    unets = random_unets(10, seed=3)
    for row in range(len(unets)):
        unet = unets.architecture(row)
        with torch.device("meta"):
            network = InpaintingUNet(UNetDefinition(), unet)
            assert network(*example_latents(UNetDefinition(), batch=3)).shape == (3, 3, 64, 64)
        for stage, block in enumerate(reversed(list(network.up_blocks))):
            resnets = block.resnets
            assert isinstance(resnets, nn.ModuleList)
            assert [r.in_channels for r in resnets] == [sum(s) for s in output_segments(unet, stage)]
            assert {r.out_channels for r in resnets} == {unet.channels[stage]}


@pytest.mark.slow
def test_a_u_net_of_true_width_runs() -> None:
    unet = UNetArchitecture((256, 512, 768, 1024), (1, 2, 1, 2), (2, 3, 2, 3), (False,) * 3 + (True,), (False,) * 4)
    with torch.inference_mode():
        noise = seeded(UNetDefinition(), unet)(*example_latents(UNetDefinition(), size=16))
    assert noise.shape == (1, 3, 16, 16)
    assert bool(noise.isfinite().all())


@pytest.mark.parametrize(("latent", "inputs"), [(3, 7), (4, 9)])
def test_it_reads_noisy_latent_masked_latent_and_mask(latent: int, inputs: int) -> None:
    definition = TINY.model_copy(update={"latent_channels": latent})
    assert definition.input_channels == inputs
    network = seeded(definition, tiny())
    parts = [torch.randn(2, channels, 8, 8) for channels in (latent, latent, 1)]
    whole = network(concatenated(*parts), torch.tensor(7))
    assert whole.shape == (2, latent, 8, 8)
    for part in range(3):
        other = [p + 1 if i == part else p for i, p in enumerate(parts)]
        assert not torch.allclose(network(concatenated(*other), torch.tensor(7)), whole)


def test_the_noise_depends_on_the_timestep_and_each_image_has_its_own() -> None:
    network = seeded(TINY, tiny())
    sample, _ = example_latents(TINY, batch=2, size=16)
    both: Tensor = network(sample, torch.tensor([1, 900]))
    assert torch.allclose(both[:1], network(sample[:1], torch.tensor(1)), atol=1e-5)
    assert torch.allclose(both[1:], network(sample[1:], torch.tensor(900)), atol=1e-5)
    assert not torch.allclose(both, network(sample, torch.tensor(1)))


def test_channels_that_groups_or_heads_do_not_divide_are_refused_by_stage() -> None:
    with pytest.raises(NetworkError, match="stage 2: 18 channels cannot be split into 4 groups"):
        InpaintingUNet(TINY, tiny((8, 18, 24, 32)))
    with pytest.raises(NetworkError, match="stage 3: 20 channels cannot be split into 8 heads"):
        InpaintingUNet(TINY.model_copy(update={"heads": 8}), tiny((8, 12, 20, 32)))


def test_without_diffusers_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers.models.embeddings", None)
    with pytest.raises(NetworkError, match=r"pip install 'autobuild-pipelines\[diffusion\]'"):
        InpaintingUNet(TINY, tiny())


def test_a_definition_is_read_from_a_mapping_and_wrong_keys_are_named() -> None:
    definition = read_network("sd", {"family": "unet", "latent_channels": 4})
    assert definition == UNetDefinition(latent_channels=4)
    assert read_network("sd", definition) is definition
    with pytest.raises(NetworkError, match="network 'sd': latent_channel: unknown key"):
        read_network("sd", {"family": "unet", "latent_channel": 4})
    with pytest.raises(NetworkError, match="network 'sd': family: Input should be 'unet'"):
        read_network("sd", {"family": "transformer"})


def test_a_definition_fits_spaces_of_blocks_and_channels_only() -> None:
    space = unet_space()
    TINY.check_fits(space)
    with pytest.raises(NetworkError, match=r"features.channels: 'width' is not a layer feature, only \['op"):
        UNetDefinition.from_mapping("sd", {"features": {"channels": "width"}}).check_fits(space)
