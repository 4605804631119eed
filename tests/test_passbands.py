"""Slots of bands."""

import itertools

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.passbands import OTHERS, SLOTS, WAVELENGTH, band_slots, wavelength_of


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
    with pytest.raises(DataError, match=r"4 bands .* and 3 are told apart"):
        band_slots("griz", 3)


def test_what_has_no_slot():
    with pytest.raises(DataError, match=r"'F606W'.*Hp"):
        band_slots(["g", "F606W"])
    with pytest.raises(DataError, match="7 bands"):
        band_slots("ugrizyJ")
