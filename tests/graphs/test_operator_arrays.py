"""Operator graphs are stored as numeric arrays and come back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.datasets import TensorsDataset
from autobuild_pipelines.graphs import OperatorGraph, pack, unpack
from operator_graphs import assert_equal


@st.composite
def graphs(draw: st.DrawFn) -> OperatorGraph:
    nodes = draw(st.integers(0, 6))
    pairs = [(source, target) for target in range(nodes) for source in range(target)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    texts = st.text(st.characters(codec="utf-8"), max_size=5)
    values = st.one_of(st.integers(-9, 2**40), st.floats(allow_nan=False), texts)
    shapes = st.lists(st.tuples(*[st.integers(1, 2**31 - 1)] * 3), min_size=nodes, max_size=nodes)

    def each(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(strategy, min_size=nodes, max_size=nodes)))

    return OperatorGraph(
        operations=each(texts),
        attributes=each(st.dictionaries(texts, values, max_size=2)),
        in_shapes=np.asarray(draw(shapes), dtype=np.int64).reshape(-1, 3),
        out_shapes=np.asarray(draw(shapes), dtype=np.int64).reshape(-1, 3),
        edges=np.asarray(sorted(edges), dtype=np.int64).reshape(-1, 2).T,
        macs=np.asarray(each(st.integers(0, 2**62)), dtype=np.int64),
        names=each(texts),
        parts=each(texts),
    )


@given(st.lists(graphs(), max_size=4))
def test_unpacking_undoes_packing(several: list[OperatorGraph]) -> None:
    arrays = pack(several)
    assert all(array.dtype.kind in "iu" for array in arrays.values())
    found = unpack(arrays)
    assert len(found) == len(several)
    for one, other in zip(found, several, strict=True):
        assert_equal(one, other)


def some() -> list[OperatorGraph]:
    shapes, edges = np.ones((2, 3), dtype=np.int64), np.asarray([[0], [1]])
    attributes = ({"kernel": 3, "mode": "same", "slope": 0.1}, {})
    return [
        OperatorGraph(("conv", "relu"), attributes, shapes, shapes, edges, np.asarray([9, 0]), ("a", "b"), ("x", "x"))
    ] * 2


def test_a_catalog_entry_of_tensors_keeps_them(tmp_path: Path) -> None:
    dataset = TensorsDataset(filepath=str(tmp_path / "operator_graphs.safetensors"))
    dataset.save(pack(some()))
    for one, other in zip(unpack(dataset.load()), some(), strict=True):
        assert_equal(one, other)


def test_a_missing_array_is_named() -> None:
    arrays = pack(some())
    del arrays["macs"]
    with pytest.raises(ValueError, match="packed operator graphs lack macs"):
        unpack(arrays)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("macs", np.zeros(3, dtype=np.int64), "of 4 nodes have arrays of other lengths: {'macs': 3}"),
        ("operations", np.full(4, 7, dtype=np.int32), "codes of operations that their vocabulary lacks"),
        ("edges", np.zeros((2, 5), dtype=np.int32), "of 2 edges have edges of shape"),
        ("edges", np.full((2, 2), 8, dtype=np.int32), "has edges to others"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpack({**pack(some()), name: value})
