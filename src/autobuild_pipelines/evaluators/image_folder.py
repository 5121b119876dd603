"""Folders of labelled images, one subfolder a class, and the images in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.images import SUFFIXES, ImageError, images_below, read_image

if TYPE_CHECKING:
    from PIL.Image import Image

View = Callable[["Image", int, np.random.Generator], Tensor]
"""Makes a network's input of an image at a resolution; the generator is the image's own."""


@dataclass(frozen=True)
class ImageFolder:
    """A folder of images as torchvision's `ImageFolder` reads it: `class/…/name.jpg`, classes and names sorted.

    Attributes:
        root: Its path.
        classes: Names of the class folders, sorted; an image's label is its class's position here.
        files: Paths of the images below `root`, with forward slashes.
        labels: One per image.
        listing_hash: SHA-256 of the images' relative paths and sizes in bytes.
    """

    root: str
    classes: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[int, ...]
    listing_hash: str

    @classmethod
    def read(cls, root: str, *, progress: bool = True) -> ImageFolder:
        """List a folder.

        Raises:
            EvaluationError: It is missing, or has no class folders with images in them.
        """
        if not os.path.isdir(root):
            raise EvaluationError(f"{root}: no such folder of images")
        classes = sorted(e.name for e in os.scandir(root) if e.is_dir() and not e.name.startswith("."))
        files: list[str] = []
        labels: list[int] = []
        listing = hashlib.sha256()
        bar = tqdm(classes, desc=f"listing {root}", unit="class", delay=3, leave=False, disable=not progress)
        for label, name in enumerate(bar):
            for path in images_below(os.path.join(root, name)):
                relative = Path(path).relative_to(root).as_posix()
                listing.update(f"{relative}\0{os.stat(path).st_size}\n".encode())
                files.append(relative)
                labels.append(label)
        if not files:
            raise EvaluationError(
                f"{root}: has no images in class folders; expected one subfolder a class (for ImageNet: n01440764, …) "
                f"with files {', '.join(sorted(SUFFIXES))} in it"
            )
        return cls(root, tuple(classes), tuple(files), tuple(labels), listing.hexdigest())

    def __len__(self) -> int:
        return len(self.files)

    def draw(self, count: int | None, seed: int) -> list[int]:
        """Rows of `count` images drawn without replacement, in drawn order; all in listed order for None."""
        if count is None:
            return list(range(len(self)))
        rows: list[int] = np.random.default_rng(seed).permutation(len(self))[:count].tolist()
        return rows


class ImageViews(Dataset[tuple[Tensor, int]]):
    """Some of a folder's images as a network sees them.

    What is random in a view depends on the seed and the image only, not on other images or on worker processes.

    Args:
        folder: The folder.
        rows: Which of its images.
        view: Makes the input of an image.
        resolution: Its height and width r.
        seed: Seed of what is random in it.
    """

    def __init__(self, folder: ImageFolder, rows: Sequence[int], view: View, resolution: int, seed: int) -> None:
        self._folder, self._rows = folder, rows
        self._view, self._resolution, self._seed = view, resolution, seed

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """The view [channels, r, r] and the label.

        Raises:
            EvaluationError: The file is no readable image; the message names it.
        """
        row = self._rows[index]
        image = open_image(os.path.join(self._folder.root, self._folder.files[row]))
        rng = np.random.default_rng([self._seed, row])
        return self._view(image, self._resolution, rng), self._folder.labels[row]


def open_image(path: str) -> Image:
    """An image file's content in RGB.

    Raises:
        EvaluationError: The file is missing, cut off or no image; the message names it.
    """
    try:
        return read_image(path)
    except ImageError as error:
        raise EvaluationError(str(error)) from None
