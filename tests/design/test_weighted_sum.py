"""Weighted sums of objectives as readable equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.design import SHAPES, WeightedSum
from autobuild_pipelines.search import Problem
from autobuild_pipelines.targets import Equation


def made(shape: str, coefficients: tuple[float, ...], *objectives: tuple[str, str]) -> WeightedSum:
    entries: dict[str, Any] = {
        f"o{number}": {"equation": text, "direction": direction, "reference": 0}
        for number, (text, direction) in enumerate(objectives)
    }
    return WeightedSum(Problem.from_mapping("p", {"objectives": entries}), shape, coefficients)


@pytest.mark.parametrize(
    ("shape", "coefficients", "objectives", "text"),
    [
        ("none", (1, -0.35), [("acc * 100", "max"), ("latency", "min")], "acc * 100 - 0.35 * latency"),
        ("none", (1, -1230.0), [("acc", "max"), ("a + b", "min")], "acc - 1230 * (a + b)"),
        ("none", (1, 2.5), [("a - b", "max"), ("-c", "max")], "a - b + 2.5 * (-c)"),
        ("none", (-1, -0.002), [("a - b", "min"), ("macs", "min")], "-(a - b) - 0.002 * macs"),
        ("sqrt", (1, -2), [("pq", "max"), ("flops + 162", "min")], "pq - 2 * sqrt(flops + 162)"),
        ("log", (1, -0.5, -3), [("acc", "max"), ("a", "min"), ("b / 2", "min")], "acc - 0.5 * log(a) - 3 * log(b / 2)"),
        ("square", (1, -0.1), [("acc", "max"), ("cost", "min")], "acc - 0.1 * cost ** 2"),
        ("square", (1, -0.1), [("acc", "max"), ("cost * 2", "min")], "acc - 0.1 * (cost * 2) ** 2"),
    ],
)  # fmt: skip
def test_equations_read_as_one_would_write_them(
    shape: str, coefficients: tuple[float, ...], objectives: list[tuple[str, str]], text: str
) -> None:
    assert made(shape, coefficients, *objectives).text == text


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", ["a", "a + b", "a - b / 9", "a * 2", "a ** 2", "sqrt(a)", "where(a > b, a, b)"])
def test_the_equation_is_worth_what_the_sum_over_objectives_is(shape: str, text: str) -> None:
    table = pd.DataFrame({"a": [3.0, 5.0, 8.5], "b": [1.0, 2.0, 0.25], "gain": [0.7, 0.6, 0.9]})
    weighed = made(shape, (-1.0, -0.35, 2e-7), ("gain - b", "min"), (text, "min"), ("a / b", "max"))
    expected = weighed.score(weighed.problem.evaluate(table).to_numpy())
    np.testing.assert_allclose(Equation("t", weighed.text).evaluate(table), expected, rtol=1e-12)


def test_coefficients_are_rounded_and_signed_by_the_directions() -> None:
    problem = made("none", (1, 1, 1), ("a", "max"), ("b", "min"), ("c", "max")).problem
    weighed = WeightedSum.of(problem, "none", np.array([0.5, 0.6, 0.7]), np.array([2.0, 7.0, 3.0]), 2)
    assert weighed.coefficients == (1, -0.34, 0.93)  # 0.6 / 7 * 4 = 0.3429, 0.7 / 3 * 4 = 0.9333
