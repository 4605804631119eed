"""Stars of a prepared dataset, and what a table of embeddings has of them."""

import numpy as np
import pytest

from data_pipelines import labelled_stars
from data_pipelines.labelled_stars import LabelledStars, of_classes, of_dataset, of_datasets, refuse_namesakes
from data_pipelines.prepare import prepare
from data_pipelines.shards import stars as places
from data_pipelines.sources.embedding_tables import Classes, Embeddings
from lcjax.errors import DataError

STARS = 60


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stars")
    lines = ["id,time,mag,err,label"]
    for i in range(STARS):
        label = "" if i >= 56 else "ab"[i % 2]
        lines += [f"s{i},{50_000 + day},{15 + 0.1 * (day % 3)},0.1,{label}" for day in range(12)]
    (folder / "stars.csv").write_text("\n".join(lines))
    done = prepare("light_curve_files", [folder / "stars.csv"], folder / "D", shards=1, fractions=(0.6, 0.2, 0.2))
    return done.manifest


def test_stars_of_a_dataset(manifest, monkeypatch):
    stars = of_dataset(manifest, "validation")
    train, validation = (manifest.index(split) for split in ("train", "validation"))
    expected = dict(zip(train.object_ids(), train.label, strict=True)) | dict(
        zip(validation.object_ids(), validation.label, strict=True)
    )
    assert stars.label == {name: label for name, label in expected.items() if label >= 0}
    assert stars.trains == {name: name in set(train.object_ids()) for name in stars.label}
    assert len(stars.unused) + len(stars.label) == STARS and not stars.notes
    leak = next(name for name in stars.trains if stars.trains[name])
    found = places.Leaks({manifest.folder.resolve(): frozenset([leak])}, 1, "")
    monkeypatch.setattr(labelled_stars, "find_leaks", lambda *given: found)
    without = of_dataset(manifest, "validation")
    assert leak not in without.label and "1 stars to learn from are tested too" in without.notes[0]


def test_datasets_have_names_and_an_id_of_two_is_refused(manifest):
    (one,) = of_datasets([manifest.folder], "test")
    assert one.label == of_dataset(manifest, "test").label and one.name == "light_curve_files"
    refuse_namesakes(list(one.label), [one], "t")
    known = next(iter(one.label))
    refuse_namesakes(["nobody"], [one, one], "t")
    with pytest.raises(DataError, match=f"'{known}' of 't' is in light_curve_files and in light_curve_files"):
        refuse_namesakes([known], [one, one], "t")


def test_rows_are_matched_by_id_and_band():
    stars = LabelledStars("d", ("a", "b"), {"x": 0, "y": 1, "z": 1}, {"x": True, "y": False, "z": False})
    vectors = np.array([[1.0], [2.0], [2.0], [np.nan], [5.0]], np.float32)
    table = Embeddings(["x", "y", "y", "z", "w"], vectors, ["g"] * 4 + ["r"], [None] * 5)
    matched, said = stars.matched(table, "g", "t")
    assert matched.object_id.tolist() == ["x", "y"] and matched.embedding[:, 0].tolist() == [1.0, 2.0]
    assert matched.label.tolist() == [0, 1] and matched.train.tolist() == [0] and matched.test.tolist() == [1]
    assert said[:2] == ["1 repeated rows, taken once ('y')", "1 stars whose embedding is not finite, left out ('z')"]


def test_a_fifth_of_each_class_is_tested_where_nothing_says_the_splits():
    classes = Classes({f"s{i}": "ab"[i % 2] for i in range(40)}, {})
    stars = of_classes("t", classes, "validation")
    tested = [name for name, trains in stars.trains.items() if not trains]
    assert len(stars.trains) == 40 and sorted(stars.label[name] for name in tested) == [0] * 4 + [1] * 4
    assert of_classes("t", classes, "test").trains == stars.trains
