#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An API server's stand-in for scripts/demo: it takes HTTPS only from a client that the front-proxy CA vouches for and tells who it was told is calling.

In: HTTP/1.1 requests.   Out: a Kubernetes-like list whose one item names the user, groups, uid, extra and source that the request's
X-Remote-* and X-Forwarded-For headers gave; with ?watch one such event a second. Python's own library only. Not an API server.
"""
import argparse
import http.server
import json
import socketserver
import ssl
import sys
import time
import urllib.parse

EXTRA = "x-remote-extra-"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-upstream"
    timeout = 300

    def setup(self):
        self.request.settimeout(10)
        self.request.do_handshake()
        super().setup()

    def seen(self):
        headers = self.headers
        return {
            "kind": "Caller", "apiVersion": "demo/v1", "user": headers.get("X-Remote-User"), "groups": headers.get_all("X-Remote-Group", []),
            "uid": headers.get("X-Remote-Uid"),
            "extra": {urllib.parse.unquote(name[len(EXTRA):].lower()): value for name, value in headers.items() if name.lower().startswith(EXTRA)},
            "source": headers.get("X-Forwarded-For"), "request": f"{self.command} {self.path}"}

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while (size := int(self.rfile.readline().split(b";")[0], 16)) > 0:
                self.rfile.read(size + 2)
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
        self.rfile.read(length)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)
        if self.command == "GET" and "watch" in query:
            return self.watch()
        body = json.dumps({"kind": "CallerList", "apiVersion": "demo/v1", "metadata": {}, "items": [self.seen()]}, indent=2).encode() + b"\n"
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def watch(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(600):
            line = json.dumps({"type": "MODIFIED", "object": self.seen()}).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
            time.sleep(1)
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, form, *words):
        sys.stderr.write(f"{self.headers.get('X-Remote-User') if hasattr(self, 'headers') else '-'} {form % words}\n")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, context):
        super().__init__(address, Handler)
        self.context = context

    def get_request(self):
        plain, peer = super().get_request()
        # The handshake waits for the handler's thread: a silent client must not stop the others.
        return self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, request, client_address):
        sys.stderr.write(f"{client_address[0]} {sys.exc_info()[1]!r}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--front-proxy-ca", required=True)
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    context.load_verify_locations(options.front_proxy_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])
    Server(("127.0.0.1", options.port), context).serve_forever()


if __name__ == "__main__":
    main()
