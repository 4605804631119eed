"""Candidates of the triage page as networks take them: entries of stamp classifiers, fields of host finders."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from data_pipelines.kinds.alerts.entries import StampEntries, StampEntry
from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.host_fields.images import FieldImage
from data_pipelines.kinds.host_fields.reading import field_of
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, Stamp, World
from data_pipelines.sources.alerts.fits_stamp import StampError
from lcjax.errors import Rejection


class Cutout(Protocol):
    """One stamp."""

    pixels: np.ndarray
    pixel_scale: float
    world: Sequence[float] | None
    """Reference pixel x, y, its ra, dec, and the four elements of the CD matrix."""


class Candidate(Protocol):
    """What the page knows of an alert (`lcjax.hunt.candidates.Candidate`)."""

    survey: str
    object_id: str
    alert_id: int
    mjd: float
    ra: float
    dec: float
    band: str
    metadata: Mapping[str, float | str | None]
    cutouts: Mapping[str, Cutout]
    origin: str


def alert_of(candidate: Candidate) -> Alert:
    """A candidate as readers of packets would give it, without its history."""
    return Alert(
        survey=candidate.survey,
        object_id=candidate.object_id,
        alert_id=candidate.alert_id,
        mjd=candidate.mjd,
        ra=candidate.ra,
        dec=candidate.dec,
        band=candidate.band,
        metadata=dict(candidate.metadata),
        stamps={name: stamp_of(cutout) for name, cutout in candidate.cutouts.items()},
        origin=candidate.origin,
    )


def stamp_of(cutout: Cutout) -> Stamp:
    """A cutout as readers of packets would give it."""
    world = None if cutout.world is None else World(*cutout.world[:4], tuple(cutout.world[4:]))
    return Stamp(np.asarray(cutout.pixels), cutout.pixel_scale, world)


class CandidateEntries:
    """Makes entries of candidates, for one network."""

    def __init__(self, takes: Mapping[str, Any], options: AlertOptions) -> None:
        """`takes`: what the network's system requests of alerts: `surveys`, `metadata`, `columns`."""
        surveys = () if options.any_survey else tuple(takes["surveys"])
        columns = (*takes["metadata"], *takes["columns"])
        self._entries = StampEntries(tuple(takes["metadata"]), columns, surveys, options.size != "nominal")
        self._rules = options.rules(STAMP_NAMES)

    def __call__(self, candidate: Candidate) -> StampEntry | Rejection:
        """A candidate as the network takes it, or why it cannot."""
        alert = alert_of(candidate)
        if missing := [name for name in STAMP_NAMES if name not in alert.stamps]:
            return Rejection(alert.object_id, f"missing cutout: {missing[0]}", alert.origin, alert.alert_id)
        try:
            self._rules.check(alert.stamps, alert.survey)
        except StampError as error:
            return Rejection(alert.object_id, str(error), alert.origin, alert.alert_id)
        return self._entries(alert)


def candidate_field(candidate: Candidate, cutout: str) -> FieldImage | Rejection:
    """One stamp of a candidate as a field to find its host in, or why there is none."""
    alert = alert_of(candidate)
    if cutout not in alert.stamps:
        return Rejection(alert.object_id, f"missing cutout: {cutout}", alert.origin, alert.alert_id)
    return field_of(alert, alert.stamps[cutout])
