"""What a node of an operator graph carries, as the FE-MLP reads it: operation, shapes and attributes (§7.6).

- The **operation** and every **attribute** are embedded categories: what a kernel of 5 or a bias means is learned value
  by value, and `none` is the value of operations without the attribute. Integers of an attribute with more than
  `MANY` values are rounded down to powers of two. Groups are told apart as 1, `depthwise` (one a channel), or their
  number: a depthwise convolution's groups repeat its channels.
- **Shapes** are numeric: channels and pixels (height × width) before and after, as log2 / 10. The FE-MLP is a line in
  them, so that a width that training never saw has a place between those it saw; an embedding of hundreds of widths
  would learn each from the few nodes that have it.

A category that is the same on all nodes is left out. Where a node stands in the network is no feature: a subgraph means
the same wherever it is found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.graphs.features import Category, FeatureSchema
from autobuild_pipelines.spaces import Value

NONE = "none"
DEPTHWISE = "depthwise"
MANY = 32
OPERATION = "operation"
SHAPES = ("in_channels", "out_channels", "in_pixels", "out_pixels")
LOG_SCALE = 10.0
"""log2 of 1,024 channels (or of 32 × 32 pixels) is 1."""

Packed = Mapping[str, NDArray[Any]]
"""Operator graphs as `pack` writes them."""
Column = tuple[list[Value], NDArray[np.int64]]
"""Values in order, and the place of each node's value among them [N]."""


class OperatorFeatureError(ValueError):
    """Graphs hold an operation or attribute that a predictor has not learned; the message names it."""


def operator_features(packed: Packed, known: FeatureSchema | None = None) -> tuple[FeatureSchema, NDArray[np.int64]]:
    """The categories of the graphs' nodes and the value of every node.

    Args:
        packed: Operator graphs.
        known: The schema of a predictor that is to read them: its categories, with its operations and attributes in
            their order. Shapes may be any.

    Returns:
        The schema, and [N, categories] int64 places of values within their category.

    Raises:
        OperatorFeatureError: A node has an operation or an attribute's value that `known` lacks.
    """
    columns = _columns(packed)
    if known is not None:
        columns = {c.name: _known(c, columns.get(c.name)) for c in known.categories}
    else:
        columns = {name: column for name, column in columns.items() if len(column[0]) > 1 or name == OPERATION}
    nodes = int(packed["node_offsets"][-1])
    categories, codes = [], np.empty((nodes, len(columns)), dtype=np.int64)
    for place, (name, (values, code)) in enumerate(columns.items()):
        scaled = tuple(float(np.log2(float(v)) / LOG_SCALE) for v in values) if name in SHAPES else None
        categories.append(Category(name, tuple(values), scaled))
        codes[:, place] = code if len(code) else 0
    return FeatureSchema(tuple(categories)), codes


def distinct_rows(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct rows of [N, columns] non-negative integers.

    Returns:
        The first place of each, and [N] which of them a row is.
    """
    key = np.zeros(len(codes), dtype=np.int64)
    first = np.zeros(0, dtype=np.int64)
    for column in codes.T:
        # Numbered anew with every column, so that the product of all sizes need not fit into 64 bits.
        _, first, key = np.unique(key * (column.max(initial=0) + 1) + column, return_index=True, return_inverse=True)
    return first.astype(np.int64), key.reshape(-1).astype(np.int64)


def _columns(packed: Packed) -> dict[str, Column]:
    vocabulary = json.loads(np.asarray(packed["vocabulary"], dtype=np.uint8).tobytes())
    attributes: Sequence[Mapping[str, Any]] = vocabulary["attributes"]
    own = packed["attributes"].astype(np.int64)
    out = {OPERATION: _sorted(vocabulary["operations"], packed["operations"].astype(np.int64))}
    before, after = packed["in_shapes"].astype(np.int64), packed["out_shapes"].astype(np.int64)
    amounts = (before[:, 0], after[:, 0], before[:, 1] * before[:, 2], after[:, 1] * after[:, 2])
    for name, amount in zip(SHAPES, amounts, strict=True):
        values, code = np.unique(np.maximum(amount, 1), return_inverse=True)
        out[name] = ([int(value) for value in values], code.reshape(-1))
    for name in sorted({key for entry in attributes for key in entry}):
        values_of: list[Value] = [entry.get(name, NONE) for entry in attributes]
        numbers = {value for value in values_of if isinstance(value, int)}
        if name == "groups":
            depthwise = np.asarray([v if isinstance(v, int) and v > 1 else -1 for v in values_of])[own] == before[:, 0]
            out[name] = _sorted([*values_of, DEPTHWISE], np.where(depthwise, len(values_of), own))
        elif len(numbers) > MANY:
            out[name] = _sorted([_power(value) for value in values_of], own)
        else:
            out[name] = _sorted(values_of, own)
    return out


def _sorted(values: Sequence[Value], code: NDArray[np.int64]) -> Column:
    """Values that occur, each once and in an order that does not depend on the graphs': none, numbers, words."""
    occurring = np.unique(code).tolist()
    order: list[Value] = sorted({values[c] for c in occurring}, key=_rank)
    place = np.zeros(len(values), dtype=np.int64)
    for c in occurring:
        place[c] = order.index(values[c])
    return order, place[code]


def _rank(value: Value) -> tuple[int, float, str]:
    if value == NONE:
        return (0, 0.0, "")
    return (2, 0.0, value) if isinstance(value, str) else (1, float(value), "")


def _power(value: Value) -> Value:
    return 1 << (value.bit_length() - 1) if isinstance(value, int) and value > 0 else value


def _known(category: Category, column: Column | None) -> Column:
    """The column with the values of a schema that is known, or its own where they are shapes."""
    if column is None:
        column = ([NONE], np.zeros(0, dtype=np.int64))
    if category.scaled is not None:
        return column
    values, code = column
    if missing := [value for value in values if value not in category.values]:
        raise OperatorFeatureError(
            f"operator graphs have {category.name} {missing[0]!r}, which the predictor has not learned: it knows "
            f"{list(category.values)}"
        )
    place = np.asarray([category.values.index(value) for value in values], dtype=np.int64)
    return list(category.values), place[code] if len(code) else np.full(1, place[0])
