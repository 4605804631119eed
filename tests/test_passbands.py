"""Slots of bands."""

import itertools

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.passbands import OTHERS, SLOTS, WAVELENGTH, band_slots, star_slots, wavelength_of


def test_rubin_bands_have_slots_of_their_own_whichever_are_there():
    whole = band_slots("yzirgu")
    assert whole == {band: i for i, band in enumerate("ugrizy")}
    for some in ("g", "gr", "uz", "giy"):
        assert band_slots(some) == {band: whole[band] for band in sorted(some, key=whole.get)}


def test_slots_are_in_order_of_wavelength_and_never_shared():
    rng = np.random.default_rng(0)
    every = [name for name in (*WAVELENGTH, *OTHERS) if name]
    for _ in range(60):
        names = list(rng.choice(every, rng.integers(1, SLOTS + 1), replace=False))
        found = band_slots(names)
        assert set(found) == set(names) and len(set(found.values())) == len(names)
        order = sorted(names, key=lambda name: found[name])
        assert all(wavelength_of(a) <= wavelength_of(b) for a, b in itertools.pairwise(order))
    assert band_slots("BVRI") == {"B": 1, "V": 2, "R": 3, "I": 4} and band_slots("VI") == {"V": 2, "I": 3}


def test_of_fewer_slots_none_beyond_them_is_taken():
    assert band_slots("z", 3) == {"z": 2} and band_slots("zi", 3) == {"i": 1, "z": 2}
    with pytest.raises(DataError, match="4 bands, and 3 are told apart"):
        band_slots("griz", 3)


def test_what_has_no_slot():
    with pytest.raises(DataError, match=r"'F606W'.*Hp"):
        band_slots(["g", "F606W"])
    with pytest.raises(DataError, match="7 bands"):
        band_slots("ugrizyJ")


def test_filters_with_the_name_of_their_survey_are_known_and_no_filter_is_taken_twice():
    assert [wavelength_of(name) for name in ("lsstg", "ZTF_r", "ps1::i", "SDSS-u", "LSST z")] == [
        482.5,
        622.2,
        754.5,
        367.0,
        869.1,
    ]
    assert wavelength_of("ztfv") is wavelength_of("gztf") is None
    assert star_slots(["ZTF_g", "lsstr"]) == {"ZTF_g": 1, "lsstr": 2} and star_slots(["F606W"]) == {"F606W": 0}
    assert star_slots([""]) == {"": 2}
    with pytest.raises(DataError, match="'g' and 'lsstg' are one filter"):
        star_slots(["r", "g", "lsstg"])
    with pytest.raises(DataError, match="without a band beside those in g, r"):
        star_slots(["g", "", "r"])
