"""Examples depend on the seed and their position only; evaluation shows every network the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from parts import SIZE
from PIL import Image

from autobuild_pipelines.diffusion.images import EvaluationExamples, TrainingExamples, masks_of
from autobuild_pipelines.images import ImageError


def test_a_training_example_is_a_crop_from_minus_1_to_1_and_a_mask(files: list[str]) -> None:
    image, mask = TrainingExamples(files, SIZE, seed=0, positions=10)[3]
    assert (image.shape, mask.shape) == ((3, SIZE, SIZE), (1, SIZE, SIZE))
    assert image.dtype == mask.dtype == torch.float32
    assert -1 <= float(image.min()) < 0 < float(image.max()) <= 1
    assert set(mask.unique().tolist()) == {0.0, 1.0}


def test_examples_are_the_same_in_any_order_and_others_with_another_seed(files: list[str]) -> None:
    one, same, other = (TrainingExamples(files, SIZE, seed, 12) for seed in (0, 0, 1))
    backwards = [same[i] for i in reversed(range(12))][::-1]
    assert all(torch.equal(one[i][part], backwards[i][part]) for i in range(12) for part in (0, 1))
    assert not all(torch.equal(one[i][0], other[i][0]) for i in range(12))


def test_every_image_is_seen_once_before_any_is_seen_again(tmp_path: Path) -> None:
    files = []
    for grey in range(0, 250, 50):
        Image.fromarray(np.full((8, 8, 3), grey, dtype=np.uint8)).save(tmp_path / f"{grey}.png")
        files.append(str(tmp_path / f"{grey}.png"))
    examples = TrainingExamples(files, 8, seed=0, positions=15)
    greys = [round(float(examples[i][0].mean()), 3) for i in range(15)]
    epochs = [greys[:5], greys[5:10], greys[10:]]
    assert all(len(set(epoch)) == 5 for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_evaluation_shows_the_middle_of_images_under_the_same_masks(files: list[str]) -> None:
    one, other = EvaluationExamples(files, SIZE, seed=0), EvaluationExamples(files, SIZE, seed=0)
    assert len(one) == 5
    assert all(torch.equal(one[i][part], other[i][part]) for i in range(5) for part in (0, 1))
    whole = Image.open(files[0]).convert("RGB")
    scale = SIZE / min(whole.size)
    width, height = (max(SIZE, round(side * scale)) for side in whole.size)
    left, top = (width - SIZE) // 2, (height - SIZE) // 2
    middle = whole.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + SIZE, top + SIZE))
    pixels = np.asarray(middle, dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1
    assert torch.equal(one[0][0], torch.from_numpy(pixels))


def test_given_masks_are_used_and_missing_ones_are_named(files: list[str], tmp_path: Path) -> None:
    folder = str(Path(files[0]).parent)
    for file in files:
        pixels = np.zeros((SIZE, SIZE), dtype=np.uint8)
        pixels[:5, :7] = 255
        Image.fromarray(pixels).save(tmp_path / Path(file).name)
    masks = masks_of(files, folder, str(tmp_path))
    _, mask = EvaluationExamples(files, SIZE, 0, masks)[1]
    assert mask.sum() == 35
    assert bool(mask[0, :5, :7].all())
    Path(masks[2]).unlink()
    with pytest.raises(ImageError, match=r"02.png: no such mask \(1 of 5 images have none\)"):
        masks_of(files, folder, str(tmp_path))
