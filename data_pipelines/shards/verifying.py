"""Whether prepared datasets are as they were written."""

from collections.abc import Callable, Iterable
from pathlib import Path

from data_pipelines.shards.manifest import MANIFEST, Damage, find_datasets, read_manifest, verify
from lcjax.errors import DataError


def verify_all(paths: Iterable[Path | str], say: Callable[[str], None]) -> None:
    """Reads every file of every dataset at or below the paths; `say` is told of each dataset that is sound.

    Raises:
      DataError: files are damaged; names each.
    """
    damage: list[Damage] = []
    for folder in find_datasets(paths):
        found = verify(folder)
        damage += found
        if not found:
            manifest = read_manifest(folder)
            records = sum(shard.records for shard in manifest.shards)
            say(f"{folder}: {len(manifest.shards)} shards, {records:,} records, all as written")
    if damage:
        listed = "\n  ".join(map(str, damage))
        raise DataError(
            f"{len(damage)} damaged file(s); restore them or prepare the data again ({MANIFEST} says what was written):\n  {listed}"
        )
