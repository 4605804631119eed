"""Points of one star as its table is understood: every point that was there is there still, or counted under one reason."""

import numpy as np

from data_pipelines.kinds.light_curves.columns import ColumnNames, recognise
from data_pipelines.kinds.light_curves.interpretation import interpret

NAMES = ["id", "jd", "flux", "flux_err", "catflags"]


def pieces(**changed):
    series = {"time": 2_459_000.5 + np.arange(6.0), "flux": np.full(6, 100.0), "flux_error": np.ones(6)}
    return series | {"flag:catflags": np.zeros(6)} | changed


def reading(**given):
    columns = recognise(NAMES, ColumnNames(**given), "t")
    return interpret(columns, NAMES, pieces()["time"], False, ColumnNames(**given), "t")


def test_times_and_magnitudes():
    points = reading(zero_point=25.0).points(pieces())
    assert points.mjd.tolist() == (59_000 + np.arange(6.0)).tolist() and not points.lost
    np.testing.assert_allclose(points.magnitude, 20.0)


def test_a_point_is_lost_for_one_reason():
    flux, flag = np.array([1.0, -1, -1, 1, 0, 1]), np.array([32768.0, 32768, 0, 0, 0, 0])
    points = reading().points(pieces(flux=flux, **{"flag:catflags": flag}))
    assert points.lost == {"flagged by catflags": 2, "flux not positive": 2} and len(points.mjd) == 2


def test_a_star_of_another_count_is_lost_unless_the_user_says_what_times_are():
    other = pieces(time=59_000 + np.arange(6.0))
    assert reading().points(other).lost == {"times unlike those of the table": 6}
    assert not reading(time_format="jd").points(other).lost


def test_what_is_said():
    assert reading().said.keys() == {"times", "brightness", "flags"}
    assert reading(flag="none").every_point == {"time", "flux", "flux_error"}
