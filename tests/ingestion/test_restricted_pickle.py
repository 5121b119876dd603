"""The restricted reader agrees with `pickle` on plain values, whatever protocol wrote them."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.ingestion import IngestError, load_plain_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=20)
keys = st.text() | st.integers(-1000, 1000) | st.none() | st.binary(max_size=5)
plain = st.recursive(
    scalars | st.frozensets(keys) | st.sets(keys) | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_values_come_back_as_they_were(value: Any, protocol: int) -> None:
    assert load_plain_pickle(pickle.dumps(value, protocol)) == value


@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_optimised_pickles_and_the_python_pickler_read_the_same(value: Any, protocol: int) -> None:
    assert load_plain_pickle(pickletools.optimize(pickle.dumps(value, protocol))) == value
    buffer = io.BytesIO()
    pickle._Pickler(buffer, protocol).dump(value)
    assert load_plain_pickle(buffer.getvalue()) == value


@given(value=plain, position=st.integers(min_value=1))
def test_a_pickle_cut_anywhere_is_an_ingest_error(value: Any, position: int) -> None:
    content = pickle.dumps(value)
    with pytest.raises(IngestError):
        load_plain_pickle(content[: -(position % len(content)) or -1])


@given(content=st.binary(max_size=60))
def test_arbitrary_bytes_are_a_value_or_an_ingest_error(content: bytes) -> None:
    with suppress(IngestError):
        load_plain_pickle(content)


opcodes = st.sampled_from([opcode.code.encode("latin1") for opcode in pickletools.opcodes])


@given(content=st.lists(opcodes, max_size=30))
def test_arbitrary_opcodes_are_a_value_or_an_ingest_error(content: list[bytes]) -> None:
    with suppress(IngestError):
        load_plain_pickle(b"\x80\x04" + b"".join(content) + b".")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12).reshape(3, 4)[:, ::2],
        np.arange(4, dtype=">i2"),
        np.array([True, False]),
        np.zeros((0, 3), dtype=np.float32),
        np.array(1.5),
    ],
    ids=["C", "Fortran", "strided", "big-endian", "bool", "empty", "scalar"],
)
def test_numeric_arrays_come_back_as_they_were(array: np.ndarray[Any, Any], protocol: int) -> None:
    (loaded,) = load_plain_pickle(pickle.dumps([array], protocol))
    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("core", ["core", "_core"])
def test_numpy_scalars_become_python_numbers_for_both_names_of_numpys_core(protocol: int, core: str) -> None:
    content = pickle.dumps([np.float64(1.5), np.int32(-3), np.bool_(True), np.float32(0.5)], min(protocol, 3))
    renamed = content.replace(b"numpy._core.", f"numpy.{core}.".encode())
    assert [(type(v), v) for v in load_plain_pickle(renamed)] == [(float, 1.5), (int, -3), (bool, True), (float, 0.5)]


def test_ordered_dicts_become_dicts_in_the_same_order() -> None:
    loaded = load_plain_pickle(pickle.dumps(OrderedDict([("b", 1), ("a", [2])])))
    assert (type(loaded), list(loaded.items())) == (dict, [("b", 1), ("a", [2])])


def test_shared_parts_stay_shared() -> None:
    part = [1, 2]
    loaded = load_plain_pickle(pickle.dumps([part, part]))
    assert loaded[0] is loaded[1]


def test_a_path_is_read_and_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "config.pkl"
    path.write_bytes(pickle.dumps({"gnn_type": "GraphConv"}))
    assert load_plain_pickle(path) == {"gnn_type": "GraphConv"}
    with pytest.raises(IngestError, match=r"config.pkl: is larger than the limit of 10 bytes"):
        load_plain_pickle(path, size_limit=10)
    with pytest.raises(IngestError, match=r"absent.pkl: cannot be read"):
        load_plain_pickle(tmp_path / "absent.pkl")
