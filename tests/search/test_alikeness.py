"""How alike architectures are, and the Gaussian process that follows from it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.search.search_run import SPACE

from autobuild_pipelines.search.alikeness import HOPS, NOISES, WEIGHTS, Alikeness, likeliest
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray

KNOWN = SPACE.sample(12, np.random.default_rng(0))
OTHERS = SPACE.sample(7, np.random.default_rng(1))
FEATURES = np.random.default_rng(2).normal(size=(12, 3))


def chains(array: ArchitectureArray) -> list[Counter[tuple[object, ...]]]:
    """Per architecture its windows: runs of 1 to HOPS + 1 layers, each with its place, and the resolution."""
    found = []
    for layers, graph in zip(array.layers.tolist(), array.graph.tolist(), strict=True):
        present = [(slot, layer, *graph) for slot, layer in enumerate(layers) if layer != ABSENT]
        found.append(
            Counter(
                (hop, *present[max(0, end - hop) : end + 1]) for hop in range(HOPS + 1) for end in range(len(present))
            )
        )
    return found


def test_shared_windows_are_the_runs_of_layers_that_both_have() -> None:
    mine, known = chains(OTHERS), chains(KNOWN)
    expected = [[sum((a & b).values()) / np.sqrt(sum(a.values()) * sum(b.values())) for b in known] for a in mine]
    windows = Alikeness(SPACE, KNOWN, FEATURES).terms(OTHERS, FEATURES[:7])[2]
    np.testing.assert_allclose(windows, expected, atol=1e-12)


def test_terms_with_itself_are_the_diagonal_of_the_terms() -> None:
    alike = Alikeness(SPACE, KNOWN, FEATURES)
    terms = alike.terms(KNOWN, FEATURES)
    np.testing.assert_allclose(terms.diagonal(axis1=1, axis2=2), alike.alone(KNOWN), atol=1e-12)
    np.testing.assert_allclose(terms, terms.transpose(0, 2, 1), atol=1e-12)
    for term in terms:
        assert np.linalg.eigvalsh(term).min() > -1e-9


@pytest.mark.parametrize("place", range(3))
def test_the_likeliest_term_is_the_one_that_residuals_were_drawn_from(place: int) -> None:
    rng = np.random.default_rng(place)
    array = SPACE.sample(150, rng)
    features = rng.normal(size=(150, 2))
    terms = Alikeness(SPACE, array, features).terms(array, features)
    covariance = terms[place] + 1e-3 * np.eye(150)
    picked = [likeliest(terms, 40.0 * np.linalg.cholesky(covariance) @ rng.normal(size=150)).weights for _ in range(8)]
    assert np.mean([weights.argmax() == place for weights in picked]) >= 0.75


def test_a_fit_passes_through_what_is_known_and_knows_less_of_what_is_not() -> None:
    rng = np.random.default_rng(3)
    array, features = SPACE.sample(60, rng), rng.normal(size=(60, 2))
    alike = Alikeness(SPACE, array.take(slice(0, 40)), features[:40])
    terms, alone = alike.terms(array, features), alike.alone(array)
    residuals = np.linalg.cholesky(terms[:, :40].sum(axis=0) + 1e-6 * np.eye(40)) @ rng.normal(size=40)
    fit = likeliest(terms[:, :40], residuals)
    inverse = np.linalg.inv(fit.factor @ fit.factor.T)
    between = np.tensordot(fit.weights, terms, 1)
    np.testing.assert_allclose(fit.mean(terms), between @ inverse @ residuals, rtol=1e-6, atol=1e-6)
    variance = fit.weights @ alone - np.einsum("nk,kl,nl->n", between, inverse, between)
    np.testing.assert_allclose(fit.deviation(terms, alone) ** 2, variance, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(fit.mean(terms)[:40], residuals, atol=0.2 * residuals.std())
    assert fit.deviation(terms, alone)[:40].max() < fit.deviation(terms, alone)[40:].mean()


def test_weights_of_constant_residuals_are_finite() -> None:
    fit = likeliest(Alikeness(SPACE, KNOWN, FEATURES).terms(KNOWN, FEATURES), np.zeros(12))
    assert np.isfinite(fit.solved).all()
    assert (fit.weights >= 0).all()
    assert len(WEIGHTS) * len(NOISES) == 21
