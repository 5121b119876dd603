"""The declaration of a family of inpainting U-Nets: what an architecture of the search space leaves open.

The paper's "SDv1.4" inpainting model of 256 base channels, multipliers 1-4 and a VQ-GAN (§7.8, Figs. 12-13) is the
published latent-diffusion inpainting network (Rombach et al. 2022, LDM-4 "big", CompVis `inpainting_big`): a 3-channel
VQ latent at a quarter of the image's size, no text, hence self-attention only (8 heads, behind every residual block of
stages 2-4), and residual blocks that halve and double the size. These are the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from autobuild_pipelines.networks.definition import NetworkDefinition, NetworkError
from autobuild_pipelines.networks.unet_architecture import OPERATIONS
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.spaces.settings import StrictSettings, read_settings

Count = Annotated[int, Field(ge=1)]


class UNetFeatures(StrictSettings):
    """Names of the search space's layer features that say what a block is and how many channels it has."""

    operation: str = "operation"
    channels: str = "channels"


class UNetDefinition(StrictSettings):
    """A family of U-Nets. See `conf/base/networks/sd_fid.yml`.

    Attributes:
        family: Tells this definition from one of MobileNets.
        title: What to call it.
        latent_channels: Channels of the encoder's latent: 3 for the VQ-GAN, 4 for Stable Diffusion's autoencoder. The
            network reads the noisy latent, the masked image's latent and one channel of mask: 3 + 3 + 1 or 4 + 4 + 1.
        latent_size: Height and width of the latent that costs and latencies are given for (64 for images of 256).
        groups: Groups of every group normalisation; they must divide every stage's channels.
        heads: Heads of every attention block; they must divide the channels of stages with attention.
        norm_eps: Added to variances in group normalisation.
        time_factor: Width of the time embedding, in multiples of the first stage's channels.
        features: Names of the space's features.
    """

    family: Literal["unet"] = "unet"
    title: str = ""
    latent_channels: Count = 3
    latent_size: Count = 64
    groups: Count = 32
    heads: Count = 8
    norm_eps: Annotated[float, Field(gt=0)] = 1e-5
    time_factor: Count = 4
    features: UNetFeatures = UNetFeatures()

    @property
    def input_channels(self) -> int:
        """Channels of the noisy latent, the masked latent and the mask together."""
        return 2 * self.latent_channels + 1

    @classmethod
    def from_mapping(cls, name: str, content: Any) -> UNetDefinition:
        """Check the mapping of one network, as read from YAML or parameters.

        Raises:
            NetworkError: Names the key that is wrong and the reason.
        """
        what = f"network {name!r}"
        return read_settings(cls, content, what=what, example="latent_channels", source="", refusal=NetworkError)

    def check_fits(self, space: SearchSpace) -> None:
        """Check that the space's layers say what U-Nets are made of.

        Raises:
            NetworkError: A feature is missing, or has values that no block has.
        """
        where = f"network of space {space.name!r}"
        declared = space.declaration.layer_features
        for key in ("operation", "channels"):
            name = getattr(self.features, key)
            if name not in declared:
                raise NetworkError(f"{where}: features.{key}: {name!r} is not a layer feature, only {list(declared)}")
        choices = declared[self.features.operation].choices
        if unknown := [choice for choice in choices if choice not in OPERATIONS]:
            raise NetworkError(f"{where}: {self.features.operation} is {unknown[0]!r}, expected one of {OPERATIONS}")
        if len(space.units) < 2:
            raise NetworkError(f"{where}: the space has {len(space.units)} units, expected those of two branches")


def read_network(name: str, content: object) -> NetworkDefinition | UNetDefinition:
    """The network family of a space: one of U-Nets where its mapping says `family: unet`, else one of MobileNets.

    Raises:
        NetworkError: Names the key that is wrong and the reason.
    """
    if isinstance(content, NetworkDefinition | UNetDefinition):
        return content
    if isinstance(content, Mapping) and "family" in content:
        return UNetDefinition.from_mapping(name, content)
    return NetworkDefinition.from_mapping(name, content)
