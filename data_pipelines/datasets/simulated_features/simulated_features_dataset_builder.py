"""Simulated tables of features with classes, for detectors of anomalies."""

from collections.abc import Iterator

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.report import Report
from data_pipelines.kinds.tables import KIND
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.features import feature_names, simulate_features, simulated_table
from lcjax.errors import Rejection


class Builder(RecordBuilder):
    """Simulated features of six classes; the same (n_objects, seed) gives the same rows."""

    name = "simulated_features"
    kind = "tables"

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        seed, names = self.settings.seed, feature_names()
        table = simulated_table(seed)
        for number in range(self.settings.n_objects):
            label, values = simulate_features(table, seed, number)
            metadata = dict(zip(names, values.tolist(), strict=True))
            place = {"ra": float("nan"), "dec": float("nan")}
            yield KIND.layout.encode(f"row-{seed}-{number}", label=label, metadata=metadata, **place)
