"""Reconstruction of held-out stars: who is counted, how windows become stars, what is reported."""

import dataclasses

import jax
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.reconstruction import probed_sums
from lcjax.inference.loaded import Loaded
from lcjax.systems.masked_pretraining.evaluation import SHOWN_WINDOWS, evaluate, held_out_stars
from lcjax.systems.masked_pretraining.reconstruction import reconstruct_batches
from lcjax.training.source import device_part
from tests.inference.models import untrained
from tests.training.curves import CurveSource, tiny_astromer

CLASSES = ("RRab", "Mira")
ROWS, LENGTH = 8, 24
STARS = ["a", "a", "b", "c", "d", "d", "e", "f"]
"""Of the rows of every batch; star `d` has one window in each of two bands."""


class Curves(CurveSource):
    """Two batches of eight windows; the last row of the second only fills up."""

    class_names = CLASSES
    dataset_of_record = np.array(["macho"] * 4 + ["ogle"] * 4)

    def evaluation_batches(self):
        for index in range(2):
            batch = self.batch(7, index)
            batch["record"] = np.arange(ROWS)
            batch["object_id"] = np.array([f"{s}{index}" for s in STARS])
            batch["band"] = np.array(["", "", "", "", "V", "I", "", ""])
            batch["label"] = np.array([0, 0, 1, -1, 0, 0, 1, 0], np.int32)
            if index:
                batch["weight"][-1], batch["record"][-1] = 0, -1
            yield batch


@pytest.fixture(scope="module")
def loaded():
    experiment = tiny_astromer()
    task, variables = untrained(experiment)
    return Loaded(experiment, task, variables)


@pytest.fixture(scope="module")
def held_out(loaded):
    return held_out_stars(loaded, Curves(ROWS, LENGTH))


def test_windows_of_one_star_and_band_are_one_object(held_out):
    # a (two windows), b, c, d in V, d in I, e, f of the first batch; the same but f of the second.
    assert held_out.objects == len(held_out.embedding) == 7 + 6
    batches = list(Curves(ROWS, LENGTH).evaluation_batches())
    assert held_out.n_points[0] == batches[0]["length"][:2].sum()
    assert held_out.label.tolist() == [0, 1, -1, 0, 0, 1, 0, 0, 1, -1, 0, 0, 1]
    assert sorted(set(held_out.sums.object_id)) == sorted({f"{s}{i}" for i in (0, 1) for s in STARS} - {"f1"})
    assert len(held_out.statistics["points in window"]) == 15


def test_embeddings_are_means_weighted_by_points(held_out, loaded):
    (first, _) = Curves(ROWS, LENGTH).evaluation_batches()
    embedded = np.asarray(jax.jit(loaded.task.predict)(loaded.variables, device_part(first))["embedding"], np.float64)
    weight = first["length"][:2] / first["length"][:2].sum()
    np.testing.assert_allclose(held_out.embedding[0], weight @ embedded[:2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(held_out.embedding[1], embedded[2], rtol=1e-4, atol=1e-5)


def test_scores_are_those_of_the_hidden_points(held_out, loaded):
    squares = points = 0.0
    for batch, out in reconstruct_batches(loaded.task, loaded.variables, Curves(ROWS, LENGTH).evaluation_batches()):
        residual, _, count = probed_sums(out["target"], out["prediction"], out["probed"])
        real = (batch["weight"] > 0) & (batch["record"] < 4)
        squares, points = squares + residual[real].sum(), points + count[real].sum()
    scores = evaluate(loaded, Curves(ROWS, LENGTH), "next")
    first = scores.values[0]
    assert (first["survey"], first["stars"], first["objects"]) == ("macho", "all", 6)
    assert first["rmse"]["value"] == pytest.approx(np.sqrt(squares / points), rel=1e-5)
    rows = {(row["survey"], row["stars"]): row["objects"] for row in scores.values}
    assert rows["macho", "long-period"] == 2 and rows["macho", "without long-period"] == 4
    assert rows["ogle", "all"] == 5
    assert scores.commands == "next" and scores.cards[0] == (f"{first['r2']['value']:.2f}", "R² of hidden points")
    assert ("13", "held-out stars") in scores.cards
    assert scores.facts["embedding"].shape == held_out.embedding.shape


def test_pictures_show_well_filled_windows_of_different_classes(held_out):
    shown = [window["label"] for window in held_out.windows]
    assert 0 < len(shown) == len(set(shown)) <= SHOWN_WINDOWS
    for window in held_out.windows:
        assert 20 <= len(window["time"]) == len(window["prediction"]) == len(window["probed"])
        assert "target" not in window


def test_an_empty_split_is_said(loaded):
    empty = dataclasses.make_dataclass("Empty", ())()
    empty.class_names, empty.dataset_of_record, empty.evaluation_batches = (), np.array([]), lambda: iter(())
    with pytest.raises(DataError, match="no light curves"):
        held_out_stars(loaded, empty)


class Whole(Curves):
    """The same with points in three bands, five magnitudes apart."""

    def evaluation_batches(self):
        for batch in super().evaluation_batches():
            band = np.arange(LENGTH, dtype=np.int32) % 3 + 0 * batch["mask"]
            yield batch | {
                "band": band,
                "magnitude": np.where(batch["mask"], batch["magnitude"] + 5 * band, 0).astype(np.float32),
            }


def test_colours_are_no_variation_and_bands_of_a_star_are_one_object(loaded, held_out):
    found = held_out_stars(loaded, Whole(ROWS, LENGTH))
    assert found.objects == 6 + 5, "d, in two bands before, is one star in each batch"
    per_point = lambda sums: float(np.sum(sums.squared_deviation) / np.sum(sums.count))
    assert per_point(found.sums) < 1.2 * per_point(held_out.sums)
    mean = found.baselines["window mean"]
    assert np.median(mean.squared_residual / mean.count) < 1.5, "colours alone make it 17"
    assert np.median(found.statistics["scatter over error"]) < 2 * np.median(held_out.statistics["scatter over error"])
    assert all(len(window["time"]) <= LENGTH // 3 for window in found.windows)
