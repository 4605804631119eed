"""Made-up candidates, feeds and models, light enough to start a server with in a second."""

import dataclasses
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lcjax.errors import Rejection
from lcjax.hunt.background import Background
from lcjax.hunt.candidates import STAMP_NAMES, Candidate, Cutout, Delivery, Host, LightCurve
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.night import Night

TOKEN = "a-token-for-tests-only"
CLASSES = ("AGN", "SN", "VS", "asteroid", "bogus")


def candidate(number: int, **changes) -> Candidate:
    rng = np.random.default_rng(number)
    stamps = rng.normal(100, 10, (3, 21, 21)).astype(np.float32)
    stamps[0, 9:12, 9:12] += 20 * (number % 10)
    world = (10.0, 10.0, float(number), 10.0, -1 / 3600, 0.0, 0.0, -1 / 3600)
    mjd = 60000.0 + number / 1000
    curve = LightCurve(
        {
            "mjd": [mjd - 2, mjd],
            "band": ["r", "g"],
            "magnitude": [19.5, 19.0],
            "error": [0.1, 0.1],
            "positive": [True, True],
        },
        {"mjd": [mjd - 4], "band": ["r"], "limit": [20.5]},
        {"mjd": [mjd - 5], "band": ["g"], "flux": [10.0], "error": [1.0]},
    )
    usual = Candidate(
        survey="ztf",
        object_id=f"ZTF{number:05d}",
        alert_id=2**60 + number,
        mjd=mjd,
        ra=float(number % 360),
        dec=10.0 + (number % 50),
        band="g" if number % 2 else "r",
        magnitude=17.0 + (number % 40) / 10,
        magnitude_error=0.1,
        metadata={
            "drb": (number % 10) / 10,
            "sgscore1": 0.2,
            "distpsnr1": 3.0,
            "ssdistnr": -999.0,
            "fwhm": 2.0,
            "isdiffpos": "t",
        },
        cutouts={name: Cutout(stamps[i], 1.0, world) for i, name in enumerate(STAMP_NAMES)},
        light_curve=curve,
        origin=f"night.avro#{number}",
    )
    return dataclasses.replace(usual, **changes)


class ListFeed:
    """What it is given, once; more may be added."""

    name = "made-up alerts"

    def __init__(self, arrivals: Sequence[Candidate | Rejection]) -> None:
        self.arrivals = list(arrivals)

    def waiting(self) -> int:
        return 0

    def close(self) -> None:
        pass

    def deliveries(self, marks: Mapping[str, str]) -> Iterator[Delivery]:
        done = int(marks.get("list", "0"))
        if done < len(self.arrivals):
            yield Delivery(self.arrivals[done:], {"list": str(len(self.arrivals))})


class Brightness:
    """SN by how bright the middle of the science stamp is; refuses alerts without it."""

    def __init__(self, name: str = "brightness", class_names: tuple[str, ...] = CLASSES) -> None:
        self.name, self.class_names, self.asked = name, class_names, 0

    def classify(self, candidates):
        self.asked += len(candidates)
        return [self._one(c) if "science" in c.cutouts else "missing cutout: science" for c in candidates]

    def _one(self, candidate):
        pixels = np.asarray(candidate.cutouts["science"].pixels)
        sn = 1 / (1 + np.exp(-(np.nanmean(pixels[9:12, 9:12]) - np.nanmedian(pixels) - 90) / 40))
        rest = (1 - sn) / (len(self.class_names) - 1)
        return np.array([sn if name.lower() == "sn" else rest for name in self.class_names])

    def gradient(self, candidate, label):
        return None


class MiddleHost:
    """A host two pixels from the middle."""

    name, cutout = "middle", "template"

    def find(self, candidates):
        return [Host(12.0, 10.0, 2.0, 0.5, variants=((12.0, 10.0), (12.5, 10.0))) for _ in candidates]


def make_night(folder: Path, arrivals, *, models=None, finder=None, start=True, **settings) -> Night:
    """A night whose candidates are all read and classified, if `start`."""
    made = [Brightness()] if models is None else models
    database = Database(sqlite_url(folder / "hunt.sqlite"))
    known = settings.pop("known", None)
    background = Background(database, ListFeed(arrivals), lambda: made, lambda: finder, known, "SN", lambda text: None)
    night = Night(database, background, **({"token": TOKEN} | settings))
    if start:
        background.start()
        background.settle()
    return night


def new_key() -> str:
    return secrets.token_hex(8)
