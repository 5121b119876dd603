"""The Fréchet distance between features of images (Heusel et al. 2017), of a feature network from a given file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from autobuild_pipelines.evaluators.protocol import EvaluationError

WHERE_TO_GET_INCEPTION = (
    "the usual Inception network of FID is published as TorchScript by NVIDIA: "
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt"
)


class Features(nn.Module):
    """A TorchScript module that maps images [n, 3, r, r] uint8 to features [n, d].

    It resizes and scales images itself. One that takes an argument `return_features`, as NVIDIA's Inception does, is
    given True.

    Args:
        module: The module.
        size: Height and width of an image to try it with.

    Attributes:
        num_features: d, where torchmetrics looks for it.

    Raises:
        EvaluationError: It does not give such features.
    """

    def __init__(self, module: Any, size: int) -> None:
        super().__init__()
        self.module = module.eval()
        names = [argument.name for argument in module.forward.schema.arguments]
        self._more = {"return_features": True} if "return_features" in names else {}
        try:
            found = self(torch.zeros(2, 3, size, size, dtype=torch.uint8))
        except RuntimeError as error:
            raise EvaluationError(f"cannot take images as bytes: {' '.join(str(error).split())[-300:]}") from None
        if found.dim() != 2 or len(found) != 2:
            raise EvaluationError(f"gives features of shape {list(found.shape)} for 2 images, expected [2, d]")
        self.num_features = int(found.shape[1])

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """[n, 3, r, r] uint8 → [n, d]."""
        features: Tensor = self.module(images, **self._more)
        return features


def read_features(path: str | Path, size: int) -> Features:
    """The feature network in a TorchScript file, tried on images of `size` x `size` on the CPU.

    Raises:
        EvaluationError: The file is missing, is no TorchScript, or gives no features.
    """
    try:
        load: Any = torch.jit.load
        module = load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EvaluationError(f"{path}: is not a readable TorchScript file: {reason}") from None
    try:
        return Features(module, size)
    except EvaluationError as error:
        raise EvaluationError(f"{path}: {error}") from None


def frechet_distance(features: Features, pairs: Iterable[tuple[Tensor, Tensor]]) -> float:
    """The distance between real and made-up images, by torchmetrics.

    Args:
        features: The feature network, on the images' device.
        pairs: Batches of real and of made-up images, each [n, 3, r, r] uint8.

    Raises:
        EvaluationError: torchmetrics is not installed.
    """
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise EvaluationError(
            f"evaluator of type 'fid' needs torchmetrics, which cannot be imported ({error}): pip install "
            "'autobuild-pipelines[diffusion]'"
        ) from error
    metric: FrechetInceptionDistance | None = None
    for real, made_up in pairs:
        if metric is None:
            metric = FrechetInceptionDistance(feature=features).to(real.device)
        metric.update(real, real=True)
        metric.update(made_up, real=False)
    if metric is None:
        raise EvaluationError("evaluator of type 'fid': there are no images")
    return float(metric.compute())
