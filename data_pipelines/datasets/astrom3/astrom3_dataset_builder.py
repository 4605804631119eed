"""The dataset of AstroM3 as it is published (Hugging Face AstroMLCore), from local Parquet files, with its own splits."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder
from data_pipelines.kinds.multimodal.published import split_of_file
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from lcjax.errors import Rejection


class Builder(MultimodalBuilder):
    """AstroM3 (arXiv 2411.08842): ASAS-SN light curves, LAMOST spectra and catalogue columns of variable stars.

    `--source` is the folder that holds the configurations (`full_42`, `sub10_0_norm`, ...) or one of them; which one is said with
    --multimodal.subset and --multimodal.published-seed. Splits are those of the files.
    """

    name = "astrom3"
    homepage = "https://huggingface.co/AstroMLCore"

    def __init__(self, **kwargs: Any) -> None:
        """Notes the split of every object while reading."""
        self._published: dict[str, str] = {}
        super().__init__(**kwargs)

    def start(self, settings: Any) -> None:
        """The splits are those of the files, whatever the fractions."""
        super().start(settings)
        published = self._published

        class Settings(type(self.settings)):  # type: ignore[misc]
            def assign_by_fractions(
                self, labels: Mapping[str, str | None], star_of: Mapping[str, str]
            ) -> dict[str, str]:
                return {name: published[name] for name in labels}

        self.settings = Settings(**{f: getattr(self.settings, f) for f in self.settings.__dataclass_fields__})

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        for found in super()._read(report):
            if not isinstance(found, Rejection):
                self._published[found["object_id"]] = split_of_file(found["object_id"])
            yield found

    def _subset(self) -> set[str]:
        return set(self.split_of)
