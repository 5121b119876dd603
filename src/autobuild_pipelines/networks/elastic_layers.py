"""Elastic layers: each holds the weights of its largest form and runs any smaller one on a part of them.

Smaller widths use the leading channels. Smaller depthwise kernels use the centre of the next larger kernel, mapped by
a learnt matrix (Cai et al. 2020, "Once-for-All", Sec. 3.3). Names of submodules and parameters are those of the public
Once-for-All supernets (`depth_conv.conv.7to5_matrix`, `point_linear.bn.bn.weight`, …).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autobuild_pipelines.networks.blueprint import Block, Conv
from autobuild_pipelines.networks.definition import Activation, BatchNorm
from autobuild_pipelines.networks.modules import ACTIVATIONS, SqueezeExcite


def kernel_steps(kernels: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """The steps from the largest kernel to the smallest: (larger, smaller, name of the matrix between them)."""
    for larger, smaller in pairwise(sorted(kernels, reverse=True)):
        yield larger, smaller, f"{larger}to{smaller}_matrix"


def shrunk_kernel(weight: Tensor, matrices: Mapping[str, Tensor], kernels: Sequence[int], kernel: int) -> Tensor:
    """The depthwise weight at a smaller kernel size.

    At every step from a size to the next smaller size s, with W_c the flattened centre crop of channel c,

        W'_c = M · W_c,   M [s², s²] the same for all channels.

    Args:
        weight: [channels, 1, k, k] at the largest of `kernels`.
        matrices: The matrices by name, as `kernel_steps` gives them.
        kernels: All kernel sizes of the layer.
        kernel: One of them.

    Returns:
        [channels, 1, kernel, kernel].
    """
    for larger, smaller, name in kernel_steps(kernels):
        if larger <= kernel:
            break
        edge = (larger - smaller) // 2
        crop = weight[..., edge : edge + smaller, edge : edge + smaller]
        weight = (crop.flatten(1) @ matrices[name].T).reshape(crop.shape)
    return weight


class ElasticPointwise(nn.Module):
    """A 1x1 convolution of up to `conv.inputs` to up to `conv.outputs` channels.

    Shapes: [n, i, s, s] and a number o → [n, o, s, s].
    """

    def __init__(self, conv: Conv) -> None:
        super().__init__()
        self.conv = nn.Conv2d(conv.inputs, conv.outputs, 1, bias=False)

    def forward(self, x: Tensor, active: Conv) -> Tensor:
        """The convolution of the leading `active.outputs` channels."""
        return F.conv2d(x, self.conv.weight[: active.outputs, : x.shape[1]])


class ElasticDepthwise(nn.Module):
    """A depthwise convolution of up to `conv.inputs` channels and any of `kernels`.

    Shapes: [n, c, s, s] → [n, c, ceil(s / stride), ceil(s / stride)].
    """

    def __init__(self, conv: Conv, kernels: Sequence[int]) -> None:
        super().__init__()
        self._kernels = tuple(kernels)
        largest, channels = max(kernels), conv.inputs
        self.conv = nn.Conv2d(channels, channels, largest, conv.stride, groups=channels, bias=False)
        for _, smaller, name in kernel_steps(kernels):
            self.register_parameter(name, nn.Parameter(torch.eye(smaller**2)))

    def forward(self, x: Tensor, active: Conv) -> Tensor:
        """The convolution with the kernel size of `active`."""
        channels, matrices = x.shape[1], dict(self.named_parameters(recurse=False))
        weight = shrunk_kernel(self.conv.weight[:channels], matrices, self._kernels, active.kernel)
        return F.conv2d(x, weight, None, active.stride, active.kernel // 2, 1, channels)


class ElasticBatchNorm(nn.Module):
    """Batch normalisation of the leading channels.

    Shapes: [n, c, s, s] → the same.
    """

    def __init__(self, channels: int, settings: BatchNorm) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=settings.eps, momentum=settings.momentum)

    def forward(self, x: Tensor) -> Tensor:
        """`x`, normalised with the leading entries of the running statistics."""
        mean, variance = self.bn.running_mean, self.bn.running_var
        assert mean is not None
        assert variance is not None
        c = x.shape[1]
        return F.batch_norm(x, mean[:c], variance[:c], self.bn.weight[:c], self.bn.bias[:c], eps=self.bn.eps)


class ElasticSqueezeExcite(SqueezeExcite):
    """Squeeze-excite of the leading channels, with as many of the leading hidden channels as their number asks for."""

    def forward(self, x: Tensor, hidden: int | None = None) -> Tensor:
        """Scale every channel of `x` by its attention, computed with `hidden` channels."""
        c = x.shape[1]
        weights = dict(self.fc.named_parameters())
        y = x.mean((2, 3), keepdim=True)
        y = F.conv2d(y, weights["reduce.weight"][:hidden, :c], weights["reduce.bias"][:hidden])
        y = F.conv2d(F.relu(y), weights["expand.weight"][:c, :hidden], weights["expand.bias"][:c])
        return x * F.hardsigmoid(y)


class ElasticLayer(nn.Module):
    """An elastic convolution → elastic batch normalisation → activation (→ elastic squeeze-excite)."""

    def __init__(
        self,
        conv: ElasticPointwise | ElasticDepthwise,
        channels: int,
        settings: BatchNorm,
        activation: Activation | None,
        squeeze: int = 0,
    ) -> None:
        super().__init__()
        self.conv = conv
        self.bn = ElasticBatchNorm(channels, settings)
        self.act = nn.Identity() if activation is None else ACTIVATIONS[activation](inplace=True)
        if squeeze:
            self.se = ElasticSqueezeExcite(channels, squeeze)

    def forward(self, x: Tensor, active: Conv, squeeze: int = 0) -> Tensor:
        """The layer's output with the widths, kernel and squeeze-excite of its active form."""
        x = self.act(self.bn(self.conv(x, active)))
        return self.se(x, squeeze) if squeeze else x


class ElasticMBConv(nn.Module):
    """An inverted bottleneck of elastic expansion and kernel."""

    def __init__(self, largest: Block, kernels: Sequence[int], norm: BatchNorm) -> None:
        super().__init__()
        expansion, depthwise, projection = largest.expansion, largest.depthwise, largest.projection
        if expansion is not None:
            pointwise = ElasticPointwise(expansion)
            self.inverted_bottleneck = ElasticLayer(pointwise, expansion.outputs, norm, expansion.activation)
        self.depth_conv = ElasticLayer(
            ElasticDepthwise(depthwise, kernels), depthwise.outputs, norm, depthwise.activation, largest.squeeze
        )
        self.point_linear = ElasticLayer(ElasticPointwise(projection), projection.outputs, norm, None)

    def forward(self, x: Tensor, active: Block) -> Tensor:
        """The output of the active block."""
        if active.expansion is not None:
            x = self.inverted_bottleneck(x, active.expansion)
        x = self.depth_conv(x, active.depthwise, active.squeeze)
        out: Tensor = self.point_linear(x, active.projection)
        return out


class ElasticBlock(nn.Module):
    """An elastic inverted bottleneck, plus its input where stride and widths allow it.

    Args:
        largest: Its form with the largest kernel and expansion.
        kernels: All its kernel sizes.
        norm: Settings of its batch normalisations.
    """

    def __init__(self, largest: Block, kernels: Sequence[int], norm: BatchNorm) -> None:
        super().__init__()
        self.conv = ElasticMBConv(largest, kernels, norm)

    def forward(self, x: Tensor, active: Block) -> Tensor:
        """[n, inputs, s, s] → [n, outputs, ceil(s / stride), …] with the active block's expansion and kernel."""
        out: Tensor = self.conv(x, active)
        return out + x if active.residual else out
