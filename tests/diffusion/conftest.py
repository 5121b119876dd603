"""One thread, and the encoder and images that many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from parts import vq_gan, write_images

from autobuild_pipelines.diffusion.encoder import DiffusersEncoder

pytest.importorskip("diffusers")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def encoder() -> DiffusersEncoder:
    return DiffusersEncoder(vq_gan())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_images(tmp_path_factory.mktemp("images") / "train", 5, seed=0)
