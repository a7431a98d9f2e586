"""A service that knows nothing of tests: registers over HTTP, with versions of an API that people write.

GET /kv/KEY answers {"node": {"value": …}} or 404; PUT /kv/KEY stores its body; with ?old=VALUE only in the place of that
value, or 412. Every seventh PUT is refused with 429, and tells what it should not: the token from its environment.
"""
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

registers, lock, puts = {}, threading.Lock(), 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            value = registers.get(urlsplit(self.path).path)
        self.answer(*(404, {}) if value is None else (200, {"node": {"value": value}}))

    def do_PUT(self):
        global puts
        url = urlsplit(self.path)
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        old = parse_qs(url.query).get("old")
        with lock:
            puts += 1
            if puts % 7 == 0:
                return self.answer(429, {"error": "too many requests with " + os.environ["KV_TOKEN"]})
            if old and json.loads(old[0]) != registers.get(url.path):
                return self.answer(412, {"error": "another value"})
            registers[url.path] = value
        self.answer(200, {})

    def log_message(self, *_):
        pass


ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
