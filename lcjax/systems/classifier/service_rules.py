"""What the ALeRCE service does around its stamp classifier, as a policy of its own (AJ 162, 231, and the broker's code).

The network's probabilities stay untouched elsewhere: rules are applied only where asked for. Two of them: an alert
with a known solar-system object nearby is an asteroid without asking the network, and a supernova candidate is not
reported when its difference is negative or a star sits on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lcjax.errors import ConfigError
from lcjax.transforms.stamp_features import SURVEY_MISSING


@dataclass(frozen=True)
class ServiceRules:
    """Which rules to apply."""

    solar_system_shortcut: bool = True
    """Probability 1 of `asteroid` where `ssdistnr` is there (neither null nor -999), for Rubin where `ssObjectId` is."""
    supernova_filter: bool = True
    """Drops objects whose top class is SN on a negative difference or on a star."""
    star_score: float = 0.5
    """Star/galaxy score (`sgscore1`) above which the nearest Pan-STARRS source is a star."""
    star_distance: float = 1.0
    """Distance (`distpsnr1`, arcsec) below which that star is at the alert's place."""


@dataclass(frozen=True)
class Ruled:
    """Answers after the rules."""

    probabilities: np.ndarray
    """(N, K) float32."""
    reported: np.ndarray
    """(N,) bool, False where the supernova filter holds the object back."""
    rule: np.ndarray
    """(N,) str, the rule that decided, empty for none."""


def apply_rules(
    probabilities: np.ndarray,
    class_names: Sequence[str],
    columns: Mapping[str, np.ndarray],
    rules: ServiceRules | None = None,
) -> Ruled:
    """Applies the service's rules to answers of the network.

    Args:
      probabilities: (N, K).
      class_names: K names, compared without regard to case.
      columns: candidate columns, (N,) each, nulls NaN: `ssdistnr` for the shortcut (arcsec, -999 none), and `ssObjectId`
        where there is one (Rubin's, above 0 for an alert that belongs to a known solar-system object); `isdiffpos`
        (1 negative, 0 positive, as the network sees it), `sgscore1` and `distpsnr1` for the filter. An alert whose
        value is missing is not held back by it.
      rules: which rules, and their limits; default both.

    Raises:
      ConfigError: a class or column that a rule needs is not there.
    """
    rules = rules or ServiceRules()
    probabilities = np.array(probabilities, np.float32)
    names = [name.lower() for name in class_names]
    reported = np.ones(len(probabilities), bool)
    rule = np.full(len(probabilities), "", dtype="<U24")
    if rules.solar_system_shortcut:
        asteroid, distance = _class(names, "asteroid"), _column(columns, "ssdistnr")
        known = np.isfinite(distance) & (distance != SURVEY_MISSING)
        if "ssObjectId" in columns:
            known |= np.asarray(columns["ssObjectId"]) > 0
        probabilities[known] = np.eye(len(names), dtype=np.float32)[asteroid]
        rule[known] = "solar system"
    if rules.supernova_filter:
        supernova = probabilities.argmax(-1) == _class(names, "sn")
        negative = supernova & (_column(columns, "isdiffpos") == 1)
        star, distance = _column(columns, "sgscore1"), _column(columns, "distpsnr1")
        on_star = supernova & (star > rules.star_score) & (distance < rules.star_distance)
        on_star &= distance > SURVEY_MISSING
        reported &= ~(negative | on_star)
        rule[on_star] = "supernova on star"
        rule[negative] = "negative supernova"
    return Ruled(probabilities, reported, rule)


def _class(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise ConfigError(f"the service rules need a class '{name}', which this model does not have: switch them off")
    return names.index(name)


def _column(columns: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in columns:
        raise ConfigError(f"the service rules need the alert column '{name}': give it, or switch the rules off")
    return np.asarray(columns[name], np.float64)
