"""A web server on loopback that misbehaves as told."""

import contextlib
import http.server
import threading


class Behaviour:
    """What the server holds and does; `requests` records (path, Range header)."""

    def __init__(self, files):
        self.files = dict(files)
        self.requests = []
        self.ranges = True
        self.cut_after = []  # bytes of body to send before dropping the line, one per request, then whole answers
        self.status = []  # status codes to answer first
        self.declare_length = True
        self.lie = 0  # bytes added to Content-Length
        self.etag = '"one"'


@contextlib.contextmanager
def serve(files):
    """Serves path -> bytes; yields (base address, behaviour)."""
    behaviour = Behaviour(files)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self):
            behaviour.requests.append((self.path, self.headers.get("Range")))
            if behaviour.status:
                self.send_error(behaviour.status.pop(0))
                return
            body = behaviour.files.get(self.path.split("?")[0])
            if body is None:
                self.send_error(404)
                return
            start, wanted = 0, self.headers.get("Range")
            same = self.headers.get("If-Range") in (None, behaviour.etag)
            if wanted and behaviour.ranges and same:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            rest = body[start:]
            if behaviour.declare_length:
                self.send_header("Content-Length", str(len(rest) + behaviour.lie))
            self.send_header("ETag", behaviour.etag)
            self.end_headers()
            self.wfile.write(rest[: behaviour.cut_after.pop(0)] if behaviour.cut_after else rest)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", behaviour
        finally:
            server.shutdown()
            thread.join()
