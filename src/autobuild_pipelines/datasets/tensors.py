"""Named arrays as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from kedro.io.core import DatasetError
from numpy.typing import NDArray

from autobuild_pipelines.datasets.atomic_file import AtomicFileDataset


class TensorsDataset(AtomicFileDataset[Mapping[str, NDArray[Any]]]):
    """A dictionary of numeric numpy arrays as one safetensors file; no pickle in either direction.

    ```yaml
    "{space}.graphs":
      type: autobuild_pipelines.datasets.TensorsDataset
      filepath: data/04_feature/{space}/graphs.safetensors
      versioned: true
    ```

    The file appears whole or not at all, and the same arrays give the same bytes whatever their order.
    """

    def load(self) -> Mapping[str, NDArray[Any]]:
        """The arrays by name.

        Raises:
            DatasetError: There is no such file, or it is not a safetensors file.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        location = self._load_location()
        try:
            arrays: dict[str, NDArray[Any]] = load(self._read_bytes(location))
        except FileNotFoundError:
            raise DatasetError(f"{location}: no such file; run the pipeline that makes it first") from None
        except (SafetensorError, ValueError, KeyError) as error:
            raise DatasetError(f"{location}: is not a complete safetensors file: {error}") from error
        return arrays

    def save(self, data: Mapping[str, NDArray[Any]]) -> None:
        """Write the arrays.

        Raises:
            DatasetError: Something else than numeric arrays by name; nothing is written.
        """
        from safetensors.numpy import save

        if not isinstance(data, Mapping):
            raise DatasetError(f"{self._filepath}: expected arrays by name, got {type(data).__name__}")
        for name, array in data.items():
            if not isinstance(name, str) or not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
                kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                raise DatasetError(f"{self._filepath}: {name!r} is {kind}, expected a numeric numpy array")
        content = save({name: np.ascontiguousarray(data[name]).reshape(data[name].shape) for name in sorted(data)})
        self._write_bytes(self._save_location(), content)
