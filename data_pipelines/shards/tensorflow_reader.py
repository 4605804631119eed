"""Reading chunks of shards with tf.data: records are batched before they are parsed, windows are cut out of the bytes.

One pipeline serves all streams of a process: chunk after chunk in the order the batches need them, each read from its byte
offset, its stored checksums compared with the index, parsed with one `parse_example`, windowed with one vectorised `substr` and padded by `decode_raw`. TensorFlow is
imported only here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from data_pipelines.shards.frames import FrameCheck
from data_pipelines.shards.groups import WholeGroup
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.plain_reader import Piece, in_file_order
from data_pipelines.shards.streams import Chunk, Rows

BUFFER_BYTES = 1 << 18


class TensorFlowReader:
    """Executes a plan of chunks with tf.data."""

    def __init__(self, index: ShardIndex, layout: RecordLayout, whole: Sequence[WholeGroup] = ()) -> None:
        """`index`: of all records of the source. `whole`: the groups of the layout but the first."""
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")  # TensorFlow would take the whole memory of every GPU
        self._tf, self._index, self._layout, self._whole = tf, index, layout, whole
        self._check = FrameCheck(index)
        # Records without any series are still counted, and parsed to see that they are records.
        self._spec = {name: tf.io.FixedLenFeature([], tf.string) for name in layout.series or ("object_id",)}
        either = (*layout.stands_in, *layout.stands_in.values())
        self._spec |= {name: tf.io.FixedLenFeature([], tf.string, default_value="") for name in either}

    def pieces(self, plan: Iterator[tuple[Chunk, Rows]]) -> Iterator[Piece]:
        """One piece for each chunk of the plan.

        Raises:
          ValueError: a chunk held fewer records than promised, or others. TensorFlow's errors on damaged files.
        """
        tf = self._tf
        orders: dict[int, np.ndarray] = {}
        vector = tf.TensorSpec([None], tf.int64)
        scalar = tf.TensorSpec([], tf.int64)
        cuts = (vector,) * (4 + 2 * len(self._whole))
        signature = (scalar, tf.TensorSpec([], tf.string), scalar, scalar, *cuts)
        dataset = tf.data.Dataset.from_generator(lambda: self._elements(plan, orders), output_signature=signature)
        dataset = dataset.interleave(
            self._open, cycle_length=2, block_length=1, num_parallel_calls=2, deterministic=True
        )
        dataset = dataset.map(self._decode, num_parallel_calls=2, deterministic=True).prefetch(2)
        for expected, (number, good, *arrays) in enumerate(dataset.as_numpy_iterator()):
            if number != expected or not good:
                raise ValueError("records are missing or are not those that were written")
            yield Piece(tuple(arrays), orders.pop(expected))
        if orders:
            raise ValueError("records are missing")

    def _elements(self, plan: Iterator[tuple[Chunk, Rows]], orders: dict[int, np.ndarray]) -> Iterator[tuple]:
        index = self._index
        for number, (chunk, rows) in enumerate(plan):
            self._check(chunk)
            rows, orders[number] = in_file_order(rows)
            first, last = int(rows.record[0]), int(rows.record[-1])
            offset, count = index.offset[first], last + 1 - first
            inside = slice(first, last + 1)
            cuts = [index.length[inside], rows.record - first, rows.start, rows.size]
            for whole in self._whole:
                cuts += [whole.counts[inside], whole.sizes(rows.record)]
            yield number, str(chunk.shard.path), offset, count, *cuts

    def _open(self, number: Any, path: Any, offset: Any, count: Any, *rest: Any) -> Any:
        """A dataset of one element: the chunk's serialized records, fewer if the file holds fewer."""
        tf = self._tf
        # The public TFRecordDataset cannot start in mid file; reading and dropping what comes before would cost as much
        # as the chunks themselves.
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=[path], compression_type="", buffer_size=BUFFER_BYTES, byte_offsets=[offset]
        )
        records = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
        return records.take(count).batch(count).map(lambda serialized: (number, serialized, *rest))

    def _decode(
        self, number: Any, serialized: Any, lengths: Any, within: Any, start: Any, size: Any, *whole: Any
    ) -> tuple:
        tf = self._tf
        parsed = tf.io.parse_example(serialized, self._spec)
        good = tf.equal(tf.size(serialized), tf.size(lengths))
        # `within` ascends: as many rows as records, the last of which is wanted, may still skip one and repeat another.
        one_row_each = tf.equal(tf.size(within), tf.size(lengths)) & tf.reduce_all(
            tf.equal(within, tf.range(tf.size(within, tf.int64)))
        )
        cuts = [(lengths, start, size)]
        cuts += [(counts, tf.zeros_like(sizes), sizes) for counts, sizes in zip(whole[::2], whole[1::2], strict=True)]
        arrays = []
        for group, (counts, begin, width) in zip(self._layout.groups, cuts, strict=False):
            longest = tf.maximum(tf.cast(4 * tf.reduce_max(width), tf.int32), 4)
            for name in group.series:
                found = self._series(parsed, name)
                sound = tf.equal(tf.cast(tf.strings.length(found), tf.int64), 4 * counts)
                good = good & tf.reduce_all(sound)
                rows = tf.cond(one_row_each, lambda found=found: found, lambda found=found: tf.gather(found, within))
                pieces = tf.strings.substr(rows, 4 * begin, 4 * width)
                arrays.append(tf.io.decode_raw(pieces, tf.float32, fixed_length=longest))
        return number, good, *arrays

    def _series(self, parsed: dict[str, Any], name: str) -> Any:
        """Bytes of a series, or of what stands in for it in records that have none."""
        other = self._layout.stands_in.get(name)
        if other is None:
            return parsed[name]
        return self._tf.where(self._tf.equal(parsed[name], ""), parsed[other], parsed[name])
