"""Predictors that others have trained and released, loaded when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import fsspec
from fsspec.core import url_to_fs
from kedro.io.core import AbstractDataset, DatasetError

from autobuild_pipelines.ingestion import IngestError, load_plain_pickle

_WEIGHTS = "_predictor.pt"
_SIZE_LIMIT = 2**30


class UnknownPredictorError(KeyError):
    """No released predictor of that name; the message says where it was looked for."""

    def __str__(self) -> str:
        return str(self.args[0])


class ReleasedPredictors(Mapping[str, Callable[[], Any]]):
    """Released predictors by name; call one to load it.

    Args:
        loaders: What loads each.
        missing: What an unknown name is answered with, apart from the names there are.
    """

    def __init__(self, loaders: Mapping[str, Callable[[], Any]], missing: str) -> None:
        self._loaders = dict(loaders)
        self._missing = missing

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name not in self._loaders:
            known = f"; there are {', '.join(sorted(self._loaders))}" if self._loaders else ""
            raise UnknownPredictorError(f"no released predictor {name!r}: {self._missing}{known}")
        return self._loaders[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


class ReleasedPredictorsDataset(AbstractDataset[NoReturn, ReleasedPredictors]):
    """A folder of released predictor checkpoints; read-only.

    ```yaml
    released_predictors:
      type: autobuild_pipelines.datasets.ReleasedPredictorsDataset
      path: ${oc.env:AUTOBUILD_MODELS_DIR,null}
      set_by: the environment variable AUTOBUILD_MODELS_DIR
    ```

    Two layouts are found: `NAME_predictor.pt` beside `NAME_config.pkl` (or `.json`), called NAME; and
    `NAME/predictor.pt` beside `config.json` (or `.pkl`), called NAME. Weights are read without unpickling objects,
    configurations by the restricted unpickler. A folder that is missing or null gives an empty mapping, whose error
    for any name says so.

    Args:
        path: The folder; any fsspec path, or None.
        set_by: What a user sets to choose the folder, for that error.
        credentials: Credentials of the file system.
        fs_args: Further arguments of the file system.
        metadata: Kept for plugins.
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        set_by: str = "the environment variable AUTOBUILD_MODELS_DIR",
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._path = path or None
        self._set_by = set_by
        self._storage_options = {**(credentials or {}), **(fs_args or {})}
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}

    def load(self) -> ReleasedPredictors:
        """The predictors by name, none of them loaded yet."""
        if self._path is None:
            return ReleasedPredictors({}, f"no folder is given; set it by {self._set_by}")
        fs, folder = url_to_fs(self._path, **self._storage_options)
        if not fs.isdir(folder):
            return ReleasedPredictors({}, f"there is no folder {self._path}; set it by {self._set_by}")
        found = [str(f) for f in [*fs.glob(f"{folder}/*{_WEIGHTS}"), *fs.glob(f"{folder}/*/predictor.pt")]]
        loaders = {_name(weights): _loader(fs, weights) for weights in sorted(found)}
        return ReleasedPredictors(loaders, f"looked in {self._path}, set by {self._set_by}")

    def save(self, data: NoReturn) -> NoReturn:
        """Released predictors are never written.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("released predictors are read-only")

    def _exists(self) -> bool:
        if self._path is None:
            return False
        fs, folder = url_to_fs(self._path, **self._storage_options)
        return bool(fs.isdir(folder))


def _name(weights: str) -> str:
    folder, _, file = weights.rpartition("/")
    return file.removesuffix(_WEIGHTS) if file.endswith(_WEIGHTS) else folder.rsplit("/", 1)[-1]


def _loader(fs: fsspec.AbstractFileSystem, weights: str) -> Callable[[], Any]:
    def load() -> Any:
        from autobuild_pipelines.predictors.checkpoints import load_released

        stem = weights.removesuffix("predictor.pt")
        candidates = [f"{stem}config{suffix}" for suffix in (".json", ".pkl")]
        config = next((path for path in candidates if fs.isfile(path)), None)
        if config is None:
            raise DatasetError(f"{weights}: has no configuration beside it, expected {' or '.join(candidates)}")
        return load_released(_read(fs, weights), _config(config, _read(fs, config)), name=weights)

    return load


def _read(fs: fsspec.AbstractFileSystem, path: str) -> bytes:
    with fs.open(path, "rb") as file:
        content = bytes(file.read(_SIZE_LIMIT + 1))
    if len(content) > _SIZE_LIMIT:
        raise DatasetError(f"{path}: is larger than {_SIZE_LIMIT} bytes")
    return content


def _config(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        config = json.loads(content) if path.endswith(".json") else load_plain_pickle(content, source=path)
    except IngestError as error:
        raise DatasetError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: is not JSON: {error}") from None
    if not isinstance(config, Mapping):
        raise DatasetError(f"{path}: holds a {type(config).__name__}, expected a mapping of settings")
    return config
