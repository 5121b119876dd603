"""Searches of OFA-MBv3 with the released predictors reach the published figures (reference data)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from autobuild_pipelines.building import ReducedSpace, top_modules
from autobuild_pipelines.evaluators import CombinedEvaluator, EvaluatorSources, make_evaluators
from autobuild_pipelines.ingestion import load_plain_pickle
from autobuild_pipelines.ingestion.ingest import ingest_records
from autobuild_pipelines.ingestion.readers import read_records
from autobuild_pipelines.predictors import read_predictor, train
from autobuild_pipelines.predictors.checkpoints import ReleasedPredictor, load_released
from autobuild_pipelines.scoring import choose_contexts, label_statistics, score_modules
from autobuild_pipelines.search import (
    SearchSettings,
    compare,
    random_members,
    read_problems,
    run_search,
)
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.targets import Equation

pytestmark = [pytest.mark.reference, pytest.mark.slow]

PROJECT = Path(__file__).resolve().parents[2]
EPOCHS = 6
"""Of the default's 60, of which module scores need few; `benchmarks/reduced_spaces.py` measures them after all."""
REFERENCES = {"gpu": 11, "cpu": 600, "npu": 23}
"""Latency references [ms]; the accuracy reference is 74 %."""

VARIANTS = {
    "Layer-Full": {"mutation": "layer", "space": "full", "sampling": "depths"},
    "Layer-Insight": {"mutation": "layer", "space": "restriction", "sampling": "depths"},
    "Stage-Full": {"mutation": "module", "space": "full", "sampling": "modules"},
    "AutoBuild-NAS eq5": {"mutation": "module", "space": "reduced", "method": "eq5"},
    "AutoBuild-NAS": {"mutation": "module", "space": "reduced", "method": "contextual"},
}
PROBLEMS = read_problems(
    {
        device: {
            "objectives": {
                "acc_percent": {"equation": "acc * 100", "direction": "max", "reference": 74},
                "latency_ms": {"equation": f"latency_{device}", "direction": "min", "reference": reference},
            },
            "targets": ["acc", f"acc_per_{device}"],
            "layer_insight": device,
            "graph": {"resolution": 224},
        }
        for device, reference in REFERENCES.items()
    }
)
# Hypervolumes over five seeds that another implementation of the same rules measured (design notes, section 3b).
PUBLISHED = {
    ("gpu", "Layer-Full"): 22.3,
    ("gpu", "Layer-Insight"): 22.9,
    ("gpu", "Stage-Full"): 13.1,
    ("cpu", "Layer-Full"): 1378,
    ("cpu", "Layer-Insight"): 1360,
    ("cpu", "Stage-Full"): 949,
    ("npu", "Layer-Full"): 95.0,
    ("npu", "Layer-Insight"): 96.0,
    ("npu", "Stage-Full"): 96.0,
}


def loader(folder: Path, space: SearchSpace, label: str) -> Callable[[], ReleasedPredictor]:
    suffix = "custom_acc" if label == "acc" else f"{label}_custom_{label}"
    stem = folder / "autobuild" / "l1_models" / f"minMAE_{space.name}_{suffix}_GraphConv_sum_directed_srcc1"

    def load() -> ReleasedPredictor:
        config = load_plain_pickle(Path(f"{stem}_config.pkl").read_bytes())
        return load_released(Path(f"{stem}_predictor.pt").read_bytes(), config).for_space(space)

    return load


@pytest.fixture(scope="module")
def evaluator(reference_dir: Path, ofa_mbv3: SearchSpace) -> CombinedEvaluator:
    labels = ["acc", *(f"latency_{device}" for device in REFERENCES)]
    released = {label: loader(reference_dir, ofa_mbv3, label) for label in labels}
    settings = {label: {"type": "released_predictor", "checkpoint": label} for label in labels}
    return make_evaluators(settings, EvaluatorSources(ofa_mbv3, released=released))


@pytest.fixture(scope="module")
def reduced(reference_dir: Path, ofa_mbv3: SearchSpace) -> dict[tuple[str, str], ReducedSpace]:
    """Reduced spaces on the published cache, from one predictor a target with the default settings but for epochs."""
    records = read_records(str(reference_dir / "autobuild" / "ofa_mbv3_custom_cache.pkl"))
    table = ingest_records(ofa_mbv3, records).architectures
    array = from_table(ofa_mbv3, table)
    targets = {"acc": "acc", **{f"acc_per_{device}": f"acc * 100 / latency_{device}" for device in REFERENCES}}
    labels = {name: Equation(name, text).evaluate(table) for name, text in targets.items()}
    settings = yaml.safe_load((PROJECT / "conf" / "base" / "parameters" / "common.yml").read_text())["predictors"]
    predictor = read_predictor(settings, len(array))
    predictors, _ = train(
        ofa_mbv3,
        array,
        labels,
        equations=targets,
        model=predictor.model,
        training=replace(predictor.training, epochs=EPOCHS),
        ensemble=predictor.ensemble,
        progress=False,
    )
    scores = score_modules(
        predictors,
        methods=["eq5", "contextual"],
        label_statistics=label_statistics(ofa_mbv3, array, labels),
        contexts=choose_contexts(ofa_mbv3, array, 16, 0, graph={"resolution": 224}),
        graph={"resolution": 224},
        progress=False,
    )
    spaces = {
        (problem.name, method): top_modules(ofa_mbv3, scores, problem.targets, method, 25)
        for problem in PROBLEMS
        for method in ("eq5", "contextual")
    }
    accurate = {
        (problem.name, "accuracy alone"): top_modules(ofa_mbv3, scores, ["acc"], "contextual", 25)
        for problem in PROBLEMS
    }
    return {**spaces, **accurate}


@pytest.fixture(scope="module")
def reached(
    ofa_mbv3: SearchSpace, evaluator: CombinedEvaluator, reduced: dict[tuple[str, str], ReducedSpace]
) -> pd.DataFrame:
    """What every variant reaches on every problem, five seeds of 250 evaluations each."""
    settings = SearchSettings.from_mapping({"variants": VARIANTS})
    evaluations = run_search(ofa_mbv3, PROBLEMS, settings, evaluator, reduced, seed=0, progress=False)
    table = compare(ofa_mbv3, PROBLEMS, evaluations, label_kind="predicted")
    assert (table["evaluations"] == 250).all()
    return table.set_index(["problem", "variant"])


def test_the_variants_of_the_paper_reach_the_published_hypervolumes(reached: pd.DataFrame) -> None:
    for key, expected in PUBLISHED.items():
        row = reached.loc[key]
        assert row["hypervolume_mean"] == pytest.approx(expected, abs=2.5 * row["hypervolume_std"] / 5**0.5, rel=0.05)


def test_a_random_member_of_the_whole_space_has_the_published_accuracy(
    ofa_mbv3: SearchSpace, evaluator: CombinedEvaluator
) -> None:
    settings = SearchSettings.from_mapping({"variants": {"Stage-Full": VARIANTS["Stage-Full"]}})
    table = random_members(ofa_mbv3, PROBLEMS[:1], settings, evaluator, {}, seed=0, count=2000)
    assert table.set_index("objective")["mean"]["acc_percent"] == pytest.approx(78.36, abs=0.04)


def test_contextual_reduced_spaces_beat_every_variant_of_the_paper(reached: pd.DataFrame) -> None:
    volumes = reached.reset_index().pivot_table(index="problem", columns="variant", values="hypervolume_mean")
    assert set(volumes.idxmax(axis=1)) == {"AutoBuild-NAS"}
    # The design's 24.0, 1493 and 103.3 are means over predictor seeds, and one ensemble scatters around them by 2 %;
    # `benchmarks/reduced_spaces.py --ensemble 3` measures the means. Here one seed must come as close as that.
    for device, required in {"gpu": 23.9, "cpu": 1485, "npu": 102.5}.items():
        assert volumes.loc[device, "AutoBuild-NAS"] >= 0.98 * required


def test_a_random_member_of_the_contextual_space_of_accuracy_alone_is_accurate(
    ofa_mbv3: SearchSpace, evaluator: CombinedEvaluator, reduced: dict[tuple[str, str], ReducedSpace]
) -> None:
    # Not of the union with acc * 100 / latency: even scores from the evaluator itself leave its mean near 78 %,
    # because half of its modules are chosen for being fast.
    variant = {"mutation": "module", "space": "reduced", "method": "accuracy alone"}
    settings = SearchSettings.from_mapping({"variants": {"accuracy": variant}})
    table = random_members(ofa_mbv3, PROBLEMS[:1], settings, evaluator, reduced, seed=0)
    assert table.set_index("objective")["mean"]["acc_percent"] >= 79.30
