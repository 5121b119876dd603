"""Layers as integers: every combination of searched layer features numbered through."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from autobuild_pipelines.spaces.architecture import Codes, Layer
from autobuild_pipelines.spaces.declaration import SpaceDeclaration
from autobuild_pipelines.spaces.errors import SpaceError

MAX_VOCABULARY = 10_000


class LayerCodes:
    """What each layer code stands for.

    Args:
        name: The space's name, used in messages.
        declaration: Its declaration.

    Attributes:
        features: Names of the searched layer features, in declaration order.
        vocabulary: [layers, features] int16: for every layer code the index of each feature's choice.

    Raises:
        SpaceError: There are more than `MAX_VOCABULARY` different layers.
    """

    def __init__(self, name: str, declaration: SpaceDeclaration) -> None:
        self._name, self._template = name, declaration.layer_name
        self.features = tuple(key for key, feature in declaration.layer_features.items() if feature.value is None)
        self._choices = [declaration.layer_features[key].choices for key in self.features]
        if math.prod(map(len, self._choices)) > MAX_VOCABULARY:
            raise SpaceError(f"space {name!r}: layer_features: more than {MAX_VOCABULARY} different layers")
        grid = np.indices([len(c) for c in self._choices], dtype=np.int16)
        self.vocabulary: Codes = grid.reshape(len(self._choices), -1).T

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layer of every code."""
        return tuple(
            tuple(sorted((f, c[i]) for f, c, i in zip(self.features, self._choices, row, strict=True)))
            for row in self.vocabulary.tolist()
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The printed name of every layer code, by `layer_name` of the declaration (or `feature=value` pairs)."""
        template = self._template
        if template is None:
            return tuple(",".join(f"{k}={v}" for k, v in layer) for layer in self.layers)
        try:
            names = tuple(template.format(**dict(layer)) for layer in self.layers)
        except (KeyError, IndexError, ValueError) as error:
            raise SpaceError(f"space {self._name!r}: layer_name: {template!r} does not fit: {error}") from None
        if len(set(names)) != len(names):
            raise SpaceError(f"space {self._name!r}: layer_name: {template!r} gives two layers the same name")
        return names

    @cached_property
    def of_layer(self) -> dict[Layer, int]:
        """The code of every layer."""
        return {layer: code for code, layer in enumerate(self.layers)}

    @cached_property
    def of_name(self) -> dict[str, int]:
        """The code of every printed layer name."""
        return {name: code for code, name in enumerate(self.names)}

    def column(self, feature: str) -> int:
        """The feature's column of `vocabulary`."""
        return self.features.index(feature)
