"""Serves a folder over HTTP on a free port, and prints its address."""
import functools
import http.server
import sys


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Quiet, directory=sys.argv[1])
)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
