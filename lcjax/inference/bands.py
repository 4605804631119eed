"""Stars with several bands as one: what a model gives for each band, averaged with as much weight as the band has points."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lcjax.errors import ConfigError, Rejection
from lcjax.inference.light_curves import LightCurve, LightCurvePredictor, Prediction
from lcjax.inference.output import BandOptions, Level, Options


@dataclass(frozen=True)
class Star:
    """A star by all its bands."""

    object_id: str
    band: str
    """Names of its bands, by `+`."""


def check_level(level: Level) -> None:
    """Whether bands can be pooled at a level.

    Raises:
      ConfigError: rows are of windows or points, of which no two bands have the same.
    """
    if level not in ("star", "layer"):
        raise ConfigError(
            f"--bands.pool makes one row of a star, and --output.level {level} several: leave one of them out"
        )


def predicted(
    predictor: LightCurvePredictor, items: "Iterable[LightCurve | tuple[LightCurve, ...] | Rejection]"
) -> "Iterator[Prediction | Rejection]":
    """One prediction an item, in order: of a light curve, or of a star whose bands are a tuple of light curves."""
    sizes: deque[int | None] = deque()  # None: an item that is no tuple

    def one_by_one() -> Iterator[LightCurve | Rejection]:
        for item in items:
            sizes.append(len(item) if isinstance(item, tuple) else None)
            yield from item if isinstance(item, tuple) else (item,)

    found = predictor.predict(one_by_one())
    for first in found:
        size = sizes.popleft()
        if size is None:
            yield first
        else:
            yield pooled([first, *(next(found) for _ in range(size - 1))])  # type: ignore[list-item]


def pooled(bands: "Sequence[Prediction]") -> Prediction:
    """Means over the windows of all bands, each weighing as many points as it has."""
    weights = np.array([one.weight for one in bands])
    shares = weights / weights.sum()
    mean = lambda name: sum(
        share * one.outputs[name].astype(np.float64) for share, one in zip(shares, bands, strict=True)
    )
    star = Star(bands[0].light_curve.object_id, "+".join(one.light_curve.band for one in bands))
    return Prediction(
        star,  # type: ignore[arg-type]
        {name: np.asarray(mean(name), np.float32) for name in bands[0].outputs},
        sum(one.n_points for one in bands),
        np.concatenate([one.edges for one in bands]),
        float(weights.sum()),
    )


def bands_wanted(options: Options, together: bool = False) -> dict[str, Any]:
    """What a system that pools bands takes of its reader, or one that looks at them `together`.

    Raises:
      ConfigError: bands are to be pooled of which the model makes one answer.
    """
    chosen: BandOptions = options.get("bands") or BandOptions()
    if together and chosen.pool:
        raise ConfigError(
            "this model looks at all bands of a star together and has one row a star: leave --bands.pool out, or give one band with --bands.only"
        )
    wanted: dict[str, Any] = {"bands_together": True} if chosen.pool or together else {}
    return wanted | ({"bands": chosen.only} if chosen.only else {})
