"""Images and masks as an inpainting network is trained and evaluated on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from autobuild_pipelines.diffusion.masks import random_mask
from autobuild_pipelines.images import ImageError, read_image

if TYPE_CHECKING:
    from PIL.Image import Image

Example = tuple[Tensor, Tensor]
"""An image [3, r, r] from -1 to 1 and its mask [1, r, r] of 0 and 1."""


class TrainingExamples(Dataset[Example]):
    """An endless list of images, crops and masks, of which each entry depends on the seed and its position only.

    Positions 0 to n - 1 are the n files in random order, the next n in another, and so on.

    Args:
        files: Paths of the images.
        size: Height and width r.
        seed: Seed of order, crops, flips and masks.
        positions: How many entries there are.
    """

    def __init__(self, files: Sequence[str], size: int, seed: int, positions: int) -> None:
        self._files, self._size, self._seed, self._positions = tuple(files), size, seed, positions

    def __len__(self) -> int:
        return self._positions

    def __getitem__(self, position: int) -> Example:
        """A random crop of an image whose shorter side is `size`, flipped at times, and a random mask.

        Raises:
            ImageError: A file is no readable image.
        """
        epoch, offset = divmod(position, len(self._files))
        file = self._files[_order(self._seed, epoch, len(self._files))[offset]]
        rng = np.random.default_rng([self._seed, 1, position])
        return _cropped(read_image(file), self._size, rng), _tensor(random_mask(self._size, rng))


class EvaluationExamples(Dataset[Example]):
    """The centres of images and the same masks for every network.

    Args:
        files: Paths of the images.
        size: Height and width r.
        seed: Seed of the masks.
        masks: Paths of one image of a mask for each, bright where it is to be inpainted; random ones by default.
    """

    def __init__(self, files: Sequence[str], size: int, seed: int, masks: Sequence[str] | None = None) -> None:
        self._files, self._size, self._seed = tuple(files), size, seed
        self._masks = None if masks is None else tuple(masks)

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Example:
        """The centre of an image whose shorter side is `size`, and its mask.

        Raises:
            ImageError: A file is no readable image.
        """
        image = _cropped(read_image(self._files[index]), self._size, None)
        if self._masks is None:
            return image, _tensor(random_mask(self._size, np.random.default_rng([self._seed, 2, index])))
        grey = _resized(read_image(self._masks[index], "L"), self._size, None, nearest=True)
        return image, _tensor((np.asarray(grey) >= 128).astype(np.float32))


def masks_of(files: Sequence[str], folder: str, masks: str) -> list[str]:
    """For each image below `folder` the mask of the same relative path below `masks`, as a PNG.

    Raises:
        ImageError: One is missing.
    """
    found = [Path(masks) / Path(file).relative_to(folder).with_suffix(".png") for file in files]
    if missing := [path for path in found if not path.is_file()]:
        raise ImageError(f"{missing[0]}: no such mask ({len(missing)} of {len(files)} images have none)")
    return [str(path) for path in found]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def _cropped(image: Image, size: int, rng: np.random.Generator | None) -> Tensor:
    pixels = np.asarray(_resized(image, size, rng), dtype=np.float32) / 127.5 - 1
    if rng is not None and rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _resized(image: Image, size: int, rng: np.random.Generator | None, *, nearest: bool = False) -> Image:
    """The image with its shorter side at `size`, cut to a square in the middle or, with `rng`, anywhere."""
    from PIL import Image as Images

    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    method = Images.Resampling.NEAREST if nearest else Images.Resampling.BICUBIC
    image = image.resize((width, height), method)
    if rng is None:
        left, top = (width - size) // 2, (height - size) // 2
    else:
        left, top = int(rng.integers(0, width - size + 1)), int(rng.integers(0, height - size + 1))
    return image.crop((left, top, left + size, top + size))


def _tensor(mask: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(mask)[None]
