"""Encoders are read from folders as diffusers saves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from parts import LATENT, SIZE, vq_gan

from autobuild_pipelines.diffusion.encoder import DiffusersEncoder, encoder_hash, read_encoder
from autobuild_pipelines.diffusion.errors import DiffusionError


def test_a_vq_gan_is_read_from_its_folder_and_gives_the_latents_before_quantisation(tmp_path: Path) -> None:
    model = vq_gan().eval()
    model.save_pretrained(tmp_path)
    encoder = read_encoder(tmp_path)
    images = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    latents = encoder.encode(images)
    assert latents.shape == (2, 3, LATENT, LATENT)
    with torch.no_grad():
        assert torch.equal(latents, model.encode(images).latents)
        assert torch.equal(encoder.decode(latents), model.decode(latents).sample)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_stable_diffusions_kind_of_encoder_gives_scaled_means(tmp_path: Path) -> None:
    from diffusers import AutoencoderKL

    shape = {"block_out_channels": (4, 4), "norm_num_groups": 2, "latent_channels": 4, "scaling_factor": 0.5}
    kinds = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    model = AutoencoderKL(**shape, **kinds).eval()
    model.save_pretrained(tmp_path)
    encoder = read_encoder(tmp_path)
    images = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    with torch.no_grad():
        mean = model.encode(images).latent_dist.mean
        assert torch.allclose(encoder.encode(images), 0.5 * mean)
        assert torch.allclose(encoder.decode(0.5 * mean), model.decode(mean).sample, atol=1e-6)


def test_an_encoders_hash_is_that_of_its_files(tmp_path: Path) -> None:
    vq_gan().save_pretrained(tmp_path / "one")
    vq_gan(num_vq_embeddings=16).save_pretrained(tmp_path / "two")
    assert encoder_hash(tmp_path / "one") == encoder_hash(tmp_path / "one")
    assert encoder_hash(tmp_path / "one") != encoder_hash(tmp_path / "two")


def test_what_is_no_encoder_is_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(DiffusionError, match=r"config.json: no such file; expected an encoder's folder"):
        read_encoder(tmp_path)
    vq_gan().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "_class_name": "UNet2DModel"}))
    with pytest.raises(DiffusionError, match=r"_class_name is 'UNet2DModel', expected one of \['AutoencoderKL', 'VQ"):
        read_encoder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "block_out_channels": [8, 8, 8]}))
    with pytest.raises(DiffusionError, match="is not a readable VQModel"):
        read_encoder(tmp_path)


def test_any_module_that_encodes_and_decodes_will_do(encoder: DiffusersEncoder) -> None:
    from autobuild_pipelines.diffusion import Encoder

    accepted: Encoder = encoder
    assert accepted.encode(torch.zeros(1, 3, SIZE, SIZE)).shape == (1, 3, LATENT, LATENT)
