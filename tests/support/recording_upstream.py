#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An API server's stand-in that writes down everything it is sent: TLS with a client certificate, HTTP/1.1 and HTTP/2.

In: connections.   Out: `take()`: the requests as a strict reader understands them (head, body, trailers, whether they
were whole, every rule they broke), and each connection's raw bytes. The answer to a request is a function set by the
test (`answer`); without one it is 200 with a small JSON body. An answer may break every rule.
Run as a program it listens and prints a JSON line a request: see --help.
"""
import argparse
import collections
import json
import os
import re
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hpack  # noqa: E402  (Debian: python3-hpack)
import h2_frames as h2  # noqa: E402
from tls_stream import TlsStream, server_context  # noqa: E402

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
FIELD_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")


def body_for(request):
    """The default answer's body names its request, so that a client notices an answer that was meant for another."""
    return b'{"kind":"Pod","for":"' + request.target[:512].hex().encode() + b'"}\n'


class Request:
    """One request as understood here. `violations`: what a strict server would have refused it for."""

    def __init__(self, version, connection):
        self.version, self.connection = version, connection
        self.method = self.target = b""
        self.scheme = None
        self.headers = []  # (lower-case name, value) in order, no pseudo-headers; HTTP/1.1 Host stays
        self.raw_names = []
        self.body = bytearray()
        self.trailers = []
        self.complete = False
        self.reset_code = None
        self.violations = []
        self.stream = 0

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def summary(self):
        state = "" if self.complete else " (incomplete)"
        return f"{self.method.decode('latin-1')} {self.target[:120].decode('latin-1')!r} body={len(self.body)}{state}"

    def as_json(self):
        def text(data):
            return bytes(data).decode("latin-1")
        return {"version": self.version, "method": text(self.method), "target": text(self.target),
                "headers": [[text(n), text(v)] for n, v in self.headers], "body": text(self.body),
                "trailers": [[text(n), text(v)] for n, v in self.trailers], "complete": self.complete,
                "violations": self.violations}


class Broken(Exception):
    """The peer's bytes cannot be understood any further."""


# ---- HTTP/1.1, read as strictly as RFC 9112 allows ----
class H1Peer:
    version = "HTTP/1.1"

    def __init__(self, upstream, tls):
        self.upstream, self.tls = upstream, tls
        self.raw = bytearray()
        self.buffer = bytearray()
        self.closed = False

    def _more(self):
        data = self.tls.recv(30)
        if not data:
            return False
        self.raw += data
        self.buffer += data
        return True

    def _line(self, limit=1 << 20):
        while True:
            at = self.buffer.find(b"\n")
            if at >= 0:
                line = bytes(self.buffer[:at + 1])
                del self.buffer[:at + 1]
                return line
            if len(self.buffer) > limit or not self._more():
                return None

    def _exactly(self, count, into):
        while count:
            if not self.buffer and not self._more():
                return False
            piece = self.buffer[:count]
            del self.buffer[:count]
            into += piece
            count -= len(piece)
        return True

    def serve(self):
        while not self.closed:
            request = Request("HTTP/1.1", self)
            try:
                if not self._read_head(request):
                    return
                answered = self.upstream.on_head(self, request)
                self._read_body(request)
            except Broken as error:
                request.violations.append(str(error))
                self.upstream.on_head(self, request)
                self.close()
                return
            if not request.complete:
                return
            if not answered:
                self.upstream.on_complete(self, request)
            if request.upgraded:
                self._tunnel()
                return

    def _field_lines(self, request):
        fields = []
        while True:
            line = self._line()
            if line is None:
                raise Broken("truncated head")
            if not line.endswith(b"\r\n"):
                raise Broken(f"line ends in a bare LF: {line[:80]!r}")
            line = line[:-2]
            if not line:
                return fields
            if b"\r" in line or b"\0" in line:
                raise Broken(f"CR or NUL inside a line: {line[:80]!r}")
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise Broken(f"not a field line: {line[:80]!r}")
            value = value.strip(b" \t")
            if not FIELD_VALUE.match(value):
                request.violations.append(f"control byte in the value of {name!r}")
            request.raw_names.append(name)
            fields.append((name.lower(), value))

    def _read_head(self, request):
        line = self._line()
        if line is None:
            if self.buffer:
                raise Broken("truncated request line")
            return False
        match = re.match(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f]+) HTTP/1\.1\r\n\Z", line)
        if not match:
            raise Broken(f"not a request line: {line[:120]!r}")
        request.method, request.target = match.groups()
        request.headers = self._field_lines(request)
        request.upgraded = False
        hosts = request.all(b"host")
        if len(hosts) != 1 or not re.match(rb"[A-Za-z0-9.\-_\[\]:]*\Z", hosts[0]):
            request.violations.append(f"Host is {hosts!r}")
        lengths, codings = request.all(b"content-length"), request.all(b"transfer-encoding")
        if lengths and codings:
            raise Broken("both Content-Length and Transfer-Encoding")
        if codings and codings != [b"chunked"]:
            raise Broken(f"Transfer-Encoding is {codings!r}")
        if lengths and (len(lengths) > 1 or not re.match(rb"[0-9]{1,19}\Z", lengths[0])):
            raise Broken(f"Content-Length is {lengths!r}")
        return True

    def _read_body(self, request):
        if request.all(b"transfer-encoding"):
            while True:
                line = self._line(4096)
                if line is None:
                    return
                match = re.match(rb"([0-9A-Fa-f]{1,16})\r\n\Z", line)
                if not match:
                    raise Broken(f"not a chunk size: {line[:80]!r}")
                size = int(match.group(1), 16)
                if size == 0:
                    request.trailers = self._field_lines(request)
                    break
                if not self._exactly(size, request.body):
                    return
                ending = bytearray()
                if not self._exactly(2, ending):
                    return
                if ending != b"\r\n":
                    raise Broken(f"a chunk ends in {bytes(ending)!r}")
        else:
            length = int((request.all(b"content-length") or [b"0"])[0])
            if not self._exactly(length, request.body):
                return
        request.complete = True

    def _tunnel(self):
        while self._more():
            data = bytes(self.buffer)
            self.buffer.clear()
            self.send_raw(data)

    def send_raw(self, data):
        self.tls.send(data)

    def respond(self, request, status=200, headers=(), body=None, trailers=(), chunked=False):
        """A correct answer."""
        body = body_for(request) if body is None else body
        fields = list(headers)
        if chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        elif status >= 200 and status not in (204, 304):
            fields.append((b"Content-Length", b"%d" % len(body)))
        out = b"HTTP/1.1 %d X\r\n" % status + b"".join(n + b": " + v + b"\r\n" for n, v in fields) + b"\r\n"
        if request.method != b"HEAD" and status not in (204, 304):
            if chunked:
                out += (b"%x\r\n" % len(body) + body + b"\r\n" if body else b"") + b"0\r\n"
                out += b"".join(n + b": " + v + b"\r\n" for n, v in trailers) + b"\r\n"
            else:
                out += body
        self.send_raw(out)

    def upgrade(self, request, protocol):
        """101; what the client sends then comes back."""
        self.send_raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n")
        request.upgraded = True

    def close(self):
        self.closed = True
        self.tls.close()

    def close_tcp(self):
        self.closed = True
        self.tls.close_tcp()

    def abort(self):
        self.closed = True
        self.tls.abort()


# ---- HTTP/2 (RFC 9113) ----
class H2Peer:
    version = "HTTP/2"

    def __init__(self, upstream, tls):
        self.upstream, self.tls = upstream, tls
        self.raw = bytearray()
        self.decoder, self.frames = hpack.Decoder(), h2.FrameReader()
        self.decoder.max_header_list_size = 1 << 24
        self.streams = {}
        self.last_stream = 0
        self.window = 65535
        self.stream_windows = collections.defaultdict(lambda: self.initial_window)
        self.initial_window = 65535
        self.cond = threading.Condition()
        self.closed = False
        self.settings = ((h2.MAX_CONCURRENT_STREAMS, upstream.max_streams), (h2.INITIAL_WINDOW_SIZE, 1 << 20))

    def serve(self):
        self.send_raw(h2.settings(*self.settings) + h2.window_update(0, 1 << 24))
        buffer = bytearray()
        while len(buffer) < len(h2.PREFACE):
            data = self.tls.recv(30)
            if not data:
                return
            self.raw += data
            buffer += data
        if not buffer.startswith(h2.PREFACE):
            self._violation(None, f"not a preface: {bytes(buffer[:40])!r}")
            self.close()
            return
        pending = bytes(buffer[len(h2.PREFACE):])
        block = None  # (stream, flags, bytes) of an unfinished field block
        try:
            while True:
                for kind, flags, stream, payload in self.frames.feed(pending):
                    block = self._on_frame(kind, flags, stream, payload, block)
                pending = self.tls.recv(120)
                if not pending:
                    return
                self.raw += pending
        except Broken as error:
            self._violation(None, str(error))
            self.close()
        finally:
            with self.cond:
                self.closed = True
                self.cond.notify_all()

    def _violation(self, request, text):
        if request is None:
            request = Request("HTTP/2", self)
            self.upstream.record(request)
        request.violations.append(text)

    def _on_frame(self, kind, flags, stream, payload, block):
        if block and (kind != h2.CONTINUATION or stream != block[0]):
            raise Broken("a frame inside a field block")
        if kind == h2.HEADERS:
            if flags & h2.PADDED:
                payload = payload[1:len(payload) - payload[0]]
            if flags & h2.HAS_PRIORITY:
                payload = payload[5:]
            block = (stream, flags, payload)
        elif kind == h2.CONTINUATION:
            if not block:
                raise Broken("CONTINUATION without HEADERS")
            block = (block[0], block[1] | flags & h2.END_HEADERS, block[2] + payload)
        if block:
            if not block[1] & h2.END_HEADERS:
                return block
            self._on_fields(block[0], block[2], bool(block[1] & h2.END_STREAM))
            return None
        if kind == h2.DATA:
            self._on_data(flags, stream, payload)
        elif kind == h2.SETTINGS and not flags & h2.ACK:
            with self.cond:
                for at in range(0, len(payload), 6):
                    key, value = int.from_bytes(payload[at:at + 2], "big"), int.from_bytes(payload[at + 2:at + 6], "big")
                    if key == h2.INITIAL_WINDOW_SIZE:
                        for each in self.stream_windows:
                            self.stream_windows[each] += value - self.initial_window
                        self.initial_window = value
                self.cond.notify_all()
            self.send_raw(h2.settings_ack())
        elif kind == h2.PING and not flags & h2.ACK:
            self.send_raw(h2.ping(payload, ack=True))
        elif kind == h2.WINDOW_UPDATE:
            with self.cond:
                grown = int.from_bytes(payload, "big")
                if stream:
                    self.stream_windows[stream] += grown
                else:
                    self.window += grown
                self.cond.notify_all()
        elif kind == h2.RST_STREAM:
            request = self.streams.get(stream)
            if request is None:
                raise Broken("RST_STREAM of an idle stream")
            with self.cond:
                request.reset_code = int.from_bytes(payload, "big")
                self.cond.notify_all()
        return None

    def _on_fields(self, stream, block, end):
        try:
            fields = self.decoder.decode(block, raw=True)
        except hpack.HPACKError as error:
            raise Broken(f"HPACK: {error!r}") from None
        fields = [(bytes(name), bytes(value)) for name, value in fields]
        request = self.streams.get(stream)
        if request:
            if not end or request.complete:
                raise Broken("a second field block that does not end the stream")
            request.trailers = fields
            self._check_fields(request, fields, trailers=True)
        else:
            if stream % 2 == 0 or stream <= self.last_stream:
                raise Broken(f"stream identifier {stream} after {self.last_stream}")
            self.last_stream = stream
            request = Request("HTTP/2", self)
            request.stream, request.upgraded = stream, False
            self.streams[stream] = request
            self._check_fields(request, fields, trailers=False)
            request.answered = self.upstream.on_head(self, request)
        if end:
            self._on_end(request)

    def _check_fields(self, request, fields, trailers):
        pseudo, regular_seen = {}, False
        for name, value in fields:
            if name.startswith(b":"):
                if regular_seen or trailers or name in pseudo or name not in (b":method", b":path", b":scheme",
                                                                              b":authority"):
                    self._violation(request, f"pseudo-header {name!r}")
                pseudo[name] = value
                continue
            regular_seen = True
            if not TOKEN.match(name) or name != name.lower():
                self._violation(request, f"field name {name!r}")
            if not FIELD_VALUE.match(value) or value != value.strip(b" \t"):
                self._violation(request, f"value of {name!r}: {value!r}")
            if name in (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade") or (
                    name == b"te" and value != b"trailers"):
                self._violation(request, f"connection-specific field {name!r}")
            if not trailers:
                request.headers.append((name, value))
        if trailers:
            return
        request.method, request.target = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
        request.scheme = pseudo.get(b":scheme")
        if not TOKEN.match(request.method) or not request.target or request.scheme != b"https":
            self._violation(request, f"pseudo-headers {pseudo!r}")
        hosts = request.all(b"host") + ([pseudo[b":authority"]] if b":authority" in pseudo else [])
        if len(set(hosts)) > 1:
            self._violation(request, f"authority {hosts!r}")
        if re.search(rb"[\x00-\x20\x7f]", request.target):
            self._violation(request, f"path {request.target!r}")

    def _on_data(self, flags, stream, payload):
        request = self.streams.get(stream)
        if request is None:
            raise Broken("DATA on an idle stream")
        if request.complete:
            raise Broken("DATA after END_STREAM")
        size = len(payload)
        if flags & h2.PADDED:
            payload = payload[1:len(payload) - payload[0]]
        request.body += payload
        if size:
            self.send_raw(h2.window_update(0, size) + (b"" if flags & h2.END_STREAM else h2.window_update(stream, size)))
        if flags & h2.END_STREAM:
            self._on_end(request)

    def _on_end(self, request):
        lengths = request.all(b"content-length")
        if len(lengths) > 1 or (lengths and (not re.match(rb"[0-9]+\Z", lengths[0])
                                             or int(lengths[0]) != len(request.body))):
            self._violation(request, f"content-length {lengths!r} with {len(request.body)} bytes")
        request.complete = True
        if not request.answered and request.reset_code is None:
            self.upstream.on_complete(self, request)

    def send_raw(self, data):
        self.tls.send(data)

    def send_headers(self, request, fields, end=False):
        self.send_raw(h2.headers(request.stream, h2.block(fields), end=end))

    def send_data(self, request, payload, end=False):
        """Keeps to the flow-control windows; False when the stream was reset or the connection closed."""
        view = memoryview(payload)
        while view or end:
            with self.cond:
                while view and (self.window <= 0 or self.stream_windows[request.stream] <= 0):
                    if self.closed or request.reset_code is not None:
                        return False
                    self.cond.wait(1)
                size = max(0, min(len(view), 16384, self.window, self.stream_windows[request.stream]))
                self.window -= size
                self.stream_windows[request.stream] -= size
            last = end and size == len(view)
            self.send_raw(h2.data(request.stream, bytes(view[:size]), last))
            view = view[size:]
            if last:
                return True
        return True

    def respond(self, request, status=200, headers=(), body=None, trailers=(), chunked=False):
        body = body_for(request) if body is None else body
        fields = [(b":status", b"%d" % status)] + [(n.lower(), v) for n, v in headers]
        if not chunked and status >= 200 and status not in (204, 304):
            fields.append((b"content-length", b"%d" % len(body)))
        if status < 200:
            self.send_headers(request, fields)
            return
        if request.method == b"HEAD" or status in (204, 304) or not (body or trailers):
            self.send_headers(request, fields, end=True)
            return
        self.send_headers(request, fields)
        self.send_data(request, body, end=not trailers)
        if trailers:
            self.send_headers(request, [(n.lower(), v) for n, v in trailers], end=True)

    def close(self):
        self.tls.close()

    def close_tcp(self):
        self.tls.close_tcp()

    def abort(self):
        self.tls.abort()


class Upstream:
    """The listener and the record. `answer(peer, request)` is called when a request is whole, `early_answer` when its
    head is there (returns True when it has answered)."""

    def __init__(self, certificate, key, client_ca, alpn=("h2", "http/1.1"), port=0, max_streams=1000):
        self.context = server_context(certificate, key, client_ca, list(alpn))
        self.max_streams = max_streams
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.answer = None
        self.early_answer = None
        self.requests, self.peers = [], []
        self.on_record = None
        self.last_activity = 0.0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._connection, args=(sock,), daemon=True).start()

    def _connection(self, sock):
        tls = TlsStream(sock, self.context, server_side=True)
        try:
            sock.settimeout(10)
            tls.handshake()
            peer = H2Peer(self, tls) if tls.alpn() == "h2" else H1Peer(self, tls)
            with self._lock:
                self.peers.append(peer)
            peer.serve()
        except (OSError, ValueError):
            pass
        finally:
            try:
                tls.close()
            except OSError:
                pass

    def record(self, request):
        with self._lock:
            if not any(request is each for each in self.requests[-64:]):
                self.requests.append(request)
            self.last_activity = time.monotonic()

    def on_head(self, peer, request):
        self.record(request)
        if request.violations and not request.method:
            return True
        early = self.early_answer
        if early:
            return bool(early(peer, request))
        if request.all(b"expect"):
            peer.respond(request, 100, body=b"")
        return False

    def on_complete(self, peer, request):
        self.last_activity = time.monotonic()
        answer = self.answer or default_answer
        if peer.version == "HTTP/2":  # it may wait for a window, which this thread reads
            threading.Thread(target=quietly, args=(answer, peer, request), daemon=True).start()
        else:
            quietly(answer, peer, request)
        if self.on_record:
            self.on_record(request)

    def take(self):
        """The requests since the last call."""
        with self._lock:
            taken, self.requests = self.requests, []
            return taken

    def drop_connections(self):
        with self._lock:
            peers, self.peers = self.peers, []
        for peer in peers:
            peer.closed = True
            try:
                peer.tls.close()
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.drop_connections()


def quietly(answer, peer, request):
    try:
        answer(peer, request)
    except (OSError, ValueError):
        pass


def default_answer(peer, request):
    peer.respond(request, 200, [(b"Content-Type", b"application/json")])


def main():
    parser = argparse.ArgumentParser(description="Prints a JSON line for every request it receives.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--client-ca", required=True)
    parser.add_argument("--alpn", default="h2,http/1.1")
    options = parser.parse_args()
    upstream = Upstream(options.cert, options.key, options.client_ca, options.alpn.split(","), options.port)
    upstream.on_record = lambda request: print(json.dumps(request.as_json()), flush=True)
    print(f"listening on 127.0.0.1:{upstream.port}", file=sys.stderr, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
