"""What datasets of several modalities share: the published split of objects read from files, or a smaller part of it; images of one form."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings
from data_pipelines.kinds.multimodal.image_files import group_of
from data_pipelines.kinds.multimodal.images import IMAGES
from data_pipelines.kinds.multimodal.subsets import subset
from data_pipelines.shards.layout import Record
from data_pipelines.splits import SPLITS
from lcjax.errors import ConfigError

_Form = tuple[tuple[int, ...], str, float]
"""Shape, names of channels, largest number."""


class MultimodalBuilder(RecordBuilder):
    """Base of the builders; `--multimodal.subset` keeps a part of every split."""

    kind = "multimodal"

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """As `RecordBuilder`; the objects of the subset are drawn once the splits are known.

        Raises:
          ConfigError: also for images of one modality that differ in size, channels or the range of their numbers.
        """
        self._kept: set[str] | None = None
        self._forms: dict[str, Counter[_Form]] = {name: Counter() for name in IMAGES}
        super().__init__(settings=settings, **kwargs)

    def meaning(self) -> dict[str, Any]:
        """Names of the channels of images."""
        names = {name: next(iter(forms))[1].split(",") for name, forms in self._forms.items() if forms}
        return {"image_channels": names} if names else {}

    def _learn(self, record: Record) -> None:
        super()._learn(record)
        for name, forms in self._forms.items():
            if record[name].size:
                top = float(record[f"{name}_full_scale"])
                forms[record[name].shape, record[f"{name}_channel_names"], top if np.isfinite(top) else 0.0] += 1

    def _features(self) -> Any:
        for name, forms in self._forms.items():
            check_forms(name, forms)
        return super()._features()

    def _subset(self) -> set[str]:
        if self._kept is None:
            part = self.settings.options["multimodal"].subset
            self._kept = set()
            for split in SPLITS:
                labels = {name: self._labels[name] for name, its in self.split_of.items() if its == split}
                self._kept |= subset(labels, part, self.settings.seed)
        return self._kept

    def _generate_examples(self, split: str) -> Iterator[tuple[str, Record]]:
        kept = self._subset()
        yield from ((name, record) for name, record in super()._generate_examples(split) if record["object_id"] in kept)


def check_forms(modality: str, forms: Mapping[_Form, int]) -> None:
    """Makes sure that the images of a modality are of one size and mean the same.

    Args:
      forms: (shape, names of channels, largest number or 0) -> images.

    Raises:
      ConfigError: they are not.
    """
    option = f"--{group_of(modality).replace('_', '-')}"

    def of(what: int, say: Any) -> Counter[str]:
        counts: Counter[str] = Counter()
        for form, count in forms.items():
            counts[say(form[what])] += count
        return counts

    listed = lambda counts: ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(4))
    if len(sizes := of(0, lambda shape: f"{shape[0]} x {shape[1]}")) > 1:
        least = min(min(form[0][:2]) for form in forms)
        raise ConfigError(
            f"the {modality} images are of several sizes: {listed(sizes)}; {option}.size {least} cuts all to the middle, a larger number leaves "
            "smaller ones out"
        )
    if len(channels := of(1, lambda names: names.replace(",", " "))) > 1:
        raise ConfigError(
            f"the {modality} images have different channels: {listed(channels)}; name those of one number with {option}.channel-names, which "
            "leaves the others out, or leave the files of one sort out"
        )
    if len(tops := of(2, lambda top: f"numbers up to {top:g}" if top else "fluxes")) > 1:
        raise ConfigError(
            f"the {modality} images are of several sorts: {listed(tops)}; leave the files of one sort out"
        )
