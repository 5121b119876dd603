"""Weighted sums of a problem's objectives, as equations that a user can read and paste into parameters."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.search import Problem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """An increasing function of an objective.

    Attributes:
        apply: The function.
        text: The same in an equation, with the objective as {}.
        lowest: Values must be above it, or equal to it where `closed`.
        closed: Whether the lowest value is allowed.
    """

    apply: Callable[[Floats], Floats]
    text: str
    lowest: float = -np.inf
    closed: bool = False

    def fits(self, values: Floats) -> bool:
        """Whether all values lie where the function is defined and increases."""
        return bool((values >= self.lowest).all() if self.closed else (values > self.lowest).all())


SHAPES: Mapping[str, Shape] = {
    "none": Shape(lambda values: values, "{}"),
    "sqrt": Shape(np.sqrt, "sqrt({})", 0.0, True),
    "log": Shape(np.log, "log({})", 0.0),
    "square": Shape(lambda values: values**2, "{} ** 2", 0.0, True),
    "cube": Shape(lambda values: values**3, "{} ** 3", 0.0, True),
}
"""In the order in which they are tried. A root or a logarithm spreads the cheap end of a front that bends sharply; a
power bends one outwards between whose ends no weighted sum of plain costs would stop."""


@dataclass(frozen=True)
class WeightedSum:
    """An equation c_1 · o_1 + c_2 · f(o_2) + ... over the objectives of a problem.

    Attributes:
        problem: Its objectives.
        shape: f, a key of `SHAPES`; the first objective is taken as it is.
        coefficients: Per objective; the first one is 1, or -1 where less is better. Signs follow the directions.
    """

    problem: Problem
    shape: str
    coefficients: tuple[float, ...]

    @classmethod
    def of(cls, problem: Problem, shape: str, weights: Floats, deviations: Floats, digits: int) -> WeightedSum:
        """The sum that gives shaped objectives, in deviations, the weights [m].

        Args:
            problem: m objectives.
            shape: A key of `SHAPES`.
            weights: [m] positive.
            deviations: [m] of the shaped objectives.
            digits: Significant digits of the coefficients.
        """
        signs = np.where(problem.maximise, 1.0, -1.0)
        scaled = weights / deviations
        coefficients = [float(f"{value:.{digits}g}") for value in signs * scaled / scaled[0]]
        return cls(problem, shape, tuple(coefficients))

    @property
    def text(self) -> str:
        """The equation over metrics, as `acc * 100 - 0.35 * latency_gpu`."""
        texts = [objective.equation or name for name, objective in self.problem.objectives.items()]
        shaped = [texts[0].strip(), *(_shaped(text.strip(), self.shape) for text in texts[1:])]
        first = shaped[0] if self.coefficients[0] > 0 else f"-{_factor(shaped[0])}"
        terms = [
            f" {'+' if value > 0 else '-'} {_number(abs(value))} * {_factor(text)}"
            for value, text in zip(self.coefficients[1:], shaped[1:], strict=True)
        ]
        return first + "".join(terms)

    def score(self, objectives: Floats) -> Floats:
        """[n] values of rows of objectives [n, m]."""
        scores: Floats = shaped_objectives(objectives, self.shape) @ np.asarray(self.coefficients)
        return scores


def shaped_objectives(objectives: Floats, shape: str) -> Floats:
    """[n, m] objectives with a shape on all but the first."""
    return np.column_stack([objectives[:, :1], SHAPES[shape].apply(objectives[:, 1:])])


def _number(value: float) -> str:
    return f"{value:.12g}"


def _shaped(text: str, shape: str) -> str:
    template = SHAPES[shape].text
    bare = isinstance(ast.parse(text, mode="eval").body, ast.Name) or "**" not in template
    return template.format(text if bare else f"({text})")


def _factor(text: str) -> str:
    """The text, in parentheses where a factor or a sign before it would bind to a part of it only."""
    node = ast.parse(text, mode="eval").body
    single = isinstance(node, ast.Name | ast.Call | ast.Constant) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow)
    )
    return text if single else f"({text})"
