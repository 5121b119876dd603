"""Random masks: boxes and brush strokes, 1 where an image is to be inpainted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BOXES, BOX_SIDES = (1, 3), (0.15, 0.5)
STROKES, POINTS, WIDTHS = (1, 4), (3, 7), (0.04, 0.12)
"""Smallest and largest number and size; sizes as parts of the image's side."""

Mask = NDArray[np.float32]


def random_mask(size: int, rng: np.random.Generator) -> Mask:
    """Boxes or brush strokes, either as likely: [size, size] of 0 and 1, neither empty nor full."""
    mask = box_mask(size, rng) if rng.random() < 0.5 else brush_mask(size, rng)
    if not mask.any():
        mask[size // 2, size // 2] = 1
    if mask.all():
        mask[0, 0] = 0
    return mask


def box_mask(size: int, rng: np.random.Generator) -> Mask:
    """One to three boxes anywhere in the image: [size, size] of 0 and 1."""
    mask = np.zeros((size, size), dtype=np.float32)
    for _ in range(rng.integers(*BOXES, endpoint=True)):
        height, width = np.maximum(1, (rng.uniform(*BOX_SIDES, size=2) * size).astype(int)).tolist()
        top, left = int(rng.integers(0, size - height + 1)), int(rng.integers(0, size - width + 1))
        mask[top : top + height, left : left + width] = 1
    return mask


def brush_mask(size: int, rng: np.random.Generator) -> Mask:
    """One to four strokes of three to seven points, each round: [size, size] of 0 and 1."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(*STROKES, endpoint=True)):
        points = rng.uniform(0, size, size=(rng.integers(*POINTS, endpoint=True), 2))
        width = max(1, round(float(rng.uniform(*WIDTHS)) * size))
        draw.line([tuple(point) for point in points.tolist()], fill=1, width=width, joint="curve")
        for x, y in points.tolist():
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=1)
    return np.asarray(image, dtype=np.float32)
