"""Who is kept out: other hosts, other sites, large bodies, wrong passwords, the impatient."""

import base64
import dataclasses

import pytest

from lcjax.errors import ConfigError
from lcjax.hunt import sessions
from lcjax.hunt.guards import MOST_BODY, Guard, Pace, secret_of
from tests.hunt.nights import TOKEN, make_night, new_key


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    night = make_night(tmp_path_factory.mktemp("empty"), [], start=False, names=("hunt.example",))
    yield night
    night.database.close()


@pytest.fixture(scope="module")
def ann(opened, enter):
    return enter(dataclasses.replace(opened, attempts=Pace(1 / 12, 8)))


@pytest.fixture
def empty(opened):
    """Where nobody has tried to come in yet."""
    return dataclasses.replace(opened, attempts=Pace(1 / 12, 8))


def test_nothing_without_a_session(empty):
    from fastapi.testclient import TestClient

    from lcjax.hunt.app import make_app

    client = TestClient(make_app(empty), base_url="http://127.0.0.1")
    for path in ("me", "candidates", "candidates/1", "candidates/1/stamps", "sky", "progress", "audit", "export/csv"):
        assert client.get(f"/api/{path}").status_code == 401, path
    assert client.post("/api/undo", json={"key": new_key()}, headers={"origin": "http://127.0.0.1"}).status_code == 401
    page = client.get("/")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get("/page/../app.py").status_code == 404


@pytest.mark.parametrize(
    "change,status",
    [
        ({}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": None}, 403),
        ({"origin": "https://127.0.0.1"}, 403),
        ({"x-csrf-token": "0" * 64}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
        ({"host": "hunt.example", "origin": "http://hunt.example"}, 200),
        ({"host": "[::1]:80", "origin": "http://[::1]:80"}, 200),
        ({"content-length": str(MOST_BODY + 1)}, 413),
        ({"content-length": "-1"}, 413),
        ({"host": "evil@127.0.0.1", "origin": "http://evil@127.0.0.1"}, 421),
    ],
)
def test_changing_requests_come_from_our_page(empty, enter, change, status):
    ann = enter(empty)
    headers = {k: v for k, v in ({**ann.headers, **change}).items() if v is not None}
    secret = ann.client.cookies["lcjax_hunt"]
    cookie = {"cookie": f"lcjax_hunt={secret}; lcjax_hunt_80={secret}"}
    answer = ann.client.post("/api/undo", json={"key": new_key()}, headers=headers | cookie)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/candidates/99999999999999999999",
        "/api/candidates/99999999999999999999/stamps",
        "/api/audit?before=99999999999999999999",
        "/api/audit?day=tomorrow",
        "/api/candidates?text=%00",
        "/api/candidates?cursor=WzEsMSwxXQ==",
        "/api/candidates?cursor=" + base64.urlsafe_b64encode(b"[false, 0.5, 1e400]").decode(),
        "/api/candidates?cursor=" + base64.urlsafe_b64encode(b'[false, "a", 1]').decode(),
        f"/api/candidates?cursor={base64.urlsafe_b64encode(f'[false, 0.5, {10**30}]'.encode()).decode()}",
    ],
)
def test_what_a_database_could_not_hold_is_refused(ann, path):
    answer = ann.get(path)
    assert answer.status_code in (400, 422) and answer.json()["error"]


def test_made_up_cookies_do_not_outrun_the_pace(opened):
    guard = Guard(None)
    guard._of_address = Pace(0.0, 3)
    scope = {"method": "GET", "path": "/", "client": ("10.0.0.1", 1), "query_string": b""}
    said = [guard._refusal(scope, {"host": "localhost", "cookie": f"lcjax_hunt=a{n}"}) for n in range(5)]
    assert [one and one[0] for one in said] == [None, None, None, 429, 429]


def test_a_body_without_a_length_is_bounded(empty, enter):
    ann = enter(empty)

    def endless():
        for _ in range(3):
            yield b'{"key": "' + b"x" * MOST_BODY

    with pytest.raises(Exception):  # the connection is as if it were cut
        answer = ann.client.post("/api/undo", content=endless(), headers=ann.headers)
        assert answer.status_code >= 400
        raise AssertionError("as good as cut")


def test_passwords_tokens_and_the_printed_address(empty, enter):
    from fastapi.testclient import TestClient

    from lcjax.hunt.app import make_app

    with empty.database.write() as connection:
        sessions.add_user(connection, "carl", "a long password")
        with pytest.raises(ConfigError, match="10 to 1000"):
            sessions.add_user(connection, "carl", "short")
        with pytest.raises(ConfigError, match="no user name"):
            sessions.add_user(connection, "<b>", "a long password")
        assert sessions.may_enter(connection, "carl", "a long password", TOKEN)
        assert not sessions.may_enter(connection, "carl", TOKEN, TOKEN)  # the token is no way around a password
        assert not sessions.may_enter(connection, "dora", "", "")
    assert enter(empty, "carl", "a long password").me["user"] == "carl"
    client = TestClient(make_app(empty), base_url="http://127.0.0.1")
    answer = client.get(f"/enter?name=ann&token={TOKEN}", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in cookie
    assert client.get("/enter?name=ann&token=wrong").status_code == 401


def test_logging_out_ends_the_session(empty, enter):
    ann = enter(empty)
    stolen = ann.client.cookies["lcjax_hunt"]
    assert ann.post("/api/logout", {}).status_code == 200
    with empty.database.read() as connection:
        assert sessions.find_session(connection, stolen) is None


def test_guessing_is_slowed_down(empty):
    from fastapi.testclient import TestClient

    from lcjax.hunt.app import make_app

    client = TestClient(make_app(empty), base_url="http://127.0.0.1")
    codes = [
        client.post(
            "/api/login", json={"name": f"u{n}", "secret": "x"}, headers={"origin": "http://127.0.0.1"}
        ).status_code
        for n in range(12)
    ]
    assert codes[:8] == [401] * 8 and codes[8:] == [429] * 4


def test_pace_forgets_and_cookies_are_read():
    pace = Pace(2.0, 1)
    assert [pace.allows("a", at) for at in (0.0, 0.1, 0.5, 0.6)] == [True, False, True, False]
    assert secret_of("a=1; lcjax_hunt=s3cret; b=2") == "s3cret" and secret_of("lcjax_hunt=\x01;;=") == ""
    both = "lcjax_hunt_8001=one; lcjax_hunt_8002=other"  # of two servers on one machine
    assert secret_of(both, "127.0.0.1:8002") == "other" and secret_of(both, "127.0.0.1") == ""
