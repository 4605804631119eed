"""Values of a pickle, read without executing it: numbers, texts, lists, tuples, dictionaries, and named calls as data.

A pickle is a program for a stack machine. This one has the instructions that hold values; a name is looked up in no module,
and a call is noted as a `Call` and made by nobody. Names that are not in `KNOWN` are refused.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KNOWN = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch", "Size"),
        *(
            (module, f"{kind}Storage")
            for module in ("torch", "torch.storage")
            for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
        ),
    }
)
"""Module and name of what a state dictionary refers to."""
_MAX_ITEMS = 2_000_000


class PickleError(Exception):
    """A pickle that is damaged, or that does more than hold values; ends a sentence about the file."""


@dataclass(frozen=True)
class Reference:
    """A name that a pickle refers to."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Call:
    """A call that a pickle asks for."""

    function: Reference
    arguments: tuple


class _Mark:
    """Where a list of items begins on the stack."""


def read_pickle(data: bytes, persistent: Callable[[Any], Any], at: int = 0, with_end: bool = False) -> Any:
    """The value of the pickle that begins at byte `at`; with `with_end`, also where it ends.

    Args:
      persistent: what a persistent id stands for.

    Raises:
      PickleError: see there.
    """
    machine = _Machine(data, at, persistent)
    try:
        value = machine.run()
    except PickleError:
        raise
    except (IndexError, struct.error, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise PickleError("its pickle is damaged or cut short") from error
    return (value, machine.at) if with_end else value


class _Machine:
    def __init__(self, data: bytes, at: int, persistent: Callable[[Any], Any]) -> None:
        self.data, self.at, self.persistent = data, at, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.steps = 0

    def run(self) -> Any:
        while True:
            code = self.take(1)
            self.steps += 1
            if self.steps > _MAX_ITEMS:
                raise PickleError("its pickle has more parts than any weights")
            if code == b".":
                return self.stack.pop()
            step = _STEPS.get(code)
            if step is None:
                raise PickleError(f"its pickle asks for something that holds no value (instruction {code!r})")
            step(self)

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise PickleError("its pickle is damaged or cut short")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def number(self, form: str) -> int:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at : end].decode()
        self.at = end + 1
        return text

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def items(self) -> list[Any]:
        """What was pushed since the last mark."""
        start = len(self.stack) - 1
        while not isinstance(self.stack[start], _Mark):
            start -= 1
            if start < 0:
                raise PickleError("its pickle is damaged or cut short")
        found = self.stack[start + 1 :]
        del self.stack[start:]
        return found

    def refer(self, module: Any, name: Any) -> None:
        if (module, name) not in KNOWN:
            raise PickleError(f"its pickle refers to '{str(module)[:60]}.{str(name)[:60]}', which holds no weights")
        self.push(Reference(module, name))

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Reference) or not isinstance(arguments, tuple):
            raise PickleError("its pickle calls something that is no name")
        if function.name == "OrderedDict":
            if arguments not in ((), ([],)):
                raise PickleError("its pickle makes a dictionary in a way that PyTorch does not")
            self.push({})
        elif function.name == "Size":
            self.push(tuple(arguments[0]) if arguments else ())
        elif function.name.startswith("_rebuild"):
            self.push(Call(function, arguments))
        else:
            raise PickleError(f"its pickle calls '{function}', which holds no weights")

    def build(self) -> None:
        """Attributes of an object: PyTorch notes versions on its dictionaries; they are left out."""
        state = self.stack.pop()
        if not isinstance(self.stack[-1], dict) or not isinstance(state, dict):
            raise PickleError("its pickle sets attributes of something that is no dictionary")

    def set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(pairs) % 2:
            raise PickleError("its pickle is damaged or cut short")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))

    def add_items(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise PickleError("its pickle is damaged or cut short")
        self.stack[-1].extend(values)

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise PickleError("its pickle is damaged or cut short")
        values = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.push(values)

    def stacked_name(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.refer(module, name)

    def pair(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    def memoize(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def long(self, count: int) -> None:
        if count > 64:
            raise PickleError("its pickle holds a number of unusual size")
        self.push(int.from_bytes(self.take(count), "little", signed=True))


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: m.take(1) and None,
    b"\x95": lambda m: m.take(8) and None,
    b"(": lambda m: m.push(_Mark()),
    b"}": lambda m: m.push({}),
    b"]": lambda m: m.push([]),
    b")": lambda m: m.push(()),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"J": lambda m: m.push(m.number("<i")),
    b"G": lambda m: m.push(m.number(">d")),
    b"\x8a": lambda m: m.long(m.number("<B")),
    b"X": lambda m: m.push(m.take(m.number("<I")).decode()),
    b"\x8c": lambda m: m.push(m.take(m.number("<B")).decode()),
    b"U": lambda m: m.push(m.take(m.number("<B")).decode("latin-1")),
    b"t": lambda m: m.push(tuple(m.items())),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"l": lambda m: m.push(m.items()),
    b"q": lambda m: m.memoize(m.number("<B")),
    b"r": lambda m: m.memoize(m.number("<I")),
    b"\x94": lambda m: m.memoize(len(m.memo)),
    b"h": lambda m: m.push(m.memo[m.number("<B")]),
    b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"c": lambda m: m.refer(m.line(), m.line()),
    b"\x93": lambda m: m.stacked_name(),
    b"R": lambda m: m.call(),
    b"b": lambda m: m.build(),
    b"Q": lambda m: m.push(m.persistent(m.stack.pop())),
    b"s": lambda m: m.pair(),
    b"u": lambda m: m.set_items(m.items()),
    b"a": lambda m: m.add_items([m.stack.pop()]),
    b"e": lambda m: m.add_items(m.items()),
}
"""Instruction -> what it does; what is not here is refused."""
