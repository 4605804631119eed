"""Periods in one band and in all: which rows are looked at, and what the shares are of."""

import numpy as np

from benchmarks.several_bands import ROWS, candidates, most_observed, table


def test_the_band_with_most_points_of_each_star():
    assert most_observed(["b", "a", "b", "a", "b"], np.array([3, 8, 9, 8, 2])) == [2, 1]


def test_every_row_has_its_own_candidates_and_span():
    count = ROWS + 3
    time = np.tile(np.array([0.0, 4.0, 9.0, 0.0]), (count, 1)) * (1 + np.arange(count)[:, None])
    mask = np.tile(np.array([True, True, True, False]), (count, 1))
    series = {"time": time, "magnitude": time, "magnitude_error": time, "mask": mask}
    windows = {**series, "object_id": np.arange(count).astype(str)}
    found = list(candidates(lambda batch: batch["time"][:, 1:3], windows))
    assert [name for name, _, _ in found] == windows["object_id"].tolist()
    assert [span for _, _, span in found] == (9.0 * (1 + np.arange(count))).tolist()
    assert found[-1][1].tolist() == [4.0 * count, 9.0 * count]


def test_shares_are_of_each_class_and_of_all():
    kinds = ["period", "alias", "period", "other"]
    rows = table(
        [
            {"star": str(i), "class": "RRab" if i else "EW", "how": "g", "best": kind, "among": i > 1}
            for i, kind in enumerate(kinds)
        ]
    )
    every, ew, rrab = rows
    assert (every["class"], every["stars"], every["period"], every["alias"], every["among candidates"]) == (
        "all",
        4,
        50,
        25,
        50,
    )
    assert (ew["stars"], ew["period"], rrab["stars"]) == (1, 100, 3) and abs(rrab["period"] - 100 / 3) < 1e-9
