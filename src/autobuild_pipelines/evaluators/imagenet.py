"""Accuracy on ImageNet of the subnets of a Once-for-All supernet (method, Sec. 4; paper §7.4)."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from autobuild_pipelines.evaluators.device import device_of
from autobuild_pipelines.evaluators.image_folder import ImageFolder, ImageViews, View
from autobuild_pipelines.evaluators.image_views import evaluation_view, training_view
from autobuild_pipelines.evaluators.imagenet_settings import ImageNetSettings
from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.networks import (
    NetworkDefinition,
    NetworkError,
    Subnet,
    read_supernet,
    recalibrate_batch_norm,
    resolution_of,
    splice,
)
from autobuild_pipelines.spaces import Architecture, SearchSpace

log = logging.getLogger(__name__)

WHERE_TO_GET = (
    "Once-for-All's supernets (ofa_mbv3_d234_e346_k357_w1.2, ofa_mbv3_d234_e346_k357_w1.0, "
    "ofa_proxyless_d234_e346_k357_w1.3) are named with their addresses in ofa/model_zoo.py of "
    "https://github.com/mit-han-lab/once-for-all; ImageNet's images (ILSVRC2012, train and val) are at "
    "https://image-net.org, to be unpacked into one folder a class"
)


class ImageNetEvaluator:
    """Top-1 and top-5 accuracy of one architecture at a time, as fractions.

    The subnet is cut out of the supernet, its batch normalisations are recalibrated on training images, and it is
    evaluated on validation images at the architecture's resolution, all with Once-for-All's preprocessing. The result
    depends on the settings and the data only, not on other architectures or on the number of workers.

    A validation image's class is the position of its folder among the sorted folder names, which for ImageNet's 1000
    synsets is the order that the networks were trained with. A folder of fewer classes is taken for the network's first
    classes in that order, which is right for a network of those classes or for ImageNet's first synsets only.

    Args:
        space: The search space.
        definition: The network family.
        settings: What it reads and how.
        metrics: Names of the top-1 and the top-5 accuracy.
        progress: Show bars for what takes more than a few seconds.

    Raises:
        EvaluationError: As `check`.
    """

    kind = "imagenet"

    def __init__(
        self,
        space: SearchSpace,
        definition: NetworkDefinition,
        settings: ImageNetSettings,
        *,
        metrics: tuple[str, str] = ("acc", "acc_top5"),
        progress: bool = True,
    ) -> None:
        self.metrics: tuple[str, ...] = metrics
        self._space = space
        self._definition = definition
        self._settings = settings
        self._progress = progress
        self._hash = ""
        self.check()

    def check(self) -> None:
        """Check that everything needed is there and fits together.

        Raises:
            EvaluationError: Names all that is missing (weights, images, Pillow, the device) and where to get it; or
                the weights are not this space's supernet's; or there are more classes of images than the network has.
        """
        s = self._settings
        missing = [f"weights: {s.weights}: no such file"] if not os.path.isfile(s.weights) else []
        missing += [
            f"{key}: {path}: no such folder"
            for key, path in (("train_images", s.train_images), ("val_images", s.val_images))
            if not os.path.isdir(path)
        ]
        if missing:
            raise EvaluationError(f"evaluator of type 'imagenet': {'; '.join(missing)}. {WHERE_TO_GET}")
        if importlib.util.find_spec("PIL") is None:
            raise EvaluationError(
                "evaluator of type 'imagenet': reading images needs Pillow: pip install 'autobuild-pipelines[imagenet]'"
            )
        device_of(s.device, self.kind)
        data = self._data()
        wanted, found = self._definition.num_classes, len(data.val.classes)
        if found > wanted:
            raise EvaluationError(
                f"{s.val_images}: has {found} classes (subfolders), the network {wanted}; expected no more than that"
            )
        if found < wanted:
            log.warning(
                "%s has %d classes, the network %d: they are taken for its first %d in sorted order",
                s.val_images,
                found,
                wanted,
                found,
            )

    def settings(self) -> dict[str, Any]:
        """All that changes the result, besides the data: no paths, and nothing that only changes the speed."""
        s = self._settings
        return {
            "network": self._definition.model_dump(mode="json", exclude={"title", "dropout"}),
            "metrics": list(self.metrics),
            "calibration_images": s.calibration_images,
            "calibration_batch": s.calibration_batch,
            "limit": s.limit,
            "seed": s.seed,
        }

    def data_hash(self) -> str:
        """SHA-256 of the weights' bytes and of the images' relative paths and sizes, as they were when checked."""
        return self._hash

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        """Both accuracies of an architecture, as fractions.

        Raises:
            NetworkError: It is not of the space.
            EvaluationError: An image cannot be read, or the network's outputs are not finite.
        """
        s, folder = self._settings, self._data().val
        network = self.calibrated(architecture)
        rows = sorted(folder.draw(s.limit, s.seed))
        right = torch.zeros(2, dtype=torch.int64)
        for images, labels in self._batches(folder, rows, evaluation_view, s.batch, "evaluating", architecture):
            with torch.inference_mode():
                logits = network(images)
            if not bool(logits.isfinite().all()):
                raise EvaluationError(f"architecture {architecture.id}: the network's outputs are not finite")
            right += _right(logits.cpu(), labels)
        return {metric: count / len(rows) for metric, count in zip(self.metrics, right.tolist(), strict=True)}

    def calibrated(self, architecture: Architecture) -> Subnet:
        """The network of an architecture with its batch normalisations recalibrated, on the device.

        Raises:
            NetworkError: It is not of the space.
            EvaluationError: An image cannot be read.
        """
        s, data = self._settings, self._data()
        network = splice(data.weights, self._space, self._definition, architecture).to(device_of(s.device, self.kind))
        rows = data.train.draw(s.calibration_images, s.seed)
        batches = self._batches(data.train, rows, training_view, s.calibration_batch, "calibrating", architecture)
        recalibrate_batch_norm(network, (images for images, _ in batches))
        return network

    def _batches(
        self,
        folder: ImageFolder,
        rows: Sequence[int],
        view: View,
        size: int,
        what: str,
        architecture: Architecture,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Views of images on the device and their labels on the CPU, batch by batch."""
        s = self._settings
        views = ImageViews(folder, rows, view, resolution_of(self._definition, architecture), s.seed)
        # Without a generator of its own the loader would draw from, and so change, the global one.
        loader = DataLoader(views, batch_size=size, num_workers=s.workers, generator=torch.Generator())
        device = device_of(s.device, self.kind)
        bar = tqdm(
            loader, desc=f"{what} {architecture.id}", unit="batch", delay=3, leave=False, disable=not self._progress
        )
        for images, labels in bar:
            yield images.to(device), labels

    def _data(self) -> _Data:
        """Weights and listings, read once in every process for the same settings and data."""
        s = self._settings
        key = (s.weights, s.train_images, s.val_images, self._space.name, self._definition, self._hash)
        if key not in _READ:
            data = _read(s, self._space, self._definition, progress=self._progress)
            if self._hash and data.hash != self._hash:
                raise EvaluationError(
                    f"evaluator of type 'imagenet': {s.weights}, {s.train_images} or {s.val_images} changed since the "
                    "evaluator was made; start again to evaluate on what is there now"
                )
            self._hash = data.hash
            _READ[(*key[:-1], data.hash)] = data
            return data
        return _READ[key]


@dataclass(frozen=True)
class _Data:
    weights: dict[str, Tensor]
    train: ImageFolder
    val: ImageFolder
    hash: str


_READ: dict[tuple[object, ...], _Data] = {}


def _read(settings: ImageNetSettings, space: SearchSpace, definition: NetworkDefinition, *, progress: bool) -> _Data:
    with open(settings.weights, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    try:
        weights = read_supernet(settings.weights, space, definition)
    except NetworkError as error:
        raise EvaluationError(f"evaluator of type 'imagenet': weights: {error}") from error
    train, val = (ImageFolder.read(path, progress=progress) for path in (settings.train_images, settings.val_images))
    for folder in (train, val):
        digest.update(folder.listing_hash.encode())
    return _Data(weights, train, val, digest.hexdigest())


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many labels are the first, and how many are among the first five of the classes by score: [2]."""
    best = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
    return torch.stack([best[:, 0].sum(), best.any(dim=1).sum()])
