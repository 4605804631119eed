"""What answering is made of: items that are read, a model that answers them, rows of a table. Nothing here imports jax."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lcjax.errors import Rejection

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
Item = TypeVar("Item")
Given = TypeVar("Given", contravariant=True)
Read = TypeVar("Read", covariant=True)
Made = TypeVar("Made")


class ParallelMap(Protocol):
    """Applies a function to items, in order, as `map` does, perhaps in several processes."""

    def __call__(self, function: Callable[[Item], Made], items: Iterable[Item], /) -> Iterator[Made]:
        """What the function makes of each."""


class Answers(Protocol[Given]):
    """A model at work: for each item, in order, its row, its rows as a record batch, or a rejection."""

    unit: str
    """Plural, of what is answered: `alerts`."""
    schema: "pa.Schema"
    """Of the rows."""
    constant_columns: tuple[str, ...]
    """Columns that are left out of the table where all rows have one value."""

    def answer(self, items: Iterable[Given | Rejection]) -> Iterator["Row | pa.RecordBatch | Rejection"]:
        """Rows by `schema`; rejections among the items are passed on."""


class Items(Protocol[Read]):
    """Reads what is to be answered."""

    rejection_columns: tuple[str, ...]
    """Of the table of what was set aside."""

    def items(self, inputs: Sequence[str]) -> Iterator[Read | Rejection]:
        """Items and `Rejection`s of files and folders, in the order given."""
