"""Target equations: what is computed, and what is refused before anything is evaluated."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from autobuild_pipelines.targets import Equation, EquationError

TABLE = pd.DataFrame(
    {
        "acc": [0.75, 0.8],
        "latency_gpu": [9.0, 99.0],
        "count": [1, 2],
        "pan_seg_PQ": [37.4, 35.7],
        "flops": [172.9, 171.3],
    }
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("acc", 0.75),
        ("acc * 100 / latency_gpu", 0.75 * 100 / 9),
        ("100 ** acc / (log10(latency_gpu + 1) + 1)", 100**0.75 / 2),
        ("sqrt(pan_seg_PQ) - 2 * sqrt(flops)", math.sqrt(37.4) - 2 * math.sqrt(172.9)),  # -20.18 in §7.7
        ("-acc", -0.75),
        ("count / 2", 0.5),  # integers divide truly
        ("where(latency_gpu < 10, acc, 0)", 0.75),
        ("1", 1.0),
    ],
)
def test_equations_of_the_paper_and_their_like_are_evaluated(text: str, first: float) -> None:
    values = Equation("y", text).evaluate(TABLE)
    assert values.shape == (2,)
    assert values[0] == pytest.approx(first)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "acc.__class__",
        "acc[0]",
        "open('x')",
        "eval('1')",
        "lambda: 1",
        "[acc for acc in acc]",
        "'acc'",
        "acc; acc",
        "acc = 1",
        "sqrt(acc, key=1)",
        "sqrt",
        "True",
        "",
        "acc +",
        "(" * 500 + "acc" + ")" * 500,
        "acc" + " + acc" * 300,
    ],
)
def test_anything_but_arithmetic_is_refused_by_name(text: str) -> None:
    with pytest.raises(EquationError, match="target 'y'"):
        Equation("y", text)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EquationError, match=r"names unknown \['latency'\]; there are \['acc'"):
        Equation("y", "acc / latency").evaluate(TABLE)


def test_a_division_by_zero_names_the_rows_and_their_values() -> None:
    table = pd.DataFrame({"acc": [0.5, 0.6, 0.7], "ms": [1.0, 0.0, 0.0]})
    with pytest.raises(EquationError, match=r"for 2 rows: b \(acc=0.6, ms=0 gives inf\); c"):
        Equation("y", "acc / ms").evaluate(table, ids=["a", "b", "c"])


def test_the_columns_that_an_equation_needs_are_known_before_it_runs() -> None:
    assert Equation("y", "sqrt(b) - a * b").columns == ("b", "a")
