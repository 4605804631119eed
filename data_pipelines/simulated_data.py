"""The embedded defaults of who trains without data of one's own: simulated once, and then found again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from data_pipelines.datasets.options import option_groups
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import MANIFEST

N_OBJECTS = 3000


class Simulated(Protocol):
    """What is to be simulated (`lcjax.systems.base.Simulated`)."""

    @property
    def builder(self) -> str:
        """Of `lcjax data prepare`."""

    @property
    def n_objects(self) -> int:
        """Records."""

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Option group -> what is set in it."""


def simulated_datasets(datasets: Mapping[str, Simulated], out: Path, say: Callable[[str], None] = print) -> list[Path]:
    """Datasets by name, in `out`; `say`: told what is simulated."""
    groups = option_groups() if datasets else {}
    for name, of in datasets.items():
        if not any(out.glob(f"{name}/*/{MANIFEST}")):
            say(f"simulating {of.n_objects} records of {name} into {out} ...")
            options = {group: groups[group](**values) for group, values in of.options.items()}
            prepare(of.builder, [], out, name=name, n_objects=of.n_objects, **options)
    return [out / name for name in datasets]


def simulated_survey(
    out: Path, dataset: str = "simulated", n_objects: int = N_OBJECTS, say: Callable[[str], None] = print
) -> Path:
    """One dataset, of the builder of its name."""
    if not any(out.glob(f"{dataset}/*/{MANIFEST}")):
        say(f"simulating a survey of {n_objects} objects into {out} ...")
        prepare(dataset, sources=[], out=out, n_objects=n_objects)
    return out / dataset
