"""The declaration of a network family of MBConv blocks, as a user writes it in YAML.

It says everything that an architecture of the search space leaves open: the stem, the fixed first block, every
stage's width, stride, activation and squeeze-excite, the head, and which features of the space are a block's
expansion and kernel and the network's input resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings, read_settings

Activation = Literal["relu", "relu6", "h_swish"]
Count = Annotated[int, Field(ge=1)]


class NetworkError(ValueError):
    """A network definition is wrong, or does not fit its search space. The message names the key."""


class BatchNorm(StrictSettings):
    """Settings of every batch normalisation."""

    eps: Annotated[float, Field(gt=0)] = 1e-5
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1


class Features(StrictSettings):
    """Names of the search space's features that set a block's expansion, its kernel, and the input resolution."""

    expand: str = "expand"
    kernel: str = "kernel"
    resolution: str = "resolution"


class Stem(StrictSettings):
    """The first convolution."""

    width: Count
    kernel: Count = 3
    stride: Count = 2
    activation: Activation


class FirstBlock(StrictSettings):
    """The fixed depthwise-separable block behind the stem (an MBConv block of expansion 1)."""

    width: Count
    kernel: Count = 3
    stride: Count = 1
    activation: Activation
    squeeze_excite: bool = False


class Stage(StrictSettings):
    """What the blocks of one unit of the search space share. The stride is the first block's, the others have 1."""

    width: Count
    stride: Count
    activation: Activation
    squeeze_excite: bool = False


class HeadLayer(StrictSettings):
    """A 1x1 convolution of the head; `name` is its name in the module, hence in its state dict."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    width: Count
    activation: Activation
    batch_norm: bool = True


HeadLayers = Annotated[tuple[HeadLayer, ...], FROM_LIST]


class Head(StrictSettings):
    """What follows the last stage: 1x1 convolutions, global average pooling, more of them, then the classifier."""

    before_pooling: HeadLayers = ()
    after_pooling: HeadLayers = ()


class NetworkDefinition(StrictSettings):
    """A network family. See `conf/base/networks/ofa_mbv3.yml` for an example.

    Widths are declared before the width multiplier; `channels` gives the real ones.
    """

    title: str = ""
    width_multiplier: Annotated[float, Field(gt=0)] = 1.0
    width_divisor: Count = 8
    input_channels: Count = 3
    num_classes: Count = 1000
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    squeeze_excite_reduction: Count = 4
    batch_norm: BatchNorm = BatchNorm()
    features: Features = Features()
    stem: Stem
    first_block: FirstBlock
    stages: Annotated[tuple[Stage, ...], FROM_LIST, Field(min_length=1)]
    head: Head = Head()

    @model_validator(mode="after")
    def _check(self) -> NetworkDefinition:
        names = [layer.name for layer in (*self.head.before_pooling, *self.head.after_pooling)]
        if taken := [n for n in names if n in ("first_conv", "blocks", "classifier") or names.count(n) > 1]:
            raise ValueError(f"head: the name {taken[0]!r} is taken")
        for where, kernel in (("stem", self.stem.kernel), ("first_block", self.first_block.kernel)):
            if kernel % 2 == 0:
                raise ValueError(f"{where}.kernel: must be odd, got {kernel}")
        return self

    @classmethod
    def from_mapping(cls, name: str, content: Any, *, source: str = "") -> NetworkDefinition:
        """Check the mapping of one network, as read from YAML or parameters.

        Raises:
            NetworkError: Names the key that is wrong and the reason.
        """
        what = f"network {name!r}"
        return read_settings(cls, content, what=what, example="stages", source=source, refusal=NetworkError)

    @classmethod
    def from_yaml(cls, path: str | Path, name: str) -> NetworkDefinition:
        """Read the network of space `name` from a YAML file `{name: {network: definition}}`.

        Raises:
            NetworkError: The file is not YAML, lacks the network, or a key of it is wrong.
        """
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise NetworkError(f"{path}: not a YAML file: {error}") from None
        if not isinstance(content, Mapping) or not isinstance(content.get(name), Mapping):
            raise NetworkError(f"{path}: has no space {name!r}")
        if "network" not in content[name]:
            raise NetworkError(f"{path}: {name} has no key 'network'")
        return cls.from_mapping(name, content[name]["network"], source=str(path))

    def channels(self, width: float) -> int:
        """The real number of channels of a declared width: times the multiplier, made divisible."""
        return make_divisible(width * self.width_multiplier, self.width_divisor)

    def check_fits(self, space: SearchSpace) -> None:
        """Check that architectures of `space` can be built.

        Raises:
            NetworkError: A feature is missing or is no positive integer, a kernel is even, or the numbers of stages
                and units differ.
        """
        where = f"network of space {space.name!r}"
        if len(self.stages) != len(space.units):
            found, wanted = len(self.stages), len(space.units)
            raise NetworkError(f"{where}: stages: has {found} entries, the space has {wanted} units")
        for key in ("expand", "kernel"):
            feature = getattr(self.features, key)
            if feature not in space.features:
                raise NetworkError(f"{where}: features.{key}: {feature!r} is not a searched layer feature of the space")
            choices = space.declaration.layer_features[feature].choices
            if bad := [c for c in choices if type(c) is not int or c < 1 or (key == "kernel" and c % 2 == 0)]:
                kind = "odd positive integers" if key == "kernel" else "positive integers"
                raise NetworkError(f"{where}: features.{key}: {feature} must be {kind}, got {bad}")
        name = self.features.resolution
        if name not in space.graph_features:
            raise NetworkError(f"{where}: features.resolution: {name!r} is not a graph feature of the space")
        if bad := [c for c in space.declaration.graph_features[name].choices if type(c) is not int or c < 1]:
            raise NetworkError(f"{where}: features.resolution: {name} must be positive integers, got {bad}")


def make_divisible(width: float, divisor: int) -> int:
    """`width` rounded to a multiple of `divisor`, at least `divisor`, never more than 10 % below `width`.

    The rule of the MobileNet papers' published networks.
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded
