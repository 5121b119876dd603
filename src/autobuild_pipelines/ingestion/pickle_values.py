"""The only names a pickle may refer to, and what is made of them: plain values, never the thing that is named.

Nothing here imports or calls what a pickle asks for. Every allowed name stands for a function of this module that
checks the arguments and gives a plain container, number, string or numeric numpy array.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMERIC_DTYPE = re.compile(r"[<>=|]?(?:[iu][1248]|f[248]|b1|\?)")
_BYTE_ORDERS = ("<", ">", "=", "|")
_MAX_DIMENSIONS = 8
_MAX_EMPTY_ENTRIES = 1000


class Refused(Exception):
    """A pickle asks for something that is not on the allow-list; the message names it."""


@dataclass(frozen=True, slots=True)
class Name:
    """An allowed name, such as `collections.OrderedDict`, before it is used.

    Attributes:
        text: The name.
        make: What stands for calling it; None when it may not be called.
        inert: Whether its instances become `InertRecord`s.
        read: What makes a value of the plain attributes of its instances; None where they are not read.
    """

    text: str
    make: Callable[..., Any] | None
    inert: bool = False
    read: Callable[[dict[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True)
class InertRecord:
    """What stands for an object of a class that is known by name alone: that name, and nothing of its content."""

    name: str


@dataclass(slots=True)
class InertValue:
    """An inert record on its way; BUILD ends what describes it."""

    name: str
    complete: bool = False


@dataclass(slots=True)
class ReadValue:
    """What is made of an object's plain attributes, on its way; BUILD brings them."""

    name: str
    read: Callable[[dict[str, Any]], Any]
    made: Any = None
    complete: bool = False


@dataclass(slots=True)
class DtypeValue:
    """A numeric numpy dtype on its way; BUILD may still set its byte order."""

    dtype: np.dtype[Any]

    def build(self, state: Any) -> None:
        """Apply the state tuple `(version, byte order, subarray, names, fields, ...)` of a simple dtype."""
        if not isinstance(state, tuple) or not 5 <= len(state) <= 9 or any(part is not None for part in state[2:5]):
            raise Refused("a numpy dtype that is not a plain number type")
        if state[1] not in _BYTE_ORDERS:
            raise Refused(f"a numpy dtype with byte order {_typed(state[1])}")
        self.dtype = self.dtype.newbyteorder(state[1])


@dataclass(slots=True)
class ArrayValue:
    """A numpy array on its way; BUILD gives it its content."""

    array: NDArray[Any] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    complete: bool = False

    def build(self, state: Any) -> None:
        """Apply the state tuple `(version, shape, dtype, Fortran order, content)`."""
        if self.complete or not isinstance(state, tuple) or len(state) != 5:
            raise Refused("a numpy array with an unknown state")
        _, shape, dtype, fortran, content = state
        self.array = _array(content, dtype, shape, "F" if fortran is True else "C")
        self.complete = True


def resolve(
    module: Any,
    name: Any,
    inert: Set[tuple[str, str]] = frozenset(),
    read: Mapping[tuple[str, str], Callable[[dict[str, Any]], Any]] = MappingProxyType({}),
) -> Name:
    """The allowed name `module.name`.

    Args:
        module: Its module.
        name: Its name there.
        inert: Classes, as (module, name), that are allowed beside the list: their instances become inert records.
        read: Classes whose instances become what is made of their attributes.

    Raises:
        Refused: It is not on the list; the message says what was asked for.
    """
    if not isinstance(module, str) or not isinstance(name, str):
        raise Refused(f"a name made of {type(module).__name__} and {type(name).__name__}")
    if (module, name) in inert:
        return Name(f"{module}.{name}", None, inert=True)
    if (module, name) in read:
        return Name(f"{module}.{name}", None, read=read[module, name])
    if (module, name) not in _ALLOWED:
        raise Refused(f"{module[:100]}.{name[:100]}")
    return Name(f"{module}.{name}", _ALLOWED[module, name])


def call(function: Any, arguments: Any) -> Any:
    """What the REDUCE opcode asks for: the value of an allowed name for checked arguments."""
    if not isinstance(function, Name):
        raise Refused(f"a call of {_typed(function)}")
    if not isinstance(arguments, tuple):
        raise Refused(f"a call of {function.text} with {_typed(arguments)} for arguments")
    if function.make is None:
        raise Refused(f"a call of {function.text}")
    try:
        return function.make(*arguments)
    except (TypeError, ValueError, OverflowError) as error:
        given = ", ".join(_typed(argument) for argument in arguments[:8])
        raise Refused(f"a call of {function.text} with arguments ({given}): {error}") from None


def key(value: Any) -> Any:
    """A dictionary key or member of a set: only flat values whose hash is cheap."""
    if value is None or isinstance(value, str | bytes | bool) or (isinstance(value, int) and abs(value) < 2**31):
        return value
    raise Refused(f"{_typed(value)} as a dictionary key or member of a set")


def _typed(value: Any) -> str:
    return value.text if isinstance(value, Name) else type(value).__name__


def _members(items: Any = ()) -> list[Any]:
    if not isinstance(items, list | tuple | set | frozenset):
        raise TypeError("expected a list")
    return [key(item) for item in items]


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple) or any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
        raise TypeError("expected a list of pairs")
    return {key(k): v for k, v in pairs}


def _octets(content: Any = b"", encoding: Any = None) -> bytes:
    if isinstance(content, str) and encoding in ("latin1", "latin-1"):
        return content.encode("latin-1")
    if isinstance(content, bytes) and encoding is None:
        return content
    raise TypeError("expected bytes")


def _complex(real: Any, imaginary: Any) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, float):
        raise TypeError("expected two floats")
    return complex(real, imaginary)


def _dtype(code: Any, align: Any = False, copy: Any = False) -> DtypeValue:
    if not isinstance(code, str) or not _NUMERIC_DTYPE.fullmatch(code):
        shown = code[:20] if isinstance(code, str) else _typed(code)
        what = "an object array" if shown.lstrip("<>=|").startswith("O") else "not a plain number type"
        raise Refused(f"numpy dtype {shown!r} ({what})")
    return DtypeValue(np.dtype(code))


def _scalar(dtype: Any, content: Any) -> Any:
    if not isinstance(dtype, DtypeValue) or not isinstance(content, bytes) or len(content) != dtype.dtype.itemsize:
        raise TypeError("expected a numeric dtype and the bytes of one number")
    return np.frombuffer(content, dtype.dtype)[0].item()


def _reconstruct(subtype: Any, shape: Any, code: Any) -> ArrayValue:
    if not isinstance(subtype, Name) or subtype.text != "numpy.ndarray":
        raise TypeError("expected numpy.ndarray")
    return ArrayValue()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> ArrayValue:
    if order not in ("C", "F"):
        raise TypeError("expected order C or F")
    return ArrayValue(_array(content, dtype, shape, order), complete=True)


def _array(content: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    if not isinstance(dtype, DtypeValue):
        raise Refused("a numpy array that is not of a plain number type")
    if not isinstance(content, bytes):
        raise Refused(f"a numpy array made of {_typed(content)} instead of bytes")
    if not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
        raise Refused("a numpy array with an impossible shape")
    if math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise Refused(f"a numpy array of shape {shape} in {len(content)} bytes")
    if not content and math.prod(max(n, 1) for n in shape) > _MAX_EMPTY_ENTRIES:
        raise Refused(f"a numpy array of shape {shape}")
    return np.frombuffer(content, dtype.dtype).reshape(shape, order=order)


_ALLOWED: dict[tuple[str, str], Callable[..., Any] | None] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("_codecs", "encode"): _octets,
    ("numpy", "dtype"): _dtype,
    ("numpy", "ndarray"): None,
    **{
        (f"numpy.{core}.{module}", name): make
        for core in ("core", "_core")
        for module, name, make in (
            ("multiarray", "scalar", _scalar),
            ("multiarray", "_reconstruct", _reconstruct),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
    **{
        (module, name): make
        for module in ("builtins", "__builtin__")
        for name, make in (
            ("set", lambda items=(): set(_members(items))),
            ("frozenset", lambda items=(): frozenset(_members(items))),
            ("bytes", _octets),
            ("bytearray", _octets),
            ("complex", _complex),
        )
    },
}
