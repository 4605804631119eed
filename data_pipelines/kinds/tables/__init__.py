"""Tables of features: objects with named numbers, such as features of light curves, catalogue columns or embeddings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.report import Report
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.kinds.tables.reading import FeatureTable, check_same_units, read_features, table_files
from data_pipelines.shards.layout import Record, RecordLayout
from lcjax.errors import DataError, Rejection

_MOST_CONTRADICTED = 0.2
"""Share of the rows; more is no accident, but another table."""


class Tables(Kind):
    """Tables of features."""

    name = "tables"
    unit = "rows of features"
    layout = RecordLayout("tables", exact=("ra", "dec"), metadata=True)
    prepare_options: ClassVar = {"features": FeatureColumns, "stars": StarSettings}
    predict_options: ClassVar = {"features": FeatureColumns}

    def read_files(
        self, paths: Sequence[Path], settings: PrepareSettings, report: Report
    ) -> Iterator[Record | Rejection]:
        """One record a row: its numbers are `metadata`, NaN where missing.

        Raises:
          DataError: nothing can be read, or more than a fifth of the rows say something else of an object than another row.
        """
        asked = settings.options.get("features") or FeatureColumns()
        files, others = table_files(paths)
        report.other_files |= dict.fromkeys(map(str, others))
        seen: dict[str, tuple[str, int]] = {}
        units: dict[str, tuple[str, Path]] = {}
        rows, others_said = 0, []
        for path in files:
            try:
                table = read_features(path, asked)
                check_same_units(table, units)
            except DataError as error:
                if len(files) == 1:
                    raise
                report.bad_files[str(path)] = str(error)
                continue
            for row, name in enumerate(table.object_id):
                origin, said = f"{path} row {row}", _said(table, row)
                rows += 1
                if not name:
                    yield Rejection("", "no object id", origin)
                elif name in seen and seen[name][1] == said:
                    yield Rejection(name, f"repeated object: the same as {seen[name][0]}", origin)
                elif name in seen:
                    others_said.append(f"'{name}' in {seen[name][0]} and in {origin}")
                    yield Rejection(name, f"contradicted object: {seen[name][0]} has another class or features", origin)
                elif not np.isfinite(table.features[row]).any():
                    yield Rejection(name, "no features: all are missing", origin)
                else:
                    seen[name] = origin, said
                    values = dict(zip(table.names, table.features[row].tolist(), strict=True))
                    place = {"ra": table.ra[row], "dec": table.dec[row]}
                    yield self.layout.encode(name, label=table.label[row], metadata=values, **place)
        check_contradictions(others_said, rows)


def check_contradictions(found: Sequence[str], rows: int) -> None:
    """Refuses tables whose rows say other things of the same objects, unless they are few.

    Args:
      found: a description a row that does. rows: of all tables.

    Raises:
      DataError: they are more than a fifth.
    """
    if len(found) > _MOST_CONTRADICTED * rows:
        raise DataError(
            f"{len(found):,} of {rows:,} rows say something else of an object than another row ({found[0]}): give "
            "the table that is right alone, or ids that tell them apart"
        )


def _said(table: FeatureTable, row: int) -> int:
    """Of an object's class and features, to be compared."""
    numbers = np.nan_to_num(table.features[row], nan=np.inf).tobytes()
    return hash((table.label[row], table.names, numbers))


KIND = Tables()
