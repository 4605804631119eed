import dataclasses
import zipfile

import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.download import Patience, sha256_of
from lcjax.pretrained.weights_folder import arrays_sha256, read_weights
from lcjax.systems import fetching
from lcjax.systems.catalogue import catalogue, published
from lcjax.systems.fetching import fetch
from lcjax.systems.importing import import_weights, importers
from lcjax.systems.stamp_classifier.weight_names import variables_from_graph
from tests.pretrained.checkpoints import published_folder, save
from tests.pretrained.server import serve
from tests.systems.stamp_classifier.test_weights import graph_arrays

QUICK = Patience(2, 0.01, 5.0)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A published model on a local server, named `toy`."""
    folder, _ = published_folder(tmp_path / "macho_x", "astromer2")
    packed = tmp_path / "toy.zip"
    with zipfile.ZipFile(packed, "w") as bundle:
        for file in folder.iterdir():
            bundle.write(file, f"macho_x/{file.name}")
    with serve({"/toy.zip": packed.read_bytes()}) as (base, behaviour):
        entry = dataclasses.replace(catalogue()["astromer2-macho"], name="toy", urls=(f"{base}/toy.zip",))
        monkeypatch.setitem(catalogue(), "toy", entry)
        monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
        yield behaviour, base, entry


def test_fetch_by_name(site):
    behaviour, _, _ = site
    said = []
    folder = fetch("toy", said.append, patience=QUICK)
    record, variables = read_weights(folder)
    assert record["system"] == "astromer2" and record["weights"]["name"] == "toy" and "params" in variables
    assert len(said) == 1 and "recorded" in said[0]
    assert fetch("toy", said.append, patience=QUICK) == folder
    assert len(behaviour.requests) == 1 and len(said) == 1


def test_later_downloads_must_match_the_first(site, tmp_path):
    import shutil

    behaviour, _, _ = site
    folder = fetch("toy", lambda text: None, patience=QUICK)
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "cache" / "downloads" / "toy")
    behaviour.files["/toy.zip"] += b"!"
    with pytest.raises(WeightsError, match="sha256"):
        fetch("toy", lambda text: None, patience=QUICK)


def test_second_address_and_mirror(site, monkeypatch):
    behaviour, base, entry = site
    monkeypatch.setitem(
        catalogue(), "toy", dataclasses.replace(entry, urls=(f"{base}/gone.zip", f"{base}/toy.zip?download=1"))
    )
    fetch("toy", lambda text: None, patience=QUICK)
    assert [path for path, _ in behaviour.requests] == ["/gone.zip", "/toy.zip?download=1"]


def test_mirror(site, monkeypatch, tmp_path):
    behaviour, base, entry = site
    monkeypatch.setitem(catalogue(), "toy", dataclasses.replace(entry, urls=("http://127.0.0.1:1/toy.zip",)))
    monkeypatch.setenv("LCJAX_WEIGHTS_MIRROR", f"{base}/")
    fetch("toy", lambda text: None, patience=QUICK)
    assert [path for path, _ in behaviour.requests] == ["/toy.zip"]


def test_contents_are_checked(site, monkeypatch):
    _, _, entry = site
    wrong = dataclasses.replace(entry, contents_sha256=(("weights.index", "0" * 64),))
    monkeypatch.setitem(catalogue(), "toy", wrong)
    with pytest.raises(WeightsError, match=r"weights\.index"):
        fetch("toy", lambda text: None, patience=QUICK)
    assert not (fetching.cache_folder() / "weights" / "toy").exists()


@pytest.fixture
def loose(tmp_path, monkeypatch):
    """A stamp classifier whose files lie one by one on a local server, named `loose`."""
    arrays = graph_arrays()
    save(tmp_path / "published" / "model", arrays)
    entry = dataclasses.replace(catalogue()["alerce-stamps"], name="loose", arrays_sha256=None)
    with serve({f"/a/{name}": (tmp_path / "published" / name).read_bytes() for name in entry.files}) as (
        base,
        behaviour,
    ):
        entry = dataclasses.replace(entry, urls=(f"{base}/gone", f"{base}/a"))
        monkeypatch.setitem(catalogue(), "loose", entry)
        monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
        yield behaviour, base, entry


def test_files_that_are_not_packed(loose):
    behaviour, _, entry = loose
    said = []
    record, variables = read_weights(fetch("loose", said.append, patience=QUICK))
    assert record["system"] == "stamp_classifier" and variables["params"]["logits"]["bias"].shape == (5,)
    assert [path for path, _ in behaviour.requests] == ["/gone/model.index", *(f"/a/{name}" for name in entry.files)]
    assert len(said) == 2


def test_a_mirror_of_loose_files_lies_below_the_name(loose, monkeypatch):
    behaviour, base, entry = loose
    behaviour.files = {path.replace("/a/", "/mirror/loose/"): body for path, body in behaviour.files.items()}
    monkeypatch.setenv("LCJAX_WEIGHTS_MIRROR", f"{base}/mirror/")
    fetch("loose", lambda text: None, patience=QUICK)
    assert [path for path, _ in behaviour.requests] == [f"/mirror/loose/{name}" for name in entry.files]


def test_arrays_are_checked(loose, monkeypatch):
    _, _, entry = loose
    monkeypatch.setitem(catalogue(), "loose", dataclasses.replace(entry, arrays_sha256="0" * 64))
    with pytest.raises(WeightsError, match="not the published ones"):
        fetch("loose", lambda text: None, patience=QUICK)
    assert not (fetching.cache_folder() / "weights" / "loose").exists()
    right = arrays_sha256(variables_from_graph(graph_arrays()))
    monkeypatch.setitem(catalogue(), "loose", dataclasses.replace(entry, arrays_sha256=right))
    fetch("loose", lambda text: None, patience=QUICK)


@pytest.mark.parametrize(
    ("name", "file", "recorded"),
    [
        ("alerce-stamps", "ckpt_meta26_variables.npz", "9b721dcf2541"),
        ("alerce-stamps-image", "ckpt_imageonly_variables.npz", "36eed24307bb"),
        ("alerce-stamps-image-regularized", "ckpt_imageonly_entropyreg_variables.npz", "3778448026ef"),
    ],
)
def test_hashes_of_published_arrays(golden_root, name, file, recorded):
    path = golden_root / "stamp_classifier" / file
    if not path.exists() or not sha256_of(path).startswith(recorded):
        pytest.skip("the published variables are not at hand")
    entry = catalogue()[name]
    assert arrays_sha256(import_weights(entry.family, path).variables) == entry.arrays_sha256


def test_no_address_answers(loose, monkeypatch):
    _, base, entry = loose
    monkeypatch.setitem(catalogue(), "loose", dataclasses.replace(entry, urls=(f"{base}/x", f"{base}/y")))
    with pytest.raises(WeightsError, match=r"404.*404.*lcjax weights import alerce-stamps SRC"):
        fetch("loose", lambda text: None, patience=QUICK)


def test_unknown_name():
    with pytest.raises(WeightsError, match="did you mean 'astromer1-macho'"):
        published("astromer1-macha")


def test_entries_are_whole():
    for name, entry in catalogue().items():
        assert entry.name == name and entry.family in importers()
        # What is not released yet has no address, and comes from a mirror alone.
        assert bool(entry.urls) != bool(entry.package) or (name == "lcjax-base" and entry.files and not entry.urls)
        assert all(url.startswith("https://") for url in entry.urls)
        assert all(len(digest) == 64 for _, digest in (*entry.sha256, *entry.contents_sha256))
        assert not entry.files or not any(url.endswith("/") for url in entry.urls)


def test_hashes_of_published_contents(data_root):
    folder = data_root / "astromer" / "macho_a0"
    if not folder.is_dir():
        pytest.skip("the published checkpoint is not at hand")
    for file, digest in catalogue()["astromer1-macho"].contents_sha256:
        assert sha256_of(folder / file) == digest
