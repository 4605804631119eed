"""Reports to TNS are sent only when told to, and the key is never shown."""

import http.server
import json
import threading
import urllib.parse

import pytest

from lcjax.cli import hunt_tns
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError
from lcjax.hunt.tns import Reporter
from lcjax.hunt.tns_sending import read_key, send
from tests.hunt.nights import candidate, make_night, new_key


@pytest.fixture
def report(tmp_path, enter):
    """Of one accepted candidate, as the page gives it."""
    night = make_night(tmp_path, [candidate(n) for n in range(3)], reporter=Reporter(74, "A. Name (Institute)"))
    ann = enter(night)
    one = ann.get("/api/candidates").json()["rows"][0]["id"]
    assert "nothing to report" in ann.get("/api/export/tns").json()["error"]
    ann.post(f"/api/candidates/{one}/vote", {"label": "SN", "key": new_key()})
    yield ann.get("/api/export/tns").json()
    night.background.stop()
    night.database.close()


def test_sending_needs_to_be_asked_for(report, tmp_path, capsys):
    took = []

    class Tns(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            took.append((self.path, self.headers["user-agent"], body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": {"report_id": 12}}')

        def log_message(self, *unused):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Tns)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file, key = tmp_path / "r.json", tmp_path / "key"
    file.write_text(json.dumps(report))
    key.write_text("S3CRET\n99\nbot\n")
    command = ["hunt", "tns", str(file), "--server", f"http://127.0.0.1:{server.server_port}"]
    assert hunt_tns.main(command[2:]) == 0 and "dry run: 1 objects" in capsys.readouterr().out and not took
    assert main([*command, "--send"]) == 2 and "--key-file" in capsys.readouterr().err and not took
    assert main([*command, "--send", "--key-file", str(key)]) == 0
    said = capsys.readouterr()
    assert "report 12" in said.out and "S3CRET" not in said.out + said.err
    path, agent, body = took[0]
    assert path == "/api/set/bulk-report" and '"tns_id": 99' in agent and json.loads(body["data"][0]) == report
    file.write_text("{}")
    assert main(command) == 2 and "would refuse" in capsys.readouterr().err
    server.shutdown()
    assert main([*command[:2], str(key)]) == 2 and "no report" in capsys.readouterr().err


def test_keys_and_servers_that_will_not_do(tmp_path):
    key = tmp_path / "key"
    key.write_text("S3CRET\nnot a number\nbot\n")
    with pytest.raises(ConfigError, match="three lines"):
        read_key(key)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_key(tmp_path / "none")
    with pytest.raises(DataError, match="look there before you send again") as caught:
        send("http://127.0.0.1:9", {}, "S3CRET", 1, "bot")
    assert "S3CRET" not in str(caught.value)
