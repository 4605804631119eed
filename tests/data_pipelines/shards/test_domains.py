"""Shots by seed, streams side by side, exact positions, and what is refused."""

import itertools

import numpy as np
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.source import ImageSource, same_channels
from data_pipelines.prepare import prepare
from data_pipelines.shards import domains as shard_domains
from data_pipelines.shards.domains import Domains, chosen_classes
from data_pipelines.shards.held import HeldRecords
from lcjax.errors import ConfigError, DataError


def open_domains(paths, split, rows, domains, **settings):
    return shard_domains.open_domains(ImageSource, paths, split, rows, domains, same_channels, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("domains")
    for name, side, classes in (
        ("near", 4, "ab"),
        ("far", 5, "ab"),
        ("lone", 4, "aa"),
        ("other", 4, "ab"),
        ("bare", 4, "--"),
    ):
        label = np.array([classes[i % 2] for i in range(24)])
        pixels = np.arange(24 * side * side, dtype=np.float32).reshape(24, side, side)
        np.savez(out / f"{name}.npz", x=pixels, label=label)
        channel = ("blue",) if name == "other" else ("red",)
        settings = ImageSettings(channel_names=channel, label="none" if name == "bare" else None)
        prepare(
            "image_files",
            [out / f"{name}.npz"],
            out / "D",
            name=name,
            shards=2,
            fractions=(0.5, 0.25, 0.25),
            images=settings,
        )
    return out / "D"


def mixture(folder, names=("near", "far"), **more):
    return open_domains([folder / name for name in names], "train", 4, Domains(target=("far",), **more), reader="plain")


def test_streams_and_shots(folder):
    data = mixture(folder, shots=2, unlabelled_batch=6)
    assert {name: part.shape for name, part in data.domains.items()} == {"source": (4, 4, 1), "target": (5, 5, 1)}
    batches = [batch for _, batch in itertools.islice(data.train_batches(), 3)]
    for batch in batches:
        assert batch["image"].shape == (4, 4, 4, 1) and batch["unlabelled"]["image"].shape == (6, 5, 5, 1)
        assert sorted(batch["target"]["label"].tolist()) == [0, 0, 1, 1]
        named = {name for ids in data.shots.values() for name in ids}
        assert set(batch["target"]["object_id"].tolist()) == named
    assert data.describe()["shots"] == data.shots and {len(ids) for ids in data.shots.values()} == {2}
    assert mixture(folder, shots=2).shots == data.shots and mixture(folder, shots=2, draw=1).shots != data.shots


def test_positions_are_exact(folder):
    data = mixture(folder, shots=3)
    whole = list(itertools.islice(data.train_batches(), 8))
    position = whole[5][0]
    (at, again), *_ = itertools.islice(mixture(folder, shots=3).train_batches(*position), 1)
    assert at == position
    for stream in ("target", "unlabelled"):
        assert again[stream]["object_id"].tolist() == whole[5][1][stream]["object_id"].tolist()
    np.testing.assert_array_equal(again["image"], whole[5][1]["image"])


def test_validation_and_scores(folder):
    paths, far = [folder / "near", folder / "far"], Domains(target=("far",), validation_shots=1)
    of_source = open_domains(paths, "validation", 4, Domains(target=("far",), validation_shots=0), reader="plain")
    assert of_source.shape == (4, 4, 1), "without labels of the target the source chooses"
    held = find_kind("images").open_source(paths, "validation", 4, domains=far)
    (batch,) = held.evaluation_batches()
    assert sorted(batch["label"].tolist()) == [0, 1] and held.n_objects == 2
    test = open_domains(paths, "test", 4, far, reader="plain")
    seen = [str(batch["domain"][0]) for batch in test.evaluation_batches()]
    assert set(seen) == {"source", "target"} and seen == sorted(seen)
    numbered = test.relabelled(("b", "a"))
    first = next(iter(numbered.evaluation_batches()))
    own = next(iter(test.evaluation_batches()))
    np.testing.assert_array_equal(first["label"][own["label"] >= 0], 1 - own["label"][own["label"] >= 0])


@pytest.mark.parametrize(
    ("names", "settings", "error", "says"),
    [
        (("near", "far"), {"target": ()}, ConfigError, "which of the datasets"),
        (("lone", "far"), {}, DataError, "no labelled images of class 'b'"),
        (("bare", "far"), {"balance": "weighted"}, DataError, "the source has no labelled images of class 'a'"),
        (("near", "lone"), {"target": ("lone",)}, DataError, "0 labelled images of class 'b'"),
        (("other", "far"), {}, DataError, "channels"),
        (("far",), {}, ConfigError, "all of this data"),
        (("near", "far"), {"shots": 7}, DataError, "7 are wanted"),
    ],
)
def test_refused(folder, names, settings, error, says):
    domains = Domains(**{"target": ("far",), **settings})
    with pytest.raises(error, match=says):
        open_domains([folder / name for name in names], "train", 4, domains, reader="plain")


def test_one_class_is_refused(folder):
    with pytest.raises(DataError, match="one class only"):
        open_domains([folder / "lone", _copy(folder)], "train", 4, Domains(target=("twin",)), reader="plain")


def _copy(folder):
    raw = folder.parent / "lone.npz"
    out = folder.parent / "E"
    prepare("image_files", [raw], out, name="twin", shards=1, images=ImageSettings(channel_names=("red",)))
    return out


def test_held_images_are_balanced_and_shared():
    records = {
        "object_id": np.array([f"o{i}" for i in range(12)], object),
        "label": np.repeat([0, 1], 6).astype(np.int32),
        "image": np.arange(12.0).reshape(12, 1, 1, 1),
        "band": np.full(12, "grey", object),
    }
    held = HeldRecords(records, ("a", "b"), 4, seed=3)
    seen = [batch for _, batch in itertools.islice(held.train_batches(), 3)]
    assert all(sorted(batch["label"].tolist()) == [0, 0, 1, 1] for batch in seen)
    assert len({name for batch in seen for name in batch["object_id"]}) == 12
    halves = [HeldRecords(records, ("a", "b"), 4, 3, (rank, 2)) for rank in (0, 1)]
    rows = [next(iter(half.train_batches()))[1]["object_id"].tolist() for half in halves]
    assert rows[0] + rows[1] == seen[0]["object_id"].tolist()
    renumbered = [next(iter(half.relabelled(("b", "a")).train_batches()))[1] for half in halves]
    assert [batch["object_id"].tolist() for batch in renumbered] == rows, "each process keeps its share"
    assert renumbered[0]["label"].tolist() == [1 - n for n in next(iter(halves[0].train_batches()))[1]["label"]]
    with pytest.raises(DataError, match="cannot be shared"):
        HeldRecords({k: v[:1] for k, v in records.items()}, ("a", "b"), 4, 3, (0, 2))


def test_encoded_images():
    record = encode_image("a", np.ones((2, 2, 1), np.uint8), ("grey",), targets={"odds": 0.5})
    assert record["full_scale"] == 255 and record["metadata"] == {"odds": 0.5}
    with pytest.raises(ValueError, match="1 names"):
        encode_image("a", np.ones((2, 2, 3)), ("grey",))
    assert ImageSource.layout.kind == "images"


def test_only_the_named_source_is_scored_and_others_are_told(folder):
    """Other surveys beside them may have images of other sizes."""
    paths = [folder / name for name in ("near", "far", "lone")]
    asked = Domains(source=("near",), target=("far",))
    scored = open_domains(paths, "test", 4, asked, reader="plain")
    near = ImageSource([folder / "near"], "test", 4, reader="plain")
    assert scored.domains["source"].n_objects == near.n_objects
    assert scored.relabelled(("a", "b")).remarks() == scored.remarks() != []
    assert "lone" in scored.remarks()[0] and "near" not in scored.remarks()[0]
    elsewhere = open_domains([folder / "lone", folder / "far"], "test", 4, asked, reader="plain")
    assert set(elsewhere.domains) == {"source", "target"} and not elsewhere.remarks()


def test_chosen_classes_leave_others_out_and_keep_what_has_none(folder):
    asked = Domains(source=("near",), target=("far",), classes=("both=a,b",))
    scored = open_domains([folder / "near", folder / "far"], "test", 4, asked, reader="plain")
    assert scored.class_names == ("both",) and set(scored.labels.tolist()) == {0}
    alone = Domains(source=("near",), target=("far",), classes=("b",))
    few = open_domains([folder / "near", folder / "far"], "test", 4, alone, reader="plain")
    assert few.class_names == ("b",) and 0 < few.n_objects < scored.n_objects
    seen = [batch["label"][batch["weight"] > 0] for batch in few.evaluation_batches()]
    assert set(np.concatenate(seen).tolist()) == {0}


def test_records_of_other_classes_are_left_out_and_those_of_none_are_not(tmp_path):
    label = np.array(["a", "b", "nan"] * 6)
    np.savez(tmp_path / "some.npz", x=np.ones((18, 4, 4), np.float32), label=label)
    settings = ImageSettings(channel_names=("red",))
    prepare(
        "image_files",
        [tmp_path / "some.npz"],
        tmp_path,
        name="some",
        shards=1,
        fractions=(1.0, 0.0, 0.0),
        images=settings,
    )
    source = ImageSource([tmp_path / "some"], "train", 4, reader="plain", classes={"b": ("b",)})
    assert source.n_objects == 12 and sorted(set(source.labels[source.used].tolist())) == [-1, 0]


def test_one_survey_alone_is_scored_without_the_names_of_the_other(folder):
    asked = Domains(source=("near",), target=("far",), classes=("one=a,elsewhere", "b"))
    scored = open_domains([folder / "far"], "test", 4, asked, reader="plain")
    assert scored.class_names == ("one", "b") and set(scored.labels.tolist()) == {0, 1}
    with pytest.raises(ConfigError, match="no dataset has a class 'elsewhere'"):
        open_domains([folder / "near", folder / "far"], "train", 4, asked, reader="plain")


@pytest.mark.parametrize("asked", [("a", "c"), ("a", "b=a"), ("a", "a=b")])
def test_classes_that_cannot_be_chosen(asked):
    with pytest.raises(ConfigError, match=r"--domains\.classes"):
        chosen_classes(asked, ("a", "b"))
