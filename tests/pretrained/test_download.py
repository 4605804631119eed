import hashlib
import io
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from lcjax.errors import StorageError, WeightsError
from lcjax.files import cache_folder
from lcjax.pretrained.download import Patience, download, unpack_zip
from tests.pretrained.server import serve

QUICK = Patience(attempts=3, first_wait=0.01, timeout=5.0)
BODY = np.random.default_rng(0).bytes(300_000)
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server():
    with serve({"/w.zip": BODY}) as (base, behaviour):
        yield base, behaviour


def test_plain_download_then_cache(server, tmp_path):
    base, behaviour = server
    seen = []
    path = download(f"{base}/w.zip", tmp_path / "d" / "w.zip", SHA, progress=lambda *a: seen.append(a), patience=QUICK)
    assert path.read_bytes() == BODY and seen[-1] == (len(BODY), len(BODY))
    download(f"{base}/w.zip", path, SHA, patience=QUICK)
    assert len(behaviour.requests) == 1
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(".lock")) == ["w.zip"]


@pytest.mark.parametrize("ranges", [True, False])
def test_interruptions_are_resumed(server, tmp_path, ranges):
    base, behaviour = server
    behaviour.cut_after, behaviour.ranges = [100_000, 70_000, 150_000], ranges
    path = download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=Patience(5, 0.01))
    assert path.read_bytes() == BODY
    asked = [r for _, r in behaviour.requests]
    assert asked[:2] == [None, "bytes=100000-"]
    assert not ranges or asked[2] == "bytes=170000-"


def test_a_killed_download_goes_on(server, tmp_path):
    base, behaviour = server
    (tmp_path / "w.zip.part").write_bytes(BODY[:123_456])
    (tmp_path / "w.zip.part.etag").write_text(behaviour.etag)
    download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=QUICK)
    assert (tmp_path / "w.zip").read_bytes() == BODY
    assert behaviour.requests == [("/w.zip", "bytes=123456-")]


@pytest.mark.parametrize("left", [b"x" * 1000, BODY + b"more", BODY])
def test_left_overs_of_something_else(server, tmp_path, left):
    base, _ = server
    (tmp_path / "w.zip.part").write_bytes(left)
    assert download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=QUICK).read_bytes() == BODY


def test_a_file_that_changed_on_the_server_is_taken_anew(server, tmp_path):
    base, behaviour = server
    (tmp_path / "w.zip.part").write_bytes(b"old" * 100)
    (tmp_path / "w.zip.part.etag").write_text('"old"')
    assert download(f"{base}/w.zip", tmp_path / "w.zip", patience=QUICK).read_bytes() == BODY
    assert behaviour.requests == [("/w.zip", "bytes=300-")]


def test_wrong_checksum(server, tmp_path):
    base, _ = server
    with pytest.raises(WeightsError, match="sha256"):
        download(f"{base}/w.zip", tmp_path / "w.zip", "0" * 64, patience=QUICK)
    assert not (tmp_path / "w.zip").exists() and not (tmp_path / "w.zip.part").exists()
    (tmp_path / "w.zip").write_bytes(b"damaged in the cache")
    with pytest.raises(WeightsError, match="sha256"):
        download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=QUICK)


def test_statuses(server, tmp_path):
    base, behaviour = server
    with pytest.raises(WeightsError, match="404"):
        download(f"{base}/nothing.zip", tmp_path / "n.zip", patience=QUICK)
    assert len(behaviour.requests) == 1
    behaviour.status = [503, 429]
    assert download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=QUICK).exists()
    behaviour.status = [500] * 9
    with pytest.raises(WeightsError, match="after 3 tries"):
        download(f"{base}/w.zip", tmp_path / "again.zip", SHA, patience=QUICK)


def test_truncated_for_good(server, tmp_path):
    base, behaviour = server
    behaviour.lie, behaviour.ranges = 10, False
    with pytest.raises(WeightsError, match="after 3 tries"):
        download(f"{base}/w.zip", tmp_path / "w.zip", SHA, patience=QUICK)
    assert not (tmp_path / "w.zip").exists()


@pytest.mark.parametrize("declare", [True, False])
def test_too_large(server, tmp_path, declare):
    base, behaviour = server
    behaviour.declare_length = declare
    with pytest.raises(WeightsError, match="expected at most"):
        download(f"{base}/w.zip", tmp_path / "w.zip", max_bytes=200_000, patience=QUICK)


def test_addresses(tmp_path):
    with pytest.raises(WeightsError, match="web address"):
        download("file:///etc/hostname", tmp_path / "x")
    with pytest.raises(WeightsError, match="tries"):
        download("http://127.0.0.1:1/x", tmp_path / "x", patience=Patience(2, 0.01))


def test_unwritable_target(server, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        download(f"{server[0]}/w.zip", tmp_path / "file" / "w.zip", patience=QUICK)


def test_two_processes_share_one_download(server, tmp_path):
    base, behaviour = server
    fetch = f"download('{base}/w.zip', {str(tmp_path / 'w.zip')!r}, '{SHA}')"
    code = f"from lcjax.pretrained.download import download; {fetch}"
    workers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert len(behaviour.requests) == 1 and (tmp_path / "w.zip").read_bytes() == BODY


def archive(tmp_path, **files):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return path


def test_unpack(tmp_path):
    path = archive(tmp_path, **{"m/conf.json": b"{}", "m/weights.index": b"abc"})
    out = unpack_zip(path, tmp_path / "out")
    assert (out / "m" / "weights.index").read_bytes() == b"abc"
    unpack_zip(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_names_that_leave_the_folder(tmp_path, name):
    with pytest.raises(WeightsError, match="unsafe"):
        unpack_zip(archive(tmp_path, **{"ok": b"1", name: b"2"}), tmp_path / "deep" / "out")
    assert not (tmp_path / "evil").exists() and not (tmp_path / "deep" / "out").exists()


def test_links_bombs_and_damage(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    with pytest.raises(WeightsError, match="link"):
        unpack_zip(tmp_path / "link.zip", tmp_path / "out")
    bomb = archive(tmp_path, zeros=bytes(10_000_000))
    with pytest.raises(WeightsError, match="unpacks to more"):
        unpack_zip(bomb, tmp_path / "out", max_bytes=1_000_000)
    many = archive(tmp_path, **{str(i): b"" for i in range(20)})
    with pytest.raises(WeightsError, match="20 files"):
        unpack_zip(many, tmp_path / "out", max_files=10)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("x", b"y" * 1000)
    whole = bytearray(buffer.getvalue())
    whole[100] ^= 1
    for damaged in (bytes(whole), bytes(whole[:500]), b""):
        (tmp_path / "bad.zip").write_bytes(damaged)
        with pytest.raises(WeightsError, match="sound zip"):
            unpack_zip(tmp_path / "bad.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("LCJAX_CACHE")
    assert cache_folder().name == "lcjax"
