"""Raw stars of several bands as a caller has them: names and slots are the same, and nothing is guessed."""

import jax
import numpy as np
import pytest

from lcjax.configs import WindowConfig
from lcjax.errors import DataError
from lcjax.inference.whole_stars import WholeStar
from lcjax.systems.base_encoder.raw_stars import made_up_stars, receive
from lcjax.systems.masked_pretraining.raw_curves import cut, sound


def batch(rows=2, points=40, seed=0):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(60_000, 60_100, (rows, points)), 1)
    mask = np.arange(points) < np.array([[points], [points - 9]])
    names = np.where(mask, rng.choice(["g", "r", "ZTF_i"], mask.shape), "nothing")
    return {"time": time, "magnitude": 15 + rng.normal(size=mask.shape), "magnitude_error": np.full(mask.shape, 0.1), "mask": mask,
            "band": names}  # fmt: skip


def test_names_and_slots_of_points_and_of_rows():
    raw = batch()
    ready = receive(raw, 6)
    expected = np.where(raw["mask"], np.select([raw["band"] == "g", raw["band"] == "r"], [1, 2], 3), 0)
    np.testing.assert_array_equal(ready["band"], expected)
    assert ready["band"].dtype == np.int32 and set(ready) == {"time", "magnitude", "magnitude_error", "mask", "band"}
    np.testing.assert_array_equal(receive({**raw, "band": expected}, 6)["band"], expected)
    by_row = receive({**raw, "band": np.array(["z", "F606W"])}, 6)["band"]
    np.testing.assert_array_equal(by_row, np.where(raw["mask"], [[4], [0]], 0))
    traced = jax.jit(lambda some: receive(some, 6))({**raw, "band": expected})
    np.testing.assert_array_equal(traced["band"], expected)


@pytest.mark.parametrize(
    ("band", "said"),
    [
        (None, "no 'band'.*tells 6 apart"),
        (np.zeros((2, 3), int), "shape"),
        (np.full((2, 40), 6), "row 0 is 6, and slots are 0 to 5"),
        (np.zeros((2, 40)), "float64"),
        (np.resize(["g", "zg"], (2, 40)), "row 0: bands 'g' and 'zg'"),
    ],
)
def test_what_is_refused(band, said):
    raw = {**batch(), "band": band}
    if band is None:
        del raw["band"]
    with pytest.raises(DataError, match=said):
        receive(raw, 6)


def test_windows_of_arrays_are_those_of_light_curves():
    raw = batch()
    ready = receive(raw, 6)
    window = WindowConfig(length=16, mode="sequential", evaluation_mode="sequential")
    windows, points = jax.jit(lambda some: cut(sound(some), window, False))(ready)
    assert points.tolist() == [[13, 13, 14], [15, 16, 0]]
    for row, there in enumerate(ready["mask"]):
        series = [raw["time"][row], ready["magnitude"][row], ready["magnitude_error"][row], ready["band"][row]]
        star, edges = WholeStar("a", "", *(x[there] for x in series)).spread(16)
        for number, (a, b) in enumerate(edges):
            at = 3 * row + number
            found = np.asarray(windows["magnitude"][at])[np.asarray(windows["mask"][at])]
            np.testing.assert_array_equal(found, star.magnitude[a:b])
            np.testing.assert_array_equal(windows["band"][at][windows["mask"][at]], star.slot[a:b])


def test_made_up_stars_have_all_bands():
    made = made_up_stars(2, 12, 6)
    assert set(made["band"][0]) == set(range(6)) and not made["band"][~made["mask"]].any()


def test_fluxes_become_magnitudes_and_what_is_no_number_is_left_out():
    raw = batch()
    flux = 10 ** (-0.4 * (raw["magnitude"] - 25))
    fluxes = {name: raw[name] for name in ("time", "mask", "band")} | {
        "flux": flux.copy(),
        "flux_error": flux.mean() * np.full(flux.shape, 1e-4),
    }
    fluxes["flux"][0, 0], fluxes["flux_error"][0, 1], fluxes["flux"][0, 2] = np.nan, np.nan, -1.0
    ready = receive(fluxes, 6)
    assert ready["mask"].sum() == raw["mask"].sum() - 2 and not ready["mask"][0, :2].any() and ready["mask"][0, 2]
    good = ready["mask"].copy()
    good[0, 2] = False
    shift = np.asarray(ready["magnitude"]) - raw["magnitude"]
    assert all(np.ptp(row[there]) < 1e-3 for row, there in zip(shift, good, strict=True)), "a constant for each star"
    for other, said in (({"magnitude": flux}, "magnitudes as well"), ({"flux_error": flux[:, 1:]}, "one shape")):
        with pytest.raises(DataError, match=said):
            receive({**fluxes, **other}, 6)
    with pytest.raises(DataError, match="looks at the brightness"):
        receive(fluxes, 6, brightness=True)
