"""A night of simulated alerts: stamps of six classes, light curves that suit them, and the fields of a packet.

Made to try tools on, not to train networks for the sky: backgrounds are noise, and fields of the packet are drawn from rough
distributions of each class. Every alert is a function of (seed, number) alone.
"""

from collections.abc import Iterator

import numpy as np

from data_pipelines.simulate.stamp_classes import CLASS_NAMES, Background, StampSimulator
from data_pipelines.simulate.transients import TRANSIENTS
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, Stamp

SURVEY = "simulated"
SHARES = {"agn": 0.2, "asteroid": 0.2, "bogus": 0.2, "satellite": 0.05, "sn": 0.15, "vs": 0.2}
"""Of the classes in a night."""
_SIDE = 63
_NIGHT_MJD = 60_600.0
_LIMIT = {"g": 20.6, "r": 20.5}
_FWHM, _NOISE, _SKY = 2.1, 12.0, 200.0


def simulated_night(count: int, seed: int = 0, first: int = 0) -> Iterator[tuple[Alert, str]]:
    """Alerts with the name of their class, numbers `first` to `first + count`."""
    simulator = StampSimulator()
    names, shares = list(SHARES), np.array(list(SHARES.values()))
    assert set(names) == set(CLASS_NAMES)
    for number in range(first, first + count):
        rng = np.random.default_rng([seed, number])
        name = str(rng.choice(names, p=shares / shares.sum()))
        yield _alert(rng, simulator, name, number), name


def _alert(rng: np.random.Generator, simulator: StampSimulator, name: str, number: int) -> Alert:
    stamps = simulator.make(rng, _background(rng), name)
    if rng.random() < 0.05:  # the edge of a detector
        stamps[: int(rng.integers(2, 20))] = np.nan
    ra, dec = _place(rng, galactic=name == "vs")
    mjd = _NIGHT_MJD + rng.uniform(0.1, 0.45)
    band = "g" if rng.random() < 0.5 else "r"
    magnitude = float(rng.uniform(17.0, 20.3))
    history, limits = _curve(rng, name, mjd, band, magnitude)
    return Alert(
        survey=SURVEY,
        object_id=f"SIM{number:07d}",
        alert_id=number + 1,
        mjd=mjd,
        ra=ra,
        dec=dec,
        band=band,
        metadata=_fields(rng, name, magnitude, len(history["mjd"]), ra, dec),
        stamps={channel: Stamp(stamps[..., i], 1.0) for i, channel in enumerate(STAMP_NAMES)},
        history=history,
        non_detections=limits,
        origin=f"simulated#{number}",
    )


def _background(rng: np.random.Generator) -> Background:
    """Sky with noise and no source."""
    noise = rng.normal(0, 1, (_SIDE, _SIDE, 3)) * (_NOISE, 0.4 * _NOISE, _NOISE)
    stamps = noise + np.array((_SKY, _SKY, 0.0))
    return Background(stamps.astype(np.float32), _FWHM * float(rng.uniform(0.8, 1.4)), _NOISE)


def _place(rng: np.random.Generator, galactic: bool) -> tuple[float, float]:
    """Even on the northern sky; variable stars nearer to the Galactic plane."""
    while True:
        ra, dec = float(rng.uniform(0, 360)), float(np.degrees(np.arcsin(rng.uniform(-0.5, 0.98))))
        a, d, pole = np.radians(ra - 192.85948), np.radians(dec), np.radians(27.12825)
        sine = np.sin(d) * np.sin(pole) + np.cos(d) * np.cos(pole) * np.cos(a)
        if rng.random() < (np.exp(-np.abs(sine) / 0.25) if galactic else 1.0):
            return ra, dec


def _curve(
    rng: np.random.Generator, name: str, mjd: float, band: str, magnitude: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Detections and limits of the thirty days before."""
    days = np.sort(rng.uniform(-30, -0.5, 16))
    bands = np.where(rng.random(16) < 0.5, "g", "r")
    if name == "sn":
        age = rng.uniform(1.0, 12.0)
        model = TRANSIENTS["SNIa"](rng, np.append(days, 0.0) + age - 17.0)
        values = model[:-1] - model[-1] + magnitude
    elif name in ("agn", "vs"):
        period = rng.uniform(0.3, 20.0) if name == "vs" else 60.0
        values = magnitude + 0.5 * np.sin(2 * np.pi * days / period) + rng.normal(0, 0.1, 16)
    else:
        values = np.full(16, 99.0)
    limit = np.array([_LIMIT[b] for b in bands]) + rng.normal(0, 0.2, 16)
    seen = values < limit
    error = 0.03 + 0.15 * 10 ** (0.4 * (np.minimum(values, limit) - limit))
    values = values + rng.normal(0, 1, 16) * error
    history = {
        "alert_id": np.arange(seen.sum(), dtype=np.int64),
        "mjd": mjd + days[seen],
        "band": bands[seen],
        "magnitude": values[seen].astype(np.float32),
        "error": error[seen].astype(np.float32),
        "positive": np.ones(seen.sum(), bool),
    }
    limits = {"mjd": mjd + days[~seen], "band": bands[~seen], "limit": limit[~seen].astype(np.float32)}
    return history, limits


def _fields(
    rng: np.random.Generator, name: str, magnitude: float, detections: int, ra: float, dec: float
) -> dict[str, float | str | None]:
    """Some of a packet's, under the names of ZTF's."""
    star = {"vs": rng.beta(8, 1), "agn": rng.beta(3, 3)}.get(name, rng.beta(1, 3))
    distance = rng.uniform(0, 0.8) if name in ("vs", "agn") else rng.gamma(2.0, 2.5)
    real = rng.beta(1.5, 5) if name == "bogus" else rng.beta(12, 1.2)
    return {
        "magpsf": magnitude,
        "sigmapsf": float(0.03 + 0.12 * 10 ** (0.4 * (magnitude - 20.3))),
        "diffmaglim": 20.5,
        "isdiffpos": "f" if name in ("vs", "agn") and rng.random() < 0.4 else "t",
        "fwhm": float(rng.normal(2.2, 0.3)),
        "classtar": float(rng.uniform(0, 1) if name == "bogus" else rng.beta(8, 1)),
        "sgscore1": float(star),
        "distpsnr1": float(distance),
        "ssdistnr": float(rng.uniform(0, 4)) if name == "asteroid" and rng.random() < 0.6 else -999.0,
        "drb": float(real),
        "rb": float(np.clip(real + rng.normal(0, 0.1), 0, 1)),
        "ndethist": float(detections + 1),
        "ncovhist": float(detections + rng.integers(20, 600)),
        "ra": ra,
        "dec": dec,
    }
