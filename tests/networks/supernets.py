"""Supernets whose every tensor is random, batch normalisation's statistics and kernel matrices included."""

from __future__ import annotations

import torch
from torch import nn

from autobuild_pipelines.networks import NetworkDefinition, Supernet
from autobuild_pipelines.spaces import SearchSpace


def random_supernet(space: SearchSpace, definition: NetworkDefinition, seed: int = 0) -> Supernet:
    """A supernet that an untrained one's zeros, ones and identities cannot hide a mistake in."""
    generator = torch.Generator().manual_seed(seed)
    supernet = Supernet(space, definition)
    with torch.no_grad():
        for name, parameter in supernet.named_parameters():
            if name.endswith("_matrix"):
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
            elif parameter.dim() > 1:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5)
        for module in supernet.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
    return supernet
