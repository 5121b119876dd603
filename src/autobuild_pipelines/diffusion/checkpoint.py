"""Checkpoints of a fine-tuning: folders of safetensors and JSON that are there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from autobuild_pipelines.diffusion.errors import DiffusionError

_STEP, _PART, _STATE = "step-", ".part", "state.json"
AVERAGED = "averaged.safetensors"
"""File of the weights that a finished fine-tuning leaves."""


@dataclass(frozen=True)
class Checkpoint:
    """A fine-tuning after some steps.

    Attributes:
        step: How many updates were made.
        tensors: Name of a group ("unet", "average", "optimizer", "losses") to its tensors by name.
        state: Everything else, as JSON values.
    """

    step: int
    tensors: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a folder, then remove the ones before it.

    It is written beside its place and moved there when it is complete, so that a process that is killed at any time
    leaves a checkpoint to resume from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{_STEP}{checkpoint.step:09d}"
    part = place.with_name(place.name + _PART)
    for leftover in (part, place):
        shutil.rmtree(leftover, ignore_errors=True)
    part.mkdir()
    for group, tensors in checkpoint.tensors.items():
        contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, str(part / f"{group}.safetensors"))
    (part / _STATE).write_text(json.dumps(dict(checkpoint.state)), encoding="utf-8")
    for file in part.iterdir():
        _sync(file)
    os.replace(part, place)
    _sync(folder)
    for other in _steps(folder):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)


def load_checkpoint(folder: Path, groups: tuple[str, ...]) -> Checkpoint | None:
    """The latest checkpoint in a folder; None if there is none.

    Raises:
        DiffusionError: It cannot be read; the message names the file.
    """
    steps = _steps(folder)
    if not steps:
        return None
    place = steps[-1]
    try:
        tensors = {group: load_file(str(place / f"{group}.safetensors")) for group in groups}
        state = json.loads((place / _STATE).read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        raise DiffusionError(f"{place}: is not a readable checkpoint: {error}; remove it to start again") from None
    return Checkpoint(int(place.name.removeprefix(_STEP)), tensors, state)


def finish(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Leave nothing but the final weights in a fine-tuning's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (AVERAGED + _PART)
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, str(part))
    _sync(part)
    os.replace(part, folder / AVERAGED)
    for step in _steps(folder):
        shutil.rmtree(step, ignore_errors=True)


def finished(folder: Path) -> dict[str, Tensor] | None:
    """The final weights that `finish` left, if it did.

    Raises:
        DiffusionError: They cannot be read.
    """
    path = folder / AVERAGED
    if not path.is_file():
        return None
    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise DiffusionError(f"{path}: are no readable weights: {error}; remove them to start again") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, Tensor]:
    """An optimizer's state of every parameter as tensors named `<parameter>/<key>`."""
    state = optimizer.state_dict()["state"]
    return {f"{names[index]}/{key}": value for index, values in state.items() for key, value in values.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, names: list[str], tensors: Mapping[str, Tensor]) -> None:
    """Put the tensors of `optimizer_tensors` back; rates and the like stay the optimizer's."""
    state: dict[int, dict[str, Tensor]] = {}
    index = {name: number for number, name in enumerate(names)}
    for name, tensor in tensors.items():
        parameter, _, key = name.rpartition("/")
        state.setdefault(index[parameter], {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _steps(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.name.startswith(_STEP) and not path.name.endswith(_PART)]
    return sorted(found)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
