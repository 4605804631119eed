"""Whose alerts a network may be asked about: as its settings say, as older settings give away, as a batch of arrays tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lcjax.errors import DataError

STAMP_SIDES = {"ztf": 63, "lsst": 30, "atlas": 61}
"""Pixels a side of a survey's whole stamps."""
ANY = "any"
"""What a batch says to be answered whatever it holds."""
UNKNOWN = "unknown"
"""Of a network that was trained before its settings said it and whose settings do not give it away."""
_COLUMNS = {
    "ztf": {"magpsf", "sigmapsf", "diffmaglim", "sgscore1", "distpsnr1", "ndethist", "ncovhist", "classtar", "chinr"},
    "lsst": {"psfFlux", "psfFluxErr", "apFlux", "scienceFlux", "templateFlux", "snr", "reliability", "extendedness"},
}
"""Metadata that one survey alone has under these names."""
_DATASETS = {"ztf_alerts": "ztf", "injected_alerts": "ztf", "lsst_alerts": "lsst", "atlas_alerts": "atlas"}


def usual_side(surveys: Sequence[str], least: int) -> int:
    """Side of the stamps of a network's batches: of its surveys' largest, and no less than `least`.

    >>> usual_side(("lsst",), 21), usual_side((), 21), usual_side(("lsst",), 40)
    (30, 63, 40)
    """
    return max([least, *(STAMP_SIDES[name] for name in surveys if name in STAMP_SIDES)] if surveys else [least, 63])


def surveys_given_away(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose alerts a network learned from whose settings do not say it, as far as they leave no doubt.

    Args:
      record: content of `config.json`.

    >>> surveys_given_away({"experiment": {"inputs": {"features": ["psfFlux", "snr"]}}})
    ('lsst',)
    >>> surveys_given_away({"experiment": {"inputs": {}}, "data": {"paths": ["D"]}})
    ('unknown',)
    """
    inputs = record["experiment"].get("inputs", {})
    features = set(inputs.get("features", ()))
    if found := [survey for survey, names in _COLUMNS.items() if names & features]:
        return tuple(found)
    if inputs.get("scenario") == "full":  # the network takes stamps of one size alone
        found = [survey for survey, side in STAMP_SIDES.items() if side == inputs.get("size")]
    if not found and "data" not in record:  # published weights: all are of ZTF's alerts
        return ("ztf",)
    parts = [str(path).replace("\\", "/").split("/") for path in record.get("data", {}).get("paths", ())]
    named = [{_DATASETS[name] for name in path if name in _DATASETS} for path in parts]
    if not found and named and all(len(names) == 1 for names in named):
        found = sorted(set.union(*named))
    return tuple(found) or (UNKNOWN,)


def check_survey(batch: Mapping[str, Any], surveys: Sequence[str], shape: tuple[int, ...]) -> None:
    """Makes sure that a batch of arrays may be of alerts that the network learned from.

    Args:
      batch: its `survey`, if it has any, is one name or one a row; without, the size of `stamps` must be that of the surveys.
      surveys: of the network; none: whatever comes. shape: (H, W) of the batches that the network was made for.

    Raises:
      DataError: they are of another survey, or may be.
    """
    if not surveys:
        return
    said = _said(batch.get("survey"))
    if ANY in said:
        return
    advice = f"use a network that did, or give the batch survey='{ANY}'"
    known = " and ".join(surveys)
    if UNKNOWN in surveys:
        raise DataError(
            "this network was trained before its settings said whose alerts it learned from, and they do not give it away: give the "
            f"batch survey='{ANY}' if these are such alerts, or train again"
        )
    if strange := sorted(said - set(surveys)):
        raise DataError(f"alerts of '{strange[0]}' are among these, and the network learned from {known}: {advice}")
    found = tuple(np.shape(batch["stamps"])[1:3]) if "stamps" in batch else shape
    sides = {STAMP_SIDES.get(name) for name in surveys}
    if said or None in sides or found == shape or found in {(side, side) for side in sides}:
        return
    others = [name for name, side in STAMP_SIDES.items() if found == (side, side)]
    size = "x".join(map(str, found))
    raise DataError(
        f"stamps of {size} pixels{f' are those of {others[0]}' if others else ''}, and the network learned from {known} "
        f"({' and '.join(f'{side}x{side}' for side in sorted(filter(None, sides)))}): give the batch survey='{surveys[0]}' if they are, "
        f"use a network that learned from such stamps, or give survey='{ANY}'"
    )


def _said(value: Any) -> set[str]:
    if value is None:
        return set()
    names = set(map(str, np.ravel(np.asarray(value, object)).tolist()))
    if strange := sorted(names - {*STAMP_SIDES, ANY}):
        raise DataError(f"'survey' is '{strange[0]}': it is one of {', '.join([*STAMP_SIDES, ANY])}")
    return names
