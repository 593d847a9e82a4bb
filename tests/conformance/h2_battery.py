# SPDX-License-Identifier: Apache-2.0
"""Raw HTTP/2 frames (RFC 9113) and HPACK (RFC 7541) against the gate, and the known floods.

In: a Bed.   Out: (name, failure or None) of each case. A case: the frames sent after the preface, and the outcomes that are right.
  Ok      the streams named were forwarded exactly so and answered; the connection goes on
  Stream  the stream was reset, or answered with a refusal; nothing whole reached the upstream of it; the connection goes on
  Conn    GOAWAY with an error, then closed; nothing of it reached the upstream
@T is the case's own target. After Ok and Stream one more request must be served on the same connection, so that HPACK states and
stream states are still in step.
"""
import re
import time

import hpack
import h2_frames as h2
from h1_battery import SMUGGLED_TARGET, B, F
from harness import SETTLE_S, WAIT_S, Failure, check_forwarded
from recording_upstream import body_for

AFTER_STREAM = 0x10001


class Ok:
    def __init__(self, streams=None):
        self.streams = {1: F()} if streams is None else streams


class Stream:
    """`codes` of RST_STREAM; None: any but NO_ERROR. `status` of a refusal that is as good."""

    def __init__(self, *codes, stream=1, status=(400,), others=None):
        self.codes, self.stream, self.status, self.others = codes, stream, status, others or {}


class Conn:
    def __init__(self, *codes, silent=False, before=None):
        self.codes, self.silent, self.before = codes, silent, before or {}


class Case:
    def __init__(self, name, section, send, *alternatives, raw=False, user="tester", only=None, answer=None, early=None, run=None, aborted=False,
                 beds=None, ending=None):
        self.name, self.section, self.user = name, section, user
        self.target = b"/api/v1/namespaces/x/pods/" + re.sub(rb"[^a-z0-9]+", b"-", name.lower().encode()).strip(b"-")
        self.send, self.alternatives, self.raw, self.only = send, alternatives, raw, only
        self.answer, self.early, self.run, self.aborted, self.beds, self.ending = answer, early, run, aborted, beds, ending

    def fill(self, raw):
        return raw.replace(b"@T", self.target).replace(b"@S", SMUGGLED_TARGET)

    def bytes(self):
        return self.send(self.target) if callable(self.send) else self.send


CASES = []


def case(name, section, send, *alternatives, **options):
    CASES.append(Case(name, section, send, *alternatives, **options))


# ---- requests as fields ----
def fields(target, method=b"GET", *more, authority=b"gate", scheme=b"https"):
    pseudo = [(b":method", method), (b":scheme", scheme), (b":path", target), (b":authority", authority)]
    return [(n, v) for n, v in pseudo if v is not None] + list(more)


def get(target, stream=1, *more, end=True):
    return h2.headers(stream, h2.block(fields(target, b"GET", *more)), end=end)


def post(target, stream=1, *more, end=False):
    return h2.headers(stream, h2.block(fields(target, b"POST", *more)), end=end)


# ================ RFC 9113 §3: the preface ================
def preface_cases():
    s = "9113 §3.4"
    case("a GET", s, get, Ok())
    case("everything at once", s, lambda t: h2.PREFACE + h2.settings() + get(t), Ok(), raw=True)
    case("no preface", s, h2.settings(), Conn(silent=True), raw=True)
    case("an HTTP/1.1 request under h2", s, lambda t: b"GET " + t + b" HTTP/1.1\r\nHost: gate\r\n\r\n", Conn(silent=True), raw=True)
    case("a preface with a wrong letter", s, lambda t: h2.PREFACE.replace(b"SM", b"SN") + h2.settings() + get(t), Conn(silent=True), raw=True)
    case("a preface without its end", s, h2.PREFACE[:-2] + h2.settings(), Conn(silent=True), raw=True)
    case("a preface cut off", s, h2.PREFACE[:10], Conn(h2.NO_ERROR, silent=True), raw=True, ending="close_notify")
    case("the preface twice", s, h2.PREFACE + h2.settings() + h2.PREFACE, Conn(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR), raw=True)
    for what, first in (("PING", h2.ping()), ("WINDOW_UPDATE", h2.window_update(0, 1)), ("PRIORITY", h2.priority(1)), ("an unknown frame", h2.frame(0xEE)),
                        ("GOAWAY", h2.goaway())):
        case(f"{what} before SETTINGS", s, (lambda f: lambda t: h2.PREFACE + f + h2.settings() + get(t))(first), Conn(h2.PROTOCOL_ERROR), raw=True)
    case("HEADERS before SETTINGS", s, lambda t: h2.PREFACE + get(t) + h2.settings(), Conn(h2.PROTOCOL_ERROR), raw=True)
    case("SETTINGS ACK before SETTINGS", s, lambda t: h2.PREFACE + h2.settings_ack() + get(t), Conn(h2.PROTOCOL_ERROR), raw=True)


# ================ RFC 9113 §4: frames ================
def frame_cases():
    s = "9113 §4.1"
    for what, unknown in (("on stream 0", h2.frame(0xEE, 0xFF, 0, b"abc")), ("empty", h2.frame(0x42)),
                          ("of 16384 bytes", h2.frame(0xEE, 0, 0, b"x" * 16384)), ("ALTSVC", h2.frame(0xA, 0, 0, b"\0\0abc")), ("ORIGIN", h2.frame(0xC, 0, 0, b"\0\0")),
                          ("PRIORITY_UPDATE", h2.frame(0x10, 0, 0, b"\0\0\0\1u=1"))):
        case("an unknown frame " + what, s, (lambda f: lambda t: f + get(t))(unknown), Ok())
    case("an unknown frame on an idle stream", "9113 §5.1, §5.5", lambda t: h2.frame(0xEE, 0, 7, b"abc") + get(t), Ok(), Conn(h2.PROTOCOL_ERROR))
    case("an unknown frame on an open stream", s, lambda t: post(t) + h2.frame(0xEE, 1, 1, b"abc") + h2.data(1, b"abc", True), Ok({1: F(b"POST", body=b"abc")}))
    case("an unknown frame in a field block", "9113 §6.10", lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False) + h2.frame(0xEE, 0, 1)
         + h2.continuation(1), Conn(h2.PROTOCOL_ERROR))
    case("undefined flags", s, lambda t: h2.headers(1, h2.block(fields(t, b"POST")), end=False, flags=0xD2 & ~h2.PADDED & ~h2.HAS_PRIORITY)
         + h2.frame(h2.DATA, 0xF6 & ~h2.PADDED | 1, 1, b"abc"), Ok({1: F(b"POST", body=b"abc")}))
    case("the reserved bit set", s, lambda t: h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 0x80000001, h2.block(fields(t))), Ok())
    s = "9113 §4.2"
    case("DATA of 16385 bytes", s, lambda t: post(t) + h2.data(1, b"x" * 16385, True), Conn(h2.FRAME_SIZE_ERROR), Stream(h2.FRAME_SIZE_ERROR), aborted=True)
    case("DATA of 16384 bytes", s, lambda t: post(t) + h2.data(1, b"x" * 16384, True), Ok({1: F(b"POST", body=b"x" * 16384)}))
    case("HEADERS of 16385 bytes", s, lambda t: h2.frame(h2.HEADERS, 5, 1, h2.block(fields(t)).ljust(16385, b"\0")), Conn(h2.FRAME_SIZE_ERROR))
    case("a frame of 2^24-1 bytes", s, lambda t: h2.frame(h2.DATA, 0, 1, b"x" * 100, length=(1 << 24) - 1), Conn(h2.FRAME_SIZE_ERROR, h2.PROTOCOL_ERROR))
    for what, bad in (("PING of 7", h2.frame(h2.PING, 0, 0, b"x" * 7)), ("PING of 9", h2.frame(h2.PING, 0, 0, b"x" * 9)), ("PING of 0", h2.frame(h2.PING)),
                      ("SETTINGS of 5", h2.frame(h2.SETTINGS, 0, 0, b"x" * 5)), ("SETTINGS ACK of 6", h2.frame(h2.SETTINGS, 1, 0, b"\0\1\0\0\0\0")),
                      ("WINDOW_UPDATE of 3", h2.frame(h2.WINDOW_UPDATE, 0, 0, b"abc")), ("WINDOW_UPDATE of 5", h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1x")),
                      ("GOAWAY of 7", h2.frame(h2.GOAWAY, 0, 0, b"x" * 7)), ("GOAWAY of 0", h2.frame(h2.GOAWAY))):
        case(what + " bytes", s, (lambda f: lambda t: f + get(t))(bad), Conn(h2.FRAME_SIZE_ERROR))
    for size in (0, 3, 5):
        case(f"RST_STREAM of {size} bytes", s, (lambda n: lambda t: post(t) + h2.frame(h2.RST_STREAM, 0, 1, b"\0" * n))(size), Conn(h2.FRAME_SIZE_ERROR), aborted=True)
    for size in (0, 4, 6):
        case(f"PRIORITY of {size} bytes", "9113 §6.3", (lambda n: lambda t: post(t) + h2.frame(h2.PRIORITY, 0, 1, b"\0" * n))(size),
             Stream(h2.FRAME_SIZE_ERROR), Conn(h2.FRAME_SIZE_ERROR), aborted=True)
    case("HEADERS with a priority of 4 bytes", s, h2.frame(h2.HEADERS, 0x25, 1, b"\0" * 4), Conn(h2.FRAME_SIZE_ERROR, h2.PROTOCOL_ERROR))


def block_cases():
    s = "9113 §4.3"

    def split(target, *cuts, flags=0):
        whole = h2.block(fields(target))
        ends = list(cuts) + [len(whole)]
        out = h2.headers(1, whole[:ends[0]], end_headers=False, flags=flags)
        for start, end in zip(ends, ends[1:]):
            out += h2.continuation(1, whole[start:end], end == len(whole))
        return out
    case("a block in two frames", s, lambda t: split(t, 10), Ok())
    case("a block in five frames", s, lambda t: split(t, 1, 5, 20, 30), Ok())
    case("an empty HEADERS, then CONTINUATION", s, lambda t: split(t, 0), Ok())
    case("an empty CONTINUATION at the end", s, lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False) + h2.continuation(1), Ok())
    case("an empty CONTINUATION in the middle", s, lambda t: h2.headers(1, h2.block(fields(t))[:9], end_headers=False) + h2.continuation(1, b"", False)
         + h2.continuation(1, h2.block(fields(t))[9:]), Ok())
    case("a byte in each frame", s, lambda t: split(t, *range(1, len(h2.block(fields(t))))), Ok(), Conn())
    for what, between in (("PING", h2.ping()), ("SETTINGS", h2.settings()), ("WINDOW_UPDATE", h2.window_update(0, 1)), ("DATA", h2.data(1, b"x")), ("PRIORITY", h2.priority(1)),
                          ("RST_STREAM", h2.rst_stream(1)), ("HEADERS of another stream", h2.headers(3, b"\x82\x87\x84")), ("CONTINUATION of another stream", h2.continuation(3, b"\x82")),
                          ("GOAWAY", h2.goaway()), ("HEADERS of the same stream", h2.headers(1, b"\x82\x87\x84"))):
        case(what + " in a field block", s, (lambda f: lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False) + f + h2.continuation(1))(between),
             Conn(h2.PROTOCOL_ERROR))
    case("CONTINUATION without HEADERS", "9113 §6.10", h2.continuation(1, b"\x82"), Conn(h2.PROTOCOL_ERROR))
    case("CONTINUATION after END_HEADERS", "9113 §6.10", lambda t: post(t) + h2.continuation(1, b"\x82"), Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("CONTINUATION after DATA", "9113 §6.10", lambda t: post(t) + h2.data(1, b"x") + h2.continuation(1), Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("CONTINUATION on stream 0", "9113 §6.10", lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False) + h2.continuation(0), Conn(h2.PROTOCOL_ERROR))
    case("a block that never ends, then a close", s, lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False), Conn(h2.NO_ERROR, silent=True), ending="close_notify")


# ================ RFC 9113 §5: streams ================
def stream_cases():
    s = "9113 §5.1"
    case("DATA on an idle stream", s, h2.data(1, b"x", True), Conn(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED))
    case("RST_STREAM on an idle stream", s, h2.rst_stream(1), Conn(h2.PROTOCOL_ERROR))
    case("WINDOW_UPDATE on an idle stream", s, h2.window_update(1, 1), Conn(h2.PROTOCOL_ERROR))
    case("PRIORITY on an idle stream", s, lambda t: h2.priority(9) + get(t), Ok())
    case("DATA after END_STREAM", s, lambda t: get(t) + h2.data(1, b"x"), Conn(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR, before={1: F()}), Stream(h2.STREAM_CLOSED), Ok(), aborted=True)
    case("HEADERS after END_STREAM", s, lambda t: get(t) + get(t), Conn(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR, before={1: F()}), Stream(h2.STREAM_CLOSED), aborted=True)
    case("DATA after RST_STREAM", s, lambda t: post(t) + h2.rst_stream(1) + h2.data(1, b"x", True), Conn(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR), Ok({}),
         Stream(h2.STREAM_CLOSED), aborted=True)
    case("HEADERS after RST_STREAM", s, lambda t: post(t) + h2.rst_stream(1) + get(t), Conn(h2.STREAM_CLOSED, h2.PROTOCOL_ERROR), Stream(h2.STREAM_CLOSED), Ok({}), aborted=True)
    for what, late in (("WINDOW_UPDATE", h2.window_update(1, 1)), ("RST_STREAM", h2.rst_stream(1)), ("PRIORITY", h2.priority(1))):
        case(what + " after the stream ended", s, (lambda f: lambda t: post(t) + h2.rst_stream(1) + f)(late), Ok({}), aborted=True)
    case("three streams at once", s, lambda t: get(t) + get(t, 3) + get(t, 5), Ok({1: F(), 3: F(), 5: F()}))
    case("bodies of two streams in turn", s, lambda t: post(t) + post(t, 3) + h2.data(1, b"a") + h2.data(3, b"x") + h2.data(1, b"b", True) + h2.data(3, b"y", True),
         Ok({1: F(b"POST", body=b"ab"), 3: F(b"POST", body=b"xy")}))
    case("a reset upload is not a whole one", "9113 §8.1", lambda t: post(t) + h2.data(1, b"abc") + h2.rst_stream(1), Ok({}), aborted=True)
    case("a reset upload with a length is not a whole one", "9113 §8.1", lambda t: post(t, 1, (b"content-length", b"3")) + h2.data(1, b"ab") + h2.rst_stream(1), Ok({}), aborted=True)
    s = "9113 §5.1.1"
    case("an even stream", s, lambda t: get(t, 2), Conn(h2.PROTOCOL_ERROR))
    case("HEADERS on stream 0", s, lambda t: get(t, 0), Conn(h2.PROTOCOL_ERROR))
    case("a decreasing stream", s, lambda t: get(t, 5) + get(t, 3), Conn(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED, before={5: F()}))
    case("a stream used again", s, reuse_stream, Conn(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED, before={1: F()}), Stream(h2.STREAM_CLOSED), Ok(), aborted=True)
    case("streams with gaps", s, lambda t: get(t, 5) + get(t, 1001), Ok({5: F(), 1001: F()}))
    case("the highest stream", s, b"", run=highest_stream)
    case("more streams than allowed", "9113 §5.1.2", b"", run=too_many_streams)
    s = "9113 §5.3"
    case("PRIORITY that depends on itself", s, lambda t: h2.priority(1, 1) + get(t), Ok(), Conn(h2.PROTOCOL_ERROR), Stream(h2.PROTOCOL_ERROR))
    case("HEADERS that depend on themselves", s, lambda t: h2.headers(1, b"\0\0\0\1\x10" + h2.block(fields(t)), flags=h2.HAS_PRIORITY), Ok(), Conn(h2.PROTOCOL_ERROR),
         Stream(h2.PROTOCOL_ERROR))
    case("HEADERS with a priority", s, lambda t: h2.headers(1, b"\0\0\0\0\x10" + h2.block(fields(t)), flags=h2.HAS_PRIORITY), Ok())
    case("HEADERS exclusive on a stream to come", s, lambda t: h2.headers(1, b"\x80\0\0\x99\xff" + h2.block(fields(t)), flags=h2.HAS_PRIORITY), Ok())
    case("a chain of PRIORITY", s, lambda t: b"".join(h2.priority(2 * i + 1, 2 * i + 3, exclusive=True) for i in range(1, 60)) + get(t), Ok())
    case("a circle of PRIORITY", s, lambda t: h2.priority(1, 3) + h2.priority(3, 5) + h2.priority(5, 1) + get(t), Ok())


def reuse_stream(target):
    return get(target) + h2.ping(b"reuse!!!") + get(target)


def highest_stream(bed, this):
    client = Client(bed)
    client.send(get(this.target, 0x7FFFFFFF))
    client.wait_streams([0x7FFFFFFF])
    if client.streams[0x7FFFFFFF].status != 200:
        raise Failure(f"stream 2^31-1 got {client.describe()}")
    client.send(get(this.target + b"-again", 1))  # long gone: refused or ignored, never served
    for _ in range(5):
        client.pump(0.1)
    if 1 in client.streams and client.streams[1].headers is not None:
        raise Failure(f"a decreasing stream was served: {client.describe()}")
    requests = bed.upstream.take()
    if len(requests) != 1:
        raise Failure(f"the upstream saw {[r.summary() for r in requests]}")


def too_many_streams(bed, this):
    held = []
    bed.upstream.answer = lambda peer, request: held.append((peer, request))
    client = Client(bed)
    limit = client.peer_settings.get(h2.MAX_CONCURRENT_STREAMS, 0)
    if not 1 <= limit <= 1000:
        raise Failure(f"the gate allows {limit} streams")
    streams = [2 * i + 1 for i in range(limit + 50)]
    client.send(b"".join(get(this.target, stream) for stream in streams))
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and not client.closed and sum(1 for s in client.streams.values() if s.reset is not None) < 50:
        client.pump(0.1)
    refused = [s for s in client.streams.values() if s.reset is not None]
    if client.closed:
        if client.goaway_code in (None, h2.NO_ERROR):
            raise Failure("closed without a word")
        return
    if len(refused) != 50 or any(s.reset not in (h2.REFUSED_STREAM, h2.PROTOCOL_ERROR) for s in refused):
        raise Failure(f"{len(refused)} of 50 streams too many were refused: {sorted({s.reset for s in refused})}")
    bed.upstream.answer = None
    for peer, request in held:
        try:
            peer.respond(request)
        except OSError:
            pass
    client.conn.close()
    time.sleep(0.1)


# ================ RFC 9113 §6: frame types ================
def type_cases():
    s = "9113 §6.1"
    case("DATA on stream 0", s, h2.data(0, b"x"), Conn(h2.PROTOCOL_ERROR))
    case("DATA with padding", s, lambda t: post(t) + h2.data(1, b"abc", True, padding=200), Ok({1: F(b"POST", body=b"abc")}))
    case("DATA with a padding of 0", s, lambda t: post(t) + h2.data(1, b"abc", True, padding=0), Ok({1: F(b"POST", body=b"abc")}))
    case("DATA of padding alone", s, lambda t: post(t) + h2.data(1, b"", False, padding=255) + h2.data(1, b"abc", True), Ok({1: F(b"POST", body=b"abc")}))
    case("DATA, padding to the last byte", s, lambda t: post(t) + h2.frame(h2.DATA, 9, 1, b"\x03abc"), Ok({1: F(b"POST")}))
    case("DATA, padding beyond the frame", s, lambda t: post(t) + h2.frame(h2.DATA, 9, 1, b"\x04abc"), Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("DATA padded but empty", s, lambda t: post(t) + h2.frame(h2.DATA, 9, 1, b""), Conn(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR), aborted=True)
    case("DATA that is empty, then some", s, lambda t: post(t) + h2.data(1) * 5 + h2.data(1, b"abc") + h2.data(1, b"", True), Ok({1: F(b"POST", body=b"abc")}))
    case("DATA before HEADERS", s, lambda t: h2.data(1, b"abc") + post(t), Conn(h2.PROTOCOL_ERROR, h2.STREAM_CLOSED))
    s = "9113 §6.2"
    case("HEADERS with padding", s, lambda t: h2.headers(1, b"\x20" + h2.block(fields(t)) + b"\0" * 32, flags=h2.PADDED), Ok())
    case("HEADERS with padding and a priority", s, lambda t: h2.headers(1, b"\x20\0\0\0\0\x10" + h2.block(fields(t)) + b"\0" * 32, flags=h2.PADDED | h2.HAS_PRIORITY), Ok())
    case("HEADERS, padding beyond the frame", s, lambda t: h2.headers(1, b"\xff" + h2.block(fields(b"/"))[:20], flags=h2.PADDED), Conn(h2.PROTOCOL_ERROR))
    case("HEADERS, padding over the priority", s, lambda t: h2.headers(1, b"\x05\0\0\0\0\x10", flags=h2.PADDED | h2.HAS_PRIORITY), Conn(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR),
         Stream())
    case("HEADERS padded but empty", s, h2.headers(1, b"", flags=h2.PADDED), Conn(h2.PROTOCOL_ERROR, h2.FRAME_SIZE_ERROR))
    case("HEADERS with padding that is not zero", s, lambda t: h2.headers(1, b"\x04" + h2.block(fields(t)) + b"abcd", flags=h2.PADDED), Ok(), Conn(h2.PROTOCOL_ERROR))
    case("PRIORITY on stream 0", "9113 §6.3", h2.priority(0), Conn(h2.PROTOCOL_ERROR))
    case("RST_STREAM on stream 0", "9113 §6.4", h2.rst_stream(0), Conn(h2.PROTOCOL_ERROR))
    case("RST_STREAM with an unknown code", "9113 §6.4", lambda t: post(t) + h2.rst_stream(1, 0xDEADBEEF), Ok({}), aborted=True)
    case("PUSH_PROMISE from a client", "9113 §6.6", lambda t: post(t) + h2.frame(h2.PUSH_PROMISE, 4, 1, b"\0\0\0\2" + h2.block(fields(t))), Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("PUSH_PROMISE on stream 0", "9113 §6.6", h2.frame(h2.PUSH_PROMISE, 4, 0, b"\0\0\0\2"), Conn(h2.PROTOCOL_ERROR))
    s = "9113 §6.5"
    case("SETTINGS on a stream", s, h2.frame(h2.SETTINGS, 0, 1), Conn(h2.PROTOCOL_ERROR))
    for what, pair in (("ENABLE_PUSH 2", (h2.ENABLE_PUSH, 2)), ("MAX_FRAME_SIZE 16383", (h2.MAX_FRAME_SIZE, 16383)), ("MAX_FRAME_SIZE 0", (h2.MAX_FRAME_SIZE, 0)),
                       ("MAX_FRAME_SIZE 2^24", (h2.MAX_FRAME_SIZE, 1 << 24))):
        case("SETTINGS " + what, s, h2.settings(pair), Conn(h2.PROTOCOL_ERROR))
    case("SETTINGS INITIAL_WINDOW_SIZE 2^31", s, h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 31)), Conn(h2.FLOW_CONTROL_ERROR))
    for what, pairs in (("ENABLE_PUSH 0", ((h2.ENABLE_PUSH, 0),)), ("ENABLE_PUSH 1", ((h2.ENABLE_PUSH, 1),)), ("an unknown identifier", ((0xFFFF, 5), (0x99, 1 << 31))),
                        ("MAX_FRAME_SIZE 2^24-1", ((h2.MAX_FRAME_SIZE, (1 << 24) - 1),)), ("INITIAL_WINDOW_SIZE 2^31-1", ((h2.INITIAL_WINDOW_SIZE, (1 << 31) - 1),)),
                        ("HEADER_TABLE_SIZE 0", ((h2.HEADER_TABLE_SIZE, 0),)), ("HEADER_TABLE_SIZE 2^32-1", ((h2.HEADER_TABLE_SIZE, (1 << 32) - 1),)),
                        ("MAX_CONCURRENT_STREAMS 0", ((h2.MAX_CONCURRENT_STREAMS, 0),)), ("MAX_HEADER_LIST_SIZE 2^32-1", ((h2.MAX_HEADER_LIST_SIZE, (1 << 32) - 1),)),
                        ("the same identifier twice", ((h2.INITIAL_WINDOW_SIZE, 0), (h2.INITIAL_WINDOW_SIZE, 70000))), ("nothing", ())):
        case("SETTINGS " + what, s, (lambda p: lambda t: h2.settings(*p) + get(t))(pairs), Ok())
    case("SETTINGS HEADER_TABLE_SIZE up and down", s, lambda t: h2.settings((h2.HEADER_TABLE_SIZE, 0)) + h2.settings((h2.HEADER_TABLE_SIZE, 4096)) + get(t)
         + h2.settings((h2.HEADER_TABLE_SIZE, 100)) + get(t, 3), Ok({1: F(), 3: F()}))
    case("SETTINGS are acknowledged", "9113 §6.5.3", b"", run=settings_acknowledged)
    case("SETTINGS ACK nobody waits for", "9113 §6.5.3", lambda t: h2.settings_ack() * 3 + get(t), Ok(), Conn(h2.PROTOCOL_ERROR))
    s = "9113 §6.7"
    case("PING is answered", s, b"", run=ping_answered)
    case("PING on a stream", s, h2.frame(h2.PING, 0, 1, b"x" * 8), Conn(h2.PROTOCOL_ERROR))
    case("PING ACK nobody waits for", s, lambda t: h2.ping(b"nobody!!", ack=True) + get(t), Ok())
    s = "9113 §6.8"
    case("GOAWAY on a stream", s, h2.frame(h2.GOAWAY, 0, 1, b"\0" * 8), Conn(h2.PROTOCOL_ERROR))
    case("GOAWAY lets the streams finish", s, b"", run=goaway_finishes)
    case("GOAWAY with an error and debug data", s, b"", run=goaway_error)


def settings_acknowledged(bed, _this):
    client = Client(bed)
    before = client.settings_acks
    client.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 1000)) * 5)
    deadline = time.monotonic() + WAIT_S
    while client.settings_acks < before + 5 and time.monotonic() < deadline:
        client.pump(0.2)
    if client.settings_acks != before + 5:
        raise Failure(f"{client.settings_acks - before} of 5 SETTINGS were acknowledged")


def ping_answered(bed, _this):
    client = Client(bed)
    client.send(h2.ping(b"\x01\x02\x03\x04\x05\x06\x07\xff") + h2.ping(b"second!!"))
    deadline = time.monotonic() + WAIT_S
    while len(client.pongs) < 2 and time.monotonic() < deadline:
        client.pump(0.2)
    if client.pongs != [b"\x01\x02\x03\x04\x05\x06\x07\xff", b"second!!"]:
        raise Failure(f"the answers to PING are {client.pongs}")


def goaway_finishes(bed, this):
    def slow(peer, request):
        time.sleep(0.15)
        peer.respond(request)
    bed.upstream.answer = slow
    client = Client(bed)
    client.send(get(this.target) + h2.goaway(0, h2.NO_ERROR))
    client.wait_streams([1])
    if client.streams[1].status != 200 or not client.streams[1].ended:
        raise Failure(f"the running stream got {client.describe()}")
    client.wait_closed()


def goaway_error(bed, this):
    client = Client(bed)
    client.send(get(this.target) + h2.goaway(0, h2.INTERNAL_ERROR, b"debug" * 100))
    deadline = time.monotonic() + WAIT_S
    while not client.closed and time.monotonic() < deadline:
        client.pump(0.2)
    if not client.closed:
        raise Failure("the connection stays open")


# ================ RFC 9113 §5.2, §6.9: flow control ================
def flow_cases():
    s = "9113 §6.9"
    case("WINDOW_UPDATE 0 on the connection", s, h2.window_update(0, 0), Conn(h2.PROTOCOL_ERROR))
    case("WINDOW_UPDATE 0 on a stream", s, lambda t: post(t) + h2.window_update(1, 0), Stream(h2.PROTOCOL_ERROR), Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("WINDOW_UPDATE over 2^31-1 on the connection", "9113 §6.9.1", h2.window_update(0, 0x7FFFFFFF), Conn(h2.FLOW_CONTROL_ERROR))
    case("WINDOW_UPDATE over 2^31-1 on a stream", "9113 §6.9.1", lambda t: post(t) + h2.window_update(1, 0x7FFFFFFF), Stream(h2.FLOW_CONTROL_ERROR),
         Conn(h2.FLOW_CONTROL_ERROR), aborted=True)
    case("WINDOW_UPDATE with the reserved bit", s, lambda t: h2.frame(h2.WINDOW_UPDATE, 0, 0, b"\x80\0\0\1") + get(t), Ok())
    # A connection error by the RFC; nghttp2 ends only the streams whose windows overflow, which is safe.
    case("INITIAL_WINDOW_SIZE over 2^31-1 by sum", "9113 §6.9.2", lambda t: post(t) + h2.window_update(1, 0x7FFF0000 - 65535) + h2.settings((h2.INITIAL_WINDOW_SIZE, 0x7FFFFFFF)),
         Conn(h2.FLOW_CONTROL_ERROR), Stream(h2.FLOW_CONTROL_ERROR), aborted=True)
    case("an answer through a window of 10 bytes", "9113 §6.9.2", b"", run=tiny_window)
    case("an answer after a window of 0", "9113 §6.9.2", b"", run=zero_window)
    case("a window that turns negative", "9113 §6.9.2", b"", run=negative_window)
    case("DATA beyond the window", "9113 §6.9.1", b"", run=beyond_window, only="h1")
    case("padding counts in the window", "9113 §6.9.1", b"", run=padding_window)
    big = bytes(range(256)) * 8192
    case("an upload of 2 MiB within the windows", s, b"", run=upload(big))
    case("a download of 4 MiB", s, b"", run=download(big * 2))


def tiny_window(bed, this):
    bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"0123456789" * 20)
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 10),), auto_window=False)
    client.send(get(this.target))
    body = b""
    for turn in range(1, 21):
        deadline = time.monotonic() + WAIT_S
        while len(client.body(1)) < 10 * turn and time.monotonic() < deadline:
            client.pump(0.2)
        if len(client.body(1)) != 10 * turn:
            raise Failure(f"{len(client.body(1))} bytes in a window of {10 * turn}")
        client.send(h2.window_update(1, 10))
    client.wait_streams([1])
    body = client.body(1)
    if body != b"0123456789" * 20 or not client.streams[1].ended:
        raise Failure(f"got {len(body)} bytes")


def zero_window(bed, this):
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 0),), auto_window=False)
    client.send(get(this.target))
    deadline = time.monotonic() + WAIT_S
    while 1 not in client.streams and time.monotonic() < deadline:
        client.pump(0.2)
    client.pump(0.1)
    if client.body(1):
        raise Failure("DATA in a window of 0")
    client.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 1000)))
    client.wait_streams([1])
    if not client.streams[1].ended or not client.body(1):
        raise Failure(f"got {client.describe()}")


def negative_window(bed, this):
    bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * 3000)
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 1000),), auto_window=False)
    client.send(get(this.target))
    deadline = time.monotonic() + WAIT_S
    while len(client.body(1)) < 1000 and time.monotonic() < deadline:
        client.pump(0.2)
    client.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 10)) + h2.window_update(1, 500))
    client.pump(0.1)
    if len(client.body(1)) != 1000:
        raise Failure(f"{len(client.body(1))} bytes though the window is -490")
    client.send(h2.window_update(1, 10000))
    client.wait_streams([1])
    if len(client.body(1)) != 3000:
        raise Failure(f"{len(client.body(1))} bytes of 3000")


def beyond_window(bed, this):
    """The upstream does not read, so the window stays closed; what is sent beyond is an error, and is not kept."""
    def early(_peer, request):
        if request.target == this.target:
            time.sleep(1)
        return False
    bed.upstream.early_answer = early
    before = bed.gate.rss_bytes()
    client = Client(bed, auto_window=False)
    client.send(post(this.target))
    try:
        for _ in range(2000):
            client.send(h2.data(1, b"x" * 16384))
    except OSError:
        pass
    deadline = time.monotonic() + WAIT_S
    while not client.closed and time.monotonic() < deadline and (1 not in client.streams or client.streams[1].reset is None):
        client.pump(0.2)
    if bed.gate.rss_bytes() - before > 24 << 20:
        raise Failure(f"the gate grew by {(bed.gate.rss_bytes() - before) >> 20} MiB")
    code = client.goaway_code if client.closed else client.streams[1].reset if 1 in client.streams else None
    if code != h2.FLOW_CONTROL_ERROR and not (client.closed and client.conn.ended == "rst"):
        raise Failure(f"32 MiB into a closed window: {client.describe()}")
    client.conn.abort()


def padding_window(bed, this):
    """Padding is given back, so uploads of mostly padding go on for ever."""
    client = Client(bed)
    client.send(post(this.target))
    for _ in range(3000):
        client.wait_window(1, 300)
        client.send(h2.data(1, b"a", padding=250))
        client.take_window(1, 252)
    client.send(h2.data(1, b"", True))
    client.wait_streams([1])
    requests = bed.upstream.take()
    if len(requests) != 1 or bytes(requests[0].body) != b"a" * 3000:
        raise Failure(f"{client.describe()}; the upstream saw {[r.summary() for r in requests]}")


def upload(body):
    def run(bed, this):
        client = Client(bed)
        client.send(post(this.target))
        view = memoryview(body)
        while view:
            size = min(16384, len(view))
            client.wait_window(1, size)
            client.send(h2.data(1, bytes(view[:size])))
            client.take_window(1, size)
            view = view[size:]
        client.send(h2.data(1, b"", True))
        client.wait_streams([1])
        requests = bed.upstream.take()
        if len(requests) != 1 or bytes(requests[0].body) != body or not requests[0].complete:
            raise Failure(f"{client.describe()}; the upstream saw {[r.summary() for r in requests]}")
        check_forwarded(requests[0])
    return run


def download(body):
    def run(bed, this):
        bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=body)
        client = Client(bed)
        client.send(get(this.target))
        client.wait_streams([1], 20)
        if client.body(1) != body or not client.streams[1].ended:
            raise Failure(f"got {len(client.body(1))} of {len(body)} bytes: {client.describe()}")
    return run


# ================ RFC 9113 §8: requests ================
MALFORMED = Stream(h2.PROTOCOL_ERROR, h2.INTERNAL_ERROR, h2.REFUSED_STREAM, status=(400, 421, 431))


def with_fields(name, section, make, *alternatives, end=True, **options):
    """`make(target)` → list of fields."""
    case(name, section, lambda t: in_frames(1, h2.block(make(t)), end), *alternatives, **options)


def pseudo_cases():
    s = "9113 §8.3.1"
    for drop in (b":method", b":scheme", b":path"):
        with_fields(f"no {drop.decode()}", s, (lambda d: lambda t: [f for f in fields(t) if f[0] != d])(drop), MALFORMED)
    with_fields("no :authority and no host", s, lambda t: fields(t, authority=None), MALFORMED)
    with_fields("host alone", s, lambda t: fields(t, b"GET", (b"host", b"gate"), authority=None), Ok(), MALFORMED)
    with_fields(":authority and an equal host", s, lambda t: fields(t, b"GET", (b"host", b"gate")), Ok(), MALFORMED)
    with_fields(":authority and another host", s, lambda t: fields(t, b"GET", (b"host", b"other")), MALFORMED, Ok())
    with_fields("two hosts", s, lambda t: fields(t, b"GET", (b"host", b"gate"), (b"host", b"other"), authority=None), MALFORMED)
    with_fields("an empty :authority", s, lambda t: fields(t, authority=b""), MALFORMED, Ok())
    for name, value in fields(b"/x"):
        with_fields(f"{name.decode()} twice", s, (lambda n, v: lambda t: fields(t)[:4] + [(n, v)])(name, value), MALFORMED)
        with_fields(f"{name.decode()} twice, the same", s, (lambda n: lambda t: [f for f in fields(t) for _ in range(2 if f[0] == n else 1)])(name), MALFORMED)
        with_fields(f"{name.decode()} after a field", s, (lambda n: lambda t: [f for f in fields(t) if f[0] != n] + [(b"a", b"b")] + [f for f in fields(t) if f[0] == n])(name), MALFORMED)
    for name in (b":foo", b":status", b":", b":Path", b":path ", b":protocol", b":host"):
        with_fields(f"pseudo-header {name.decode()!r}", "9113 §8.3", (lambda n: lambda t: fields(t) + [(n, b"200")])(name), MALFORMED)
        if name == b":status":
            with_fields(":status and nothing else", "9113 §8.3", lambda t: [(b":status", b"200")], MALFORMED)
    case("an empty field block", s, h2.headers(1, b""), MALFORMED, Conn())
    for method in (b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"PATCH", b"POST"):
        with_fields("method " + method.decode(), "9110 §9", (lambda m: lambda t: fields(t, m))(method), Ok({1: F(method)}))
    for method in (b"get", b"FOO", b"TRACE", b"PRI", b"QUERY", b"X!#$%&'*+-.^_`|~9"):
        with_fields("method " + method.decode(), "9110 §9", (lambda m: lambda t: fields(t, m))(method), Ok({1: F(method)}),
                    Stream(status=(400, 403, 405, 501)))
    for method in (b"", b"GET ", b" GET", b"G ET", b"GET\0", b"GET\r\n", b"GE\tT", b"G/T", b"G(T", b"G\xc3\xa9T", b"G\x7fT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"):
        with_fields("method " + repr(method), "9110 §9", (lambda m: lambda t: fields(t, m))(method), MALFORMED)
    for scheme in (b"http", b"HTTPS", b"ftp", b"", b"https ", b"ht tps", b"https://x/", b"1https", b"https\0"):
        with_fields("scheme " + repr(scheme), s, (lambda v: lambda t: fields(t, scheme=v))(scheme), MALFORMED, Ok())
    for authority in (b"root@gate", b"ga te", b"gate/x", b"gate\0", b"gate\r\nX-Remote-User: root", b"gate\n", b"a,b", b"gate?x", b"gate#x", b"gate\\x", b"\xc3\xa9", b" gate",
                      b"gate ", b"gate\tx"):
        with_fields("authority " + repr(authority), s, (lambda v: lambda t: fields(t, authority=v))(authority), MALFORMED)
    for authority in (b"gate:6443", b"127.0.0.1:8443", b"[::1]:8443", b"GATE", b"kubernetes.default.svc"):
        with_fields("authority " + repr(authority), s, (lambda v: lambda t: fields(t, authority=v))(authority), Ok())
    s = "9113 §8.5"
    with_fields("CONNECT", s, lambda t: [(b":method", b"CONNECT"), (b":authority", b"gate:443")], Stream(status=(400, 403, 405, 501)), end=False)
    with_fields("CONNECT with a path", s, lambda t: fields(t, b"CONNECT"), Stream(status=(400, 403, 405, 501)), end=False)
    with_fields("CONNECT without authority", s, lambda t: [(b":method", b"CONNECT")], Stream(status=(400, 403, 405, 501)), end=False)
    with_fields("extended CONNECT", "8441 §4", lambda t: fields(t, b"CONNECT", (b":protocol", b"websocket")), Stream(status=(400, 403, 405, 501)), end=False)
    with_fields("a GET with :protocol", "8441 §4", lambda t: fields(t) + [(b":protocol", b"websocket")], MALFORMED)


def path_cases():
    s = "9113 §8.3.1"
    exact = (b"/", b"//", b"/healthz", b"/api//v1/pods", b"/api/v1/./pods", b"/api/v1/../secrets", b"/api/v1/namespaces/x/pods/%2e%2e", b"/api/v1/namespaces/x/pods/a%2Fb",
             b"/api/v1/namespaces/x/pods/a%2fb", b"/%61pi/v1/pods", b"/api/v1/pods//", b"/api/v1/pods?", b"/api/v1/pods?a=%2F..%2F", b"/a+b", b"/a:b@c", b"/a!$'()*b", b"/..", b"/.",
             b"/api/v1/namespaces//pods", b"/x?y?z=/../a", b"/a%252Fb", b"/api/v1/pods;x=1", b"/" + b"a" * 30000)
    for target in exact:
        with_fields("path " + target[:60].decode(), s, (lambda v: lambda t: fields(v))(target), Ok({1: F(target=target)}))
    for target in (b"/a#b", b"/#", b"/\xc3\xa9", b"/\xff", b"/a\"b", b"/a<b>", b"/a\\b", b"/a^b", b"/a`b", b"/a{b}", b"/a|b", b"/a[b]", b"/a%00b", b"/a?%", b"/a?%zz",
                   b"/a%0d%0aX-Remote-User:%20root"):
        with_fields("path " + repr(target), s, (lambda v: lambda t: fields(v))(target), Ok({1: F(target=target)}), MALFORMED)
    for target in (b"", b"a", b"api/v1/pods", b"*", b"?a", b"https://gate/api/v1/pods", b"http:x", b"gate:443", b"/a b", b"/a\tb", b"/a\0b", b"/a\x01b", b"/a\x7fb", b"/a\rb", b"/a\nb",
                   b"/a HTTP/1.1\r\nX-Remote-User: root\r\n\r\nGET /b", b" /a", b"/a ", b"/a%", b"/a%z", b"/a%zz", b"/%u002e", b"\\a", b"//\r\n"):
        with_fields("path " + repr(target), s, (lambda v: lambda t: fields(v))(target), MALFORMED)
    with_fields("OPTIONS *", s, lambda t: fields(b"*", b"OPTIONS"), Ok({1: F(b"OPTIONS", b"*")}), Stream(status=(200, 400, 403, 404)))
    with_fields("a path of 33000 bytes", "9110 §15.5.15", lambda t: fields(b"/" + b"a" * 33000), Stream(status=(400, 414, 431)))
    # judged and forwarded alike
    s = "9110 §7.1"
    for target in (b"/api/v1/namespaces/x/pods/y", b"/%61pi/v1/pods", b"/ok/../secret", b"/ok//y"):
        with_fields("may " + target.decode(), s, (lambda v: lambda t: fields(v))(target), Ok({1: F(target=target)}), user="narrow", beds=("rbac",))
    for target in (b"/api/v1/namespaces/x/secrets/y", b"/api/v1/namespaces/x/pods/y%2Flog", b"/api/v1/./pods", b"/x/../ok", b"//ok/x", b"/api/v1/pods?watch=1"):
        with_fields("may not " + target.decode(), s, (lambda v: lambda t: fields(v))(target), Stream(status=(403, 400, 500)), user="narrow", beds=("rbac",))
    case("a denied body goes nowhere", s, lambda t: post(t) + h2.data(1, b"abc", True), Stream(h2.NO_ERROR, status=(403,)), user="narrow", beds=("rbac",))


def in_frames(stream, block, end=True):
    """HEADERS and as many CONTINUATION as it takes."""
    pieces = [block[i:i + 16384] for i in range(0, len(block), 16384)] or [b""]
    out = h2.headers(stream, pieces[0], end=end, end_headers=len(pieces) == 1)
    for number, piece in enumerate(pieces[1:], 2):
        out += h2.continuation(stream, piece, number == len(pieces))
    return out


def field_cases():
    s = "9113 §8.2.1"

    def one(name, value):
        return lambda t: fields(t, b"GET", (name, value))
    for name in (b"A", b"aB", b"X-Remote-User", b"", b"a b", b"a:b", b" a", b"a ", b"a\0", b"a\x01", b"a\x1f", b"a\x7f", b"a\x80", b"\xc3\xa9", b"a\r\nb", b"a\n", b"a(b)", b"a\"", b"a,b",
                 b"a/b", b"a;b", b"a=b", b"a@b", b"a[b]", b"a{b}", b"a\\b", b"a\tb"):
        with_fields("name " + repr(name), s, one(name, b"v"), MALFORMED)
    for value in (b"a\0b", b"a\rb", b"a\nb", b"a\r\nX-Remote-User: root", b"\r", b"\n", b"\0", b"a\r\n\r\nGET @S HTTP/1.1\r\n\r\n"):
        with_fields("value " + repr(value), s, one(b"a", value), MALFORMED)
    for value in (b" a", b"a ", b"\ta", b"a\t"):
        with_fields("value " + repr(value), s, one(b"a", value), MALFORMED, Ok({1: F(has=[(b"a", [value.strip()])])}))
    for value in (b"a\x01b", b"a\x0bb", b"a\x1bb", b"a\x7fb"):
        with_fields("value " + repr(value), s, one(b"a", value), MALFORMED)
    for value in (b"", b"a\tb", b"a: b", b"a\x80\xff", b"v" * 10000):
        with_fields("value " + repr(value)[:30], s, one(b"a", value), Ok({1: F(has=[(b"a", [value])])}), *((MALFORMED,) if max(value or b"a") > 127 else ()))
    with_fields("a name of every token char", s, one(b"!#$%&'*+-.^_`|~0az", b"v"), Ok({1: F(has=[(b"!#$%&'*+-.^_`|~0az", [b"v"])])}))
    s = "9113 §8.2.2"
    for name, value in ((b"connection", b"close"), (b"connection", b"keep-alive"), (b"connection", b"x-remote-user"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"x"),
                        (b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"identity"), (b"upgrade", b"websocket"), (b"upgrade", b"h2c"), (b"te", b"gzip"), (b"te", b"trailers, gzip"),
                        (b"te", b"")):
        with_fields(f"{name.decode()}: {value.decode()}", s, one(name, value), MALFORMED)
    with_fields("te: trailers", s, one(b"te", b"trailers"), Ok())
    with_fields("http2-settings", s, one(b"http2-settings", b"AAMAAABk"), Ok(), MALFORMED)
    with_fields("cookie in crumbs", "9113 §8.2.3", lambda t: fields(t, b"GET", (b"cookie", b"a=b"), (b"x", b"y"), (b"cookie", b"c=d"), (b"cookie", b"e=f")), Ok({1: F(check=None)}))
    with_fields("the same name three times", "9110 §5.3", lambda t: fields(t, b"GET", (b"a", b"1"), (b"b", b"x"), (b"a", b"2"), (b"a", b"1")), Ok({1: F(has=[(b"a", [b"1", b"2", b"1"])])}))
    with_fields("400 fields", "9113 §10.5.1", lambda t: fields(t, b"GET", *[(b"a%d" % i, b"b") for i in range(400)]), Ok({1: F(has=[(b"a399", [b"b"])])}))
    large = Stream(h2.PROTOCOL_ERROR, h2.ENHANCE_YOUR_CALM, h2.REFUSED_STREAM, h2.INTERNAL_ERROR, h2.CANCEL, status=(400, 431))
    with_fields("600 fields", "9113 §10.5.1", lambda t: fields(t, b"GET", *[(b"a%d" % i, b"b") for i in range(600)]), large)
    case("a value of 40000 bytes", "9113 §10.5.1", lambda t: in_frames(1, h2.block(fields(t, b"GET", (b"a", b"v" * 40000)))), Ok({1: F(has=[(b"a", [b"v" * 40000])])}))
    case("a value of 70000 bytes", "9113 §10.5.1", lambda t: in_frames(1, h2.block(fields(t, b"GET", (b"a", b"v" * 70000)))), large, Conn())
    case("a block of 1 MiB", "9113 §10.5.1", lambda t: in_frames(1, h2.block(fields(t, b"GET", *[(b"a%d" % i, b"v" * 1000) for i in range(1000)]))), large, Conn())
    s = "identity"
    for name, value in ((b"x-remote-user", b"root"), (b"x_remote_user", b"root"), (b"x-remote_user", b"root"), (b"x-remote-group", b"system:masters"), (b"x-remote-uid", b"0"),
                        (b"x-remote-extra-scopes", b"all"), (b"x_remote_extra_scopes", b"all"), (b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-host", b"other"), (b"forwarded", b"for=6.6.6.6"),
                        (b"x-real-ip", b"6.6.6.6"), (b"authorization", b"Bearer abc"), (b"x-forwarded-client-cert", b"x")):
        with_fields(f"a client says {name.decode()}: {value.decode()}", s, one(name, value), Ok(), Stream(status=(400, 401, 403)))
    for name in (b"impersonate-group", b"impersonate-uid", b"impersonate_user", b"impersonate-users"):
        with_fields(f"a client says {name.decode()}", s, one(name, b"root"), Stream(status=(400, 403)))


def message_cases():
    s = "9113 §8.1"

    def body(*more, data=b"abc"):
        return lambda t: post(t, 1, *more) + h2.data(1, data, True)
    case("a POST", s, body(), Ok({1: F(b"POST", body=b"abc")}))
    case("a POST with its length", s, body((b"content-length", b"3")), Ok({1: F(b"POST", body=b"abc")}))
    case("a POST of length 0", s, lambda t: post(t, 1, (b"content-length", b"0"), end=True), Ok({1: F(b"POST")}))
    case("a GET with a body", s, lambda t: get(t, 1, end=False) + h2.data(1, b"abc", True), Ok({1: F(body=b"abc")}))
    case("an empty body", s, lambda t: post(t) + h2.data(1, b"", True), Ok({1: F(b"POST")}))
    s = "9113 §8.1.1"
    for what, length, data in (("shorter than its length", b"5", b"abc"), ("longer than its length", b"2", b"abc"), ("with length 0", b"0", b"abc"), ("empty with length 3", b"3", b"")):
        case("a body " + what, s, body((b"content-length", length), data=data), MALFORMED, aborted=True)
        case(f"a body {what}, with trailers", s, (lambda n, d: lambda t: post(t, 1, (b"content-length", n)) + h2.data(1, d) + h2.headers(1, h2.block([(b"x-t", b"v")])))(length, data),
             MALFORMED, aborted=True)
    case("a length but no body", s, lambda t: post(t, 1, (b"content-length", b"3"), end=True), MALFORMED)
    for value in (b"", b"+3", b"-3", b"3 ", b"0x3", b"3,3", b"3, 4", b"three", b"3.0", b"18446744073709551619", b"99999999999999999999999", b"3\0"):
        case("content-length " + repr(value), s, body((b"content-length", value)), MALFORMED, aborted=False)
    case("content-length 03", s, body((b"content-length", b"03")), MALFORMED, Ok({1: F(b"POST", body=b"abc")}))
    case("two lengths", s, body((b"content-length", b"3"), (b"content-length", b"4")), MALFORMED)
    case("two equal lengths", s, body((b"content-length", b"3"), (b"content-length", b"3")), MALFORMED, Ok({1: F(b"POST", body=b"abc")}))
    case("content-length and transfer-encoding", s, body((b"content-length", b"3"), (b"transfer-encoding", b"chunked")), MALFORMED)
    case("a body that looks like a request", s, body(data=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gate\r\n\r\n"),
         Ok({1: F(b"POST", body=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gate\r\n\r\n")}))
    s = "9113 §8.1"

    def trailers(*fields_of_them, end=True, after=b""):
        return lambda t: post(t) + h2.data(1, b"abc") + h2.headers(1, h2.block(fields_of_them), end=end) + after
    case("trailers", s, trailers((b"x-t", b"v")), Ok({1: F(b"POST", body=b"abc")}))
    case("trailers without a body", s, lambda t: post(t) + h2.headers(1, h2.block([(b"x-t", b"v")])), Ok({1: F(b"POST")}))
    case("empty trailers", s, trailers(), Ok({1: F(b"POST", body=b"abc")}), MALFORMED, aborted=True)
    case("trailers that do not end the stream", s, trailers((b"x-t", b"v"), end=False), MALFORMED, Conn(h2.PROTOCOL_ERROR), aborted=True)
    case("DATA after trailers", s, trailers((b"x-t", b"v"), after=h2.data(1, b"x", True)), Conn(before={1: F(b"POST", body=b"abc")}), Stream(h2.STREAM_CLOSED),
         Ok({1: F(b"POST", body=b"abc")}), aborted=True)
    case("trailers twice", s, trailers((b"x-t", b"v"), after=h2.headers(1, h2.block([(b"x-t", b"v")]))), Conn(before={1: F(b"POST", body=b"abc")}), Stream(h2.STREAM_CLOSED), aborted=True)
    for name, value in ((b":path", b"/x"), (b":method", b"GET"), (b":status", b"200"), (b"X-T", b"v"), (b"connection", b"close"), (b"transfer-encoding", b"chunked"), (b"x-t", b"a\r\nb"),
                        (b"x t", b"v")):
        case(f"trailer {name.decode()}: {value!r}", s, trailers((name, value)), MALFORMED, aborted=True)
    for name, value in ((b"x-remote-user", b"root"), (b"x_remote_group", b"system:masters"), (b"content-length", b"9"), (b"host", b"other"), (b"authorization", b"Bearer x"),
                        (b"x-forwarded-for", b"6.6.6.6"), (b"impersonate-user", b"root"), (b"te", b"trailers")):
        case(f"trailer {name.decode()}", "9110 §6.5.1", trailers((name, value)), Ok({1: F(b"POST", body=b"abc")}), MALFORMED, aborted=True)
    case("trailers of 20000 bytes", s, lambda t: post(t) + h2.data(1, b"abc") + in_frames(1, h2.block([(b"x-t", b"v" * 20000)])), Stream(status=(400, 413, 431)), Conn(), aborted=True)
    case("trailers in a CONTINUATION", s, lambda t: post(t) + h2.data(1, b"abc") + h2.headers(1, h2.block([(b"x-t", b"v")])[:3], end_headers=False)
         + h2.continuation(1, h2.block([(b"x-t", b"v")])[3:]), Ok({1: F(b"POST", body=b"abc")}))
    case("expect: 100-continue", "9110 §10.1.1", body((b"expect", b"100-continue"), (b"content-length", b"3")), Ok({1: F(b"POST", body=b"abc")}))
    for ending in ("close_notify", "rst"):
        case("an upload cut by " + ending, s, lambda t: post(t) + h2.data(1, b"abc"), Conn(h2.NO_ERROR, silent=True), aborted=True, ending=ending)
        case(f"an upload with a length cut by {ending}", s, lambda t: post(t, 1, (b"content-length", b"5")) + h2.data(1, b"abcd"), Conn(h2.NO_ERROR, silent=True), aborted=True, ending=ending)


# ================ RFC 7541: HPACK ================
def hpack_cases():
    bad = Conn(h2.COMPRESSION_ERROR)

    def with_block(name, section, make, *alternatives, **options):
        case(name, section, lambda t: h2.headers(1, make(t)), *alternatives, **options)

    def base(t):
        return h2.block(fields(t))
    with_block("index 0", "7541 §6.1", lambda t: base(t) + b"\x80", bad)
    with_block("index 62 of an empty table", "7541 §2.3.3", lambda t: base(t) + h2.indexed(62), bad)
    with_block("index 2^20", "7541 §2.3.3", lambda t: base(t) + h2.indexed(1 << 20), bad)
    with_block("a name index beyond the tables", "7541 §2.3.3", lambda t: base(t) + h2.integer(100, 4) + h2.string(b"v"), bad)
    with_block("an integer that overflows", "7541 §5.1", lambda t: base(t) + b"\xff" + b"\xff" * 10 + b"\x7f", bad)
    with_block("an integer of 2^32+1", "7541 §5.1", lambda t: base(t) + h2.indexed((1 << 32) + 1), bad)
    with_block("an integer of 2^64+2", "7541 §5.1", lambda t: base(t) + h2.integer((1 << 64) + 2, 7, 0x80), bad)
    with_block("an integer that does not end", "7541 §5.1", lambda t: base(t) + b"\xff\x80\x80", bad)
    with_block("an integer with zeros in front", "7541 §5.1", lambda t: base(t) + b"\x40" + b"\x7f\x80\x80\x00"[:0] + h2.string(b"a") + b"\x01v", Ok())
    with_block("a string longer than the block", "7541 §5.2", lambda t: base(t) + b"\x00\x01a\x7f\xff\x00abc", bad)
    with_block("a string length of 2^31", "7541 §5.2", lambda t: base(t) + b"\x00\x01a" + h2.integer(1 << 31, 7), bad)
    with_block("a block cut in a string", "7541 §5.2", lambda t: base(t)[:-2], bad)
    with_block("a block cut after a name", "7541 §6.2", lambda t: base(t) + b"\x00\x01a", bad)
    with_block("a block cut in an index", "7541 §6.1", lambda t: base(t) + b"\xff", bad)
    with_block("Huffman: EOS inside", "7541 §5.2", lambda t: base(t) + b"\x00\x01a\x84\xff\xff\xff\xff", bad)
    with_block("Huffman: EOS at the end", "7541 §5.2", lambda t: base(t) + b"\x00\x01a\x85\x1f\xff\xff\xff\xff", bad)
    with_block("Huffman: a padding of 8 bits", "7541 §5.2", lambda t: base(t) + b"\x00\x01a\x82\x1f\xff", bad)
    with_block("Huffman: a padding of zeros", "7541 §5.2", lambda t: base(t) + b"\x00\x01a\x81\x18", bad)
    with_block("Huffman: good", "7541 §5.2", lambda t: hpack.Encoder().encode(fields(t, b"GET", (b"abc", b"xyz{}~")), huffman=True), Ok({1: F(has=[(b"abc", [b"xyz{}~"])])}))
    with_block("Huffman: an LF in a value", "9113 §8.2.1", lambda t: hpack.Encoder().encode(fields(t, b"GET", (b"a", b"b\nX-Remote-User: root")), huffman=True), MALFORMED)
    with_block("Huffman: a NUL in a name", "9113 §8.2.1", lambda t: hpack.Encoder().encode(fields(t, b"GET", (b"a\0", b"b")), huffman=True), MALFORMED)
    with_block("static indices", "7541 §6.1", lambda t: h2.indexed(2) + h2.indexed(7) + h2.literal(b":path", t) + h2.integer(1, 4) + h2.string(b"gate"), Ok())
    with_block("a static pseudo-header that is no request's", "7541 A", lambda t: base(t) + h2.indexed(8), MALFORMED)
    with_block("never indexed", "7541 §6.2.3", lambda t: base(t) + h2.literal_never(b"a", b"b"), Ok({1: F(has=[(b"a", [b"b"])])}))
    s = "7541 §2.3.2"
    case("an inserted entry used again", s, lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"a", b"b")) + h2.headers(3, base(t) + h2.indexed(62)),
         Ok({1: F(has=[(b"a", [b"b"])]), 3: F(has=[(b"a", [b"b"])])}))
    case("an entry inserted by a refused request", s, lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"Bad", b"x") + h2.literal_indexed(b"a", b"b"))
         + h2.headers(3, base(t) + h2.indexed(62)), Stream(others={3: F(has=[(b"a", [b"b"])])}))
    case("an entry inserted by a reset stream", s, lambda t: h2.headers(1, h2.block(fields(t, b"POST")) + h2.literal_indexed(b"a", b"b"), end=False) + h2.rst_stream(1)
         + h2.headers(3, base(t) + h2.indexed(62)), Ok({3: F(has=[(b"a", [b"b"])])}), aborted=True)
    case("a bad name from the table", s, lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"X-Remote-User", b"root")) + h2.headers(3, base(t) + h2.indexed(62)),
         TwoStreams())
    case("an entry that was evicted", "7541 §4.4", lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"a", b"b") + h2.literal_indexed(b"c", b"d" * 4050)) + h2.headers(3, base(t) + h2.indexed(63)),
         Conn(h2.COMPRESSION_ERROR, before={1: F()}))
    case("an entry larger than the table empties it", "7541 §4.4", lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"a", b"b") + h2.literal_indexed(b"c", b"d" * 5000))
         + h2.headers(3, base(t) + h2.indexed(62)), Conn(h2.COMPRESSION_ERROR, before={1: F()}))
    case("entries up to the table's size", "7541 §4.4", lambda t: h2.headers(1, base(t) + b"".join(h2.literal_indexed(b"n%03d" % i, b"v") for i in range(100))), Ok({1: F(has=[(b"n099", [b"v"])])}))
    s = "7541 §6.3"
    with_block("a table size of 0", s, lambda t: h2.table_size(0) + base(t), Ok())
    with_block("a table size of 4096", s, lambda t: h2.table_size(4096) + base(t), Ok())
    with_block("table sizes 0 and 4096", s, lambda t: h2.table_size(0) + h2.table_size(4096) + base(t), Ok())
    with_block("three table sizes", s, lambda t: h2.table_size(0) * 3 + base(t), Ok(), bad)
    with_block("a table size over the limit", s, lambda t: h2.table_size(1 << 20) + base(t), bad)
    with_block("a table size of 2^32", s, lambda t: h2.table_size(1 << 32) + base(t), bad)
    with_block("a table size after a field", "7541 §4.2", lambda t: base(t) + h2.table_size(0), bad)
    with_block("a table size between fields", "7541 §4.2", lambda t: base(t)[:0] + h2.literal(b":method", b"GET") + h2.table_size(0) + h2.block(fields(t)[1:]), bad)
    with_block("a table size alone", "7541 §4.2", lambda t: h2.table_size(0), MALFORMED, bad)
    case("an entry after the table was emptied", s, lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"a", b"b")) + h2.headers(3, h2.table_size(0) + h2.table_size(4096) + base(t) + h2.indexed(62)),
         Conn(h2.COMPRESSION_ERROR, before={1: F()}))
    case("a bomb of references", "9113 §10.5.1", lambda t: h2.headers(1, base(t) + h2.literal_indexed(b"a", b"v" * 4000) + h2.indexed(62) * 8000),
         Stream(status=(400, 431)), Conn())
    case("a broken block in trailers", s, lambda t: post(t) + h2.data(1, b"abc") + h2.headers(1, b"\x80"), bad, aborted=True)
    case("a broken block after a reset", s, lambda t: post(t) + h2.rst_stream(1) + h2.headers(1, b"\x80"), Conn(), Ok({}), aborted=True)


class TwoStreams:
    """Both streams 1 and 3 are refused."""


# ================ answers of the upstream ================
def answer_cases():
    def never_whole(name, section, answer, **options):
        case(name, section, b"", run=broken_answer(answer), **options)

    def fields_answer(*pairs, body=b"hello", end=True):
        def answer(peer, request):
            peer.send_headers(request, pairs, end=body is None)
            if body is not None:
                peer.send_data(request, body, end=end)
        return answer
    status = (b":status", b"200")
    s = "9113 §8.1.1"
    for what, pairs in (("no :status", ((b"a", b"b"),)), ("two :status", (status, status)), (":status abc", ((b":status", b"abc"),)), (":status 20", ((b":status", b"20"),)),
                        (":status 2000", ((b":status", b"2000"),)), (":status 000", ((b":status", b"000"),)), ("an empty :status", ((b":status", b""),)), (":status after a field", ((b"a", b"b"), status)),
                        (":path in the answer", (status, (b":path", b"/"))), ("an upper-case name", (status, (b"A", b"b"))), ("an LF in a value", (status, (b"a", b"b\nSet-Cookie: x"))),
                        ("a NUL in a value", (status, (b"a", b"b\0"))), ("connection: close", (status, (b"connection", b"close"))), ("transfer-encoding: chunked", (status, (b"transfer-encoding", b"chunked"))),
                        ("two lengths", (status, (b"content-length", b"5"), (b"content-length", b"6"))), ("a length too long", (status, (b"content-length", b"50"))),
                        ("a length too short", (status, (b"content-length", b"3"))), ("a length that is no number", (status, (b"content-length", b"x"))), ("101", ((b":status", b"101"),))):
        never_whole("h2 upstream: " + what, s, fields_answer(*pairs), only="h2")
    never_whole("h2 upstream: a length and no body", s, fields_answer(status, (b"content-length", b"5"), body=None), only="h2")
    never_whole("h2 upstream: RST_STREAM before the answer", "9113 §6.4", lambda p, r: p.send_raw(h2.rst_stream(r.stream, h2.INTERNAL_ERROR)), only="h2")
    for code in (h2.NO_ERROR, h2.CANCEL, h2.INTERNAL_ERROR, h2.REFUSED_STREAM):
        def cut(peer, request, code=code):
            peer.send_headers(request, [status])
            peer.send_data(request, b"hello")
            peer.send_raw(h2.rst_stream(request.stream, code))
        never_whole(f"h2 upstream: RST_STREAM {code} in the body", "9113 §6.4", cut, only="h2")

    def die(how):
        def answer(peer, request):
            peer.send_headers(request, [status])
            peer.send_data(request, b"hello")
            getattr(peer, how)()
        return answer
    for how in ("close", "close_tcp", "abort"):
        never_whole(f"h2 upstream: {how} in the body", "9113 §5.4", die(how), only="h2")
        never_whole(f"h2 upstream: {how} before the answer", "9113 §5.4", (lambda h: lambda p, r: getattr(p, h)())(how), only="h2")

    def raw(*frames):
        return lambda peer, request: peer.send_raw(b"".join(f(request.stream) if callable(f) else f for f in frames))
    never_whole("h2 upstream: DATA before HEADERS", "9113 §8.1", raw(lambda s: h2.data(s, b"hello", True)), only="h2")
    never_whole("h2 upstream: a broken field block", "7541 §6.1", raw(lambda s: h2.headers(s, b"\x80")), only="h2")
    never_whole("h2 upstream: a frame too large", "9113 §4.2", raw(lambda s: h2.headers(s, h2.block([status]), end=False), lambda s: h2.data(s, b"x" * 20000, True)), only="h2")
    never_whole("h2 upstream: GOAWAY that excludes the stream", "9113 §6.8", raw(h2.goaway(0, h2.NO_ERROR)), only="h2")
    never_whole("h2 upstream: PUSH_PROMISE", "9113 §8.4", raw(lambda s: h2.frame(h2.PUSH_PROMISE, 4, s, b"\0\0\0\2" + h2.block(fields(b"/x")))), only="h2")
    never_whole("h2 upstream: garbage", "9113 §4.1", raw(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20), only="h2")
    never_whole("h2 upstream: a trailer with :status", "9113 §8.1", raw(lambda s: h2.headers(s, h2.block([status]), end=False) + h2.data(s, b"hello") + h2.headers(s, h2.block([status]))), only="h2")
    never_whole("h2 upstream: a head of 300000 bytes", "9113 §10.5.1", lambda p, r: p.send_raw(in_frames(r.stream, h2.block([status] + [(b"a", b"v" * 3000)] * 100))), only="h2")
    case("h2 upstream: 1000 times 103", "9110 §15.2", b"", run=interim_flood, only="h2")
    ok = b"HTTP/1.1 200 OK\r\n"
    for what, data, how in (("a body cut off", ok + b"Content-Length: 50\r\n\r\nhello", "close"), ("a body cut off by RST", ok + b"Content-Length: 50\r\n\r\nhello", "abort"),
                            ("chunks cut off", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close"), ("a bad chunk", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", None),
                            ("both framings", ok + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", None), ("garbage", b"garbage\r\n\r\n", "close"),
                            ("two lengths", ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", None), ("nothing", b"", "close"),
                            ("101", b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello", None), ("a body until RST", ok + b"\r\nhello", "abort"),
                            ("a body until FIN without close_notify", ok + b"\r\nhello", "close_tcp")):
        def answer(peer, _request, data=data, how=how):
            peer.send_raw(data)
            if how:
                time.sleep(0.01 if how == "abort" else 0)
                getattr(peer, how)()
        never_whole("h1 upstream: " + what, "9112 §8", answer, only="h1")
    s = "9113 §8.1"
    case("an answer with trailers", s, b"", run=good_answer(lambda p, r: p.respond(r, 200, body=b"hello", trailers=[(b"Grpc-Status", b"0")], chunked=True), b"hello", {b"grpc-status": b"0"}))
    case("an answer of trailers after no body", s, b"", run=good_answer(lambda p, r: p.respond(r, 200, body=b"", trailers=[(b"Grpc-Status", b"0")], chunked=True), b"", {}))
    case("an answer after 103", "9110 §15.2", b"", run=good_answer(lambda p, r: (p.respond(r, 103, [(b"Link", b"</x>")], body=b""), p.respond(r, 200, body=b"hello")), b"hello", {}))
    for code in (201, 204, 304, 404, 500, 503):
        case(f"status {code}", "9110 §15", b"", run=good_answer((lambda c: lambda p, r: p.respond(r, c, body=b"x"))(code), b"" if code in (204, 304) else b"x", {}, code))
    case("a HEAD", "9110 §9.3.2", lambda t: h2.headers(1, h2.block(fields(t, b"HEAD"))), Ok({1: F(b"HEAD")}))
    case("an early answer to an upload", s, b"", run=early_answer)


def broken_answer(answer):
    def run(bed, this):
        bed.upstream.answer = lambda peer, request: answer(peer, request) if request.target == this.target else peer.respond(request)
        client = Client(bed)
        client.send(get(this.target))
        client.wait_streams([1])
        stream = client.streams.get(1)
        if client.closed and client.goaway_code is not None and client.goaway_code == h2.NO_ERROR:
            raise Failure("the connection was closed without an error")
        if not client.closed and not stream:
            raise Failure("the client waits for ever")
        if stream and stream.ended and stream.reset is None and stream.status < 500:
            raise Failure(f"the client sees a whole {stream.status} of {len(stream.body)} bytes")
        requests = bed.upstream.take()
        whole = [r for r in requests if r.target == this.target]
        if not 1 <= len(whole) <= 3:
            raise Failure(f"the upstream was asked {len(whole)} times")
        client.send(get(this.target + b"-after", 3))
        client.wait_streams([3])
        if 3 not in client.streams or client.streams[3].status != 200 or (this.target + b"-after").hex().encode() not in client.body(3):
            raise Failure(f"the next request: {client.describe()}")
        bed.upstream.drop_connections()
    return run


def interim_flood(bed, this):
    def answer(peer, request):
        for _ in range(1000):
            peer.respond(request, 103, [(b"link", b"</x>")], body=b"")
        peer.respond(request)
    bed.upstream.answer = answer
    client = Client(bed)
    client.send(get(this.target))
    client.wait_streams([1])
    if 1 not in client.streams or not (client.streams[1].ended or client.streams[1].reset is not None):
        raise Failure(f"no end: {client.describe()}")


def good_answer(answer, body, trailers, status=200):
    def run(bed, this):
        bed.upstream.answer = answer
        client = Client(bed)
        client.send(get(this.target, 1, (b"te", b"trailers")))
        client.wait_streams([1])
        stream = client.streams.get(1)
        if not stream or not stream.ended or stream.reset is not None or stream.status != status or stream.body != body:
            raise Failure(f"got {client.describe()}")
        for name, value in trailers.items():
            if dict(stream.trailers).get(name) != value:
                raise Failure(f"the trailers are {stream.trailers}")
    return run


def early_answer(bed, this):
    def early(peer, request):
        if request.target != this.target:
            return False
        peer.respond(request, 413, [(b"Connection", b"close")] if peer.version == "HTTP/1.1" else [])
        return True
    bed.upstream.early_answer = early
    client = Client(bed)
    client.send(post(this.target) + h2.data(1, b"x" * 1000))
    client.wait_streams([1])
    if 1 not in client.streams or client.streams[1].status != 413:
        raise Failure(f"the upstream's early 413 did not arrive: {client.describe()}")


# ================ RFC 9113 §10.5: floods ================
def flood_cases():
    s = "9113 §10.5"

    def flood(name, make, section=s, most_requests=400, **options):
        """The gate ends the connection or bears it; its memory stays, and others are served."""
        case("flood: " + name, section, b"", run=flood_run(make, most_requests), **options)

    def reset_streams(t):
        return [get(t, 2 * i + 1) + h2.rst_stream(2 * i + 1) for i in range(10000)]
    flood("rapid reset", reset_streams, "CVE-2023-44487")
    flood("rapid reset of uploads", lambda t: [post(t, 2 * i + 1) + h2.rst_stream(2 * i + 1) for i in range(10000)], "CVE-2023-44487")
    flood("rapid reset after DATA", lambda t: [post(t, 2 * i + 1) + h2.data(2 * i + 1, b"x") + h2.rst_stream(2 * i + 1) for i in range(10000)], "CVE-2023-44487")
    for what, trigger in (("WINDOW_UPDATE 0", lambda s: h2.window_update(s, 0)), ("WINDOW_UPDATE overflow", lambda s: h2.window_update(s, 0x7FFFFFFF)),
                          ("PRIORITY of 4 bytes", lambda s: h2.frame(h2.PRIORITY, 0, s, b"\0" * 4)), ("DATA after END_STREAM", lambda s: h2.data(s, b"x")),
                          ("HEADERS after END_STREAM", lambda s: h2.headers(s, b"\x82"))):
        flood("MadeYouReset by " + what, (lambda f: lambda t: [get(t, 2 * i + 1) + f(2 * i + 1) for i in range(10000)])(trigger), "CVE-2025-8671", most_requests=1500)
    flood("malformed requests", lambda t: [h2.headers(2 * i + 1, b"\x82\x87") for i in range(20000)], "CVE-2025-8671")
    flood("requests too large", lambda t: [in_frames(2 * i + 1, h2.block(fields(t, b"GET", (b"a", b"v" * 70000)))) for i in range(200)], "CVE-2025-8671")
    flood("PING that nobody reads", lambda t: [h2.ping(b"%08d" % i) * 100 for i in range(2000)], "CVE-2019-9512")
    flood("SETTINGS that nobody reads", lambda t: [h2.settings((h2.INITIAL_WINDOW_SIZE, 1000)) * 100 for i in range(1000)], "CVE-2019-9515")
    flood("SETTINGS of 2700 entries", lambda t: [h2.settings(*[(0x99, i) for i in range(2700)]) for i in range(300)], "CVE-2020-11080")
    flood("empty DATA", lambda t: [post(t)] + [h2.data(1) * 1000 for i in range(200)], "CVE-2019-9518", most_requests=1)
    flood("DATA of padding", lambda t: [post(t)] + [h2.data(1, b"", padding=255) * 50 for i in range(400)], "CVE-2019-9518", most_requests=1)
    flood("empty HEADERS and CONTINUATION", lambda t: [h2.headers(1, b"", end_headers=False)] + [h2.continuation(1, b"", False) * 1000 for i in range(200)], "CVE-2024-27316")
    flood("CONTINUATION with fields", lambda t: [h2.headers(1, h2.block(fields(t)), end_headers=False)] + [h2.continuation(1, h2.literal(b"a", b"v" * 16000), False) for i in range(2000)],
          "CVE-2024-27316")
    flood("CONTINUATION of trailers", lambda t: [post(t) + h2.headers(1, h2.literal(b"a", b"b"), end_headers=False)]
          + [h2.continuation(1, h2.literal(b"a", b"v" * 16000), False) for i in range(2000)], "CVE-2024-27316")
    flood("empty fields", lambda t: [h2.headers(1, h2.block(fields(t)), end_headers=False)] + [h2.continuation(1, h2.literal(b"", b"") * 5000, False) for i in range(200)], "CVE-2019-9516")
    flood("PRIORITY", lambda t: [b"".join(h2.priority(2 * j + 1, 2 * ((j * 7919) % 100000) + 1, exclusive=True) for j in range(i * 100, i * 100 + 100)) for i in range(1000)], "CVE-2019-9513")
    flood("WINDOW_UPDATE", lambda t: [h2.window_update(0, 1) * 1000 for i in range(200)])
    flood("unknown frames", lambda t: [h2.frame(0xEE, 0, 0, b"x" * 100) * 100 for i in range(1000)])
    flood("RST_STREAM on closed streams", lambda t: [post(t) + h2.rst_stream(1)] + [h2.rst_stream(1) * 1000 for i in range(200)])
    flood("HPACK insertions", lambda t: [h2.headers(2 * i + 1, b"".join(h2.literal_indexed(b"n%d" % j, b"v" * 100) for j in range(100))) for i in range(500)])
    flood("HPACK references", lambda t: [h2.headers(1, h2.block(fields(t)) + h2.literal_indexed(b"a", b"v" * 4000))]
          + [h2.headers(2 * i + 3, h2.indexed(62) * 16000) for i in range(200)], "CVE-2016-6581")
    flood("GOAWAY", lambda t: [h2.goaway(0) * 1000 for i in range(100)])
    flood("trailers never ended on many streams", lambda t: [post(t, 2 * i + 1) for i in range(2000)], most_requests=2100)
    case("flood: answers nobody reads", "CVE-2019-9517", b"", run=unread_answers)
    case("flood: answers in a closed window", "CVE-2019-9511", b"", run=stalled_answers)
    case("flood: answers a byte at a time", "CVE-2019-9511", b"", run=dribble)
    case("flood: 200 idle connections", s, b"", run=idle_connections)
    case("flood: field blocks never ended", "CVE-2024-27316", b"", run=unfinished_blocks)


def served(bed, target):
    """Another client is served meanwhile."""
    other = Client(bed)
    other.send(get(target))
    other.wait_streams([1], 5)
    if 1 not in other.streams or other.streams[1].status != 200:
        raise Failure(f"another client gets {other.describe()}")
    other.conn.abort()


def flood_run(make, most_requests):
    def run(bed, this):
        innocent = Client(bed)  # its request is under way all the time, perhaps on the same upstream connection
        innocent.send(post(this.target + b"-innocent") + h2.data(1, b"abc"))
        served(bed, this.target + b"-before")
        bed.upstream.take()
        before = bed.gate.rss_bytes()
        client = Client(bed, auto_window=False)
        client.conn.sock.settimeout(1)
        sent = 0
        try:
            for piece in batches(make(this.target)):
                client.send(piece)
                sent += 1
        except (OSError, TimeoutError):
            pass
        grown = bed.gate.rss_bytes() - before
        served(bed, this.target + b"-other")
        innocent.send(h2.data(1, b"def", True))
        innocent.wait_streams([1])
        if 1 not in innocent.streams or innocent.streams[1].status != 200 or not innocent.streams[1].ended:
            raise Failure(f"another client's request under way got {innocent.describe()}")
        innocent.conn.close()
        if grown > 48 << 20:
            raise Failure(f"the gate grew by {grown >> 20} MiB")
        try:
            for _ in range(200):
                client.pump(0.02)
                if client.closed:
                    break
        except OSError:
            pass
        if client.closed and client.goaway_code == h2.NO_ERROR:
            raise Failure("the connection was closed with NO_ERROR")
        client.conn.abort()
        time.sleep(0.05)
        requests = [r for r in bed.upstream.take() if r.target == this.target]
        if len(requests) > most_requests:
            raise Failure(f"{len(requests)} requests reached the upstream")
        for request in requests:
            if request.violations:
                raise Failure(f"the upstream was sent {request.violations}")
    return run


def batches(pieces, size=60000):
    out = b""
    for piece in pieces:
        out += piece
        if len(out) >= size:
            yield out
            out = b""
    if out:
        yield out


def unread_answers(bed, this):
    """Windows wide open, TCP not read: what the gate keeps is bounded."""
    bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * (4 << 20))
    before = bed.gate.rss_bytes()
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 0x7FFFFFFF),), auto_window=False)
    client.send(h2.window_update(0, 0x7FFF0000 - 65535) + b"".join(get(this.target, 2 * i + 1) for i in range(100)))
    time.sleep(1.5)
    grown = bed.gate.rss_bytes() - before
    client.conn.abort()
    bed.upstream.answer = None
    if grown > 96 << 20:
        raise Failure(f"100 answers of 4 MiB unread made the gate grow by {grown >> 20} MiB")
    served(bed, this.target + b"-other")


def stalled_answers(bed, this):
    """A window of 0 on 100 streams: each holds at most its share of the body."""
    bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * (4 << 20))
    before = bed.gate.rss_bytes()
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 0),), auto_window=False)
    client.send(b"".join(get(this.target, 2 * i + 1) for i in range(100)))
    time.sleep(1.5)
    grown = bed.gate.rss_bytes() - before
    bed.upstream.answer = None
    served(bed, this.target + b"-other")
    client.conn.abort()
    if grown > 96 << 20:
        raise Failure(f"100 stalled answers of 4 MiB made the gate grow by {grown >> 20} MiB")


def dribble(bed, this):
    bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * 5000)
    before = bed.gate.rss_bytes()
    client = Client(bed, settings=((h2.INITIAL_WINDOW_SIZE, 0),), auto_window=False)
    client.send(b"".join(get(this.target, 2 * i + 1) for i in range(20)))
    try:
        for _ in range(300):
            client.send(b"".join(h2.window_update(2 * i + 1, 1) for i in range(20)))
    except OSError:
        pass
    served(bed, this.target + b"-other")
    grown = bed.gate.rss_bytes() - before
    client.conn.abort()
    if grown > 48 << 20:
        raise Failure(f"the gate grew by {grown >> 20} MiB")


def idle_connections(bed, this):
    before = bed.gate.rss_bytes()
    clients = [Client(bed) for _ in range(200)]
    grown = bed.gate.rss_bytes() - before
    served(bed, this.target + b"-other")
    for client in clients:
        client.conn.abort()
    if grown > 40 << 20:
        raise Failure(f"200 idle connections cost {grown >> 20} MiB")


def unfinished_blocks(bed, this):
    before = bed.gate.rss_bytes()
    clients = []
    for _ in range(50):
        client = Client(bed)
        try:
            client.send(h2.headers(1, h2.block(fields(this.target)), end_headers=False) + b"".join(h2.continuation(1, h2.literal(b"a", b"v" * 16000), False) for _ in range(3)))
        except OSError:
            pass
        clients.append(client)
    grown = bed.gate.rss_bytes() - before
    served(bed, this.target + b"-other")
    for client in clients:
        client.conn.abort()
    if grown > 48 << 20:
        raise Failure(f"50 unfinished blocks cost {grown >> 20} MiB")


# ================ slow clients (a bed of its own: --head-timeout=1s --idle-timeout=1s) ================
def slow_run(first, piece, forwarded):
    """Frames keep coming, but nothing is asked: the connection ends all the same."""
    def run(bed, this):
        client = Client(bed)
        client.send(first(this.target))
        deadline = time.monotonic() + 15
        while not client.closed and time.monotonic() < deadline:
            try:
                if piece:
                    client.send(piece)
            except OSError:
                pass
            client.pump(0.2)
        if not client.closed:
            raise Failure(f"the connection stays open: {client.describe()}")
        requests = bed.upstream.take()
        if len(requests) != forwarded:
            raise Failure(f"the upstream saw {[r.summary() for r in requests]}")
    return run


def slow_cases():
    s = "9113 §9.1"
    slow = {"beds": ("slow",)}
    case("a field block that stops", s, b"", run=slow_run(lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False), b"", 0), **slow)
    case("a field block a byte at a time", s, b"", run=slow_run(lambda t: h2.headers(1, h2.block(fields(t)), end_headers=False), h2.continuation(1, h2.literal(b"a", b"b"), False), 0), **slow)
    case("nothing after SETTINGS", s, b"", run=slow_run(lambda t: b"", b"", 0), **slow)
    case("nothing after a request", s, b"", run=slow_run(get, b"", 1), **slow)
    case("PING is no request", s, b"", run=slow_run(lambda t: b"", h2.ping(), 0), **slow)
    case("an answer slower than the idle time", s, get, Ok(), answer=lambda p, r: (time.sleep(1.5), p.respond(r)), **slow)


# ================ the client ================
class Answer:
    def __init__(self):
        self.headers, self.trailers = None, []
        self.status = 0
        self.body = b""
        self.ended = False
        self.reset = None


class Client:
    """Speaks raw frames and keeps what the gate answered. `auto_window`: give back what was read."""

    def __init__(self, bed, user="tester", settings=(), auto_window=True, preface=True):
        self.conn = bed.connect(user, ("h2",))
        if self.conn.alpn() != "h2":
            raise Failure(f"ALPN gave {self.conn.alpn()}")
        self.reader, self.decoder = h2.FrameReader(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.decoder.max_allowed_table_size = 1 << 32
        self.streams = {}
        self.peer_settings = {}
        self.settings_acks = 0
        self.pongs = []
        self.goaway_code = None
        self.closed = False
        self.auto_window = auto_window
        self.block = None
        self.window, self.stream_windows, self.initial_window = 65535, {}, 65535
        if preface:
            self.send(h2.PREFACE + h2.settings(*settings))
            deadline = time.monotonic() + WAIT_S
            while (not self.peer_settings or not self.settings_acks) and not self.closed and time.monotonic() < deadline:
                self.pump(0.5)
            if self.closed:
                raise Failure("the gate closed after a good preface")

    def send(self, data):
        self.conn.send(data)

    def _reply(self, data):
        try:
            self.conn.send(data)
        except OSError:
            pass  # we said that we send no more, or the gate is gone

    def pump(self, timeout):
        """Reads once and takes the frames in; quiet when nothing comes."""
        if self.closed:
            return
        try:
            data = self.conn.recv(timeout)
        except TimeoutError:
            return
        if not data:
            self.closed = True
            return
        for kind, flags, stream, payload in self.reader.feed(data):
            self._on_frame(kind, flags, stream, payload)

    def _on_frame(self, kind, flags, stream, payload):
        if kind in (h2.HEADERS, h2.CONTINUATION):
            if kind == h2.HEADERS:
                if flags & h2.PADDED:
                    payload = payload[1:len(payload) - payload[0]]
                if flags & h2.HAS_PRIORITY:
                    payload = payload[5:]
                self.block = (stream, bool(flags & h2.END_STREAM), b"")
            self.block = (self.block[0], self.block[1], self.block[2] + payload)
            if flags & h2.END_HEADERS:
                self._on_fields(*self.block)
                self.block = None
        elif kind == h2.DATA:
            size = len(payload)
            if flags & h2.PADDED:
                payload = payload[1:len(payload) - payload[0]]
            answer = self.streams.setdefault(stream, Answer())
            if answer.headers is None or answer.ended:
                raise Failure("the gate sent DATA out of order")
            answer.body += payload
            answer.ended = bool(flags & h2.END_STREAM)
            if size and self.auto_window:
                self._reply(h2.window_update(0, size) + (b"" if answer.ended else h2.window_update(stream, size)))
        elif kind == h2.SETTINGS:
            if flags & h2.ACK:
                self.settings_acks += 1
                return
            for at in range(0, len(payload), 6):
                self.peer_settings[int.from_bytes(payload[at:at + 2], "big")] = int.from_bytes(payload[at + 2:at + 6], "big")
            self.peer_settings.setdefault(0, 0)
            grown = self.peer_settings.get(h2.INITIAL_WINDOW_SIZE, 65535) - self.initial_window
            self.initial_window += grown
            for each in self.stream_windows:
                self.stream_windows[each] += grown
            self._reply(h2.settings_ack())
        elif kind == h2.PING:
            if flags & h2.ACK:
                self.pongs.append(payload)
            else:
                self._reply(h2.ping(payload, ack=True))
        elif kind == h2.GOAWAY:
            code = int.from_bytes(payload[4:8], "big")
            self.goaway_code = code if not self.goaway_code else self.goaway_code
        elif kind == h2.RST_STREAM:
            self.streams.setdefault(stream, Answer()).reset = int.from_bytes(payload, "big")
        elif kind == h2.WINDOW_UPDATE:
            grown = int.from_bytes(payload, "big")
            if stream:
                self.stream_windows[stream] = self.stream_windows.get(stream, self.initial_window) + grown
            else:
                self.window += grown

    def _on_fields(self, stream, end, block):
        try:
            decoded = [(bytes(n), bytes(v)) for n, v in self.decoder.decode(block, raw=True)]
        except hpack.HPACKError as error:
            raise Failure(f"the gate sent a broken field block: {error!r}") from None
        answer = self.streams.setdefault(stream, Answer())
        for name, value in decoded:
            if name != name.lower() or name in (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"proxy-connection") or re.search(rb"[\0\r\n]", value):
                raise Failure(f"the gate sent {name!r}: {value!r}")
        if answer.headers is not None:
            if not end:
                raise Failure("the gate sent trailers that do not end the stream")
            answer.trailers, answer.ended = decoded, True
            return
        statuses = [v for n, v in decoded if n == b":status"]
        if len(statuses) != 1 or not re.match(rb"[1-9][0-9][0-9]\Z", statuses[0]):
            raise Failure(f"the gate sent :status {statuses}")
        status = int(statuses[0])
        if status < 200:
            if end or status == 101:
                raise Failure(f"the gate sent {status} over HTTP/2")
            return
        answer.headers, answer.status, answer.ended = decoded, status, end

    def body(self, stream):
        return self.streams[stream].body if stream in self.streams else b""

    def wait_streams(self, streams, timeout=WAIT_S):
        deadline = time.monotonic() + timeout
        while not self.closed and time.monotonic() < deadline:
            if all(s in self.streams and (self.streams[s].ended or self.streams[s].reset is not None) for s in streams):
                return
            self.pump(max(0.01, deadline - time.monotonic()))

    def wait_closed(self):
        deadline = time.monotonic() + WAIT_S
        while not self.closed and time.monotonic() < deadline:
            self.pump(0.2)
        if not self.closed:
            raise Failure("the connection stays open")

    def wait_window(self, stream, size):
        deadline = time.monotonic() + WAIT_S
        self.stream_windows.setdefault(stream, self.initial_window)
        while min(self.window, self.stream_windows[stream]) < size:
            self.pump(0.2)
            if self.closed or time.monotonic() > deadline:
                raise Failure(f"no window: {self.window}, {self.stream_windows[stream]}; {self.describe()}")

    def take_window(self, stream, size):
        self.window -= size
        self.stream_windows[stream] -= size

    def describe(self):
        streams = ", ".join(f"{n}: {s.status or 'no head'}{' +%d' % len(s.body) if s.body else ''}{' whole' if s.ended else ''}"
                            f"{' reset %d' % s.reset if s.reset is not None else ''}" for n, s in sorted(self.streams.items())[:8])
        return f"streams {{{streams}}} goaway={self.goaway_code} {'closed by ' + str(self.conn.ended) if self.closed else 'open'}"


# ================ the judge ================
def is_of_another(request, this):
    """A late request of an earlier case (its own target, or one made from it)."""
    target = bytes(request.target)
    return not target.startswith(this.target) and (target == b"/ok/after" or any(target.startswith(c.target) for c in CASES))


def wanted_streams(alternative):
    if isinstance(alternative, Ok):
        return set(alternative.streams)
    if isinstance(alternative, Stream):
        return {alternative.stream, *alternative.others}
    return {1, 3} if isinstance(alternative, TwoStreams) else set()


JUDGE = b"judge!!!"


def judge(bed, this, client):
    wanted = set().union(*(wanted_streams(a) for a in this.alternatives))
    only_conn = all(isinstance(a, Conn) for a in this.alternatives)
    pings = client.pongs.count(JUDGE)  # its own, not a PING of the case whose answer may still be on its way

    def ping_came_back():
        return client.pongs.count(JUDGE) > pings
    try:
        if not only_conn:
            client.send(h2.ping(JUDGE))
    except OSError:
        pass
    deadline = time.monotonic() + (0.3 if this.ending == "rst" else WAIT_S)

    def done():
        streams = all(s in client.streams and (client.streams[s].ended or client.streams[s].reset is not None) for s in wanted)
        return not only_conn and streams and ping_came_back()
    while not client.closed and not done() and time.monotonic() < deadline:
        # An outcome without answers is reached when the PING came back and nothing else follows.
        if not only_conn and ping_came_back() and any(isinstance(a, (Ok, Stream)) and not wanted_streams(a) - set(client.streams) for a in this.alternatives):
            before = len(client.streams)
            client.pump(0.1)
            if len(client.streams) == before and not any(isinstance(a, Ok) and wanted_streams(a) - {s for s, x in client.streams.items() if x.ended or x.reset is not None}
                                                         for a in this.alternatives if len(this.alternatives) == 1):
                break
            continue
        client.pump(min(0.5, max(0.01, deadline - time.monotonic())))
    time.sleep(0.01)
    if time.monotonic() - bed.upstream.last_activity < SETTLE_S:
        time.sleep(SETTLE_S)
    requests = [r for r in bed.upstream.take() if not is_of_another(r, this)]
    reasons = []
    matched = None
    for alternative in this.alternatives:
        try:
            hold(alternative, list(requests), client, this)
            matched = alternative
            break
        except Failure as failure:
            reasons.append(str(failure))
    if matched is None:
        seen = "; ".join(r.summary() for r in requests) or "nothing"
        raise Failure(" | ".join(reasons) + f" [{client.describe()}; upstream saw: {seen}]")
    if isinstance(matched, Conn):
        return
    bed.upstream.answer = bed.upstream.early_answer = None
    client.send(get(b"/ok/after", AFTER_STREAM))
    client.wait_streams([AFTER_STREAM])
    answer = client.streams.get(AFTER_STREAM)
    if not answer or answer.status != 200 or not answer.ended or b"/ok/after".hex().encode() not in answer.body:
        raise Failure(f"the next request on the connection fails: {client.describe()}")
    bed.upstream.take()


def hold(alternative, requests, client, this):
    expected = {}
    if isinstance(alternative, Ok):
        expected = alternative.streams
    elif isinstance(alternative, Stream):
        expected = alternative.others
    if isinstance(alternative, Conn):
        if not client.closed and this.ending != "rst":
            raise Failure("the connection stays open")
        if not alternative.silent:
            if client.goaway_code is None:
                raise Failure("closed without GOAWAY")
            if client.goaway_code not in (alternative.codes or range(1, 14)):
                raise Failure(f"GOAWAY with {client.goaway_code}, not {alternative.codes}")
        for request in list(requests):
            if any(matches(outcome, request, this) for outcome in alternative.before.values()):
                requests.remove(request)
    else:
        if client.closed:
            raise Failure("the connection was closed")
        if client.goaway_code is not None:
            raise Failure(f"GOAWAY with {client.goaway_code}")
    for stream, outcome in expected.items():
        answer = client.streams.get(stream)
        if not answer or not answer.ended or answer.status != outcome.status or answer.reset not in (None, h2.NO_ERROR):
            raise Failure(f"stream {stream} got no whole {outcome.status}")
        request = next((r for r in requests if matches(outcome, r, this)), None)
        if request is None:
            if not requests:
                raise Failure("nothing was forwarded")
            outcome.match(requests[0], this)
        requests.remove(request)
        if outcome.method != b"HEAD" and this.answer is None and answer.body != body_for(request):
            raise Failure("the answer belongs to another request")
    refused = (1, 3) if isinstance(alternative, TwoStreams) else (alternative.stream,) if isinstance(alternative, Stream) else ()
    for stream in refused:
        answer = client.streams.get(stream)
        codes = alternative.codes if isinstance(alternative, Stream) else ()
        statuses = alternative.status if isinstance(alternative, Stream) else (400,)
        if not answer:
            raise Failure("the stream was not refused")
        if answer.headers is not None:
            if answer.status not in statuses:
                raise Failure(f"stream {stream} was answered {answer.status}")
            if not answer.ended:
                raise Failure(f"stream {stream} has a {answer.status} that does not end")
        elif answer.reset is None:
            raise Failure(f"stream {stream} was not refused")
        elif answer.reset not in (codes or range(1, 14)):
            raise Failure(f"stream {stream} was reset with {answer.reset}, not {codes}")
    for request in requests:
        if this.aborted and not request.complete and not request.violations and request.target == this.target:
            continue
        raise Failure(f"the upstream saw {request.summary()} {request.violations}")


def matches(outcome, request, this):
    try:
        outcome.match(request, this)
        return True
    except Failure:
        return False


def run_case(bed, this, manner):
    bed.upstream.take()
    bed.upstream.answer, bed.upstream.early_answer = this.answer, this.early
    try:
        if this.run:
            this.run(bed, this)
        else:
            client = Client(bed, this.user, preface=not this.raw)
            try:
                data = this.bytes()
                try:
                    if manner == "bytes":
                        for at in range(len(data)):
                            client.send(data[at:at + 1])
                    elif data:
                        client.send(data)
                except OSError:
                    pass
                if this.ending == "close_notify":
                    time.sleep(0.02)
                    client.conn.send_close_notify()
                elif this.ending == "rst":
                    time.sleep(0.05)
                    client.conn.abort()
                    client.closed = True
                judge(bed, this, client)
            finally:
                if this.ending != "rst":
                    client.conn.close()
    finally:
        bed.upstream.answer = bed.upstream.early_answer = None
    if not bed.gate.alive():
        raise Failure(f"the gate died ({bed.gate.process.returncode})")


def run(bed, wanted=None, manners=("whole",)):
    """Yields (name, failure or None). `manners`: whole, bytes (one by one)."""
    for this in CASES:
        if wanted and wanted not in this.name:
            continue
        if this.only and this.only not in ("h1" if "http/1.1" in bed.upstream_alpn else "h2"):
            continue
        if not any(b in bed.name for b in this.beds or ("rbac",)):
            continue
        possible = [m for m in manners if m == "whole" or not this.run and len(this.bytes()) < 300]
        failure = None
        for manner in possible or ("whole",):
            try:
                run_case(bed, this, manner)
            except (Failure, OSError) as error:
                failure = f"{manner}: {error or type(error).__name__} (RFC {this.section})"
                break
        yield this.name, failure
        if not bed.gate.alive():
            return


for section_cases in (preface_cases, frame_cases, block_cases, stream_cases, type_cases, flow_cases, pseudo_cases, path_cases, field_cases, message_cases, hpack_cases, answer_cases,
                      flood_cases, slow_cases):
    section_cases()
