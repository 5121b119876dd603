"""How the process runs the predictors' many small operations: memory that is kept, threads that do not wait.

Training allocates and frees the same few megabytes thousands of times. By default glibc returns blocks of this size to
the system at once, and the page faults on getting them back take longer than the arithmetic. And an operation of some
microseconds gains nothing from being split over threads: whole groups of predictors are trained side by side instead.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import threadpool_limits

from autobuild_pipelines.torch_threads import torch_threads

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 32 * 1024 * 1024  # glibc accepts no larger threshold
_KEPT_BYTES = 512 * 1024 * 1024


@cache
def keep_freed_memory() -> None:
    """Tell glibc's allocator to reuse blocks of up to 32 MiB instead of returning them; elsewhere, do nothing."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Inside, torch and the linear algebra under numpy run each operation on the one thread that asks for it.

    To tell the latter takes some milliseconds.
    """
    with threadpool_limits(limits=1), torch_threads(1):
        yield
