"""Every record of prepared shards in file order, train, validation, test: what `lcjax predict` reads of a dataset."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from data_pipelines.shards.manifest import MANIFEST, Manifest, check_sizes
from data_pipelines.shards.tfrecord import parse_example, read_records
from lcjax.errors import DataError
from lcjax.files import is_left_over

T = TypeVar("T")


def holds_shards(path: Path) -> bool:
    """Whether a folder has a prepared dataset in it."""
    return path.is_dir() and any(not is_left_over(found) for found in path.rglob(MANIFEST))


def shard_records(manifest: Manifest, convert: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    """Records of a dataset, converted. No TensorFlow.

    Args:
      convert: features of a tf Example by name -> the thing wanted.

    Raises:
      DataError: a shard is missing, damaged, or holds another number of records than was written.
    """
    damage = check_sizes(manifest.shards)
    if damage:
        raise DataError(f"{damage[0]}; restore it or prepare the data again (lcjax data verify lists all damage)")
    for shard in manifest.shards:
        records = 0
        for _, payload, _ in read_records(shard.path):
            try:
                found = convert(parse_example(payload))
            except (KeyError, ValueError, TypeError, IndexError) as error:
                raise DataError(f"record {records} of shard '{shard.path}' cannot be read ({error})") from error
            records += 1
            yield found
        if records != shard.records:
            raise DataError(
                f"shard '{shard.path}' has {records} records where {shard.records} were written: restore it or "
                "prepare the data again"
            )
