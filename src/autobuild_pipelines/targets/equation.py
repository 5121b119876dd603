"""One equation over the columns of a table, such as ``acc * 100 / latency_cpu``."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numexpr
import numpy as np
import pandas as pd
from numpy.typing import NDArray

FUNCTIONS = frozenset({"sqrt", "log", "log10", "log1p", "exp", "expm1", "abs", "where", "tanh"})
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


class EquationError(ValueError):
    """An equation is malformed, names an unknown column, or gives a result that is not finite."""


@dataclass(frozen=True)
class Equation:
    """An equation of numbers, column names, + - * / **, comparisons and the functions in `FUNCTIONS`.

    Args:
        name: What its value is called.
        text: The equation.

    Raises:
        EquationError: The text holds anything else (attributes, indexing, strings, unknown functions).
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or len(self.text) > 1000:
            raise EquationError(f"target {self.name!r}: expected an equation of at most 1000 characters")
        try:
            tree = ast.parse(self.text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise EquationError(f"target {self.name!r}: {self.text!r} is not an equation: {error}") from None
        _check(tree.body, self)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it reads, in order of appearance."""
        nodes = [n for n in ast.walk(ast.parse(self.text.strip(), mode="eval")) if isinstance(n, ast.Name)]
        return tuple(dict.fromkeys(n.id for n in nodes if n.id not in FUNCTIONS))

    def evaluate(self, table: pd.DataFrame, *, ids: Sequence[str] | None = None) -> NDArray[np.float64]:
        """Its value for every row of `table`.

        Args:
            table: Holds every column that the equation names, numeric.
            ids: What to call the rows in an error; the index by default.

        Returns:
            [rows] float64, all finite.

        Raises:
            EquationError: Names the unknown column, or the first rows whose value is not finite.
        """
        if missing := [c for c in self.columns if c not in table.columns]:
            raise EquationError(
                f"target {self.name!r}: {self.text!r} names unknown {missing}; there are "
                f"{sorted(map(str, table.columns))}"
            )
        values = {name: table[name].to_numpy(dtype=np.float64) for name in self.columns}
        with np.errstate(all="ignore"):
            result = numexpr.evaluate(self.text.strip(), local_dict=values, global_dict={}, truediv=True)
        result = np.broadcast_to(np.asarray(result, dtype=np.float64), (len(table),)).copy()
        bad = np.flatnonzero(~np.isfinite(result))
        if len(bad):
            self._refuse(table, values, result, bad, ids)
        return result

    def _refuse(
        self,
        table: pd.DataFrame,
        values: dict[str, NDArray[np.float64]],
        result: NDArray[np.float64],
        bad: NDArray[np.intp],
        ids: Sequence[str] | None,
    ) -> None:
        names = list(ids) if ids is not None else [str(i) for i in table.index]
        rows = [
            f"{names[i]} ({', '.join(f'{k}={v[i]:g}' for k, v in values.items())} gives {result[i]:g})"
            for i in bad[:5].tolist()
        ]
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise EquationError(
            f"target {self.name!r}: {self.text!r} is not finite (division by zero?) for {len(bad)} rows: "
            + "; ".join(rows)
            + more
        )


def _check(node: ast.AST, equation: Equation) -> None:
    match node:
        case ast.BinOp(left, op, right) if isinstance(op, _OPERATORS):
            children: list[ast.AST] = [left, right]
        case ast.UnaryOp(op, operand) if isinstance(op, _OPERATORS):
            children = [operand]
        case ast.Compare(left, [op], [right]) if isinstance(op, _COMPARISONS):
            children = [left, right]
        case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
            children = list(arguments)
        case ast.Name(name) if name not in FUNCTIONS:
            children = []
        case ast.Constant(value) if isinstance(value, int | float) and not isinstance(value, bool):
            children = []
        case _:
            raise EquationError(
                f"target {equation.name!r}: {ast.unparse(node)!r} in {equation.text!r} is not allowed; use numbers, "
                f"column names, + - * / **, comparisons and {', '.join(sorted(FUNCTIONS))}"
            )
    for child in children:
        _check(child, equation)
