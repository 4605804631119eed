import dataclasses
import zipfile

import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained import catalogue
from lcjax.pretrained.catalogue import CATALOGUE, fetch, published
from lcjax.pretrained.download import Patience
from lcjax.pretrained.imported import read_weights
from lcjax.pretrained.importing import SYSTEMS
from tests.pretrained.checkpoints import published_folder
from tests.pretrained.server import serve

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
        entry = dataclasses.replace(CATALOGUE["astromer2-macho"], name="toy", urls=(f"{base}/toy.zip",))
        monkeypatch.setitem(CATALOGUE, "toy", entry)
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
        CATALOGUE, "toy", dataclasses.replace(entry, urls=(f"{base}/gone.zip", f"{base}/toy.zip?download=1"))
    )
    fetch("toy", lambda text: None, patience=QUICK)
    assert [path for path, _ in behaviour.requests] == ["/gone.zip", "/toy.zip?download=1"]


def test_mirror(site, monkeypatch, tmp_path):
    behaviour, base, entry = site
    monkeypatch.setitem(CATALOGUE, "toy", dataclasses.replace(entry, urls=("http://127.0.0.1:1/toy.zip",)))
    monkeypatch.setenv("LCJAX_WEIGHTS_MIRROR", f"{base}/")
    fetch("toy", lambda text: None, patience=QUICK)
    assert [path for path, _ in behaviour.requests] == ["/toy.zip"]


def test_contents_are_checked(site, monkeypatch):
    _, _, entry = site
    wrong = dataclasses.replace(entry, contents_sha256=(("weights.index", "0" * 64),))
    monkeypatch.setitem(CATALOGUE, "toy", wrong)
    with pytest.raises(WeightsError, match=r"weights\.index"):
        fetch("toy", lambda text: None, patience=QUICK)
    assert not (catalogue.cache_folder() / "weights" / "toy").exists()


def test_unknown_name():
    with pytest.raises(WeightsError, match="did you mean 'astromer1-macho'"):
        published("astromer1-macha")


def test_entries_are_whole():
    for name, entry in CATALOGUE.items():
        assert entry.name == name and entry.system in SYSTEMS and bool(entry.urls) != bool(entry.package)
        assert all(url.startswith("https://") for url in entry.urls)
        assert all(len(digest) == 64 for _, digest in (*entry.sha256, *entry.contents_sha256))


def test_hashes_of_published_contents(data_root):
    from lcjax.pretrained.download import sha256_of

    folder = data_root / "astromer" / "macho_a0"
    if not folder.is_dir():
        pytest.skip("the published checkpoint is not at hand")
    for file, digest in CATALOGUE["astromer1-macho"].contents_sha256:
        assert sha256_of(folder / file) == digest
