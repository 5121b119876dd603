"""Contextual effects on the published caches find what the labels contain, in the same order with every seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.predictors import PRESETS, train
from autobuild_pipelines.scoring import choose_contexts, context_effects, effect_shares, member_effects
from autobuild_pipelines.spaces import SearchSpace, from_table

pytestmark = [pytest.mark.reference, pytest.mark.slow]

SEEDS = 3
EPOCHS = 1
"""Of the default's 60, of which effects need few: `benchmarks/insight_findings.py` measures them after all."""
TARGETS = ("acc", "latency_gpu", "latency_npu")


@pytest.fixture(scope="module", params=["ofa_mbv3", "ofa_pn"])
def learned(request: pytest.FixtureRequest, reference_dir: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects over the space and their shares, seed by seed; each decides weights, batches and contexts."""
    space: SearchSpace = request.getfixturevalue(request.param)
    records = read_records(str(reference_dir / "autobuild" / f"{space.name}_custom_cache.pkl"))
    table = ingest_records(space, records).architectures
    array = from_table(space, table)
    labels = {target: table[target].to_numpy() for target in TARGETS}
    preset = PRESETS["lifted"]
    effects, shares = [], []
    for seed in range(SEEDS):
        training = replace(preset.training, epochs=EPOCHS)
        predictors, _ = train(space, array, labels, model=preset.model, training=training, seed=seed, progress=False)
        measured = context_effects(predictors, choose_contexts(space, array, 16, seed), array, seed=seed)
        effects.append(member_effects(measured).assign(seed=seed))
        shares.append(effect_shares(measured).assign(seed=seed))
    return pd.concat(effects), pd.concat(shares)


def orders(table: pd.DataFrame, value: str, amount: str) -> set[tuple[str, ...]]:
    """The orders that the seeds give, the largest first."""
    ranked = table.sort_values(amount, ascending=False).groupby("seed")[value].agg(tuple)
    assert len(ranked) == SEEDS
    return set(ranked)


def test_wide_layers_and_stages_four_and_five_matter_most_for_accuracy(
    learned: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    effects, shares = learned
    accuracy = effects[effects["target"] == "acc"]
    assert orders(accuracy[accuracy["feature"] == "expand"], "value", "effect") == {("6", "4", "3")}
    assert orders(accuracy[accuracy["feature"] == "layers"], "value", "effect") == {("4", "3", "2")}
    units = shares[(shares["target"] == "acc") & (shares["by"] == "unit")]
    first_two = {frozenset(order[:2]) for order in orders(units, "key", "spread")}
    assert first_two == {frozenset({"4", "5"})}


def test_kernel_seven_is_what_takes_time_on_the_npu(learned: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    effects, shares = learned
    kernels = effects[(effects["target"] == "latency_npu") & (effects["feature"] == "kernel")]
    assert {order[0] for order in orders(kernels, "value", "effect")} == {"7"}
    # Kernels 3 and 5 are next to each other, far from 7.
    for _, of_seed in kernels.groupby("seed"):
        effect = of_seed.set_index("value")["effect"]
        assert effect["7"] - effect["5"] > 5 * abs(effect["5"] - effect["3"])
    of_features = shares[(shares["target"] == "latency_npu") & (shares["by"] == "feature")]
    assert {order[0] for order in orders(of_features, "key", "share")} == {"kernel"}


def test_gpu_latency_depends_on_depth_alone(learned: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    effects, shares = learned
    gpu = effects[effects["target"] == "latency_gpu"]
    assert orders(gpu[gpu["feature"] == "layers"], "value", "effect") == {("4", "3", "2")}
    depth = shares[(shares["target"] == "latency_gpu") & (shares["by"] == "feature") & (shares["key"] == "layers")]
    assert (depth["share"] > 0.98).all()
