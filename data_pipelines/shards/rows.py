"""Rows that have been read: kept as long as a batch may want them, copied into batches."""

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from data_pipelines.shards.manifest import verify
from data_pipelines.shards.plain_reader import Piece
from data_pipelines.shards.streams import Chunk, Rows, StreamPlan
from lcjax.errors import DataError

Planned = deque[tuple[int, Chunk, Rows]]
"""Stream, chunk and rows of what a reader has been asked for and has not given yet."""


class Stream:
    """Rows of one stream that have been read and are still wanted, by their number in the endless sequence."""

    def __init__(self, plan: StreamPlan, begin: int) -> None:
        """`begin`: the first row that is wanted."""
        self.plan, self.begin, self.end = plan, begin, begin
        self._held: deque[tuple[int, Piece, Rows]] = deque()

    def last(self, end: int) -> int:
        """`end`, or where an evaluation pass ends."""
        return end if self.plan.training else min(end, self.plan.rows_per_round)

    def lacks(self, end: int) -> bool:
        """Whether rows before `end` are still to be read."""
        return self.end < self.last(end)

    def add(self, piece: Piece, rows: Rows) -> None:
        """The next rows, read."""
        self._held.append((self.end, piece, rows))
        self.end += len(rows)

    def forget(self, begin: int) -> None:
        """Drops what is of no use from row `begin` on."""
        while self._held and self._held[0][0] + len(self._held[0][2]) <= begin:
            self._held.popleft()

    def copy(
        self, wanted: np.ndarray, at: int, series: Sequence[np.ndarray], size: np.ndarray, record: np.ndarray
    ) -> None:
        """Copies rows (ascending numbers) into a batch's series from row `at` on; rows past the end are left alone."""
        for first, piece, rows in self._held:
            low, high = np.searchsorted(wanted, (first, first + len(rows)))
            if low == high:
                continue
            inside, target = wanted[low:high] - first, slice(at + low, at + high)
            size[target], record[target] = rows.size[inside], rows.record[inside]
            source = piece.order[inside]
            for whole, array in zip(series, piece.arrays, strict=True):
                out = whole[target]
                if array.shape[1] == out.shape[1]:
                    np.take(array, source, axis=0, out=out, mode="clip")
                else:
                    width = min(array.shape[1], out.shape[1])
                    out[:, :width] = array[source, :width]
                    out[:, width:] = 0


def schedule(streams: Sequence[Stream], rows: int, planned: Planned) -> Iterator[tuple[Chunk, Rows]]:
    """The chunks of all streams in the order in which groups of `rows` rows of each need them; noted in `planned`."""
    pieces = [stream.plan.pieces(stream.begin) for stream in streams]
    ends = [stream.begin for stream in streams]
    goal, idle = streams[0].begin + rows, 0
    while idle < len(streams):
        idle = 0
        for which, stream in enumerate(streams):
            if ends[which] >= stream.last(1 << 62):
                idle += 1
            while ends[which] < stream.last(goal):
                chunk, wanted = next(pieces[which])
                ends[which] += len(wanted)
                planned.append((which, chunk, wanted))
                yield chunk, wanted
        goal += rows


def next_piece(pieces: Iterator[Piece], planned: Planned) -> Piece:
    """What a reader gives next.

    Raises:
      DataError: it cannot be read; names the shard.
    """
    try:
        return next(pieces)
    except DataError:
        raise
    except Exception as error:
        # TensorFlow's own errors (DataLossError, NotFoundError, StopIteration): say which shard it was.
        raise _damaged_among([chunk for _, chunk, _ in planned], str(error).split("\n")[0]) from error


def _damaged_among(chunks: Sequence[Chunk], detail: str) -> DataError:
    """Names the shard behind a reading error by checking those that were about to be read against the manifest."""
    folders = dict.fromkeys(c.shard.path.parent for c in chunks)
    names = {c.shard.path for c in chunks}
    damage = [d for folder in folders for d in verify(folder) if d.file in names]
    where = str(damage[0]) if damage else f"'{chunks[0].shard.path}' cannot be read ({detail})"
    return DataError(f"{where}; restore the file or prepare the data again (lcjax data verify lists all damage)")
