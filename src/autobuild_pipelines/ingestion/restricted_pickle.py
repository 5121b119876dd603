"""Read a pickle from the internet without running it.

A pickle is a program. The standard `pickle.Unpickler` runs it and leaves to a subclass only which names it may import;
within allowed names a hostile file can still ask for terabytes (a memo index of four billion, deep nesting that is
hashed, sets that collide). So this reader takes the standard library's tokeniser (`pickletools.genops`) and evaluates
the opcodes itself: it imports nothing, calls nothing but the checked constructors of `pickle_values`, and counts what
it builds. Opcodes that only arbitrary objects need are refused.

Objects of classes that the caller names may stand in the pickle; they become inert records. What describes such an
object is stepped over: of its parts only those are kept that other parts of the pickle may refer to for good reason
(texts, numbers, tuples), no lists, sets or dictionaries.

Objects of other named classes may be read: the caller's function is given their attributes as plain values, and what it
returns stands for them. When an outermost one is complete, its lists, sets and dictionaries are forgotten, so that a
large file takes the memory of what is made of it and no more.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autobuild_pipelines.ingestion.errors import IngestError, one_line
from autobuild_pipelines.ingestion.pickle_values import (
    ArrayValue,
    DtypeValue,
    InertRecord,
    InertValue,
    Name,
    ReadValue,
    Refused,
    call,
    key,
    resolve,
)

DEFAULT_SIZE_LIMIT = 512 * 2**20
"""Most bytes of a file, after decompression."""

MAX_OPERATIONS = 10_000_000
"""Most opcodes of one pickle, beside those that describe inert records; 3,000 published records take 240,000."""

MAX_INERT_OPERATIONS = 250_000_000
"""Most opcodes that describe inert records: 1,300 records with a graph of 600 nodes each take about 31 million."""

MAX_READ_OPERATIONS = 1_000_000_000
"""Most opcodes that describe objects that are read: a node of a published operator graph takes about 200."""

MAX_NESTING = 50
MAX_WEIGHT = 20_000_000
"""Most values (a long string counts as several) when shared parts are counted at each place they stand."""

Readers = Mapping[tuple[str, str], Callable[[dict[str, Any]], Any]]
"""Classes, as (module, name), and what makes a value of the plain attributes of an instance; it may raise `IngestError`
without naming the file."""

_HIGHEST_PROTOCOL = 5
_MALFORMED = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EOFError),
    *(MemoryError, RecursionError),
)


def load_plain_pickle(
    content: bytes | str | Path,
    *,
    source: str = "",
    size_limit: int = DEFAULT_SIZE_LIMIT,
    inert: Set[tuple[str, str]] = frozenset(),
    read: Readers = MappingProxyType({}),
) -> Any:
    """The plain value in a pickle: containers, numbers, strings, bytes and numeric numpy arrays.

    Args:
        content: The pickle, or the path of a local file that holds it.
        source: What to call it in an error; the path by default.
        size_limit: Most bytes that it may have.
        inert: Classes, as (module, name), whose instances may stand in it; see `InertRecord`. None is ever imported.
        read: Classes whose instances are read, and how; none of them is imported either.

    Returns:
        A tree of dict, list, tuple, set, frozenset, str, bytes, int, float, complex, bool, None, `numpy.ndarray` and
        `InertRecord` (ordered dicts become dicts, numpy scalars Python numbers, bytearrays bytes); and what `read`
        made.

    Raises:
        IngestError: The file is missing, too large, truncated or no pickle; or it refers to any other class or
            function, which the message names. Nothing of it has been imported, built or run.
    """
    if isinstance(content, str | Path):
        source = source or str(content)
        try:
            with open(content, "rb") as file:
                content = file.read(size_limit + 1)
        except OSError as error:
            raise IngestError(f"{source}: cannot be read: {one_line(error)}") from None
    source = source or "pickle"
    if len(content) > size_limit:
        raise IngestError(f"{source}: is larger than the limit of {size_limit} bytes")
    if not content:
        raise IngestError(f"{source}: is empty, expected a pickle")
    try:
        return _Plain().convert(_Machine(inert, read).run(content))
    except IngestError as error:
        raise IngestError(f"{source}: {error}") from None
    except Refused as refusal:
        raise IngestError(
            f"{source}: refused: the pickle holds {refusal}; only containers, numbers, strings and numeric numpy "
            "arrays are read, and nothing was built or run"
        ) from None
    except _MALFORMED as error:
        raise IngestError(f"{source}: is not a complete pickle of plain values: {one_line(error)}") from None


class _Dropped:
    """Stands for every list, set and dictionary of what describes an inert record."""


_DROPPED = _Dropped()


class _Machine:
    """The pickle machine: a stack, marks into it, a memo, and how many inert records are being described."""

    def __init__(self, inert: Set[tuple[str, str]], read: Readers) -> None:
        self.inert, self.read = inert, read
        self.within = self.reading = 0
        self.described: list[int] = []
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.spare = 0

    def run(self, content: bytes) -> Any:
        operations = _OPERATIONS
        self.spare = 1000 + 4 * len(content)
        self.spare_weight = 1000 + 16 * len(content)
        stop, limit = -1, MAX_OPERATIONS
        for count, (opcode, argument, position) in enumerate(pickletools.genops(content)):
            if count >= limit:
                raise Refused(f"more than {limit} operations")
            if (self.within and limit < MAX_INERT_OPERATIONS) or (self.reading and limit < MAX_READ_OPERATIONS):
                limit += 1
            operation = operations.get(opcode.name)
            if operation is not None:
                operation(self, argument)
            elif opcode.name == "STOP":
                stop = position if position is not None else -1
            else:
                raise Refused(f"the operation {opcode.name}" + (f" {argument!r:.100}" if argument is not None else ""))
        if stop + 1 != len(content):
            raise ValueError(f"{len(content) - stop - 1} bytes follow its end")
        if len(self.stack) != 1 or self.marks:
            raise ValueError("its end leaves an unfinished value")
        return self.stack[0]

    def pop(self) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError("an operation lacks its operand")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type[Any]) -> Any:
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise ValueError("an operation lacks its operand")
        value = self.stack[-1]
        if type(value) is not kind:
            raise Refused(f"an operation for a {kind.__name__} on a {type(value).__name__}")
        return value

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_container(self, value: Any) -> None:
        self.stack.append(_DROPPED if self.within else value)

    def dropped(self) -> bool:
        return bool(self.within and self.stack and self.stack[-1] is _DROPPED)

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def discard(self, _: Any) -> None:
        if self.marks and len(self.stack) == self.marks[-1]:
            self.marks.pop()
        else:
            self.pop()

    def duplicate(self, _: Any) -> None:
        self.push(self.stack[-1])

    def remember(self, index: int | None) -> None:
        if not self.stack:
            raise ValueError("there is nothing to remember")
        index = len(self.memo) if index is None else index
        self.memo[index] = self.stack[-1]
        if self.reading:
            self.described.append(index)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise ValueError(f"it recalls the unknown value {index}")
        self.push(self.memo[index])

    def tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(items)))

    def append(self, _: Any) -> None:
        value = self.pop()
        if not self.dropped():
            self.top(list).append(value)

    def extend(self, _: Any) -> None:
        items = self.pop_to_mark()
        if not self.dropped():
            self.top(list).extend(items)

    def set_item(self, _: Any) -> None:
        value, name = self.pop(), self.pop()
        if not self.dropped():
            self.top(dict)[key(name)] = value

    def set_items(self, _: Any) -> None:
        items = self.pop_to_mark()
        if not self.dropped():
            self.top(dict).update(_pairs(items))

    def add_items(self, _: Any) -> None:
        items = self.pop_to_mark()
        if not self.dropped():
            self.top(set).update(key(item) for item in items)

    def name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.push(resolve(module, name, self.inert, self.read))

    def name_from_stack(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.push(resolve(module, name, self.inert, self.read))

    def new_object(self, _: Any) -> None:
        arguments, kind = self.pop(), self.pop()
        if not (isinstance(kind, Name) and (kind.inert or kind.read)):
            raise Refused(f"the operation NEWOBJ on {kind.text if isinstance(kind, Name) else type(kind).__name__}")
        if arguments != ():
            raise Refused(f"a {kind.text} that is made of arguments")
        if kind.read is None or self.within:  # inside of an inert object nothing is read
            self.within += 1
            self.push(InertValue(kind.text))
        else:
            self.reading += 1
            self.push(ReadValue(kind.text, kind.read))

    def reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        # A remembered argument may be used again and again: what is built of it must stay in proportion to the file.
        sized = arguments if isinstance(arguments, tuple) else ()
        self.spare -= sum(len(a) for a in sized if isinstance(a, str | bytes | list | tuple | set | frozenset))
        if self.spare < 0:
            raise Refused("values that are built from the same part over and over")
        self.push(call(function, arguments))

    def build(self, _: Any) -> None:
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, InertValue):
            if target.complete:
                raise Refused(f"a second description of {target.name}")
            target.complete = True
            self.within -= 1
            return
        if isinstance(target, ReadValue):
            self.build_read(target, state)
            return
        if not isinstance(target, DtypeValue | ArrayValue):
            what = target.text if isinstance(target, Name) else type(target).__name__
            raise Refused(f"attributes for {what}")
        target.build(state)

    def build_read(self, target: ReadValue, state: Any) -> None:
        """Let the caller's function make a value of an object's attributes."""
        if target.complete:
            raise Refused(f"a second description of {target.name}")
        if type(state) is not dict or not all(isinstance(name, str) for name in state):
            raise Refused(f"a {target.name} that is described by something else than named attributes")
        attributes, weight = _Plain().weighed(state)
        self.spare_weight -= weight
        if self.spare_weight < 0:
            raise Refused("objects that are described by the same part over and over")
        target.made, target.complete = target.read(attributes), True
        self.reading -= 1
        if not self.reading:
            for index in self.described:
                if self.memo[index] is not target and isinstance(self.memo[index], list | dict | set | ReadValue):
                    self.memo[index] = _DROPPED
            self.described.clear()

    def instance(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        raise Refused(f"an instance of {resolve(module, name).text}")


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise ValueError("a dictionary lacks its last value")
    return {key(name): value for name, value in zip(items[::2], items[1::2], strict=True)}


def _protocol(version: int) -> None:
    if version > _HIGHEST_PROTOCOL:
        raise ValueError(f"pickle protocol {version} is unknown")


_PUSHING = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
)
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(_PUSHING, _Machine.push),
    "BYTEARRAY8": lambda m, value: m.push(bytes(value)),
    "PROTO": lambda m, version: _protocol(version),
    "FRAME": lambda m, _: None,
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_LIST": lambda m, _: m.push_container([]),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "EMPTY_DICT": lambda m, _: m.push_container({}),
    "EMPTY_SET": lambda m, _: m.push_container(set()),
    "LIST": lambda m, _: m.push_container(m.pop_to_mark()),
    "TUPLE": lambda m, _: m.push(tuple(m.pop_to_mark())),
    "DICT": lambda m, _: m.push_container(_pairs(m.pop_to_mark())),
    "FROZENSET": lambda m, _: m.push_container(frozenset(key(item) for item in m.pop_to_mark())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "MARK": _Machine.mark,
    "POP": _Machine.discard,
    "POP_MARK": lambda m, _: m.pop_to_mark().clear(),
    "DUP": _Machine.duplicate,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "ADDITEMS": _Machine.add_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_from_stack,
    "NEWOBJ": _Machine.new_object,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "INST": _Machine.instance,
}


class _Plain:
    """Turn what the machine built into plain values, counting shared parts once for every place they stand at."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int, int]] = {}
        self._open: set[int] = set()

    def convert(self, value: Any) -> Any:
        return self._visit(value, MAX_NESTING)[0]

    def weighed(self, value: Any) -> tuple[Any, int]:
        """The plain value, and how many values it is when shared parts are counted wherever they stand."""
        return self._visit(value, MAX_NESTING)[:2]

    def _visit(self, value: Any, room: int) -> tuple[Any, int, int]:
        """The plain value, its weight and its height."""
        match value:
            case list() | tuple() | dict() | set() | frozenset():
                return self._container(value, room)
            case str() | bytes():
                return value, 1 + len(value) // 8, 0
            case ArrayValue():
                if not value.complete:
                    raise ValueError("a numpy array lacks its content")
                return value.array, 1 + value.array.size, 0
            case ReadValue():
                if not value.complete:
                    raise Refused(f"a {value.name} without a description, or one that holds itself")
                return value.made, 1, 0
            case InertValue():
                return InertRecord(value.name), 1, 0
            case _Dropped():
                raise Refused("a part of an object outside of it")
            case Name():
                raise Refused(f"{value.text} as a value")
            case DtypeValue():
                raise Refused("a numpy dtype as a value")
            case _:
                return value, 1, 0

    def _container(self, value: Any, room: int) -> tuple[Any, int, int]:
        identity = id(value)
        if identity in self._open:
            raise Refused("a container that holds itself")
        if room < (self._done[identity][2] if identity in self._done else 1):
            raise Refused(f"more than {MAX_NESTING} nested containers")
        if identity not in self._done:
            self._open.add(identity)
            self._done[identity] = self._convert(value, room - 1)
            self._open.remove(identity)
        return self._done[identity]

    def _convert(self, value: Any, room: int) -> tuple[Any, int, int]:
        parts = [self._visit(part, room) for part in (value.values() if isinstance(value, dict) else value)]
        keys = [self._visit(name, room) for name in value] if isinstance(value, dict) else []
        weight = 1 + sum(part[1] for part in parts) + sum(part[1] for part in keys)
        if weight > MAX_WEIGHT:
            raise Refused(f"more than {MAX_WEIGHT} values")
        height = 1 + max((part[2] for part in parts), default=0)
        content = [part[0] for part in parts]
        if isinstance(value, dict):
            return dict(zip(value, content, strict=True)), weight, height
        return (content if isinstance(value, list) else type(value)(content)), weight, height
