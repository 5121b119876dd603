"""Images are found below folders in a fixed order; what is no image is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autobuild_pipelines.images import ImageError, image_files, read_image


def write(path: Path, size: tuple[int, int] = (4, 3)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), dtype=np.uint8)).save(path)


def test_images_anywhere_below_a_folder_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.jpg", "a.PNG"):
        write(tmp_path / name)
    (tmp_path / "b/notes.txt").write_text("no image")
    files, digest = image_files(tmp_path)
    assert [Path(f).relative_to(tmp_path).as_posix() for f in files] == ["a.PNG", "b/1.jpg", "b/2.png"]
    assert digest == image_files(str(tmp_path))[1]
    write(tmp_path / "c.png")
    assert image_files(tmp_path)[1] != digest


def test_a_folder_without_images_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere: no such folder of images"):
        image_files(tmp_path / "nowhere")
    with pytest.raises(ImageError, match=r"has no images; expected files \.bmp"):
        image_files(tmp_path)


def test_an_image_is_read_in_colour_or_grey_and_a_broken_one_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.png", (6, 5))
    assert (read_image(tmp_path / "a.png").mode, read_image(tmp_path / "a.png").size) == ("RGB", (6, 5))
    assert read_image(tmp_path / "a.png", "L").mode == "L"
    (tmp_path / "b.png").write_bytes(b"\x89PNG cut off")
    with pytest.raises(ImageError, match=r"b.png: is not a readable image"):
        read_image(tmp_path / "b.png")
