"""A service of many moods on a real socket: each path misbehaves in its own way."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mood:
    """What each path answers, one answer per request and the last one ever after.

    An answer is a status with a body, or the word ``silence`` or ``hang up``.
    """

    def __init__(self):
        self.answers = {}
        self.requests = []
        self.over = threading.Event()

    def says(self, path, *answers):
        """Script the answers of a path."""
        self.answers[path] = list(answers)

    def asked(self, path):
        """Return the requests that a path got."""
        return [each for each in self.requests if each["path"] == path]


def _handler(mood):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def _answer(self):
            size = int(self.headers.get("Content-Length", 0))
            path, _, query = self.path.partition("?")
            request = {
                "method": self.command,
                "path": path,
                "query": query,
                "headers": dict(self.headers),
                "body": self.rfile.read(size),
            }
            mood.requests.append(request)
            script = mood.answers[path]
            answer = script.pop(0) if len(script) > 1 else script[0]
            if answer == "silence":
                mood.over.wait(20)
                self.close_connection = True
            elif answer == "hang up":
                self.close_connection = True
            elif answer == "half":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"delay":')
                self.wfile.flush()
                mood.over.wait(20)
                self.close_connection = True
            else:
                status, body, *headers = answer
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Expect callers to leave before an answer is complete."""


@contextmanager
def moody_server():
    """Serve until the block ends; yield the mood and the URL."""
    mood = Mood()
    server = _Server(("127.0.0.1", 0), _handler(mood))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mood, f"http://127.0.0.1:{server.server_port}"
    finally:
        mood.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
