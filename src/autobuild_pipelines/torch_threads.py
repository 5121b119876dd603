"""How many threads torch runs on, for a while. A module of its own: who measures networks need not load predictors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Inside, torch splits an operation over `count` threads; 1: it runs on the thread that asks for it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
