"""A night of forty candidates and browsers that are let in."""

import shutil

import pytest


def pytest_pycollect_makemodule():
    """Without the extra the folder is skipped, also where it alone is asked for: at import that would end pytest."""
    for package in ("fastapi", "sqlalchemy"):
        pytest.importorskip(package, reason="the triage page needs the extra hunt")


class Visitor:
    """A browser of a user, with the header that changing requests bring."""

    def __init__(self, client, name, token):
        self.client = client
        origin = {"origin": "http://127.0.0.1"}
        answer = client.post("/api/login", json={"name": name, "secret": token}, headers=origin)
        assert answer.status_code == 200, answer.text
        self.me = client.get("/api/me").json()
        self.headers = origin | {"x-csrf-token": self.me["csrf"]}

    def get(self, path, **more):
        return self.client.get(path, **more)

    def post(self, path, body):
        return self.client.post(path, json=body, headers=self.headers)


@pytest.fixture(scope="session")
def enter():
    """(night, name) -> a visitor."""
    from fastapi.testclient import TestClient

    from lcjax.hunt.app import make_app
    from tests.hunt.nights import TOKEN

    def enter(night, name="ann", secret=TOKEN):
        return Visitor(TestClient(make_app(night), base_url="http://127.0.0.1"), name, secret)

    return enter


@pytest.fixture(scope="session")
def forty(tmp_path_factory):
    """Forty candidates, and the database of when all was read and answered."""
    from tests.hunt.nights import MiddleHost, candidate, make_night

    folder, arrivals = tmp_path_factory.mktemp("forty"), [candidate(n) for n in range(40)]
    night = make_night(folder, arrivals, finder=MiddleHost())
    night.background.stop()
    night.database.close()
    return arrivals, folder / "hunt.sqlite"


@pytest.fixture
def night(tmp_path, forty):
    from tests.hunt.nights import MiddleHost, make_night

    arrivals, database = forty
    shutil.copy(database, tmp_path / database.name)
    night = make_night(tmp_path, arrivals, finder=MiddleHost())
    yield night
    night.background.stop()
    night.database.close()
