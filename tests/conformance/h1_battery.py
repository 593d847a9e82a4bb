# SPDX-License-Identifier: Apache-2.0
"""Raw HTTP/1.1 requests (RFC 9112, RFC 9110) against the gate: each is refused cleanly or understood the same by both sides.

In: a Bed.   Out: (name, failure or None) of each case. A case: what is sent, and the outcomes that are right.
  F  forwarded: the upstream recorded exactly this request, whole, and its answer came back
  D  denied: an answer of the gate, nothing reaches the upstream, the connection goes on
  R  refused: an answer of the gate (or a close), nothing reaches the upstream, the connection is closed
  A  aborted: the upstream may have seen the request, but not whole; no success for the client; closed
  B  the upstream answered wrongly: the client sees 502/503/504 or a broken connection, never a whole success
@T is the case's own target, @S a target that may never arrive. Nothing else than the outcomes may reach the upstream.
"""
import random
import re
import ssl
import time

from harness import SETTLE_S, WAIT_S, Failure, check_forwarded, parse_replies
from recording_upstream import body_for

SMUGGLED_TARGET = b"/api/v1/namespaces/kube-system/secrets/smuggled"
SMUGGLED = b"GET @S HTTP/1.1\r\nHost: gate\r\n\r\n"
GET = b"GET @T HTTP/1.1\r\nHost: gate\r\n"
POST = b"POST @T HTTP/1.1\r\nHost: gate\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n"


class Outcome:
    closes = False


class F(Outcome):
    def __init__(self, method=b"GET", target=b"@T", body=b"", has=(), absent=(), status=200, trailers=None, closes=False,
                 check=None, user=None):
        self.method, self.target, self.body, self.has, self.absent = method, target, body, has, absent
        self.status, self.trailers, self.closes, self.check, self.user = status, trailers, closes, check, user

    def match(self, request, case):
        if not request.complete:
            raise Failure(f"the upstream saw an incomplete request: {request.summary()}")
        self.match_head(request, case)
        if bytes(request.body) != self.body:
            raise Failure(f"the upstream's body is {bytes(request.body[:80])!r} ({len(request.body)}), "
                          f"not {self.body[:80]!r} ({len(self.body)})")

    def match_head(self, request, case):
        check_forwarded(request, self.user or case.user)
        target = case.fill(self.target)
        if request.method != self.method or request.target != target:
            raise Failure(f"the upstream saw {request.method!r} {request.target[:200]!r}, not {self.method!r} {target[:200]!r}")
        for name, values in self.has:
            if request.all(name) != values:
                raise Failure(f"the upstream's {name!r} is {request.all(name)!r}, not {values!r}")
        for name in self.absent:
            if request.all(name):
                raise Failure(f"the upstream saw {name!r}: {request.all(name)!r}")


class D(Outcome):
    def __init__(self, *codes):
        self.codes = codes or (403,)


class R(Outcome):
    closes = True

    def __init__(self, *codes, silent=False):
        self.codes, self.silent = codes or (400,), silent


class A(Outcome):
    closes = True

    def __init__(self, *codes, method=b"POST", target=b"@T"):
        self.codes, self.head = codes or (400, 408, 413, 502), F(method, target)


class B(Outcome):
    def __init__(self, method=b"GET", body=b"", codes=(500, 502, 503, 504)):
        self.head, self.codes = F(method, body=body), codes


class Case:
    def __init__(self, name, section, raw, *alternatives, user="tester", ending=None, only=None, answer=None, early=None,
                 bytewise=None, split=True, run=None, alpn=("http/1.1",), maximum=ssl.TLSVersion.TLSv1_3, beds=None):
        self.name, self.section, self.user = name, section, user
        self.target = b"/api/v1/namespaces/x/pods/" + re.sub(rb"[^a-z0-9]+", b"-", name.lower().encode()).strip(b"-")
        self.raw = self.fill(raw)
        self.alternatives = [a if isinstance(a, list) else [a] for a in alternatives]
        self.ending, self.only, self.answer, self.early = ending, only, answer, early
        self.bytewise = len(self.raw) < 300 if bytewise is None else bytewise
        self.split, self.run, self.alpn, self.maximum, self.beds = split and len(self.raw) > 1, run, alpn, maximum, beds

    def fill(self, raw):
        return raw.replace(b"@T", self.target).replace(b"@S", SMUGGLED_TARGET)


CASES = []


def case(name, section, raw, *alternatives, **options):
    CASES.append(Case(name, section, raw, *alternatives, **options))


# ================ RFC 9112 §2: the message ================
def message_cases():
    s = "9112 §2.2"
    case("plain GET", s, GET + END, F())
    case("GET over TLS 1.2", s, GET + END, F(), maximum=ssl.TLSVersion.TLSv1_2)
    case("GET without ALPN", s, GET + END, F(), alpn=())
    case("bare LF everywhere", s, b"GET @T HTTP/1.1\nHost: gate\n\n", R(), F())
    case("bare LF after the request line", s, b"GET @T HTTP/1.1\nHost: gate\r\n\r\n", R(), F())
    case("bare LF between fields", s, GET + b"A: b\nC: d\r\n\r\n", R(), F(has=[(b"a", [b"b"]), (b"c", [b"d"])]))
    case("bare LF hides a field", s, GET + b"A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", R(), F())
    case("bare LF ends the head", s, b"GET @T HTTP/1.1\r\nHost: gate\r\n\n", R(), F())
    case("LF CR ends the head", s, b"GET @T HTTP/1.1\r\nHost: gate\n\r\n", R(), F())
    for what, raw in (("request line", b"GET @T\r HTTP/1.1\r\nHost: gate\r\n\r\n"),
                      ("target", b"GET @T\rx HTTP/1.1\r\nHost: gate\r\n\r\n"),
                      ("version", b"GET @T HTTP/1.1\rHost: gate\r\n\r\n"),
                      ("field name", GET + b"A\rB: c\r\n\r\n"), ("field value", GET + b"A: b\rc\r\n\r\n"),
                      ("front of a field", GET + b"\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                      ("end of a value twice", GET + b"A: b\r\r\n\r\n"), ("end of head", GET + b"A: b\r\n\r\r\n\r\n"),
                      ("a hidden field", GET + b"A: b\rX-Remote-User: root\r\n\r\n"),
                      ("a hidden end", GET + b"A: b\r\rGET @S HTTP/1.1\r\nHost: gate\r\n\r\n")):
        case("bare CR in the " + what, s, raw, R())
    for what, raw in (("method", b"G\0T @T HTTP/1.1\r\nHost: gate\r\n\r\n"),
                      ("target", b"GET @T\0x HTTP/1.1\r\nHost: gate\r\n\r\n"),
                      ("version", b"GET @T HTTP/1.1\0\r\nHost: gate\r\n\r\n"),
                      ("field name", GET + b"A\0: b\r\n\r\n"), ("field value", GET + b"A: b\0c\r\n\r\n"),
                      ("Host", b"GET @T HTTP/1.1\r\nHost: ga\0te\r\n\r\n")):
        case("NUL in the " + what, s, raw, R())
    case("NUL first", s, b"\0" + GET + END, R())
    case("an empty line first", s, b"\r\n" + GET + END, F())
    case("three empty lines first", s, b"\r\n\r\n\r\n" + GET + END, F(), R())
    case("a bare LF first", s, b"\n" + GET + END, F(), R())
    case("a bare CR first", s, b"\r" + GET + END, R())
    case("a space first", s, b" " + GET + END, R())
    case("a BOM first", s, b"\xef\xbb\xbf" + GET + END, R())
    case("a space before the first field", s, b"GET @T HTTP/1.1\r\n Host: gate\r\n\r\n", R())
    case("a tab before the first field", s, b"GET @T HTTP/1.1\r\n\tX-Remote-User: root\r\nHost: gate\r\n\r\n", R())
    case("an empty line between two requests", s, GET + END + b"\r\n" + GET + END, [F(), F()])
    case("garbage between two requests", s, GET + END + b"\x16\x03\x01" + GET + END, [F(), R()])
    case("binary garbage", s, bytes(range(256)), R(silent=True))
    case("a TLS record inside TLS", s, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 64, R(silent=True),
         ending="close_notify")
    case("an HTTP/2 preface under http/1.1", s, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
         R(400, 405, 505, silent=True))
    case("a PRI method", s, b"PRI @T HTTP/1.1\r\nHost: gate\r\n\r\n", R(400, 405, 501), F(b"PRI"))
    case("a PROXY protocol line first", s, b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + GET + END, R())


# ================ RFC 9112 §3: the request line ================
def request_line_cases():
    s = "9112 §3"
    for what, line in (("two spaces after the method", b"GET  @T HTTP/1.1"), ("two spaces before the version", b"GET @T  HTTP/1.1"),
                       ("a space after the version", b"GET @T HTTP/1.1 "), ("tabs as separators", b"GET\t@T\tHTTP/1.1"),
                       ("a vertical tab as separator", b"GET\x0b@T HTTP/1.1"), ("a space inside the target", b"GET @T x HTTP/1.1"),
                       ("two versions", b"GET @T HTTP/1.1 HTTP/1.1")):
        case(what, s, line + b"\r\nHost: gate\r\n\r\n", R())
    case("a method alone", s, b"GET\r\n\r\n", R())
    case("a target alone", s, b"@T HTTP/1.1\r\nHost: gate\r\n\r\n", R())
    case("HTTP/0.9", s, b"GET @T\r\n\r\n", R(400, 505, silent=True))
    case("HTTP/0.9 then a field", s, b"GET @T\r\nHost: gate\r\n\r\n", R(400, 505, silent=True))
    for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/11", b"HTTP/1.10",
                    b"HTTP/01.1", b"HTTP/1.01", b"HTTP/1,1", b"HTTP/1 .1", b"HTTP /1.1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1",
                    b"HTTP/+1.1", b"HTTP/1.x", b"HTTP/9.9", b"HTTP\\1.1", b"RTSP/1.0", b"ICE/1.0", b"HTP/1.1", b"HTTP1.1",
                    b"\"HTTP/1.1\"", b"HTTP/1.1;x"):
        case("version " + version.decode(), "9112 §2.3", b"GET @T " + version + b"\r\nHost: gate\r\n\r\n", R(400, 505))
    case("version HTTP/1.2", "9112 §2.3", b"GET @T HTTP/1.2\r\nHost: gate\r\n\r\n", R(400, 505), F())
    case("HTTP/1.0 with Host", "9112 §2.3", b"GET @T HTTP/1.0\r\nHost: gate\r\n\r\n", F(closes=True))
    case("HTTP/1.0 without Host", "9112 §3.2", b"GET @T HTTP/1.0\r\n\r\n", F(closes=True), R())
    case("HTTP/1.0 keep-alive then another", "9112 §C.2.2",
         b"GET @T HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n" + GET + END, [F(), F()], F(closes=True))
    case("HTTP/1.0 then another", "9112 §9.3", b"GET @T HTTP/1.0\r\nHost: gate\r\n\r\n" + SMUGGLED, F(closes=True))
    case("HTTP/1.0 POST without length", "9112 §6.3", b"POST @T HTTP/1.0\r\nHost: gate\r\n\r\n" + SMUGGLED,
         F(b"POST", closes=True), R(400, 411))
    # methods
    s = "9110 §9"
    for method in (b"DELETE", b"OPTIONS", b"PUT", b"PATCH", b"POST"):
        case("method " + method.decode(), s, method + b" @T HTTP/1.1\r\nHost: gate\r\nContent-Length: 3\r\n\r\nabc", F(method, body=b"abc"))
        case(method.decode() + " without a body", s, method + b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", F(method))
    case("HEAD", s, b"HEAD @T HTTP/1.1\r\nHost: gate\r\n\r\n", F(b"HEAD"))
    for method in (b"FOO", b"get", b"Get", b"gET", b"QUERY", b"PURGE", b"M-SEARCH", b"SOURCE", b"DESCRIBE", b"X!#$%&'*+-.^_`|~9",
                   b"PROPFIND", b"SEARCH"):
        case("method " + method.decode(), s, method + b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", F(method), R(400, 405, 501), D(405, 501))
    case("method TRACE", s, b"TRACE @T HTTP/1.1\r\nHost: gate\r\n\r\n", F(b"TRACE"), R(400, 405, 501), D(400, 405, 501))
    for method in (b"G(T", b"G/T", b"G\xc3\xa9T", b"G\"T", b"G:T", b"{GET}", b"GE\x7fT", b"@GET"):
        case("method " + method.decode("latin-1"), s, method + b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", R())
    case("an empty method", s, b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", R())
    case("a method of 20000 letters", s, b"G" * 20000 + b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", R(400, 414, 431, 501), split=False)
    case("CONNECT in authority form", "9110 §9.3.6", b"CONNECT gate:443 HTTP/1.1\r\nHost: gate:443\r\n\r\n" + SMUGGLED,
         R(400, 403, 405, 501))
    case("CONNECT with a path", "9110 §9.3.6", b"CONNECT @T HTTP/1.1\r\nHost: gate\r\n\r\n" + SMUGGLED, R(400, 403, 405, 501))
    case("CONNECT with a length", "9110 §9.3.6", b"CONNECT gate:443 HTTP/1.1\r\nHost: gate:443\r\nContent-Length: 4\r\n\r\nabcd",
         R(400, 403, 405, 501))


def target_cases():
    s = "9112 §3.2"
    exact = (b"/", b"/healthz", b"//", b"///api", b"/api//v1/pods", b"//api/v1/pods", b"/api/v1/./pods", b"/api/v1/../secrets",
             b"/api/v1/namespaces/x/pods/..", b"/api/v1/namespaces/x/pods/%2e%2e", b"/api/v1/namespaces/x/pods/%2E%2e/y",
             b"/api/v1/namespaces/x/pods/a%2Fb", b"/api/v1/namespaces/x/pods/a%2fb", b"/%61pi/v1/pods", b"/api/v1/pods/",
             b"/api/v1/pods//", b"/api/v1/pods?limit=1&limit=2", b"/api/v1/pods?", b"/api/v1/pods??a", b"/api/v1/pods?a=%2F..%2F",
             b"/api/v1/pods;x=1", b"/api/v1/pods;x=1/y", b"/a+b", b"/a%2Bb", b"/a%20b", b"/~x", b"/a:b@c", b"/a,b", b"/a!$'()*b",
             b"/api/v1/pods?watch=0&x=%00", b"/.", b"/..", b"/../..", b"/%2e", b"/api/v1/namespaces//pods", b"/x?y?z=/../a",
             b"/api/v1/pods?a=b;c=d", b"/a%25b", b"/api/v1/namespaces/x/pods/a%252Fb")
    for target in exact:
        case("target " + target.decode(), s, b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(target=target))
    either = (b"/a#b", b"/a?b#c", b"/#", b"/\xc3\xa9", b"/\xff", b"/a?\xc3\xa9", b"/a\"b", b"/a<b>", b"/a\\b", b"/a^b", b"/a`b",
              b"/a{b}", b"/a|b", b"/a[b]", b"/a%00b", b"/a?%", b"/a?%zz", b"/a%0d%0aX-Remote-User:%20root",
              b"/a?%0d%0aHost:%20x", b"/a%0ab")
    for target in either:
        case("target " + target.decode("latin-1"), s, b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(target=target), R(),
             D(400))
    refused = (b"/a%", b"/a%z", b"/a%zz", b"/a%2", b"/%u002e", b"*", b"a", b"api/v1/pods", b"gate:443", b"?a", b"\\a", b"http:x",
               b"http:/x", b"://x/y", b"/a\x7fb", b"/a\x01b", b"/a\tb", b"1http://gate/x", b"http:")
    for target in refused:
        case("target " + target.decode("latin-1"), s, b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n\r\n", R(), D(400))
    case("an empty target", s, b"GET  HTTP/1.1\r\nHost: gate\r\n\r\n", R())
    case("OPTIONS *", "9112 §3.2.4", b"OPTIONS * HTTP/1.1\r\nHost: gate\r\n\r\n", F(b"OPTIONS", b"*"), D(200, 400, 403, 404), R())
    for what, url in (("the same host", b"https://gate@T"), ("another scheme", b"http://gate@T"), ("another host", b"https://other@T"),
                      ("upper-case scheme", b"HTTPS://gate@T"), ("a port", b"https://gate:443@T"), ("an IPv6 host", b"https://[::1]@T")):
        case("absolute form, " + what, "9112 §3.2.2", b"GET " + url + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(), R(), D(400))
    for what, url in (("user info", b"https://root@gate@T"), ("a strange scheme", b"ftp://gate@T"), ("an empty host", b"https://@T"),
                      ("a space in the host", b"https://ga te@T"), ("a backslash host", b"https://gate\\@other@T"),
                      ("a fragment", b"https://gate@T#x"), ("a bad port", b"https://gate:x@T")):
        case("absolute form, " + what, "9112 §3.2.2", b"GET " + url + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(), R(), D(400),
             F(target=b"@T#x"))
    case("absolute form without a path", "9112 §3.2.2", b"GET https://gate HTTP/1.1\r\nHost: gate\r\n\r\n", F(target=b"/"), R(), D(400))
    case("absolute form with a query alone", "9112 §3.2.2", b"GET https://gate?x=y HTTP/1.1\r\nHost: gate\r\n\r\n",
         F(target=b"/?x=y"), R(), D(400))
    case("absolute form with two slashes", "9112 §3.2.2", b"GET https://gate//api/v1/pods HTTP/1.1\r\nHost: gate\r\n\r\n",
         F(target=b"//api/v1/pods"), R(), D(400))
    case("a target of 30000 bytes", "9112 §3", b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(target=b"/" + b"a" * 30000))
    case("a target of 33000 bytes", "9112 §3", b"GET /" + b"a" * 33000 + b" HTTP/1.1\r\nHost: gate\r\n\r\n", R(414))
    case("a target of 200000 bytes", "9112 §3", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: gate\r\n\r\n", R(414, 431, silent=True))
    case("a target that never ends", "9112 §3", b"GET /" + b"a" * 3000000, R(414, 431, silent=True), split=False)


def judged_cases():
    """`narrow` may get pods and /ok/*: what it is judged for must be what arrives."""
    s = "9110 §7.1"
    for target in (b"/api/v1/namespaces/x/pods/y", b"/api/v1/pods", b"/%61pi/v1/pods", b"/ok/x", b"/ok/../secret", b"/ok//y", b"/%6fk/y",
                   b"/ok/%2e%2e/x", b"/api/v1/namespaces/x/pods/a%252Fb", b"/ok"):
        case("may " + target.decode(), s, b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n\r\n", F(target=target), user="narrow",
             beds=("rbac",))
    for target in (b"/api/v1/namespaces/x/secrets/y", b"/api/v1/namespaces/x/pods/y/log", b"/api/v1/namespaces/x/pods/y%2Flog",
                   b"/api/v1/secrets", b"/api/v1/./pods", b"/x/../ok", b"/OK", b"/okx", b"//ok/x", b"/api/v1/namespaces/x/pods/../secrets/y",
                   b"/api/v1/watch/pods", b"/api/v1/proxy/pods", b"/ok%2", b"/api/v1/namespaces/x/pods%2fy%2fexec",
                   b"/api/v1/pods?watch=1"):
        case("may not " + target.decode(), s, b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n\r\n", D(403, 400, 500), R(400),
             user="narrow", beds=("rbac",))
    for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"get", b"FOO"):
        case("may not " + method.decode(), s, method + b" @T HTTP/1.1\r\nHost: gate\r\n\r\n", D(403, 405), R(400, 405, 501),
             user="narrow", beds=("rbac",))
    case("a denied body is no request", "9112 §9.3", POST + b"Content-Length: %d\r\n\r\n" % len(b"GET /ok HTTP/1.1\r\nHost: gate\r\n\r\n")
         + b"GET /ok HTTP/1.1\r\nHost: gate\r\n\r\n" + b"GET /ok HTTP/1.1\r\nHost: gate\r\n\r\n", [D(403), F(target=b"/ok")], R(403),
         user="narrow", beds=("rbac",))
    case("a denied chunked body is no request", "9112 §9.3",
         CHUNKED + b"20\r\nGET /ok HTTP/1.1\r\nHost: gate\r\n\r\n\r\n0\r\n\r\n", D(403), R(403), user="narrow", beds=("rbac",))
    case("denied then allowed", "9112 §9.3", b"GET /no HTTP/1.1\r\nHost: gate\r\n\r\nGET /ok HTTP/1.1\r\nHost: gate\r\n\r\n",
         [D(403), F(target=b"/ok")], R(403), user="narrow", beds=("rbac",))
    case("a denied broken body", "9112 §7.1", CHUNKED + b"zz\r\n" + SMUGGLED, [D(403), R()], R(403), R(400), user="narrow", beds=("rbac",))
    case("a denied body that is cut off", "9112 §8", POST + b"Content-Length: 100\r\n\r\nabc", R(403), D(403), ending="close_notify",
         user="narrow", beds=("rbac",))


# ================ RFC 9112 §3.2 and 9110 §7.2: Host ================
def host_cases():
    s = "9112 §3.2"
    line = b"GET @T HTTP/1.1\r\n"
    case("no Host", s, line + b"\r\n", R())
    case("two equal Hosts", s, line + b"Host: gate\r\nHost: gate\r\n\r\n", R())
    case("two Hosts", s, line + b"Host: gate\r\nHost: other\r\n\r\n", R())
    case("two Hosts, one empty", s, line + b"Host: gate\r\nhOsT:\r\n\r\n", R())
    for value in (b"a b", b"a,b", b"a/b", b"a@b", b"a?b", b"a#b", b"a\\b", b"a\x80b", b"a\"b", b"a<b", b"gate:80:80", b"gate:x", b"gate:-1",
                  b"[::1", b"::1]", b"gate, other", b"https://gate", b"a\tb", b"gate:99999999999"):
        case("Host " + value.decode("latin-1"), s, line + b"Host: " + value + b"\r\n\r\n", R(), *(
            (F(),) if value in (b"gate:99999999999", b"gate:x", b"gate:-1", b"gate:80:80", b"[::1", b"::1]", b"a\"b", b"a<b") else ()))
    case("an empty Host", s, line + b"Host:\r\n\r\n", F(), R())
    for value in (b"gate:6443", b"127.0.0.1:8443", b"[::1]:8443", b"kubernetes.default.svc", b"\t gate \t", b"a_b", b"GATE"):
        case("Host " + value.decode(), s, line + b"Host:" + value + b"\r\n\r\n", F())
    case("a space before Host's colon", s, line + b"Host : gate\r\n\r\n", R())
    case("Host last", s, line + b"A: b\r\nHost: gate\r\n\r\n", F())


# ================ RFC 9112 §5: field lines ================
def field_cases():
    s = "9112 §5"
    case("a space before the colon", "9112 §5.1", GET + b"A : b\r\n\r\n", R())
    case("a tab before the colon", "9112 §5.1", GET + b"A\t: b\r\n\r\n", R())
    case("an empty name", s, GET + b": b\r\n\r\n", R())
    case("no colon", s, GET + b"A\r\n\r\n", R())
    case("no colon on the last line", s, GET + b"A: b\r\nabc\r\n\r\n", R())
    for char in b"\"(),/;<=>?@[\\]{} \x01\x7f\x80\xc3\xff":
        case("name with %#04x" % char, s, GET + b"A" + bytes((char,)) + b"B: c\r\n\r\n", R())
    case("a name of every token char", s, GET + b"!#$%&'*+-.^_`|~0Az: b\r\n\r\n", F(has=[(b"!#$%&'*+-.^_`|~0az", [b"b"])]), R())
    for char in b"\x01\x08\x0b\x0c\x0e\x1b\x1f\x7f":
        case("value with %#04x" % char, s, GET + b"A: b" + bytes((char,)) + b"c\r\n\r\n", R(), bytewise=False)
    for char in b"\x80\xa0\xff":
        case("value with %#04x" % char, s, GET + b"A: b" + bytes((char,)) + b"c\r\n\r\n", F(has=[(b"a", [b"b" + bytes((char,)) + b"c"])]),
             R(), bytewise=False)
    case("value with a tab inside", s, GET + b"A: b\tc\r\n\r\n", F(has=[(b"a", [b"b\tc"])]))
    case("spaces around a value", s, GET + b"A:  \t b c \t \r\n\r\n", F(has=[(b"a", [b"b c"])]))
    case("no space before a value", s, GET + b"A:b\r\n\r\n", F(has=[(b"a", [b"b"])]))
    case("an empty value", s, GET + b"A:\r\n\r\n", F(has=[(b"a", [b""])]))
    case("a value of spaces", s, GET + b"A:  \t\r\n\r\n", F(has=[(b"a", [b""])]))
    case("a value with colons", s, GET + b"A: b: c:\r\n\r\n", F(has=[(b"a", [b"b: c:"])]))
    case("a name in mixed case", s, GET + b"X-MiXeD: Vv\r\n\r\n", F(has=[(b"x-mixed", [b"Vv"])]))
    case("the same name three times", "9110 §5.3", GET + b"A: 1\r\nB: x\r\na: 2\r\nA: 1\r\n\r\n", F(has=[(b"a", [b"1", b"2", b"1"])]))
    for what, fold in (("space", b" "), ("tab", b"\t"), ("spaces", b"   ")):
        case("obs-fold with a " + what, "9112 §5.2", GET + b"A: b\r\n" + fold + b"c\r\n\r\n", R())
    case("obs-fold of Transfer-Encoding", "9112 §5.2", POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, R())
    case("obs-fold of Content-Length", "9112 §5.2", POST + b"Content-Length:\r\n 5\r\n\r\nabcde", R())
    case("obs-fold hides a field", "9112 §5.2", GET + b"A: b\r\n X-Remote-User: root\r\n\r\n", R())
    case("obs-fold of nothing", "9112 §5.2", GET + b"A: b\r\n \r\n\r\n", R())
    case("400 fields", "9110 §5.4", GET + b"".join(b"A%d: b\r\n" % i for i in range(400)) + END, F(has=[(b"a399", [b"b"])]))
    case("600 fields", "9110 §5.4", GET + b"".join(b"A%d: b\r\n" % i for i in range(600)) + END, R(431))
    case("30000 fields", "9110 §5.4", GET + b"a:b\r\n" * 30000 + END, R(431, silent=True), split=False)
    case("a value of 40000 bytes", "9110 §5.4", GET + b"A: " + b"v" * 40000 + b"\r\n\r\n", F(has=[(b"a", [b"v" * 40000])]))
    case("a value of 70000 bytes", "9110 §5.4", GET + b"A: " + b"v" * 70000 + b"\r\n\r\n", R(431))
    case("a value that never ends", "9110 §5.4", GET + b"A: " + b"v" * 3000000, R(431, silent=True), split=False)
    case("a name of 10000 bytes", "9110 §5.4", GET + b"a" * 10000 + b": b\r\n\r\n", F(has=[(b"a" * 10000, [b"b"])]), R(400, 431))
    case("a name that never ends", "9110 §5.4", GET + b"a" * 3000000, R(400, 431, silent=True), split=False)
    case("a name of 70000 bytes", "9110 §5.4", GET + b"a" * 70000 + b": b\r\n\r\n", R(400, 431))


# ================ RFC 9112 §6: how long a message is ================
def length_cases():
    s = "9112 §6.3"
    case("Content-Length", s, POST + b"Content-Length: 5\r\n\r\nabcde" + GET + END, [F(b"POST", body=b"abcde"), F()])
    case("Content-Length 0", s, POST + b"Content-Length: 0\r\n\r\n" + GET + END, [F(b"POST"), F()])
    case("a GET with a body", s, GET + b"Content-Length: 5\r\n\r\nabcde" + GET + END, [F(body=b"abcde"), F()])
    case("Content-Length 5 with spaces around", s, POST + b"Content-Length:  5  \r\n\r\nabcde", F(b"POST", body=b"abcde"))
    # Tabs are legal here (RFC 9110 §5.6.3); llhttp refuses them, which is safe.
    case("Content-Length 5 with tabs around", s, POST + b"Content-Length:\t5\t\r\n\r\nabcde", F(b"POST", body=b"abcde"), R())
    case("a body that looks like a request", s, POST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED.replace(b"@S", SMUGGLED_TARGET)) + SMUGGLED,
         F(b"POST", body=SMUGGLED.replace(b"@S", SMUGGLED_TARGET)))
    case("a body longer than its length", s, POST + b"Content-Length: 3\r\n\r\nabcdef", [F(b"POST", body=b"abc"), R(silent=True)],
         ending="close_notify")
    for value in (b"", b"+5", b"-5", b"-0", b"0x5", b"5h", b"5.0", b"1e1", b"5,", b",5", b"5 5", b"5;5", b"5, 6", b"five", b"\"5\"", b"5\x0b",
                  b"\x0c5", b"18446744073709551616", b"18446744073709551621", b"9" * 40, b"0" * 30 + b"x", b"5\xa0", b"\xef\xbc\x95",
                  b"5_0", b"0b101", b"NaN"):
        case("Content-Length " + repr(value), s, POST + b"Content-Length: " + value + b"\r\n\r\nabcde" + SMUGGLED, R())
    case("a length of 2^63", s, POST + b"Content-Length: 9223372036854775808\r\n\r\nabcde", R(400, 413), A(), ending="close_notify")
    case("a length of 2^63-1", s, POST + b"Content-Length: 9223372036854775807\r\n\r\nabcde", R(400, 413), A(), ending="close_notify")
    case("a length with leading zeros", s, POST + b"Content-Length: 005\r\n\r\nabcde", F(b"POST", body=b"abcde"), R())
    case("a length of 5, 5", s, POST + b"Content-Length: 5, 5\r\n\r\nabcde", F(b"POST", body=b"abcde"), R())
    case("two equal lengths", s, POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", F(b"POST", body=b"abcde"), R())
    for first, second in ((b"5", b"6"), (b"0", b"5"), (b"5", b"0"), (b"5", b""), (b"5", b"05"), (b"5", b"+5")):
        case(f"lengths {first.decode()} and {second.decode() or 'nothing'}", s, POST + b"Content-Length: " + first + b"\r\nContent-Length: "
             + second + b"\r\n\r\nabcde" + SMUGGLED, R())
    case("Content-Length with a space before the colon", s, POST + b"Content-Length : 5\r\n\r\nabcde", R())
    for name in (b"Content_Length", b"Content.Length", b"ContentLength", b"X-Content-Length"):
        case(name.decode() + " is no length", s, POST + name + b": 5\r\n\r\n" + GET + END, [F(b"POST"), F()], R())
    # both
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    case("CL.TE", "9112 §6.1", POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", R())
    case("CL.TE with a request", "9112 §6.1", POST + b"Content-Length: 70\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, R())
    case("TE.CL", "9112 §6.1", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2e\r\n" + SMUGGLED + b"\r\n0\r\n\r\n", R())
    case("both, the same body", "9112 §6.1", POST + both + b"0\r\n\r\n", R())
    case("both, length 0", "9112 §6.1", POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", R())
    case("both, in a GET", "9112 §6.1", GET + both + b"0\r\n\r\n" + SMUGGLED, R())
    case("both, Connection nominates the length", "9112 §6.1", POST + b"Connection: content-length\r\n" + both + b"0\r\n\r\n" + SMUGGLED, R())
    case("both, Connection nominates the coding", "9112 §6.1", POST + b"Connection: transfer-encoding\r\n" + both + b"0\r\n\r\n" + SMUGGLED, R())
    case("chunked in HTTP/1.0", "9112 §6.1", b"POST @T HTTP/1.0\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, R(),
         F(b"POST", closes=True))
    case("CL.0: a length and no body yet", s, GET + b"Content-Length: 100\r\n\r\n" + SMUGGLED[:20], R(), A(method=b"GET"), ending="close_notify")
    case("0.CL: Expect and a length", s, GET + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED.replace(b"@S", SMUGGLED_TARGET))
         + SMUGGLED, F(body=SMUGGLED.replace(b"@S", SMUGGLED_TARGET)), R(400, 417))


def coding_cases():
    s = "9112 §6.1"
    payload = b"0\r\n\r\n" + SMUGGLED
    good = ((b"chunked", b""), (b"Chunked", b""), (b"CHUNKED", b""), (b"\tchunked", b""), (b"chunked \t", b""))
    for value, _ in good:
        case("Transfer-Encoding " + repr(value), s, POST + b"Transfer-Encoding:" + value + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n", F(b"POST", body=b"abc"))
    bad = (b"", b"identity", b"xchunked", b"chunkedx", b"chunk", b"chunked, identity", b"identity, chunked", b"chunked, chunked", b"chunked,",
           b",chunked", b", chunked", b"chunked;q=1", b"chunked; a=b", b"\"chunked\"", b"'chunked'", b"chunked\x0b", b"\x0bchunked", b"\x0cchunked",
           b"chunked\0", b"gzip", b"gzip, chunked", b"chunked, gzip", b"deflate", b"x-gzip, chunked", b"trailers", b"chunked trailers",
           b"chunked\xa0", b"\xffchunked", b"chu nked", b"chunked\tfoo", b"[chunked]", b"cow", b"ch\xc3\xbcnked", b"chunked/1", b"\\chunked",
           b"compress", b"identity;q=0", b"chunKed, chUnked")
    for value in bad:
        codes = (400, 501)
        case("Transfer-Encoding " + repr(value), s, POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + payload, R(*codes))
        case("CL and Transfer-Encoding " + repr(value), s,
             POST + b"Content-Length: 5\r\nTransfer-Encoding: " + value + b"\r\n\r\n" + payload, R(*codes), bytewise=False)
    twice = ((b"chunked", b"identity"), (b"identity", b"chunked"), (b"chunked", b"chunked"), (b"chunked", b""), (b"", b"chunked"),
             (b"chunked", b"cow"), (b"gzip", b"chunked"))
    for first, second in twice:
        case(f"Transfer-Encoding {first.decode() or 'nothing'} and {second.decode() or 'nothing'}", s, POST + b"Transfer-Encoding: " + first
             + b"\r\nTransfer-Encoding: " + second + b"\r\n\r\n" + payload, R(400, 501))
    for what, line in (("a space before the colon", b"Transfer-Encoding : chunked\r\n"), ("a space first", b" Transfer-Encoding: chunked\r\n"),
                       ("a tab before the colon", b"Transfer-Encoding\t: chunked\r\n"), ("a line break before the colon", b"Transfer-Encoding\r\n : chunked\r\n"),
                       ("a control byte in the name", b"Transfer-Encoding\x01: chunked\r\n"), ("an LF before it", b"X: y\nTransfer-Encoding: chunked\r\n"),
                       ("a CR before it", b"X: y\rTransfer-Encoding: chunked\r\n"), ("a NUL in the name", b"Transfer-Encoding\0: chunked\r\n"),
                       ("a high byte in the name", b"Transfer-Encoding\xa0: chunked\r\n"), ("an LF after the value", b"Transfer-Encoding: chunked\n"),
                       ("a CR after the value", b"Transfer-Encoding: chunked\rX: y\r\n"), ("two colons", b"Transfer-Encoding:: chunked\r\n")):
        case("TE.TE, " + what, s, POST + b"Content-Length: 5\r\n" + line + b"\r\n" + payload, R(400, 501))
    for name in (b"Transfer_Encoding", b"TransferEncoding", b"X-Transfer-Encoding", b"Transfer.Encoding", b"Content-Transfer-Encoding"):
        case(name.decode() + " is no coding", s, POST + name + b": chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + GET + END,
             [F(b"POST", body=b"0\r\n\r\n"), F()], R())


# ================ RFC 9112 §7: chunks ================
def chunk_cases():
    s = "9112 §7.1"
    tail = b"\r\n0\r\n\r\n"
    case("chunks", s, CHUNKED + b"3\r\nabc\r\n2\r\nde" + tail + GET + END, [F(b"POST", body=b"abcde"), F()])
    case("no chunk but the last", s, CHUNKED + b"0\r\n\r\n" + GET + END, [F(b"POST"), F()])
    case("a chunked GET", s, GET + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc" + tail + GET + END, [F(body=b"abc"), F()])
    case("hex in both cases", s, CHUNKED + b"a\r\n0123456789\r\nB\r\n0123456789a" + tail, F(b"POST", body=b"01234567890123456789a"))
    case("a size with leading zeros", s, CHUNKED + b"0003\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("a size of 20 zeros", s, CHUNKED + b"0" * 20 + b"3\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("a last chunk of three zeros", s, CHUNKED + b"3\r\nabc\r\n000\r\n\r\n", F(b"POST", body=b"abc"), A())
    case("1000 chunks of a byte", s, CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n", F(b"POST", body=b"x" * 1000))
    for size in (b"+3", b"-3", b"0x3", b"0X3", b" 3", b"\t3", b"", b"g", b"3g", b"3 3", b"3,3", b"3.", b"\"3\"", b"3\0", b"\x003", b"3h", b"x",
                 b"3\x0b", b"3\xa0", b"FFFFFFFFFFFFFFFFF", b"10000000000000003", b"-0", b"+0", b"0x0", b"3_0"):
        case("chunk size " + repr(size), s, CHUNKED + size + b"\r\nabc" + tail + SMUGGLED, A())
    case("chunk size with a space after", s, CHUNKED + b"3 \r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("chunk size with a tab after", s, CHUNKED + b"3\t\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    for size in (b"FFFFFFFFFFFFFFFF", b"8000000000000000", b"7FFFFFFFFFFFFFFF", b"FFFFFFFF", b"100000003"):
        case("chunk size " + size.decode(), s, CHUNKED + size + b"\r\nabc" + tail + SMUGGLED, A(), ending="close_notify")
    for what, raw in (("LF after the size", b"3\nabc\r\n0\r\n\r\n"), ("CR after the size", b"3\rabc\r\n0\r\n\r\n"),
                      ("LF after the data", b"3\r\nabc\n0\r\n\r\n"), ("CR after the data", b"3\r\nabc\r0\r\n\r\n"),
                      ("nothing after the data", b"3\r\nabc0\r\n\r\n"), ("more data than said", b"3\r\nabcd\r\n0\r\n\r\n"),
                      ("less data than said", b"5\r\nabc\r\n0\r\n\r\n"), ("LF after the last size", b"3\r\nabc\r\n0\n\r\n"),
                      ("LF ends the body", b"3\r\nabc\r\n0\r\n\n"), ("CR ends the body", b"3\r\nabc\r\n0\r\n\rX"),
                      ("two CRs after the size", b"3\r\r\nabc\r\n0\r\n\r\n"), ("two CRs after the data", b"3\r\nabc\r\r\n0\r\n\r\n"),
                      ("XX for CRLF after the data", b"3\r\nabcXX0\r\n\r\n")):
        case("chunk: " + what, s, CHUNKED + raw + SMUGGLED, A())
    s = "9112 §7.1.1"
    for ext in (b";a", b";a=b", b";a=\"q;\\\"r\"", b";a=b;c=d", b" ; a=b", b"; a=b", b";a =b"):
        case("chunk extension " + ext.decode(), s, CHUNKED + b"3" + ext + b"\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("an extension on the last chunk", s, CHUNKED + b"3\r\nabc\r\n0;a=b\r\n\r\n", F(b"POST", body=b"abc"), A())
    for ext in (b";a\n", b";\n", b";a=\"\n\"", b";a\r", b";a=b\rc", b";a=\0", b"\n;a", b";a=b\x01"):
        case("chunk extension " + repr(ext), s, CHUNKED + b"3" + ext + b"\r\nabc" + tail + SMUGGLED, A())
    case("TERM.EXT", s, CHUNKED + b"2;\nxx\r\n27\r\n0\r\n\r\n" + SMUGGLED + b"\r\n0\r\n\r\n", A())
    case("EXT.TERM", s, CHUNKED + b"2;\rxx\r\n27\r\n0\r\n\r\n" + SMUGGLED + b"\r\n0\r\n\r\n", A())
    case("an empty extension", s, CHUNKED + b"3;\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("an extension that looks like an end", s, CHUNKED + b"3;0\r\nabc" + tail, F(b"POST", body=b"abc"), A())
    case("an extension of 100000 bytes", s, CHUNKED + b"3;" + b"a" * 100000 + b"\r\nabc" + tail, A(), F(b"POST", body=b"abc"), split=False)
    case("an extension that never ends", s, CHUNKED + b"3;" + b"a" * 2000000, A(), split=False)
    case("a size that never ends", s, CHUNKED + b"0" * 2000000, A(), split=False)
    s = "9112 §7.1.2"
    case("a trailer", s, CHUNKED + b"3\r\nabc\r\n0\r\nX-T: v\r\n\r\n" + GET + END, [F(b"POST", body=b"abc"), F()])
    for line in (b"X-Remote-User: root", b"X_Remote_User: root", b"x-remote-group: system:masters", b"Content-Length: 9", b"Host: other",
                 b"Transfer-Encoding: chunked", b"Authorization: Bearer x", b"Connection: close", b"X-Forwarded-For: 6.6.6.6",
                 b"Impersonate-User: root", b"Impersonate_User: root", b"TE: trailers", b"Trailer: x", b"X-Remote-Extra-Scopes: all"):
        case("trailer " + line.decode(), s, CHUNKED + b"3\r\nabc\r\n0\r\n" + line + b"\r\n\r\n" + GET + END,
             [F(b"POST", body=b"abc", absent=(b"x-remote-extra-scopes",)), F()], A(), [F(b"POST", body=b"abc", closes=True)])
    for what, line in (("without a colon", b"abc"), ("with a space before the colon", b"A : b"), ("folded", b"A: b\r\n c"), ("with a NUL", b"A: \0"),
                       ("with a bare CR", b"A: b\rc"), ("with an empty name", b": b")):
        case("a trailer " + what, s, CHUNKED + b"3\r\nabc\r\n0\r\n" + line + b"\r\n\r\n" + SMUGGLED, A())
    case("a trailer of 20000 bytes", s, CHUNKED + b"3\r\nabc\r\n0\r\nA: " + b"v" * 20000 + b"\r\n\r\n", A(400, 413, 431))
    case("a trailer that never ends", s, CHUNKED + b"3\r\nabc\r\n0\r\nA: " + b"v" * 2000000, A(400, 413, 431), split=False)
    case("100000 trailers", s, CHUNKED + b"0\r\n" + b"a:b\r\n" * 100000 + END, A(400, 413, 431), split=False)
    big = random.Random(7).randbytes(1 << 20).replace(b"@", b"a")  # "@T" would be filled in
    case("1 MiB by length", "9112 §6.3", POST + b"Content-Length: %d\r\n\r\n" % len(big) + big, F(b"POST", body=big))
    case("1 MiB in chunks", s, CHUNKED + b"".join(b"%x\r\n" % len(big[i:i + 60000]) + big[i:i + 60000] + b"\r\n"
                                               for i in range(0, len(big), 60000)) + b"0\r\n\r\n", F(b"POST", body=big))
    case("8 MiB by length", "9112 §6.3", POST + b"Content-Length: %d\r\n\r\n" % (8 * len(big)) + big * 8, F(b"POST", body=big * 8), split=False)


# ================ RFC 9112 §8: incomplete messages ================
def truncated_cases():
    s = "9112 §8"
    for ending in ("close_notify", "fin", "rst"):
        case("a head cut by " + ending, s, GET + b"A: b", R(silent=True), ending=ending)
        case("a request line cut by " + ending, s, b"GET @T HT", R(silent=True), ending=ending)
        case("a body cut by " + ending, s, POST + b"Content-Length: 10\r\n\r\nabc", A(), ending=ending)
        case("a body not begun, cut by " + ending, s, POST + b"Content-Length: 10\r\n\r\n", A(), ending=ending)
        case("a body cut at its last byte by " + ending, s, POST + b"Content-Length: 10\r\n\r\nabcdefghi", A(), ending=ending)
        case("a chunk cut by " + ending, s, CHUNKED + b"5\r\nabc", A(), ending=ending)
        case("chunks cut before the last by " + ending, s, CHUNKED + b"3\r\nabc\r\n", A(), ending=ending)
        case("chunks cut in the last size by " + ending, s, CHUNKED + b"3\r\nabc\r\n0", A(), ending=ending)
        case("chunks cut after the last size by " + ending, s, CHUNKED + b"3\r\nabc\r\n0\r\n", A(), ending=ending)
        case("chunks cut in a trailer by " + ending, s, CHUNKED + b"3\r\nabc\r\n0\r\nA: b\r\n", A(), ending=ending)
        case("chunks cut before the last LF by " + ending, s, CHUNKED + b"3\r\nabc\r\n0\r\n\r", A(), ending=ending)
    case("a large body cut by fin", s, POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 900000, A(), ending="fin", split=False)
    case("nothing but a close", s, b"", R(silent=True), ending="close_notify")
    case("a whole request, then close_notify", "9112 §9.6", GET + END, F(), ending="close_notify")
    case("two whole requests, then close_notify", "9112 §9.6", GET + END + GET + END, [F(), F()], ending="close_notify")


# ================ RFC 9112 §9 and 9110 §7.6: the connection ================
def connection_cases():
    s = "9112 §9.3"
    case("three pipelined", s, (GET + END) * 3, [F(), F(), F()])
    case("50 pipelined", s, (GET + END) * 50, [F()] * 50, split=False)
    case("pipelined with bodies between", s, GET + END + POST + b"Content-Length: 3\r\n\r\nabc" + CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + GET + END,
         [F(), F(b"POST", body=b"abc"), F(b"POST", body=b"abc"), F()])
    case("pipelined, the second broken", s, GET + END + b"GET @S HTTP/1.1\r\nHost : gate\r\n\r\n" + SMUGGLED, [F(), R()])
    case("pipelined, the second in two lengths", s, GET + END + b"POST @S HTTP/1.1\r\nHost: gate\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
         + SMUGGLED, [F(), R()])
    case("pipelined, the second without Host", s, GET + END + b"GET @S HTTP/1.1\r\n\r\n" + SMUGGLED, [F(), R()])
    case("pipelined HEAD and GET", s, b"HEAD @T HTTP/1.1\r\nHost: gate\r\n\r\n" + GET + END, [F(b"HEAD"), F()])
    case("Connection: close", "9112 §9.6", GET + b"Connection: close\r\n\r\n", F(closes=True, absent=(b"connection",) if False else ()))
    case("Connection: close, then another", "9112 §9.6", GET + b"Connection: close\r\n\r\n" + SMUGGLED, F(closes=True))
    case("Connection: CLOSE, then another", "9112 §9.6", GET + b"Connection: x, CLOSE\r\n\r\n" + SMUGGLED, F(closes=True))
    case("two Connections, one close", "9112 §9.6", GET + b"Connection: keep-alive\r\nConnection: close\r\n\r\n" + SMUGGLED, F(closes=True))
    s = "9110 §7.6.1"
    case("Connection nominates a field", s, GET + b"Connection: X-Secret\r\nX-Secret: 1\r\nX-Other: 2\r\n\r\n",
         F(absent=(b"x-secret",), has=[(b"x-other", [b"2"])]), R())
    case("Connection nominates a later and an earlier field", s, GET + b"X-A: 1\r\nConnection: x-a,x-b\r\nX-B: 1\r\n\r\n", F(absent=(b"x-a", b"x-b")), R())
    for name in (b"X-Remote-User", b"x-remote-group", b"X-Forwarded-For", b"Authorization", b"X-Remote-Extra-Foo", b"X-Remote-Uid"):
        case("Connection nominates " + name.decode(), s, GET + b"Connection: " + name + b"\r\n" + name + b": root\r\n\r\n", F(), R())
        case("Connection nominates close and " + name.decode(), s, GET + b"Connection: close, " + name + b"\r\n\r\n", F(closes=True), R())
    for name in (b"Host", b"Content-Length", b"Transfer-Encoding", b"Content-Type", b"Cookie", b":method", b":path", b"Connection", b"TE", b"Upgrade"):
        case("Connection nominates " + name.decode(), s, POST + b"Connection: " + name + b"\r\nContent-Length: 3\r\n\r\nabc" + GET + END,
             [F(b"POST", body=b"abc"), F()], R())
    case("Connection with empty members", s, GET + b"Connection: ,, ,keep-alive,,\r\n\r\n", F(), R())
    case("Connection that is no token", s, GET + b"Connection: \"x\", (y)\r\n\r\n", F(), R())
    case("Connection of 1000 names", s, GET + b"Connection: " + b", ".join(b"x%d" % i for i in range(1000)) + b"\r\n\r\n", F(), R(400, 431))
    case("Keep-Alive and Proxy-Connection", s, GET + b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\r\n", F(absent=(b"keep-alive", b"proxy-connection")))
    case("TE: gzip", "9110 §10.1.4", GET + b"TE: gzip\r\n\r\n", F(absent=(b"te",)))
    case("TE: trailers", "9110 §10.1.4", GET + b"Connection: TE\r\nTE: trailers\r\n\r\n", F())
    case("TE: trailers, deflate;q=0.5", "9110 §10.1.4", GET + b"Connection: TE\r\nTE: trailers, deflate;q=0.5\r\n\r\n", F())
    case("Max-Forwards", "9110 §7.6.2", GET + b"Max-Forwards: 0\r\n\r\n", F())
    case("Via and Cookie pass", "9110 §7.6.3", GET + b"Cookie: a=b; c=d\r\nVia: 1.1 x\r\n\r\n", F(has=[(b"cookie", [b"a=b; c=d"])]))


# ================ who is calling: only the gate says ================
def identity_cases():
    s = "identity"
    for line in (b"X-Remote-User: root", b"x-remote-user: root", b"X-REMOTE-USER: tester", b"X_Remote_User: root", b"X-Remote_User: root",
                 b"X_REMOTE-USER: root", b"X-Remote-Group: system:masters", b"X_Remote_Group: system:masters", b"X-Remote-Uid: 0",
                 b"X-Remote-Extra-Scopes: all", b"X_Remote_Extra_Scopes: all", b"X-Remote-Extra-authentication.kubernetes.io%2fcredential-id: X509SHA256=0",
                 b"X-Remote-Anything: 1", b"X-Remote-: 1", b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 127.0.0.1, 6.6.6.6", b"X_Forwarded_For: 6.6.6.6",
                 b"X-Forwarded-Host: other", b"X-Forwarded-Proto: http", b"X-Forwarded-Port: 1", b"X-Forwarded-Client-Cert: x", b"Forwarded: for=6.6.6.6",
                 b"X-Real-Ip: 6.6.6.6", b"X_Real_Ip: 6.6.6.6", b"Authorization: Bearer abc", b"Authorization: Basic cm9vdDpyb290",
                 b"X-Remote-User: root\r\nX-Remote-User: admin", b"X-Remote-User: "):
        case("a client says " + line.decode(), s, GET + line + b"\r\n\r\n", F(), R(), D(400, 401, 403))
    case("who may be root is root", s, GET + b"Impersonate-User: root\r\n\r\n", F(user="root"))
    for line in (b"impersonate-group: system:masters", b"Impersonate-Uid: 0", b"Impersonate-Extra-Scopes: x", b"Impersonate_User: root",
                 b"Impersonate-Users: root"):
        case("a client says " + line.decode(), s, GET + line + b"\r\n\r\n", D(400, 403), R(400, 403))
    for line in (b"X-Remote-User : root", b" X-Remote-User: root", b"X-Remote-User\0: root", b"X-Remote-User\t: root", b"X-Remote-User\x0b: root"):
        case("a client says " + repr(line), s, GET + line + b"\r\n\r\n", R())


# ================ RFC 9110 §10.1.1 Expect, §7.8 Upgrade ================
def expect_cases():
    s = "9110 §10.1.1"
    expecting = POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    case("Expect, the body waits for 100", s, b"", run=expect_flow(expecting))
    case("Expect, the body comes at once", s, expecting + b"abc" + GET + END, [F(b"POST", body=b"abc"), F()])
    case("Expect, chunked", s, POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", F(b"POST", body=b"abc"))
    case("Expect without a body", s, GET + b"Expect: 100-continue\r\n\r\n", F(), R(400, 417))
    case("Expect in upper case", s, POST + b"Expect: 100-CONTINUE\r\nContent-Length: 3\r\n\r\nabc", F(b"POST", body=b"abc"))
    case("Expect of something else", s, POST + b"Expect: x\r\nContent-Length: 3\r\n\r\nabc", F(b"POST", body=b"abc"), R(400, 417), D(417))
    case("Expect in HTTP/1.0", s, b"POST @T HTTP/1.0\r\nHost: gate\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
         F(b"POST", body=b"abc", closes=True, check=no_interim), R(400, 417))
    case("a denied Expect gets no 100", s, POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", R(403), D(403), user="narrow", beds=("rbac",),
         ending="close_notify")
    case("Expect, the body never comes", s, expecting, A(), ending="fin")
    case("Expect, the upstream refuses at once", s, b"", run=expect_refused(expecting))


def no_interim(reply):
    if reply.interim:
        raise Failure("an HTTP/1.0 client was sent a 1xx")


def expect_flow(head):
    def run(bed, this):
        conn = bed.connect()
        conn.send(this.fill(head))
        data = read_until(conn, b"\r\n\r\n")
        if not data.startswith(b"HTTP/1.1 100"):
            raise Failure(f"no 100 Continue but {data[:80]!r}")
        conn.send(b"abc")
        judge(bed, this, [[F(b"POST", body=b"abc")]], conn, b"")
    return run


def expect_refused(head):
    def run(bed, this):
        def early(peer, request):
            if request.target != this.target:
                return False
            peer.respond(request, 413, [(b"Connection", b"close")] if peer.version == "HTTP/1.1" else [])
            return True
        bed.upstream.early_answer = early
        conn = bed.connect()
        conn.send(this.fill(head))
        data = b""
        while not re.search(rb"HTTP/1.1 413 [^\r]*\r\n.*\r\n\r\n", data, re.S):
            piece = conn.recv(WAIT_S)
            if not piece:
                break
            data += piece
        if b"HTTP/1.1 413" not in data:
            raise Failure(f"the upstream's early 413 did not arrive: {data[:100]!r}")
        conn.send(b"abc" + SMUGGLED.replace(b"@S", SMUGGLED_TARGET)) if not conn.ended else None
    return run


def upgrade_cases():
    s = "9110 §7.8"
    ws = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    case("websocket", s, b"", run=tunnel(GET + ws + END, b"websocket"), only="h1")
    case("SPDY by POST", s, b"", run=tunnel(POST + b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n", b"SPDY/3.1"), only="h1")
    case("an upgrade answered 200 is no tunnel", s, GET + ws + END + b"GET /no HTTP/1.1\r\nHost : x\r\n\r\n", [F(has=[(b"upgrade", [b"websocket"])]), R()],
         F(closes=True), only="h1")
    case("an upgrade refused by the upstream", s, GET + ws + END, F(status=403), only="h1", answer=lambda p, r: p.respond(r, 403))
    case("an early tunnel byte is judged after 200", s, GET + ws + END + GET + END, [F(), F()], F(closes=True), only="h1")
    case("Upgrade without Connection", s, GET + b"Upgrade: websocket\r\n\r\n", F(absent=(b"upgrade",)), R())
    case("Connection: upgrade without Upgrade", s, GET + b"Connection: upgrade\r\n\r\n", F(absent=(b"upgrade",)), R())
    case("an upgrade in HTTP/1.0", s, b"GET @T HTTP/1.0\r\nHost: gate\r\n" + ws + END, F(absent=(b"upgrade",), closes=True), R())
    case("h2c upgrade", "9113 §3.1", GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
         F(absent=(b"upgrade", b"http2-settings")), R(400, 403, 501, 505), D(400, 403))
    case("h2c upgrade without nomination", "9113 §3.1", GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
         F(absent=(b"upgrade", b"http2-settings")), R(400, 403, 501, 505), D(400, 403))
    case("h2c among others", "9113 §3.1", GET + b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", F(absent=(b"http2-settings",), check=None),
         R(400, 403, 501, 505), D(400, 403), only="h2")
    case("Upgrade: TLS/1.0", "9110 §7.8", GET + b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n", F(), R(400, 403, 501), D(400, 403))
    case("an upgrade with a body", s, POST + ws + b"Content-Length: 3\r\n\r\nabc", F(b"POST", body=b"abc"), R(), D(400), only="h1")
    case("an upgrade with two lengths", s, POST + ws + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", R())
    case("101 that was not asked for", s, GET + END, B(), only="h1",
         answer=lambda p, r: p.send_raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nsecret"))
    case("101 to another protocol", s, GET + ws + END, B(), F(status=101), only="h1",
         answer=lambda p, r: p.send_raw(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"))
    case("an upgrade the narrow user may not", s, b"GET /api/v1/namespaces/x/pods/y/exec HTTP/1.1\r\nHost: gate\r\n" + ws + END, D(403), R(403),
         user="narrow", beds=("rbac",))


def tunnel(head, protocol):
    def run(bed, this):
        bed.upstream.answer = lambda peer, request: peer.upgrade(request, protocol)
        conn = bed.connect()
        conn.send(this.fill(head))
        data = read_until(conn, b"\r\n\r\n")
        if not data.startswith(b"HTTP/1.1 101"):
            raise Failure(f"no tunnel but {data[:120]!r}")
        for payload in (b"hello", SMUGGLED.replace(b"@S", SMUGGLED_TARGET), bytes(range(256)) * 512):
            conn.send(payload)
            got = b""
            while len(got) < len(payload):
                piece = conn.recv(WAIT_S)
                if not piece:
                    raise Failure("the tunnel closed")
                got += piece
            if got != payload:
                raise Failure("the tunnel changed bytes")
        conn.send_close_notify()
        wait_closed(conn)
        requests = bed.upstream.take()
        if len(requests) != 1:
            raise Failure(f"the upstream saw {len(requests)} requests")
        check_forwarded(requests[0])
        if requests[0].all(b"upgrade") != [protocol]:
            raise Failure(f"Upgrade is {requests[0].all(b'upgrade')}")
    return run


# ================ answers of the upstream ================
def raw_answer(data, then="close"):
    def answer(peer, _request):
        peer.send_raw(data)
        if then == "close":
            peer.close()
        elif then == "fin":
            peer.close_tcp()
        elif then == "rst":
            time.sleep(0.01)
            peer.abort()
    return answer


def answer_cases():
    s = "9112 §6.3"

    def whole(body=None, **checks):
        def check(reply):
            if body is not None and reply.body != body:
                raise Failure(f"the client got {reply.body[:80]!r}, not {body[:80]!r}")
            for name, values in checks.items():
                if reply.all(name.replace("_", "-").encode()) != values:
                    raise Failure(f"the client's {name} is {reply.all(name.replace('_', '-').encode())}")
        return check

    ok = b"HTTP/1.1 200 OK\r\n"
    for what, data in (("by length", ok + b"Content-Length: 5\r\n\r\nhello"), ("in chunks", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
                       ("with chunk extensions", ok + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n")):
        case("an answer " + what, s, GET + END + GET + END, [F(check=whole(b"hello"))] * 2, only="h1", answer=raw_answer(data, "keep"), split=False)
    case("an answer until close", s, GET + END, F(check=whole(b"hello")), F(check=whole(b"hello"), closes=True), only="h1", answer=raw_answer(ok + b"\r\nhello"))
    case("an answer until close, to HTTP/1.0", s, b"GET @T HTTP/1.0\r\nHost: gate\r\n\r\n", F(check=whole(b"hello"), closes=True), only="h1",
         answer=raw_answer(ok + b"\r\nhello"))
    case("a chunked answer to HTTP/1.0", s, b"GET @T HTTP/1.0\r\nHost: gate\r\n\r\n", F(check=whole(b"hello", transfer_encoding=[]), closes=True), only="h1",
         answer=raw_answer(ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    case("an answer in HTTP/1.0", s, GET + END, F(check=whole(b"hello")), only="h1", answer=raw_answer(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
    case("an answer without a reason", s, GET + END, F(check=whole(b"hello")), B(), only="h1", answer=raw_answer(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"))
    case("an answer with an empty body", s, GET + END + GET + END, [F(check=whole(b""))] * 2, answer=lambda p, r: p.respond(r, 200, body=b""))
    case("an answer with trailers", s, GET + b"TE: trailers\r\nConnection: TE\r\n\r\n", F(check=whole(b"hello")),
         answer=lambda p, r: p.respond(r, 200, body=b"hello", trailers=[(b"X-T", b"v")], chunked=True))
    case("hop-by-hop fields of an answer", "9110 §7.6.1", GET + END, F(check=whole(b"hello", keep_alive=[], x_secret=[], proxy_connection=[], x_open=[b"2"])), only="h1",
         answer=raw_answer(ok + b"Connection: close, x-secret\r\nX-Secret: 1\r\nX-Open: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nContent-Length: 5\r\n\r\nhello"))
    case("fields of an answer in order", "9110 §5.3", GET + END, F(check=whole(None, x_a=[b"1", b"2", b""], content_type=[b"text/plain"])),
         answer=lambda p, r: p.respond(r, 200, [(b"X-A", b"1"), (b"Content-Type", b"text/plain"), (b"X-A", b"2"), (b"X-A", b"")]))
    for status in (201, 301, 400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 503, 507, 599):
        case(f"status {status}", "9110 §15", GET + END + GET + END, [F(status=status)] * 2, answer=(lambda st: lambda p, r: p.respond(r, st))(status),
             split=False, bytewise=False)
    case("204 and 304", "9110 §15", GET + END + GET + END, [F(status=204)] * 2, answer=lambda p, r: p.respond(r, 204))
    case("304 with a length", "9110 §15.4.5", GET + END + GET + END, [F(status=304)] * 2, only="h1",
         answer=raw_answer(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", "keep"))
    case("HEAD with a length", "9110 §9.3.2", b"HEAD @T HTTP/1.1\r\nHost: gate\r\n\r\n" + b"HEAD @T HTTP/1.1\r\nHost: gate\r\n\r\n",
         [F(b"HEAD", check=whole(b"", content_length=[b"500"]))] * 2, only="h1", answer=raw_answer(ok + b"Content-Length: 500\r\n\r\n", "keep"))
    case("HEAD answered in chunks", "9110 §9.3.2", b"HEAD @T HTTP/1.1\r\nHost: gate\r\n\r\n" + GET + END, [F(b"HEAD"), F()], only="h1",
         answer=lambda p, r: p.send_raw(ok + b"Transfer-Encoding: chunked\r\n\r\n") if r.method == b"HEAD" else p.respond(r))
    case("103 before the answer", "9110 §15.2", GET + END, F(), answer=interims(103, 1))
    case("20 times 103 before the answer", "9110 §15.2", GET + END, F(), B(), answer=interims(103, 20))
    case("100 before the answer", "9110 §15.2.1", GET + END, F(), answer=interims(100, 1))
    case("an early answer to a long body", "9112 §9.3", POST + b"Content-Length: 300000\r\n\r\n" + b"x" * 100000, run=early_answer)

    # bodies where none may be: the next client must not get them
    for what, method, data in (("HEAD with a body", b"HEAD", ok + b"Content-Length: 5\r\n\r\nhello"), ("204 with a body", b"GET", b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello"),
                               ("304 with a body", b"GET", b"HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nhello"), ("204 chunked", b"GET", b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
                               ("HEAD with a hidden answer", b"HEAD", ok + b"Content-Length: 40\r\n\r\n" + ok + b"Content-Length: 3\r\n\r\nbad")):
        case("an answer: " + what, "9110 §6.4.1", b"", run=poisoned(method, data), only="h1")
    for what, data in (("bytes after it", ok + b"Content-Length: 5\r\n\r\nhelloextra"), ("a second answer", ok + b"Content-Length: 5\r\n\r\nhello" + ok + b"Content-Length: 3\r\n\r\nbad"),
                       ("bytes after its chunks", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nextra")):
        case("an answer with " + what, s, b"", run=poisoned(b"GET", data, b"hello"), only="h1")
    case("an answer nobody asked for", s, b"", run=unsolicited, only="h1")

    # broken answers
    length5 = b"Content-Length: 5\r\n\r\nhello"
    for what, data in (
            ("an empty answer", b""), ("garbage", b"\x01\x02garbage\r\n\r\n"), ("ICY 200 OK", b"ICY 200 OK\r\n" + length5),
            ("two spaces in the status line", b"HTTP/1.1  200 OK\r\n" + length5), ("HTTP/2.0 in the status line", b"HTTP/2.0 200 OK\r\n" + length5),
            ("HTTP/9.9 in the status line", b"HTTP/9.9 200 OK\r\n" + length5), ("a status of two digits", b"HTTP/1.1 20 OK\r\n" + length5),
            ("a status of four digits", b"HTTP/1.1 2000 OK\r\n" + length5), ("status 099", b"HTTP/1.1 099 OK\r\n" + length5),
            ("status 000", b"HTTP/1.1 000 OK\r\n" + length5), ("a status of letters", b"HTTP/1.1 abc OK\r\n" + length5), ("status -20", b"HTTP/1.1 -20 OK\r\n" + length5),
            ("no status", b"HTTP/1.1 OK\r\n" + length5), ("a status line cut off", b"HTTP/1.1 200"), ("a head cut off", ok + b"Content-Le"),
            ("a head without an end", ok + b"Content-Length: 5\r\n"), ("a field without a colon", ok + b"abc\r\n" + length5),
            ("a space before a colon", ok + b"A : b\r\n" + length5), ("a space before Content-Length's colon", ok + b"Content-Length : 5\r\n\r\nhello"),
            ("a NUL in a value", ok + b"A: \0\r\n" + length5), ("a bare CR in a value", ok + b"A: b\rSet-Cookie: x\r\n" + length5),
            ("an empty field name", ok + b": b\r\n" + length5), ("two lengths", ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            ("length 5, 6", ok + b"Content-Length: 5, 6\r\n\r\nhello!"), ("length -1", ok + b"Content-Length: -1\r\n\r\nhello"), ("length +5", ok + b"Content-Length: +5\r\n\r\nhello"),
            ("length abc", ok + b"Content-Length: abc\r\n\r\nhello"), ("an empty length", ok + b"Content-Length:\r\n\r\nhello"),
            ("a length beyond 2^64", ok + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
            ("both length and chunked", ok + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            ("coding gzip", ok + b"Transfer-Encoding: gzip\r\n\r\nhello"), ("coding chunked twice", ok + b"Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            ("coding chunked, identity", ok + b"Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), ("coding identity", ok + b"Transfer-Encoding: identity\r\n\r\nhello"),
            ("coding xchunked", ok + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), ("less than its length", ok + b"Content-Length: 50\r\n\r\nhello"),
            ("nothing of its length", ok + b"Content-Length: 50\r\n\r\n"), ("a bad chunk size", ok + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
            ("a bad second chunk size", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-1\r\n\r\n"), ("a chunk too long", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n"),
            ("an overflowing chunk size", ok + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("an LF after a chunk size", ok + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"), ("a chunk cut off", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"),
            ("no last chunk", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), ("a last chunk cut off", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
            ("a broken trailer", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA : b\r\n\r\n"),
            ("a head of 200000 bytes", ok + b"A: " + b"v" * 200000 + b"\r\n" + length5), ("5000 fields", ok + b"A: b\r\n" * 5000 + length5),
            ("a status line of 200000 bytes", b"HTTP/1.1 200 " + b"O" * 200000 + b"\r\n" + length5),
            ("a trailer of 200000 bytes", ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: " + b"v" * 200000 + b"\r\n\r\n")):
        case("the upstream sends " + what, "9112 §4, §6, §7", GET + END, B(), only="h1", answer=raw_answer(data), split=False, bytewise=False)
    for what, data in (("bare LFs", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), ("obs-fold", ok + b"A: b\r\n c\r\n" + length5), ("status 600", b"HTTP/1.1 600 OK\r\n" + length5),
                       ("two equal lengths", ok + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), ("an empty line first", b"\r\n" + ok + length5)):
        case("the upstream sends " + what, "9112 §4, §6, §7", GET + END, B(), F(check=whole(b"hello"), status=None), only="h1", answer=raw_answer(data), split=False, bytewise=False)
    for then in ("fin", "rst"):
        for what, data in (("before an answer", b""), ("in the head", ok + b"A: b"), ("in a body by length", ok + b"Content-Length: 50\r\n\r\nhello"),
                           ("in a chunk", ok + b"Transfer-Encoding: chunked\r\n\r\nff\r\nhello"), ("in a long body by length", ok + b"Content-Length: 500000\r\n\r\n" + b"x" * 300000),
                           ("in a body until close", ok + b"\r\nhello")):
            case(f"the upstream dies {what} by {then}", "9112 §8", GET + END, B(), only="h1", answer=raw_answer(data, then), split=False, bytewise=False)
            case(f"the upstream dies {what} by {then}, HTTP/1.0", "9112 §8", b"GET @T HTTP/1.0\r\nHost: gate\r\n\r\n", B(), only="h1", answer=raw_answer(data, then),
                 split=False, bytewise=False)
            case(f"the upstream dies {what} by {then}, POST", "9112 §8", POST + b"Content-Length: 3\r\n\r\nabc", B(b"POST", b"abc"), only="h1", answer=raw_answer(data, then),
                 split=False, bytewise=False)
    case("1xx without end", "9110 §15.2", GET + END, B(), F(), only="h1", answer=interims(103, 3000), split=False, bytewise=False)


def interims(status, count):
    def answer(peer, request):
        for _ in range(count):
            peer.respond(request, status, [(b"Link", b"</x>")], body=b"")
        peer.respond(request)
    return answer


def early_answer(bed, this):
    def early(peer, request):
        if request.target != this.target:
            return False
        peer.respond(request, 413, [(b"Connection", b"close")] if peer.version == "HTTP/1.1" else [])
        return True
    bed.upstream.early_answer = early
    conn = bed.connect()
    conn.send(this.raw)
    data = read_until(conn, b"\r\n\r\n")
    if not data.startswith(b"HTTP/1.1 413"):
        raise Failure(f"the upstream's early 413 did not arrive: {data[:100]!r}")


def poisoned(method, data, expected=b""):
    """What the upstream sends too much is never given to the next request."""
    def run(bed, this):
        bed.upstream.answer = lambda peer, request: peer.send_raw(data) if request.target == this.target else peer.respond(request)
        conn = bed.connect()
        conn.send(method + b" " + this.target + b" HTTP/1.1\r\nHost: gate\r\n\r\n")
        time.sleep(0.05)
        followers = [bed.connect() for _ in range(3)]
        for number, follower in enumerate(followers):
            follower.send(b"GET %s-%d HTTP/1.1\r\nHost: gate\r\n\r\n" % (this.target, number))
            text = read_reply(follower, b"GET")
            if text.status not in (200, 502, 503) or (text.status == 200 and (this.target + b"-%d" % number).hex().encode() not in text.body):
                raise Failure(f"the next request was given {text.status} {text.body[:80]!r}")
        replies = parse_replies(read_quiet(conn), [method], conn.ended)
        if replies and replies[0].status < 500 and replies[0].whole and replies[0].body != expected:
            raise Failure(f"the client got {replies[0].body[:80]!r}")
        if len(replies) > 1:
            raise Failure("the client got two answers to one request")
        bed.upstream.drop_connections()
        time.sleep(0.02)
    return run


def unsolicited(bed, this):
    """The upstream sends an answer on an idle connection; the next request must not get it."""
    seen = []

    def answer(peer, request):
        peer.respond(request)
        seen.append(peer)
    bed.upstream.answer = answer
    conn = bed.connect()
    conn.send(b"GET " + this.target + b" HTTP/1.1\r\nHost: gate\r\n\r\n")
    read_reply(conn, b"GET")
    time.sleep(0.02)
    for peer in seen:
        peer.send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")
    for number in range(2):
        conn.send(b"GET %s-%d HTTP/1.1\r\nHost: gate\r\n\r\n" % (this.target, number))
        reply = read_reply(conn, b"GET")
        if reply.status == 200 and (this.target + b"-%d" % number).hex().encode() not in reply.body:
            raise Failure(f"the next request was given {reply.body[:80]!r}")


def client_gone_cases():
    """The client goes away while the upstream answers: nothing is kept for it."""
    def run(bed, this):
        before = bed.gate.rss_bytes()
        bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * (8 << 20))
        for _ in range(20):
            conn = bed.connect()
            conn.send(b"GET " + this.target + b" HTTP/1.1\r\nHost: gate\r\n\r\n")
            conn.recv(WAIT_S)
            conn.abort()
        time.sleep(0.2)
        if bed.gate.rss_bytes() - before > 64 << 20:
            raise Failure(f"the gate grew by {(bed.gate.rss_bytes() - before) >> 20} MiB")
    case("20 clients leave in the middle of 8 MiB", "bounds", b"", run=run)

    def slow(bed, this):
        before = bed.gate.rss_bytes()
        bed.upstream.answer = lambda peer, request: peer.respond(request, 200, body=b"x" * (64 << 20))
        conns = []
        for _ in range(4):
            conn = bed.connect()
            conn.send(b"GET " + this.target + b" HTTP/1.1\r\nHost: gate\r\n\r\n")
            conns.append(conn)
        time.sleep(1)
        grown = bed.gate.rss_bytes() - before
        for conn in conns:
            conn.abort()
        if grown > 48 << 20:
            raise Failure(f"4 clients that do not read made the gate grow by {grown >> 20} MiB")
    case("4 clients that do not read 64 MiB", "bounds", b"", run=slow)

    def upload(bed, this):
        before = bed.gate.rss_bytes()

        def early(peer, request):
            if request.target == this.target:
                time.sleep(1.2)  # the upstream does not read meanwhile
            return False
        bed.upstream.early_answer = early
        conn = bed.connect()
        conn.send(b"POST " + this.target + b" HTTP/1.1\r\nHost: gate\r\nContent-Length: 100000000\r\n\r\n")
        conn.sock.settimeout(0.3)
        sent = 0
        try:
            while sent < 100000000:
                conn.send(b"x" * 65536)
                sent += 65536
        except (TimeoutError, OSError):
            pass
        grown = bed.gate.rss_bytes() - before
        conn.abort()
        if grown > 32 << 20:
            raise Failure(f"an upload the upstream does not read made the gate grow by {grown >> 20} MiB ({sent >> 20} MiB sent)")
    case("an upload the upstream does not read", "bounds", b"", run=upload, only="h1")


# ================ slow clients (a bed of its own: --head-timeout=1s --idle-timeout=1s) ================
def trickle(head, piece, answered):
    """Bytes keep coming, but the head never ends: the clock is not set back by them."""
    def run(bed, this):
        conn = bed.connect()
        conn.send(this.fill(head))
        data, deadline = b"", time.monotonic() + 15
        while not conn.ended and time.monotonic() < deadline:
            try:
                if piece:
                    conn.send(piece)
                data += conn.recv(0.2)
            except TimeoutError:
                pass
            except OSError:
                break
        if not conn.ended and time.monotonic() >= deadline:
            raise Failure("the connection stays open")
        replies = parse_replies(data, [b"GET"] * 9, conn.ended)
        if [r.status for r in replies] not in answered:
            raise Failure(f"the answers are {[r.status for r in replies]}, not one of {answered}")
        requests = bed.upstream.take()
        if len(requests) != sum(1 for r in replies if r.status == 200):
            raise Failure(f"the upstream saw {[r.summary() for r in requests]}")
    return run


def slow_cases():
    s = "9112 §9.5"
    slow = {"beds": ("slow",)}
    case("a head that stops", s, b"", run=trickle(GET + b"A: b", b"", [[408], []]), **slow)
    case("a head a byte at a time", s, b"", run=trickle(GET + b"A: ", b"b", [[408], []]), **slow)
    case("a head a field at a time", s, b"", run=trickle(GET, b"A: b\r\n", [[408], []]), **slow)
    case("a request line a byte at a time", s, b"", run=trickle(b"GET /", b"a", [[408], []]), **slow)
    case("a second head that stops", s, b"", run=trickle(GET + END + GET, b"A: b\r\n", [[200, 408], [200]]), **slow)
    case("nothing at all", s, b"", run=trickle(b"", b"", [[], [408]]), **slow)
    case("nothing after a request", s, b"", run=trickle(GET + END, b"", [[200]]), **slow)
    case("an answer slower than the idle time", s, GET + END, F(), answer=lambda p, r: (time.sleep(1.5), p.respond(r)), **slow)


# ================ the judge ================
def is_of_another(request, this):
    """A late request of an earlier case (its own target, or one made from it)."""
    target = bytes(request.target)
    return not target.startswith(this.target) and any(target.startswith(c.target) for c in CASES)


def read_until(conn, marker):
    data = b""
    while marker not in data:
        piece = conn.recv(WAIT_S)
        if not piece:
            break
        data += piece
    return data


def read_quiet(conn):
    data = b""
    try:
        while True:
            piece = conn.recv(0.2)
            if not piece:
                return data
            data += piece
    except TimeoutError:
        return data


def read_reply(conn, method):
    data = b""
    while True:
        replies = parse_replies(data, [method], conn.ended)
        if replies and replies[0].whole:
            return replies[0]
        try:
            piece = conn.recv(WAIT_S)
        except TimeoutError:
            raise Failure("no answer") from None
        if not piece:
            raise Failure(f"the gate closed ({conn.ended}) without a whole answer: {data[:100]!r}")
        data += piece


def wait_closed(conn):
    try:
        while conn.recv(WAIT_S):
            pass
    except TimeoutError:
        raise Failure("the gate did not close") from None


def send_pieces(conn, raw, manner):
    try:
        if manner == "whole":
            conn.send(raw)
        elif manner == "bytes":
            for at in range(len(raw)):
                conn.send(raw[at:at + 1])
        else:
            rng = random.Random(raw[:200])
            cuts = sorted(rng.randrange(1, len(raw)) for _ in range(min(5, len(raw) - 1)))
            for start, end in zip([0] + cuts, cuts + [len(raw)]):
                conn.send(raw[start:end])
                time.sleep(0.0005)
    except OSError:
        pass  # the gate closed meanwhile; what it said can still be read


def judge(bed, this, alternatives, conn, data):
    """Reads what comes, and holds it and the record against each alternative."""
    most = max(len(a) for a in alternatives)
    may_close = any(o.closes or isinstance(o, B) for a in alternatives for o in a)
    methods = max(([getattr(o, "method", None) or getattr(getattr(o, "head", None), "method", b"GET") for o in a] for a in alternatives), key=len)
    deadline = time.monotonic() + WAIT_S
    closed, quiet = False, False
    while True:
        replies = parse_replies(data, methods, conn.ended)
        whole = sum(1 for r in replies if r.whole)
        enough = whole >= most or (whole and replies[-1].whole and whole == len(replies) and not may_close
                                   and whole in {len(a) for a in alternatives})
        expects_close = bool(replies) and replies[-1].closes() or all(a[-1].closes for a in alternatives)
        if closed or quiet or time.monotonic() > deadline:
            break
        try:
            wait = SETTLE_S if enough and not expects_close else 0.25 if whole and not expects_close else max(0.01, deadline - time.monotonic())
            piece = conn.recv(wait)
            closed = not piece
            data += piece
        except TimeoutError:
            quiet = bool(whole)
    if closed:
        replies = parse_replies(data, methods, conn.ended)
    time.sleep(0.01)
    last = bed.upstream.last_activity
    if time.monotonic() - last < SETTLE_S:
        time.sleep(SETTLE_S)
    requests = [r for r in bed.upstream.take() if not is_of_another(r, this)]
    reasons = []
    for alternative in alternatives:
        try:
            hold(alternative, requests, replies, closed, this)
            return
        except Failure as failure:
            reasons.append(str(failure))
    seen = "; ".join(r.summary() for r in requests) or "nothing"
    got = ", ".join(f"{r.status}{'' if r.whole else ' (cut off)'}" for r in replies) or "no answer"
    raise Failure(" | ".join(reasons) + f" [answers: {got}; {'closed by ' + str(conn.ended) if closed else 'open'}; upstream saw: {seen}]")


def hold(alternative, requests, replies, closed, this):
    requests, replies = list(requests), list(replies)
    for outcome in alternative:
        if isinstance(outcome, F):
            if not requests:
                raise Failure("nothing was forwarded")
            request = requests.pop(0)
            outcome.match(request, this)
            if not replies or not replies[0].whole:
                raise Failure("the answer did not come back whole")
            reply = replies.pop(0)
            if outcome.status and reply.status != outcome.status:
                raise Failure(f"the answer is {reply.status}, not {outcome.status}")
            if this.answer is None and outcome.status == 200 and outcome.method != b"HEAD" and reply.body != body_for(request):
                raise Failure("the answer belongs to another request")
            if outcome.check:
                outcome.check(reply)
        elif isinstance(outcome, (D, R)):
            if not replies and getattr(outcome, "silent", False):
                pass
            elif not replies or not replies[0].whole:
                raise Failure("no answer but " + ("a close" if closed else "silence"))
            elif replies[0].status not in outcome.codes:
                raise Failure(f"the answer is {replies[0].status}, not {'/'.join(map(str, outcome.codes))}")
            else:
                reply = replies.pop(0)
                if reply.interim:
                    raise Failure(f"a refusal after {reply.interim}")
        elif isinstance(outcome, A):
            if requests:
                request = requests.pop(0)
                if request.complete:
                    raise Failure(f"the upstream saw a whole request: {request.summary()}")
                outcome.head.match_head(request, this)
            if replies:
                reply = replies.pop(0)
                if reply.status < 400 or (reply.whole and reply.status not in outcome.codes):
                    raise Failure(f"the answer is {reply.status}, not {'/'.join(map(str, outcome.codes))}")
        elif isinstance(outcome, B):
            attempts = 0
            while requests:
                outcome.head.match(requests.pop(0), this)
                attempts += 1
            if attempts < 1 or attempts > (1 if outcome.head.method == b"POST" else 3):
                raise Failure(f"the upstream was asked {attempts} times")
            reply = replies.pop(0) if replies else None
            if reply and reply.whole and reply.status not in outcome.codes:
                raise Failure(f"the client sees a whole {reply.status} with {len(reply.body)} bytes")
            if not (reply and reply.whole) and not closed:
                raise Failure("the client waits for ever")
        if outcome.closes and not closed:
            raise Failure("the connection stays open")
    if requests:
        raise Failure(f"the upstream also saw {requests[0].summary()}")
    if replies:
        raise Failure(f"the gate also answered {replies[0].status}")


def run_case(bed, this, manner):
    bed.upstream.take()
    bed.upstream.answer, bed.upstream.early_answer = this.answer, this.early
    try:
        if this.run:
            this.run(bed, this)
        else:
            conn = bed.connect(this.user, this.alpn, this.maximum)
            try:
                send_pieces(conn, this.raw, manner)
                if this.ending == "close_notify":
                    conn.send_close_notify()
                elif this.ending == "fin":
                    conn.sock.shutdown(1)
                elif this.ending == "rst":
                    time.sleep(0.02)
                    conn.abort()
                    time.sleep(0.05)
                    conn.recv = lambda timeout=None: b""
                judge(bed, this, this.alternatives, conn, b"")
            finally:
                conn.close() if this.ending != "rst" else None
    finally:
        bed.upstream.answer = bed.upstream.early_answer = None
    if not bed.gate.alive():
        raise Failure(f"the gate died ({bed.gate.process.returncode})")


def run(bed, wanted=None, manners=("whole",)):
    """Yields (name, failure or None). `manners`: of whole, split (at random points), bytes (one by one)."""
    for this in CASES:
        if wanted and wanted not in this.name:
            continue
        if this.only and this.only not in ("h1" if "http/1.1" in bed.upstream_alpn else "h2"):
            continue
        if not any(b in bed.name for b in this.beds or ("rbac", "allow")):
            continue
        possible = [m for m in manners if m == "whole" or not this.run and (this.split if m == "split" else this.bytewise)]
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


for section in (message_cases, request_line_cases, target_cases, judged_cases, host_cases, field_cases, length_cases, coding_cases, chunk_cases,
                truncated_cases, connection_cases, identity_cases, expect_cases, upgrade_cases, answer_cases, client_gone_cases, slow_cases):
    section()
