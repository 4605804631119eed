"""What is said of published weights, by system: entries that are fetched, checked and read by the right importer."""

import dataclasses
import re

import jax
import pytest

from lcjax.pretrained.weights_folder import count_parameters
from lcjax.systems import PRESETS, build_task, systems
from lcjax.systems.astromer import published as astromer
from lcjax.systems.delight import published as delight
from lcjax.systems.published_weights import Published
from lcjax.systems.stamp_classifier import published as stamps

ENTRIES = (*astromer.PUBLISHED, *delight.PUBLISHED, *stamps.PUBLISHED)
BY_NAME = {entry.name: entry for entry in ENTRIES}


def test_names_are_these_and_the_catalogue_has_them_all():
    assert set(BY_NAME) == {
        "astromer1-macho",
        "astromer2-macho",
        "delight",
        "alerce-stamps",
        "alerce-stamps-23",
        "alerce-stamps-image",
        "alerce-stamps-image-regularized",
    }
    listed = [entry.name for system in systems().values() for entry in system.published()]
    assert len(listed) == len(set(listed)) and set(BY_NAME) <= set(listed)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_has_an_importer_addresses_and_whole_hashes(entry):
    assert entry.family in {family for system in systems().values() for family in system.importers()}
    assert bool(entry.urls) != bool(entry.package)  # downloaded, or in a package of the user's
    assert all(url.startswith("https://") for url in entry.urls) and len(set(entry.urls)) == len(entry.urls)
    hashes = [sha for _, sha in (*entry.sha256, *entry.contents_sha256)] + [entry.arrays_sha256 or "0" * 64]
    assert all(re.fullmatch("[0-9a-f]{64}", sha) for sha in hashes)


def test_each_alerce_network_has_a_folder_of_its_own_at_two_addresses():
    folders = {entry.urls[0].split("/")[-2] for entry in stamps.PUBLISHED}
    assert len(folders) == len(stamps.PUBLISHED)
    for entry in stamps.PUBLISHED:
        moving, pinned = entry.urls
        assert moving.replace("/main/", "/9a72806/") == pinned != moving
        assert entry.files == ("model.index", "model.data-00000-of-00001")


@pytest.mark.parametrize(
    ("name", "preset", "model"),
    [
        ("astromer1-macho", "astromer1", {}),
        ("astromer2-macho", "astromer2", {"mask_token": False}),
        ("delight", "delight", {}),
        ("alerce-stamps", "alerce-stamps-published", {}),
        ("alerce-stamps-image", "alerce-stamps-image", {"norm": "none"}),
        ("alerce-stamps-image-regularized", "alerce-stamps-image", {"norm": "none"}),
    ],
)
def test_the_size_that_is_promised_is_that_of_the_published_network(name, preset, model):
    experiment = PRESETS[preset]()
    task = build_task(dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, **model)))
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    assert f"{count_parameters(shapes):,} parameters" in BY_NAME[name].description


def test_what_is_said_of_an_entry(tmp_path):
    known = Published("n", "f", "d", "p", "l", ("https://x.org/a.zip",), sha256=(("https://x.org/a.zip", "ab"),))
    assert known.file_sha256("https://x.org/a.zip") == "ab" and known.file_sha256("https://x.org/b.zip") is None
    assert known.rows(tmp_path)["sha256"] == ["https://x.org/a.zip ab"] and known.rows(tmp_path)["in cache"] == ["no"]
    (tmp_path / "config.json").touch()
    assert known.rows(tmp_path)["in cache"] == ["yes"] and known.rows(tmp_path)["size"] == ["unknown"]
    bare = Published("n", "f", "d", "p", "l", (), package="q", download_bytes=1_500_000)
    assert bare.rows(tmp_path)["sha256"] == ["-"] and bare.rows(tmp_path)["size"] == ["1.5 MB"]
    assert bare.rows(tmp_path)["source"] == ["the package q, where you have installed it"]
