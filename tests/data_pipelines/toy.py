"""A kind of data as a stranger would add one: light curves with a spectrum, votes and numbers, from `.npz` files."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.kinds.base import Kind
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.writing import write_manifest, write_shards
from lcjax.errors import Rejection

LAYOUT = RecordLayout(
    "spectral_stars",
    {
        "time": ("length",),
        "magnitude": ("length",),
        "flux": ("spectrum_length",),
        "wavelength": ("spectrum_length",),
        "picture": ("rows", "columns"),
    },
    exact=("epoch",),
    floats=("redshift",),
    integers=("source_id",),
    targets={"votes": 3},
    metadata=True,
)
CLASSES = ("EA", "RRab")


class SpectralStars(Kind):
    """Light curves with spectra."""

    name = "spectral_stars"
    unit = "stars with spectra"
    layout = LAYOUT

    def read_files(self, paths, settings, report):
        for path in paths:
            for number, flux in enumerate(np.load(path)["flux"]):
                if not np.isfinite(flux).all():
                    yield Rejection(f"n{number}", "flux not finite: NaN", f"{path}#{number}")
                    continue
                label = CLASSES[number % 2] if number % 5 else None
                rest = {"source_id": number, "picture": np.zeros((2, 2)), "metadata": {"n": number}}
                yield self.layout.encode(f"n{number}", label=label, time=flux, magnitude=flux, **rest)


def record(number: int, seed: int = 0) -> dict:
    """Every third has no spectrum, every fourth no votes, every fifth no picture, every seventh no light curve."""
    rng = np.random.default_rng((seed, number))
    n = int(rng.integers(3, 40)) if number % 7 else 0
    values = {"time": np.arange(n), "magnitude": 1000 * number + np.arange(n)}
    if number % 3:
        m = int(rng.integers(1, 30))
        values |= {"flux": 1000 * number + np.arange(m) + 0.5, "wavelength": rng.random(m)}
    if number % 5:
        values["picture"] = np.full((2, 3), number)
    if number % 4:
        values["votes"] = [number, 0.25, 0.5]
    return LAYOUT.encode(
        f"star-{number // 2}",
        band="VI"[number % 2],
        label=number % 3 - 1,
        epoch=50_000 + number / 7,
        redshift=number / 10,
        source_id=10**15 + number,
        metadata={"period": number / 3} if number % 2 else {},
        **values,
    )


def write(folder: Path, count: int = 60, shards: int = 4, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Path:
    """A dataset of these records."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "label.labels.txt").write_text("\n".join(classes))
    write_shards(folder, "toy", "train", [record(i, seed) for i in range(count)], LAYOUT, shards)
    write_manifest(folder, LAYOUT)
    return folder


MODULES = {
    "toy_kind": "from tests.data_pipelines.toy import SpectralStars\nKIND = SpectralStars()\n",
    "toy_dataset": '''
from data_pipelines.datasets.record_builder import RecordBuilder


class Builder(RecordBuilder):
    """Stars with spectra."""

    name = "toy_stars"
    kind = "spectral_stars"
''',
}
ENTRY_POINTS = """[lcjax.kinds]
spectral_stars = toy_kind:KIND

[lcjax.datasets]
toy_stars = toy_dataset:Builder
broken_stars = toy_dataset:Nothing
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The kind and a dataset of it, as an installed package has them."""
    from data_pipelines.kinds import kinds
    from lcjax.discovery import entry_points

    site = tmp_path / "site"
    about = site / "toy_package-1.0.dist-info"
    about.mkdir(parents=True)
    for name, text in MODULES.items():  # tfds knows a builder for good, so modules stay loaded from test to test
        (site / f"{name}.py").write_text(text)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(site))
    clear = lambda: (kinds.cache_clear(), entry_points.cache_clear())
    clear()
    yield
    monkeypatch.undo()
    clear()
