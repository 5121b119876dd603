"""Recalibrate batch normalisation: measure its statistics anew after a subnet was cut out of a supernet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def recalibrate_batch_norm(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Replace every batch normalisation's running statistics by those of the images, in place.

    As Once-for-All does it (Cai et al. 2020): each batch is normalised with its own mean and (biased) variance, and the
    running statistics become the averages of these over the batches, weighted by their numbers of images. Everything
    else stays in evaluation mode.

    Args:
        network: A network of `nn.BatchNorm2d` layers.
        batches: Image batches [n, channels, height, width] on the network's device.

    Returns:
        The number of images.

    Raises:
        ValueError: There are no batches.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(2, norm.num_features, dtype=torch.float64) for norm in norms}

    def measure(norm: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        x: Tensor = inputs[0]
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        _set_statistics(norm, mean, variance)  # in evaluation mode it normalises with them
        sums[norm] += len(x) * torch.stack([mean, variance]).to("cpu", torch.float64)

    network.eval()
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    images = 0
    try:
        with torch.inference_mode():
            for batch in batches:
                network(batch)
                images += len(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not images:
        raise ValueError("batch normalisation cannot be recalibrated without images")
    for norm in norms:
        _set_statistics(norm, *(sums[norm] / images))
    return images


def _set_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
