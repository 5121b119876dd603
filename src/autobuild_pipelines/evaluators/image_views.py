"""What Once-for-All networks see of an image: the views that they were trained and are evaluated on.

Numbers are those of the public package (`ofa` 0.1.0, its ImageNet data provider): crops, flips and colours of the
training view as in Inception's preprocessing (Szegedy et al. 2015), shorter side r / 0.875 at evaluation. The pixels
are made by Pillow, as they are for torchvision's transforms of Pillow images.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1], per channel."""

_CROP_FRACTION = 0.875
_AREA = (0.08, 1.0)
_ASPECT = (3 / 4, 4 / 3)
_BRIGHTNESS, _SATURATION = 32 / 255, 0.5


def evaluation_view(image: Image, resolution: int, rng: np.random.Generator | None = None) -> Tensor:
    """Shorter side to ⌈r / 0.875⌉, centre crop of r × r, normalised: [3, r, r]. Nothing in it is random."""
    shorter = math.ceil(resolution / _CROP_FRACTION)
    width, height = image.size
    scale = min(width, height)
    size = (int(shorter * width / scale), int(shorter * height / scale))
    resized = image.resize(size, _bilinear()) if image.size != size else image
    left, top = round((size[0] - resolution) / 2), round((size[1] - resolution) / 2)
    return _normalised(resized.crop((left, top, left + resolution, top + resolution)))


def training_view(image: Image, resolution: int, rng: np.random.Generator) -> Tensor:
    """A random crop at r × r, flipped half of the time, brightness and saturation varied, normalised: [3, r, r].

    The crop has 8-100 % of the image's area and an aspect ratio of 3/4-4/3 (log-uniform). Brightness varies by a factor
    of 1 ± 32/255, saturation by 1 ± 0.5, in random order.
    """
    from PIL import Image, ImageEnhance

    view = image.crop(_random_box(*image.size, rng)).resize((resolution, resolution), _bilinear())
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    brightness, saturation = (1 + rng.uniform(-spread, spread) for spread in (_BRIGHTNESS, _SATURATION))
    changes = [(ImageEnhance.Brightness, brightness), (ImageEnhance.Color, saturation)]
    for index in rng.permutation(2):
        enhancer, factor = changes[index]
        view = enhancer(view).enhance(factor)
    return _normalised(view)


def _random_box(width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a crop; after ten that do not fit, the largest centred one of allowed aspect."""
    for _ in range(10):
        area = width * height * rng.uniform(*_AREA)
        aspect = math.exp(rng.uniform(math.log(_ASPECT[0]), math.log(_ASPECT[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return left, top, left + w, top + h
    w = min(width, max(1, round(height * _ASPECT[1])))
    h = min(height, max(1, round(width / _ASPECT[0])))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _normalised(image: Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).contiguous()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (pixels.float() / 255 - mean) / std


def _bilinear() -> int:
    from PIL import Image

    return Image.Resampling.BILINEAR
