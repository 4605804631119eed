"""Reading chunks of shards with tf.data: records are batched before they are parsed, windows are cut out of the bytes.

One pipeline serves all streams of a process: chunk after chunk in the order the batches need them, each read from its byte
offset, parsed with one `parse_example`, windowed with one vectorised `substr` and padded by `decode_raw`. TensorFlow is
imported only here.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from data_pipelines.kinds.light_curves.records import parse_spec
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.plain_reader import Piece, in_file_order
from data_pipelines.shards.streams import Chunk, Rows

BUFFER_BYTES = 1 << 18


class TensorFlowReader:
    """Executes a plan of chunks with tf.data."""

    def __init__(self, index: ShardIndex) -> None:
        """`index`: of all records of the source."""
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")  # TensorFlow would take the whole memory of every GPU
        self._tf, self._index = tf, index
        self._spec = parse_spec(index.series)

    def pieces(self, plan: Iterator[tuple[Chunk, Rows]]) -> Iterator[Piece]:
        """One piece for each chunk of the plan.

        Raises:
          ValueError: a chunk held fewer records than promised, or others. TensorFlow's errors on damaged files.
        """
        tf = self._tf
        orders: dict[int, np.ndarray] = {}
        vector = tf.TensorSpec([None], tf.int64)
        scalar = tf.TensorSpec([], tf.int64)
        signature = (scalar, tf.TensorSpec([], tf.string), scalar, scalar, vector, vector, vector, vector)
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
            rows, orders[number] = in_file_order(rows)
            first, last = int(rows.record[0]), int(rows.record[-1])
            offset, count = index.offset[first], last + 1 - first
            lengths = index.length[first : last + 1]
            yield number, str(chunk.shard.path), offset, count, lengths, rows.record - first, rows.start, rows.size

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

    def _decode(self, number: Any, serialized: Any, lengths: Any, within: Any, start: Any, size: Any) -> tuple:
        tf = self._tf
        parsed = tf.io.parse_example(serialized, self._spec)
        width = tf.cast(4 * tf.reduce_max(size), tf.int32)
        one_window_each = tf.equal(tf.size(within), tf.size(lengths))
        good = tf.equal(tf.size(serialized), tf.size(lengths))
        arrays = []
        for name in self._index.series:
            found = parsed[name]
            good = good & tf.reduce_all(tf.equal(tf.cast(tf.strings.length(found), tf.int64), 4 * lengths))
            # `within` ascends: as many rows as records, the last of which is wanted, may still skip one and repeat another.
            windows = tf.cond(
                one_window_each & tf.reduce_all(tf.equal(within, tf.range(tf.size(within, tf.int64)))),
                lambda found=found: found,
                lambda found=found: tf.gather(found, within),
            )
            pieces = tf.strings.substr(windows, 4 * start, 4 * size)
            arrays.append(tf.io.decode_raw(pieces, tf.float32, fixed_length=tf.maximum(width, 4)))
        return number, good, *arrays
