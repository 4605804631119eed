"""The dataset of AstroM3 as it is published (Hugging Face AstroMLCore), from local Parquet files, with its own splits."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder
from data_pipelines.kinds.multimodal.published import published_files, read_published
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.sources.folders import check_there
from lcjax.errors import DataError, Rejection


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

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs the published Parquet files: give their folder with --source")
        for path in self.settings.sources:
            check_there(path)
        files = published_files(self.settings.sources, self.settings.options["multimodal"])
        for split, found in read_published(files):
            if not isinstance(found, Rejection):
                self._published[found["object_id"]] = split
            yield found

    def _assign(self, labels: Mapping[str, str | None], star_of: Mapping[str, str]) -> dict[str, str]:
        return {name: self._published[name] for name in labels}

    def _subset(self) -> set[str]:
        return set(self.split_of)
