"""Tables of features: objects with named numbers, such as features of light curves, catalogue columns or embeddings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from data_pipelines.kinds.base import Kind, PrepareSettings
from data_pipelines.kinds.report import Report
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.kinds.tables.reading import read_features, table_files
from data_pipelines.shards.layout import Record, RecordLayout
from lcjax.errors import DataError, Rejection


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
        """One record a row: its numbers are `metadata`, NaN where missing."""
        asked = settings.options.get("features") or FeatureColumns()
        files, others = table_files(paths)
        report.other_files |= dict.fromkeys(map(str, others))
        seen: dict[str, str] = {}
        for path in files:
            try:
                table = read_features(path, asked)
            except DataError as error:
                if len(files) == 1:
                    raise
                report.bad_files[str(path)] = str(error)
                continue
            for row, name in enumerate(table.object_id):
                origin = f"{path} row {row}"
                if not name:
                    yield Rejection("", "no object id", origin)
                elif name in seen:
                    yield Rejection(name, f"repeated object id: first in {seen[name]}", origin)
                elif not np.isfinite(table.features[row]).any():
                    yield Rejection(name, "no features: all are missing", origin)
                else:
                    seen[name] = origin
                    values = dict(zip(table.names, table.features[row].tolist(), strict=True))
                    place = {"ra": table.ra[row], "dec": table.dec[row]}
                    yield self.layout.encode(name, label=table.label[row], metadata=values, **place)


KIND = Tables()
