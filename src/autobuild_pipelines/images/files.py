"""Image files below a folder, and the image in a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
"""What counts as an image, in either case: torchvision's list, so that a folder means the same to both."""


class ImageError(ValueError):
    """A folder has no images, or a file is none; the message names it."""


def images_below(folder: str | os.PathLike[str]) -> list[str]:
    """Paths of the images anywhere below a folder; folders and names are sorted."""
    found = []
    for where, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        found += [os.path.join(where, name) for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES]
    return found


def image_files(folder: str | os.PathLike[str]) -> tuple[list[str], str]:
    """The images below a folder, and the SHA-256 of their paths below it and their sizes in bytes.

    Raises:
        ImageError: There is no such folder, or no image in it.
    """
    if not os.path.isdir(folder):
        raise ImageError(f"{folder}: no such folder of images")
    files = images_below(folder)
    if not files:
        raise ImageError(f"{folder}: has no images; expected files {', '.join(sorted(SUFFIXES))}")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{Path(path).relative_to(folder).as_posix()}\0{os.stat(path).st_size}\n".encode())
    return files, digest.hexdigest()


def read_image(path: str | os.PathLike[str], mode: str = "RGB") -> Image:
    """An image file's content, in colour or (mode "L") in grey.

    Raises:
        ImageError: The file is missing, cut off or no image; the message names it.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.convert(mode)
    except Exception as error:  # broken files make image decoders raise many things
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{path}: is not a readable image: {reason}") from None
