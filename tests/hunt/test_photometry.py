"""What a packet of each survey says of its own brightness, and when."""

import numpy as np
import pytest

from lcjax.hunt.photometry import magnitudes_of_nanojansky, own_brightness, utc_of_tai


def test_rubin_times_become_utc():
    assert (utc_of_tai([57000.0, 57300.0, 61000.0]) - [57000.0, 57300.0, 61000.0]) * 86400 == pytest.approx(
        [-35, -36, -37], abs=1e-4
    )
    day = 57754.0  # the leap second before this day: 36 s in its last moment, 37 from its first on
    assert utc_of_tai(day + 37 / 86400) == day and utc_of_tai(day + 30 / 86400) < day


@pytest.mark.parametrize(
    "survey,fields,found",
    [
        ("ztf", {"magpsf": 18.0, "sigmapsf": 0.1, "isdiffpos": "f"}, (18.0, 0.1, False)),
        ("ztf", {"magpsf": 18.0, "sigmapsf": 0.1, "isdiffpos": 1.0}, (18.0, 0.1, True)),
        ("atlas", {"Mag": -17.0, "Dmag": 0.1}, (17.0, 0.1, False)),
        ("atlas", {"Mag": 17.0, "Dmag": 0.1, "flux": 5.0, "isdiffpos": "f"}, (17.0, 0.1, True)),
        ("lsst", {"psfFlux": -3631.0, "psfFluxErr": 363.1}, (22.5, 0.10857, False)),
        ("lsst", {"psfFlux": 3631.0, "psfFluxErr": 363.1}, (22.5, 0.10857, True)),
    ],
)
def test_brightness(survey, fields, found):
    magnitude, error, positive = own_brightness(survey, fields)
    assert (magnitude, error) == pytest.approx(found[:2], abs=1e-3) and positive is found[2]


def test_what_is_missing_is_not_a_number():
    assert np.isnan(own_brightness("lsst", {})[0]) and np.isnan(own_brightness("atlas", {"Mag": None})[0])
    assert np.isinf(magnitudes_of_nanojansky(0.0, 1.0)[0])
