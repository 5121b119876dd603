"""The elastic supernet: one network that holds the weights of every architecture of a space.

Its state dict has the names and shapes of the public Once-for-All supernets (Cai et al. 2020), such as
`ofa_mbv3_d234_e346_k357_w1.2` and `ofa_proxyless_d234_e346_k357_w1.3`. A unit of fewer layers runs its leading blocks.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from autobuild_pipelines.networks.blueprint import first_block, stage_block
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.networks.elastic_layers import ElasticBlock, kernel_steps, shrunk_kernel
from autobuild_pipelines.networks.modules import MobileNet, ResidualBlock, Subnet, build_subnet, searched_blocks
from autobuild_pipelines.spaces import Architecture, SearchSpace


class Supernet(MobileNet):
    """The elastic network of a space.

    Args:
        space: The search space; its declared choices (not a restriction's) say how large the supernet is.
        definition: The network family.

    Raises:
        NetworkError: The definition does not fit the space.
    """

    def __init__(self, space: SearchSpace, definition: NetworkDefinition) -> None:
        definition.check_fits(space)
        kernels = elastic_kernels(space, definition)
        expand = max(int(e) for e in space.declaration.layer_features[definition.features.expand].choices)
        norm = definition.batch_norm
        blocks: list[ResidualBlock | ElasticBlock] = [ResidualBlock(first_block(definition), norm)]
        for stage, unit in enumerate(space.declaration.units):
            for position in range(unit.depths[-1]):
                largest = stage_block(definition, stage, first=position == 0, expand=expand, kernel=max(kernels))
                blocks.append(ElasticBlock(largest, kernels, norm))
        super().__init__(definition, blocks)
        self._space = space
        self._definition = definition
        self.eval()

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        """Logits of images with one architecture active, in evaluation mode.

        Shapes: [n, input channels, r, r] of any resolution r → [n, classes].

        Raises:
            NetworkError: The architecture is of another space.
        """
        units = searched_blocks(self._space, self._definition, architecture)
        x = self.blocks[0](self.first_conv(x))
        for start, unit in zip(unit_starts(self._space), units, strict=True):
            for position, active in enumerate(unit):
                x = self.blocks[start + position](x, active)
        return self.forward_head(x)


def splice(
    source: Supernet | Mapping[str, Tensor],
    space: SearchSpace,
    definition: NetworkDefinition,
    architecture: Architecture,
) -> Subnet:
    """The static network of one architecture with the supernet's weights; it computes what the supernet does with it.

    Every tensor is the leading corner of the supernet's, save depthwise kernels, which `shrunk_kernel` makes smaller.

    Args:
        source: The supernet, or its state dict (see `read_supernet`).
        space: Its space.
        definition: Its network family.
        architecture: One of the space.

    Returns:
        The network, in evaluation mode. It shares no memory with the source.

    Raises:
        NetworkError: The definition does not fit the space, or the architecture is of another space.
    """
    state = source.state_dict() if isinstance(source, Supernet) else source
    kernels = elastic_kernels(space, definition)
    with torch.device("meta"):
        network = build_subnet(space, definition, architecture)
    indices = _block_indices(space, architecture)
    spliced = {}
    for name, wanted in network.state_dict().items():
        origin = _supernet_name(name, indices)
        tensor = state[origin]
        if tensor.dim() == 4 and tensor.shape[2:] != wanted.shape[2:]:
            layer = origin.removesuffix("conv.weight")
            matrices = {step: state[layer + step] for _, _, step in kernel_steps(kernels)}
            tensor = shrunk_kernel(tensor, matrices, kernels, wanted.shape[-1])
        corner = tensor[tuple(slice(size) for size in wanted.shape)]
        spliced[name] = corner.detach().clone(memory_format=torch.contiguous_format)
    network.load_state_dict(spliced, assign=True)
    return network


def elastic_kernels(space: SearchSpace, definition: NetworkDefinition) -> tuple[int, ...]:
    """The kernel sizes that every searched block of the supernet has."""
    return tuple(sorted(int(k) for k in space.declaration.layer_features[definition.features.kernel].choices))


def unit_starts(space: SearchSpace) -> list[int]:
    """Index of each unit's first block in the supernet; block 0 is the fixed one."""
    starts = [1]
    for unit in space.declaration.units:
        starts.append(starts[-1] + unit.depths[-1])
    return starts[:-1]


def _block_indices(space: SearchSpace, architecture: Architecture) -> list[int]:
    """For each block of a static network its index in the supernet."""
    units = zip(unit_starts(space), architecture.units, strict=True)
    return [0, *(start + position for start, layers in units for position in range(len(layers)))]


def _supernet_name(name: str, indices: list[int]) -> str:
    """The supernet's name of a static network's tensor: another block, whose elastic layers wrap plain ones."""
    head, *rest = name.split(".")
    if head != "blocks" or rest[0] == "0":
        return name
    block, path = indices[int(rest[0])], rest[1:]
    if path[-2] in ("conv", "bn"):
        path.insert(-2, path[-2])
    return ".".join([head, str(block), *path])
