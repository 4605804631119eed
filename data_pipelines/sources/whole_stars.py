"""One star is one star: parts of it in several files, row groups or rows are put together.

Readers give light curves in parts. A pass over the names alone learns which stars come in more than one; those are gathered until
their last part is there, all others go through at once. So memory holds names, and the points of stars that are open.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import FluxSeries, fluxes_of_magnitudes, joined_fluxes
from data_pipelines.sources.light_curve import RawLightCurve

Key = tuple[str, str]
"""Object id and band."""
SAME_PLACE_ARCSEC = 10.0
"""Parts of one star are not farther apart: surveys with large pixels are not worse."""


def count_parts(keys: Iterable[Key]) -> dict[int, int]:
    """How many parts the stars have that have more than one; by the hash of their key, since names take memory."""
    seen: set[int] = set()
    counts: Counter[int] = Counter()
    for key in keys:
        number = hash(key)
        if number in seen:
            counts[number] += 1
        seen.add(number)
    return {number: count + 1 for number, count in counts.items()}


def count_bands(keys: Iterable[Key]) -> dict[int, int]:
    """How many light curves the stars have that have more than one; by the hash of their id."""
    seen: set[int] = set()
    counts: Counter[int] = Counter()
    for key in keys:
        if hash(key) not in seen:
            seen.add(hash(key))
            counts[hash(key[0])] += 1
    return {number: count for number, count in counts.items() if count > 1}


class Named(Protocol):
    """A light curve or what else belongs to a star."""

    @property
    def object_id(self) -> str:
        """Name of the star."""


Item = TypeVar("Item", bound=Named)


def together(items: Iterable[Item], counts: Mapping[int, int]) -> Iterator[Item]:
    """All that belongs to one star in a row, when the last of it has come; of stars that broke off, at the end.

    Args:
      counts: hash of an id -> how many items have it, of those with more than one.
    """
    waiting: dict[str, list[Item]] = {}
    for item in items:
        if not item.object_id or hash(item.object_id) not in counts:
            yield item
            continue
        waiting.setdefault(item.object_id, []).append(item)
        if len(waiting[item.object_id]) == counts[hash(item.object_id)]:
            yield from waiting.pop(item.object_id)
    for found in waiting.values():
        yield from found


def whole_stars(parts: Iterable[RawLightCurve], counts: Mapping[int, int]) -> Iterator[RawLightCurve]:
    """Every star and band once, when its last part has come; those whose files broke off, at the end.

    Args:
      counts: what `count_parts` made of the keys of these parts.
    """
    waiting: dict[Key, list[RawLightCurve]] = {}
    faulty: set[Key] = set()
    for part in parts:
        key = (part.object_id, part.band)
        lengths = {len(part.mjd), len(part.magnitude), len(part.magnitude_error)}
        if not part.object_id or hash(key) not in counts:
            yield part
            continue
        if len(lengths) > 1:  # nothing to join: cleaning sets it aside by name
            yield part
            faulty.add(key)
            part = replace(
                part,
                mjd=part.mjd[:0],
                magnitude=part.magnitude[:0],
                magnitude_error=part.magnitude_error[:0],
                fluxes=None,
            )
        waiting.setdefault(key, []).append(part)
        if len(waiting[key]) == counts[hash(key)]:
            found = waiting.pop(key)
            if key not in faulty or any(len(one.mjd) or one.lost for one in found):
                yield joined(found)
    for key, found in waiting.items():
        if key not in faulty or any(len(one.mjd) or one.lost for one in found):
            yield joined(found)


def joined(parts: list[RawLightCurve]) -> RawLightCurve:
    """One light curve of the parts of a star in one band: sorted by time, points that are in several parts once.

    What the parts say of the star must agree: different places are a fault, different classes are all in `labels`.
    """
    parts = [part for part in parts if len(part.mjd) or part.lost or part.fluxes is not None] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    points = np.concatenate(
        [np.stack([np.asarray(a, np.float64) for a in (p.mjd, p.magnitude, p.magnitude_error)], 1) for p in parts]
    )
    points = np.ascontiguousarray(points)
    _, first = np.unique(points.view([("", "V24")]).ravel(), return_index=True)
    once = points[np.sort(first)]
    once = once[np.argsort(once[:, 0], kind="stable")]
    metadata: dict[str, float] = {}
    for part in parts:
        for name, value in part.metadata.items():
            if not np.isfinite(metadata.get(name, np.nan)):
                metadata[name] = value
    apart = _farthest(parts)
    fault = ""
    if apart > SAME_PLACE_ARCSEC:
        fault = f"several stars of one id: places {apart:,.0f} arcsec apart, also in {parts[1].origin}"
    fluxes, unlike = _joined_fluxes(parts)
    return RawLightCurve(
        parts[0].object_id,
        parts[0].band,
        *once.T,
        next((part.label for part in parts if part.label), None),
        metadata,
        f"{parts[0].origin} and {len(parts) - 1:,} more",
        labels=tuple(dict.fromkeys(label for part in parts for label in (part.labels or (part.label,)) if label)),
        lost=dict(sum((Counter(part.lost) for part in parts), Counter())),
        repeated=len(points) - len(once) + sum(part.repeated for part in parts),
        parts=len(parts),
        fault=fault or unlike or next((part.fault for part in parts if part.fault), ""),
        fluxes=fluxes,
    )


def _joined_fluxes(parts: list[RawLightCurve]) -> tuple[FluxSeries | None, str]:
    """The fluxes of a star, where any part has some, and why the parts do not go together; magnitudes become fluxes beside them."""
    zero = next((part.fluxes for part in parts if part.fluxes is not None), None)
    if zero is None:
        return None, ""
    made = [
        part.fluxes
        if part.fluxes is not None
        else fluxes_of_magnitudes(part.mjd, part.magnitude, part.magnitude_error, part.lost)
        for part in parts
        if part.fluxes is not None or len(part.mjd)
    ]
    return joined_fluxes(sorted(made, key=lambda fluxes: fluxes is not zero))


def _farthest(parts: list[RawLightCurve]) -> float:
    """Largest distance (arcsec) of a part that says where it is from the first that does; 0 if fewer than two do."""
    places = np.array([[p.metadata.get("ra", np.nan), p.metadata.get("dec", np.nan)] for p in parts])
    places = np.deg2rad(places[np.isfinite(places).all(1)])
    if len(places) < 2:
        return 0.0
    (ra, dec), (ra0, dec0) = places.T, places[0]
    half = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    return float(np.rad2deg(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1))).max()) * 3600)
