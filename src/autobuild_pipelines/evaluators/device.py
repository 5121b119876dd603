"""The device that a setting names."""

from __future__ import annotations

import torch

from autobuild_pipelines.evaluators.protocol import EvaluationError


def device_of(name: str, kind: str) -> torch.device:
    """The torch device of a setting: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", …

    Args:
        name: The setting.
        kind: Type of the evaluator, for the message.

    Raises:
        EvaluationError: There is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise EvaluationError(
            f"evaluator of type {kind!r}: device {name!r} is not there: {reason}; expected auto, cpu or cuda"
        ) from None
    return device
