"""A search space, read from the parameters, as a dataset: every node that needs the space names it as an input."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from autobuild_pipelines.spaces import SearchSpace


class SearchSpaceDataset(AbstractDataset[NoReturn, SearchSpace]):
    """A search space from its declaration.

    Example of a catalog entry, which the configuration completes for every space with the `space` section of that
    space's parameters (`conf/base/spaces/<space>.yml`):

        "{space}.search_space":
          type: autobuild_pipelines.datasets.SearchSpaceDataset
          name: "{space}"
          from_parameters: {declaration: space}

    Args:
        name: The space's name, part of every architecture's id.
        declaration: The declaration, see `autobuild_pipelines.spaces.SpaceDeclaration`.
        metadata: Anything; read by kedro-viz and hooks.

    Raises:
        SpaceError: On loading, when a key of the declaration is wrong.
    """

    def __init__(self, *, name: str, declaration: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        self._name = name
        self._declaration = declaration
        self.metadata = metadata

    def load(self) -> SearchSpace:
        """The search space."""
        return SearchSpace.from_mapping(self._name, self._declaration)

    def save(self, data: NoReturn) -> NoReturn:
        """Refused: a space is written by hand, in YAML."""
        raise DatasetError(f"{self._name}: a search space is configuration and cannot be saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name}
