"""What a timing depends on besides the network: the machine's name, its threads and cores, its memory allocator."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch


def cpu_name() -> str:
    """The CPU's model, as the operating system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(part for line in lines if len(part := [p.strip() for p in line.split(":", 1)]) == 2)
    name = facts.get("model name", platform.machine())
    details = [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return f"{name} ({', '.join([platform.machine(), *details])})"


def threads_text(count: int) -> str:
    """ "1 thread", "2 threads"."""
    return f"{count} thread" + ("s" if count > 1 else "")


@contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Inside, this thread and the threads it starts run on these cores only; without cores, wherever they may.

    Raises:
        OSError: The system cannot bind threads to cores, or there is no such core for this process.
    """
    if not cores:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise OSError(f"{platform.system()} cannot bind threads to cores")
    before = os.sched_getaffinity(0)
    if absent := sorted(set(cores) - before):
        raise OSError(f"this process has no core {absent[0]}, only {sorted(before)}")
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def settle_allocator() -> None:
    """Free one large block, after which the C library keeps freed memory instead of returning it to the system.

    Otherwise a network whose tensors exceed its threshold, and no other, pays for fresh pages on every call.
    """
    block = torch.ones(31 << 20, dtype=torch.uint8)
    del block
