"""Labels for alerts that nobody labelled: from a user's table, catalogues, cross-match columns, orbits and scores.

They are weak: a cross-match within an arcsecond may be a chance one, a known asteroid's ephemeris may be off, a bogus score is
itself a network's. Good enough to pretrain on and to test with, not to claim an accuracy on. Classes are those of the
published stamp classifier: AGN, SN, VS, asteroid, bogus.
"""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from data_pipelines.sources.alerts.record import Alert
from lcjax.errors import DataError

Rule = Literal["solar-system", "cross-match", "real-bogus"]


@dataclass(frozen=True)
class LabelSettings:
    """Where labels come from. A user's table is asked first, then a catalogue, then the rules in their order."""

    file: Path | None = None
    """CSV of your own labels: `label` and `object_id` (objectId, diaObjectId) or `alert_id` (candid, diaSourceId)."""
    catalog: Path | None = None
    """CSV of sky positions: `ra`, `dec` (degrees, ICRS), `label`; an alert gets the label of the nearest within the radius."""
    catalog_arcsec: float = 1.5
    """Radius of the catalogue match."""
    rules: tuple[Rule, ...] = ("solar-system", "cross-match", "real-bogus")
    """Weak labels, first match wins; an empty list turns them off. solar-system: asteroid where a known object is near.
    cross-match: AGN, SN or VS by the broker's columns cdsxmatch (SIMBAD, TNS) and tnsclass. real-bogus: bogus by score."""
    solar_system_arcsec: float = 5.0
    """ZTF: 0 <= ssdistnr <= this is an asteroid. Rubin: the alert's ssObjectId."""
    bogus_drb: float = 0.1
    """ZTF: drb below this is bogus."""
    bogus_rb: float = 0.3
    """ZTF before drb existed: rb below this is bogus."""
    bogus_reliability: float = 0.05
    """Rubin: reliability below this is bogus."""


_SUPERNOVA = re.compile(r"(?!.*impostor)(SN|SLSN|Supernova)\b.*", re.IGNORECASE)
_AGN = re.compile(r"(QSO|AGN|Seyfert|LINER|Blazar|BLLac|Bla|SyG|Sy1|Sy2|Seyfert_?[12])(_Candidate)?", re.IGNORECASE)
_VARIABLE = re.compile(
    r"(V\*\??|EB\*\w*|EclBin|PulsV\*\w*|LPV\*|LP\*|Mira\*?|Mi\*|EllipVar|El\*|Irregular_V\*|Ir\*|Orion_V\*|Or\*|RotV\*\w*|Ro\*|"
    r"RRLyr\w*|RRLyrae|RR\*|Cepheid|deltaCep|Ce\*|cC\*|DSctV?\*?|gammaDor|gD\*|CataclyV\*|CV\*|Nova|No\*|TTau\*|TT\*|"
    r"C\*|S\*|SB\*|Eruptive\*|Er\*|Flare\*|Fl\*|RSCVn|RS\*|BYDra|BY\*|Symbiotic\*|Sy\*|Pulsating_V\*|SemiRegV\*|sr\*)"
)


def class_of_type(name: str) -> str | None:
    """Class of a SIMBAD or TNS type as brokers write it; None for types of no class here, candidates among them.

    >>> class_of_type("(TNS) SN Ia-pec"), class_of_type("(SIMBAD) Seyfert_1"), class_of_type("RRLyr"), class_of_type("Star")
    ('SN', 'AGN', 'VS', None)
    """
    name = re.sub(r"^\((TNS|SIMBAD)\)\s*", "", name.strip())
    for pattern, label in ((_SUPERNOVA, "SN"), (_AGN, "AGN"), (_VARIABLE, "VS")):
        if pattern.fullmatch(name):
            return label
    return None


class Labeler:
    """Alert -> (label, where it comes from)."""

    def __init__(self, settings: LabelSettings) -> None:
        """Reads the user's tables.

        Raises:
          DataError: a table is missing or lacks its columns.
        """
        self.settings = settings
        self._own = _read_own(settings.file) if settings.file else {}
        self._catalog = _Catalog(settings.catalog, settings.catalog_arcsec) if settings.catalog else None
        rules: dict[str, Callable[[Alert], str | None]] = {
            "solar-system": self._solar_system,
            "cross-match": _cross_match,
            "real-bogus": self._real_bogus,
        }
        self._rules = {name: rules[name] for name in settings.rules}

    def __call__(self, alert: Alert) -> tuple[str | None, str]:
        """Label (None: no rule applies) and the name of the rule."""
        for key in (("alert", str(alert.alert_id)), ("object", alert.object_id)):
            if key in self._own:
                return self._own[key], "file"
        if self._catalog and (found := self._catalog.nearest(alert.ra, alert.dec)):
            return found, "catalog"
        for name, rule in self._rules.items():
            if found := rule(alert):
                return found, name
        return None, ""

    def _solar_system(self, alert: Alert) -> str | None:
        if alert.survey == "lsst":
            known = alert.number("ssObjectId") > 0 or bool(alert.metadata.get("ssSource.designation"))
        else:
            known = 0 <= alert.number("ssdistnr") <= self.settings.solar_system_arcsec
        return "asteroid" if known else None

    def _real_bogus(self, alert: Alert) -> str | None:
        if alert.survey == "atlas":  # rb is 0 in every packet seen, good or bad
            return None
        if alert.survey == "lsst":
            bogus = alert.number("reliability") < self.settings.bogus_reliability
        elif np.isfinite(alert.number("drb")):
            bogus = alert.number("drb") < self.settings.bogus_drb
        else:
            bogus = alert.number("rb") < self.settings.bogus_rb
        return "bogus" if bogus else None


def _cross_match(alert: Alert) -> str | None:
    for column in ("tnsclass", "tns", "cdsxmatch"):
        value = alert.metadata.get(column)
        if isinstance(value, str) and (found := class_of_type(value)):
            return found
    return None


_OBJECT_COLUMNS = ("object_id", "objectId", "oid", "diaObjectId")
_ALERT_COLUMNS = ("alert_id", "candid", "diaSourceId")
_LABEL_COLUMNS = ("label", "class", "classALeRCE")


def _read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            return list(reader.fieldnames or ()), rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"table '{path}' cannot be read ({error}): give a CSV file with a header") from error


def _column(path: Path, have: list[str], wanted: tuple[str, ...]) -> str:
    found = next((name for name in wanted if name in have), None)
    if found is None:
        raise DataError(f"table '{path}' has no column '{wanted[0]}' (it has {', '.join(have) or 'none'}): rename one")
    return found


def _read_own(path: Path) -> dict[tuple[str, str], str]:
    """('alert' or 'object', id) -> label."""
    have, rows = _read_table(path)
    label = _column(path, have, _LABEL_COLUMNS)
    alert = next((name for name in _ALERT_COLUMNS if name in have), None)
    own: dict[tuple[str, str], str] = {}
    column = alert or _column(path, have, _OBJECT_COLUMNS)
    for row in rows:
        if row[label] and row[column]:
            own["alert" if alert else "object", row[column].strip()] = row[label].strip()
    return own


class _Catalog:
    """Positions sorted by declination, so that a match looks only at a narrow strip."""

    def __init__(self, path: Path, arcsec: float) -> None:
        have, rows = _read_table(path)
        names = [_column(path, have, (name,)) for name in ("ra", "dec")] + [_column(path, have, _LABEL_COLUMNS)]
        try:
            position = np.array([[float(row[name]) for name in names[:2]] for row in rows], float).reshape(-1, 2)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"table '{path}' has a position that is no number ({error}): correct or drop the row"
            ) from error
        order = np.argsort(position[:, 1], kind="stable")
        self._dec = position[order, 1]
        self._unit = _unit_vectors(*position[order].T)
        self._labels = [rows[i][names[2]].strip() for i in order]
        self._radius = arcsec / 3600

    def nearest(self, ra: float, dec: float) -> str | None:
        """Label of the nearest entry within the radius."""
        low, high = np.searchsorted(self._dec, (dec - self._radius, dec + self._radius))
        if not np.isfinite(ra + dec) or low == high:
            return None
        chord = np.linalg.norm(self._unit[low:high] - _unit_vectors(np.array([ra]), np.array([dec])), axis=1)
        best = int(np.argmin(chord))
        close = chord[best] <= 2 * np.sin(np.deg2rad(self._radius) / 2)
        return (self._labels[low + best] or None) if close else None


def _unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    ra, dec = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
