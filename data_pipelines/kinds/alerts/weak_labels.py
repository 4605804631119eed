"""Labels for alerts that nobody labelled: from a user's table, catalogues, cross-match columns, orbits and scores.

They are weak: a cross-match within an arcsecond may be a chance one, a known asteroid's ephemeris may be off, a bogus score is
itself a network's. Good enough to pretrain on and to test with, not to claim an accuracy on. Classes are those of the
published stamp classifier: AGN, SN, VS, asteroid, bogus.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from data_pipelines.kinds.alerts.label_tables import Catalog, OwnLabels, TableUse
from data_pipelines.sources.alerts.record import Alert

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
          DataError: a table is missing, lacks its columns, or has a label of several lines.
        """
        self.settings = settings
        self._own = OwnLabels(settings.file) if settings.file else None
        self._catalog = Catalog(settings.catalog, settings.catalog_arcsec) if settings.catalog else None
        rules: dict[str, Callable[[Alert], str | None]] = {
            "solar-system": self._solar_system,
            "cross-match": _cross_match,
            "real-bogus": self._real_bogus,
        }
        self._rules = {name: rules[name] for name in settings.rules}

    def __call__(self, alert: Alert) -> tuple[str | None, str]:
        """Label (None: no rule applies) and the name of the rule.

        Raises:
          ContradictoryLabelsError: a table has several labels for it.
        """
        if self._own and (found := self._own.find(alert)):
            return found, "file"
        if self._catalog and (found := self._catalog.nearest(alert.ra, alert.dec)):
            return found, "catalog"
        for name, rule in self._rules.items():
            if found := rule(alert):
                return found, name
        return None, ""

    def tables(self) -> dict[str, TableUse]:
        """Option -> what its table was good for, of the alerts up to now."""
        asked = {"--labels.file": self._own, "--labels.catalog": self._catalog}
        return {option: table.use() for option, table in asked.items() if table}

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
