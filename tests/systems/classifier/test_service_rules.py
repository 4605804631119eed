"""The service's rules are a policy of their own: what they change, what they leave alone, what they need."""

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.systems.classifier.service_rules import ServiceRules, apply_rules

NAMES = ("AGN", "SN", "VS", "asteroid", "bogus")


def alerts(**changes):
    columns = {
        "ssdistnr": [-999.0, 2.0, np.nan, -999, -999, -999],
        "isdiffpos": [0.0, 0, 1, 0, 0, 0],
        "sgscore1": [0.1, 0, 0, 0.9, 0.9, -999],
        "distpsnr1": [0.2, 0, 0, 0.5, 1.5, -999],
    } | changes
    return {k: np.array(v) for k, v in columns.items()}


def answers(top=1):
    probabilities = np.full((6, 5), 0.1)
    probabilities[:, top] = 0.6
    return probabilities


def test_both_rules():
    given = answers()
    ruled = apply_rules(given, NAMES, alerts())
    assert ruled.probabilities[1].tolist() == [0, 0, 0, 1, 0]
    np.testing.assert_allclose(ruled.probabilities[[0, 2, 3, 4, 5]], given[0][None].repeat(5, 0))
    assert ruled.reported.tolist() == [True, True, False, False, True, True]
    assert ruled.rule.tolist() == ["", "solar system", "negative supernova", "supernova on star", "", ""]
    assert given[1, 1] == 0.6  # the caller's array is untouched


def test_rubin_says_which_alerts_are_of_the_solar_system():
    columns = alerts(ssdistnr=[np.nan] * 6, ssObjectId=[0.0, np.nan, 7e16, -1, 0, 0])
    assert apply_rules(answers(), NAMES, columns).rule.tolist()[:4] == ["", "", "solar system", "supernova on star"]


def test_a_distance_that_is_missing_is_no_star_at_the_place():
    """-999 is below every limit; so is the distance of a star behind a null."""
    columns = alerts(sgscore1=[0.9] * 6, distpsnr1=[-999.0, 0.5, 0.5, 0.5, np.nan, -999.0], ssdistnr=[-999.0] * 6)
    ruled = apply_rules(answers(), NAMES, columns)
    assert ruled.reported.tolist() == [True, False, False, False, True, True]
    assert ruled.rule[[0, 4, 5]].tolist() == ["", "", ""]


def test_only_supernovae_are_filtered():
    ruled = apply_rules(answers(top=2), NAMES, alerts(ssdistnr=[-999.0] * 6))
    assert ruled.reported.all() and not ruled.rule.any()


def test_rules_are_switches():
    off = apply_rules(answers(), NAMES, {}, ServiceRules(False, False))
    np.testing.assert_allclose(off.probabilities, answers())
    assert off.reported.all()
    with pytest.raises(ConfigError, match="ssdistnr"):
        apply_rules(answers(), NAMES, {})
    with pytest.raises(ConfigError, match="class 'asteroid'"):
        apply_rules(answers(), ("AGN", "SN", "VS", "x", "bogus"), alerts())
