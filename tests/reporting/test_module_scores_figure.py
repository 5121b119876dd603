"""The figure of the best modules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.reporting.module_scores_figure import module_scores_figure


def scores(members: int = 3) -> pd.DataFrame:
    """Two units, two targets, one method; ranks 1 to 3 may be the best where an ensemble says so."""
    parts = []
    for unit in (1, 2):
        for target in ("acc", "speed"):
            rank = np.arange(1, 41)
            known = members > 1
            keys = {"unit": unit, "module": '[{"expand":3,"kernel":7},{"expand":6,"kernel":5}]', "layers": 2}
            values = {"score": 80 - rank / 10, "standard_error": 0.1 if known else np.nan, "rank": rank}
            ends = {"rank_low": np.maximum(1, rank - 2) if known else 1, "rank_high": np.minimum(40, rank + 2)}
            part = pd.DataFrame({**keys, "target": target, "method": "contextual", **values, **ends})
            parts.append(part.assign(distinguishable=(rank > 3) & known))
    return pd.concat(parts, ignore_index=True)


def test_modules_that_are_worse_than_the_best_are_a_grey_trace_of_their_own() -> None:
    figure = module_scores_figure(scores(), top=25, confidence=0.9, label_kind="measured")
    shown = [trace for trace in figure.data if trace.visible]
    assert [(trace.name, len(trace.x)) for trace in shown] == [("may be the best", 3), ("worse than the best", 22)] * 2
    assert set(shown[0].error_y.array) == {0.1}
    assert "worse than the best at 90 % confidence" in figure.layout.title.text


def test_it_says_that_one_predictor_per_target_gives_no_error_estimate() -> None:
    figure = module_scores_figure(scores(members=1), top=25, confidence=0.9, label_kind="measured")
    assert "one predictor per target: no error estimate" in figure.layout.title.text
    assert len(figure.data[0].x) == 25
    assert set(figure.data[0].error_y.array) == {0.0}


def test_choosing_a_target_shows_its_traces_alone() -> None:
    figure = module_scores_figure(scores(), top=25, confidence=0.9, label_kind="measured")
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["acc · contextual", "speed · contextual"]
    masks = np.asarray([button.args[0]["visible"] for button in menu.buttons])
    assert (masks.sum(axis=0) == 1).all()
    assert [bool(trace.visible) for trace in figure.data] == masks[0].tolist()


@pytest.mark.parametrize("kind", ["surrogate", "measured"])
def test_the_title_says_what_the_labels_are(kind: str) -> None:
    for table in (scores(), scores().iloc[:0]):
        figure = module_scores_figure(table, top=5, confidence=0.9, label_kind=kind, space="A space")
        assert f"{kind} labels" in figure.layout.title.text
        assert "A space" in figure.layout.title.text


def test_an_empty_table_gives_a_figure_that_says_so() -> None:
    figure = module_scores_figure(scores().iloc[:0], top=5, confidence=0.9, label_kind="measured")
    assert len(figure.data) == 0
    assert "empty" in figure.layout.annotations[0].text
