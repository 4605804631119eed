"""The same app on PostgreSQL, in a server of its own where there is one to start."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lcjax.hunt.background import Background
from lcjax.hunt.database import Database
from lcjax.hunt.night import Night
from tests.hunt.nights import TOKEN, Brightness, ListFeed, MiddleHost, candidate, new_key

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]


@pytest.fixture
def url(tmp_path_factory):
    pytest.importorskip("psycopg", reason="PostgreSQL needs psycopg (extra hunt)")
    if not BINARIES or not (BINARIES[-1] / "initdb").exists():
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    more = {}
    if os.geteuid() == 0:  # which PostgreSQL does not run as
        shutil.chown(folder, "postgres")
        more = {"user": "postgres", "cwd": "/"}
    run = lambda *command: subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more
    )
    control = (BINARIES[-1] / "pg_ctl", "-D", folder / "d", "-w")
    run(BINARIES[-1] / "initdb", "-D", folder / "d", "-A", "trust", "-U", "hunt", "--no-sync", "-E", "UTF8")
    run(*control, "-l", folder / "log", "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
    yield f"postgresql+psycopg://hunt@/postgres?host={folder}"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_a_night_on_postgresql(url, enter):
    database = Database(url)
    Database(url).close()  # a second server finds the tables
    background = Background(database, ListFeed([candidate(n) for n in range(30)]), lambda: [Brightness()], MiddleHost)
    night = Night(database, background, TOKEN)
    background.start()
    background.settle()
    ann, bob = enter(night, "ann"), enter(night, "bob")
    pages, cursor = [], ""
    while True:
        page = ann.get(f"/api/candidates?limit=11&sort=score&order=ascending&cursor={cursor}").json()
        pages, cursor = pages + [r["score"] for r in page["rows"]], page["cursor"]
        if not cursor:
            break
    assert len(pages) == 30 and pages == sorted(pages)
    one = ann.get("/api/candidates?cone=9 19 1").json()["rows"]
    assert [r["object_id"] for r in one] == ["ZTF00009"]
    for user, label in ((ann, "SN"), (bob, "bogus")):
        assert user.post(f"/api/candidates/{one[0]['id']}/vote", {"label": label, "key": new_key()}).status_code == 200
    assert len(ann.get("/api/candidates?decision=disputed&unseen=").json()["rows"]) == 1
    assert len(ann.get(f"/api/candidates/{one[0]['id']}/stamps").content) == 3 * 21 * 21 * 4
    assert ann.post("/api/undo", {"key": new_key()}).json()["state"]["decision"] == "bogus"
    assert len(ann.get("/api/export/csv").text.splitlines()) == 31
    background.stop()
    database.close()
