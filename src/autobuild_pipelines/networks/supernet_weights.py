"""Read and write the weights of a supernet in the public Once-for-All layout, without running code from the file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from autobuild_pipelines.networks.definition import NetworkDefinition, NetworkError
from autobuild_pipelines.networks.supernet import Supernet
from autobuild_pipelines.spaces import SearchSpace

SAFETENSORS = ".safetensors"
_COUNTER = "num_batches_tracked"


def load_supernet(path: str | Path, space: SearchSpace, definition: NetworkDefinition) -> Supernet:
    """The supernet with the weights of a file, in evaluation mode.

    Raises:
        NetworkError: As `read_supernet` does.
    """
    supernet = Supernet(space, definition)
    supernet.load_state_dict(read_supernet(path, space, definition))
    return supernet


def read_supernet(path: str | Path, space: SearchSpace, definition: NetworkDefinition) -> dict[str, Tensor]:
    """The state dict of a supernet from a file, every name and shape checked.

    Args:
        path: A torch checkpoint (the public ones have no suffix) or a `.safetensors` file: the state dict, or a mapping
            with the key `state_dict`. Blocks may have either public name, `mobile_inverted_conv` or `conv`.
        space: The supernet's space.
        definition: Its network family.

    Raises:
        NetworkError: Names the file and what is wrong with it: missing, no checkpoint, holding more than tensors, or
            tensors that are missing, unexpected, of another shape, or not finite.
    """
    found = {name.replace(".mobile_inverted_conv.", ".conv."): t for name, t in read_weights(path).items()}
    with torch.device("meta"):
        wanted = Supernet(space, definition).state_dict()
    _check_names(path, found, wanted)
    _check_tensors(path, found, wanted, definition)
    zero = torch.zeros((), dtype=torch.int64)
    return {name: found.get(name, zero) if name.endswith(_COUNTER) else found[name].float() for name in wanted}


def save_supernet(supernet: Supernet, path: str | Path) -> None:
    """Write a supernet's weights under their public names.

    Raises:
        NetworkError: The file is not named `.safetensors`; this project writes no pickles.
    """
    if Path(path).suffix != SAFETENSORS:
        raise NetworkError(f"{path}: weights are written as {SAFETENSORS} only; name the file so")
    save_file({name: tensor.contiguous() for name, tensor in supernet.state_dict().items()}, str(path))


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name. Nothing in the file is executed.

    Raises:
        NetworkError: The file is missing, is no checkpoint, or holds anything but named tensors.
    """
    if not Path(path).is_file():
        raise NetworkError(f"{path}: no such file of weights")
    content = _read_safetensors(path) if Path(path).suffix == SAFETENSORS else _read_torch(path)
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise NetworkError(f"{path}: holds no state dict, expected names with their tensors")
    if bad := [name for name, t in content.items() if not isinstance(name, str) or not isinstance(t, Tensor)]:
        raise NetworkError(f"{path}: its entry {bad[0]!r} is no tensor, expected a state dict of tensors only")
    return dict(content)


def _read_safetensors(path: str | Path) -> Any:
    try:
        return load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise NetworkError(f"{path}: is not a readable safetensors file: {_one_line(error)}") from None


def _read_torch(path: str | Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise NetworkError(
            f"{path}: is not a torch checkpoint of plain tensors; nothing in it was executed: {_one_line(error)}"
        ) from None
    except Exception as error:  # a file that is no checkpoint makes torch raise almost anything
        raise NetworkError(f"{path}: is not a readable torch checkpoint: {_one_line(error)}") from None


def _check_names(path: str | Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTER)]
    unexpected = [name for name in found if name not in wanted]
    problems = [
        f"{what} {_some(names)}" for what, names in (("lacks", missing), ("has unexpected", unexpected)) if names
    ]
    if problems:
        raise NetworkError(
            f"{path}: is not a supernet of this space: {'; '.join(problems)}; expected the {len(wanted)} tensors of an "
            "elastic Once-for-All network with the space's units, kernels and expansions"
        )


def _check_tensors(
    path: str | Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], definition: NetworkDefinition
) -> None:
    shapes = [
        f"{name} is {list(found[name].shape)}, expected {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if shapes:
        raise NetworkError(
            f"{path}: {len(shapes)} tensors have another shape: {_some(shapes)}; the definition's width_multiplier is "
            f"{definition.width_multiplier:g} and its num_classes {definition.num_classes}: are they the weights'?"
        )
    floats = [name for name in wanted if not name.endswith(_COUNTER)]
    if bad := [name for name in floats if not found[name].is_floating_point() or found[name].layout != torch.strided]:
        raise NetworkError(f"{path}: {_some(bad)} hold no floating-point numbers")
    if bad := [name for name in floats if not bool(found[name].isfinite().all())]:
        raise NetworkError(f"{path}: {_some(bad)} hold infinite or undefined numbers")


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _one_line(error: BaseException, limit: int = 200) -> str:
    return " ".join(str(error).split())[:limit] or type(error).__name__
