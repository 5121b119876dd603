"""Named arrays as safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from kedro.io.core import DatasetError, Version

from autobuild_pipelines.datasets import TensorsDataset

arrays = hnp.arrays(
    st.sampled_from([np.bool_, np.int16, np.int64, np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(data=st.dictionaries(st.text(min_size=1, max_size=5, alphabet="abé_."), arrays, max_size=4))
def test_what_is_saved_is_loaded(data: dict[str, Any]) -> None:
    dataset = TensorsDataset(filepath="memory://tensors/a.safetensors")
    dataset.save(data)
    loaded = dataset.load()
    assert set(loaded) == set(data)
    for name, array in data.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_views_are_saved_as_they_look(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    dataset = TensorsDataset(filepath=tmp_path / "a.safetensors")
    dataset.save({"turned": array.T, "part": array[:, ::2]})
    np.testing.assert_array_equal(dataset.load()["turned"], array.T)
    np.testing.assert_array_equal(dataset.load()["part"], array[:, ::2])


def test_the_order_of_names_does_not_change_the_bytes(tmp_path: Path) -> None:
    one, two = np.zeros(3), np.ones(2)
    for file, data in (("a", {"x": one, "y": two}), ("b", {"y": two, "x": one})):
        TensorsDataset(filepath=tmp_path / file).save(data)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_versions_stand_beside_each_other(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        TensorsDataset(filepath=tmp_path / "a", version=Version(None, version)).save({"x": np.array([int(version[1])])})
    assert TensorsDataset(filepath=tmp_path / "a", version=Version(None, None)).load()["x"] == 2
    assert TensorsDataset(filepath=tmp_path / "a", version=Version("v1", None)).load()["x"] == 1


@pytest.mark.parametrize(
    "data", [{"x": np.array(["a"])}, {"x": np.array([{}], dtype=object)}, {"x": [1]}, {1: np.ones(1)}, 5]
)
def test_anything_but_numeric_arrays_by_name_is_refused(data: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected"):
        TensorsDataset(filepath=tmp_path / "a").save(data)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x10\0\0\0\0\0\0\0{}"])
def test_a_broken_file_is_one_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DatasetError, match="is not a complete safetensors file"):
        TensorsDataset(filepath=tmp_path / "a").load()
