"""Calibrating a surrogate: depth effects and scales from label means and deviations.

    python -m autobuild_pipelines.sampling.calibration ofa_mbv3

rewrites the `calibrated` section of `conf/base/parameters/ofa_mbv3_surrogate.yml` from the rest of that file: the
same file gives the same numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from omegaconf import OmegaConf
from scipy.optimize import least_squares

from autobuild_pipelines.evaluators.surrogate import SurrogateParts, noise
from autobuild_pipelines.evaluators.surrogate_settings import Calibrated, SurrogateSettings
from autobuild_pipelines.sampling.architectures import sample_architectures
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace
from autobuild_pipelines.spaces.settings import FrozenSettings

Floats = NDArray[np.float64]
MARK = "    # Written by the command above.\n    calibrated:\n"


class CalibrationTargets(FrozenSettings):
    """What to calibrate on.

    Attributes:
        source: Where the numbers are from.
        cells: (unit, layers, mean, standard deviation) of the accuracy in percent.
        tolerance: The misfit in points that weighs 1.
        effect_prior: Weight of a depth effect of one point; small, it only settles which unit has a common offset.
        scale_prior: Weight of a scale that is off by a factor e.
    """

    source: str
    cells: tuple[tuple[int, int, float, float], ...]
    effect_prior: float = 0.1
    scale_prior: float = 1.0
    tolerance: float = 0.01


def calibrate(
    space: SearchSpace, settings: SurrogateSettings, targets: CalibrationTargets, sample: ArchitectureArray
) -> Calibrated:
    """Depth effects and scales with which the sample's accuracy has the target means and deviations.

    Minimises Σ_cells (mean error / tolerance)² + (deviation error / tolerance)² + Σ (effect_prior · D)² +
    Σ (scale_prior · log S)²; units that no cell names keep a depth effect of 0 and a scale of 1.

    Returns:
        The numbers, rounded to four decimals.
    """
    parts = SurrogateParts(space, settings)
    disturbance = settings.noise * noise(space, sample, settings.noise_seed)
    known = [(unit.number, depth) for unit in space.units for depth in unit.depths]
    free = [known.index((unit, layers)) for unit, layers, _, _ in targets.cells]
    masks = [_mask(space, sample, unit, layers) for unit, layers, _, _ in targets.cells]
    wanted = np.asarray([(mean, std) for _, _, mean, std in targets.cells])

    def unpack(x: Floats) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
        effects, log_scales = np.zeros(len(known)), np.zeros(len(known))
        effects[free], log_scales[free] = np.split(x, 2)
        sizes = np.cumsum([len(unit.depths) for unit in space.units])[:-1]
        return tuple(np.split(effects, sizes)), tuple(np.split(np.exp(log_scales), sizes))

    def residuals(x: Floats) -> Floats:
        accuracy = parts.accuracy(sample, *unpack(x)) + disturbance
        found = np.asarray([(accuracy[mask].mean(), accuracy[mask].std(ddof=1)) for mask in masks])
        misfit = (found - wanted).ravel() / targets.tolerance
        return np.concatenate([misfit, targets.effect_prior * x[: len(free)], targets.scale_prior * x[len(free) :]])

    solution = least_squares(residuals, np.zeros(2 * len(free)), method="trf")
    effects, scales = unpack(solution.x)
    return Calibrated(depth_effects=_rounded(effects), scales=_rounded(scales))


def cell_statistics(
    space: SearchSpace, array: ArchitectureArray, percent: Floats, cells: Sequence[tuple[int, int, float, float]]
) -> Floats:
    """[cells, 2] mean and standard deviation of `percent` [n] where the unit has so many layers."""
    chosen = [percent[_mask(space, array, unit, layers)] for unit, layers, _, _ in cells]
    return np.asarray([(values.mean(), values.std(ddof=1)) for values in chosen])


def split_surrogate(name: str, content: Mapping[str, Any]) -> tuple[SurrogateSettings, CalibrationTargets]:
    """The coefficients and the calibration targets of a space's mapping `surrogate`."""
    return SurrogateSettings.from_mapping(name, content), CalibrationTargets.model_validate(content["calibration"])


def _mask(space: SearchSpace, array: ArchitectureArray, unit: int, layers: int) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = (array.layers[:, space.units[unit - 1].columns] != ABSENT).sum(axis=1) == layers
    return mask


def _rounded(values: Sequence[Floats]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(v), 4) for v in unit) for unit in values)


def _rewrite(name: str, conf: Path) -> None:
    path = conf / "parameters" / f"{name}_surrogate.yml"
    text = path.read_text(encoding="utf-8").split(MARK)[0].rstrip("\n") + "\n"
    # A declaration may refer to another space's: ${ofa_mbv3.space.units}.
    declared = OmegaConf.merge(*(OmegaConf.load(file) for file in sorted((conf / "spaces").glob("*.yml"))))
    space = SearchSpace.from_mapping(name, OmegaConf.to_container(declared, resolve=True)[name]["space"])  # type: ignore
    content = yaml.safe_load(text)[name]
    settings, targets = split_surrogate(name, content["surrogate"])
    drawn = {key: value for key, value in content["sample"].items() if key != "labels"}
    calibrated = calibrate(space, settings, targets, sample_architectures(space, **drawn))
    lines = [f"      {key}: {[list(unit) for unit in values]}\n" for key, values in calibrated]
    path.write_text(text + MARK + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    for arg in sys.argv[1:]:
        _rewrite(arg, Path("conf/base"))
