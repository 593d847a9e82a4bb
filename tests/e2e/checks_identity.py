# SPDX-License-Identifier: Apache-2.0
"""Who is who: rights, refusals, certificates, what the API server's audit log says, and attempts to be somebody else."""
import json
import ssl
import time
import uuid

import wire
from bed import wait_until
from checks_verbs import curl
from suite import check, expect, expect_equal

DENIED = [  # what dave may not do; (method, path, body)
    ("GET", "/api/v1/namespaces/ns2/configmaps", None),
    ("GET", "/api/v1/configmaps", None),
    ("GET", "/api/v1/namespaces/ns1/secrets/s", None),
    ("GET", "/api/v1/namespaces/ns1/secrets?watch=true", None),
    ("POST", "/api/v1/namespaces/ns1/configmaps", "{}"),
    ("PUT", "/api/v1/namespaces/ns1/configmaps/one", "{}"),
    ("PATCH", "/api/v1/namespaces/ns1/configmaps/one", "{}"),
    ("DELETE", "/api/v1/namespaces/ns1/configmaps/one", None),
    ("DELETE", "/api/v1/namespaces/ns1/configmaps", None),
    ("GET", "/api/v1/namespaces/ns1/pods/p1/log", None),
    ("GET", "/api/v1/namespaces/ns1/pods/p1/exec?command=x", None),
    ("POST", "/api/v1/namespaces/ns1/pods/p1/exec?command=x", None),
    ("GET", "/api/v1/nodes/n1/proxy/metrics", None),
    ("GET", "/apis/apps/v1/namespaces/ns1/deployments/d/scale", None),
    ("GET", "/apis/example.com/v1/namespaces/ns1/things/a", None),
    ("GET", "/logs/", None),
    ("GET", "/metrics", None),
    ("POST", "/nowhere/at%20all", "{}"),
    ("GET", "/api/v1/namespaces/ns1/secrets/a%22b%3Cc%3E%26", None),
    ("GET", "/api/v1/namespaces/ns1/secrets/%C3%BCmlaut", None),
    ("DELETE", "/api/v1/namespaces/ns1", None),
    ("GET", "/api/v1/watch/namespaces/ns2/configmaps", None),
]


@check("limited_user_allowed")
def allowed(w):
    w.kubectl("dave", "get", "pods", "-n", "ns1")
    expect("p1" in w.kubectl("dave", "get", "pod", "p1", "-n", "ns1", "-o", "name"), "dave does not see p1")


@check("limited_user_denied")
def denied(w):
    _, _, error = w.kubectl("dave", "get", "pods", "-n", "ns2", status=None)
    expect_equal(error.strip(), 'Error from server (Forbidden): pods is forbidden: User "dave" cannot list resource "pods" in API group "" in the namespace "ns2"')


@check("refused_uploads_get_their_answer")
def refused_uploads(w):
    """A refusal that overtakes a small body must still reach the client. (A large one curl may lose: kube-apiserver itself shows that.)"""
    for version in ("--http1.1", "--http2"):
        for turn in range(10):
            found = curl(w, "dave", version, "/api/v1/namespaces/ns2/configmaps", "-H", "Content-Type: application/json", "-d", "{}", "-o", "/dev/null",
                         "-w", "%{http_code}")
            expect_equal(found, "403", f"{version}, turn {turn}")


@check("refusals_equal_the_api_servers_own", gate_only=True)
def refusals_equal(w):
    json_body = {"Content-Type": "application/json"}
    for method, path, body in DENIED:
        own = w.request("dave", method, path, body, json_body if body else {}, url=w.bed.api_url(0))
        ours = w.request("dave", method, path, body, json_body if body else {})
        expect_equal(own[0], 403, f"{method} {path}: the API server's status")
        expect_equal((ours[0], json.loads(ours[1])), (own[0], json.loads(own[1])), f"{method} {path}")
        expect_equal(ours[2].get("content-type"), own[2].get("content-type"), f"{method} {path}: Content-Type")


@check("whoami_is_the_same_through_the_gate")
def whoami(w):
    for user in ("dave", "erin", "admin", "nobody"):
        own = json.loads(w.kubectl(user, "auth", "whoami", "-o", "json", url=w.bed.api_url(0)))["status"]
        found = json.loads(w.kubectl(user, "auth", "whoami", "-o", "json"))["status"]
        expect_equal(found, own, user)


@check("can_i")
def can_i(w):
    expect_equal(w.kubectl("dave", "auth", "can-i", "list", "pods", "-n", "ns1").strip(), "yes", "list pods in ns1")
    expect_equal(w.kubectl("dave", "auth", "can-i", "create", "pods", "-n", "ns1", status=1).strip(), "no", "create pods in ns1")
    expect("configmaps" in w.kubectl("dave", "auth", "can-i", "--list", "-n", "ns1"), "can-i --list lacks configmaps")


@check("impersonation_needs_its_right")
def impersonation(w):
    _, _, error = w.kubectl("dave", "get", "pods", "-n", "ns1", "--as=admin", "--as-group=system:masters", status=None)
    expect("orbidden" in error, "dave could act as admin:", error)


@check("strangers_certificate_is_refused", gate_only=True)
def stranger(w):
    refused_by_tls(w, "stranger")
    status, _, error = w.kubectl("stranger", "get", "ns", status=None)
    # The alert races with kubectl's first frames: Go tells of the one it meets first.
    told = "tls:" in error or "http2: client conn could not be established" in error
    expect(status == 1 and told, f"kubectl as a stranger: exit {status} {error}")


@check("expired_and_wrong_usage_certificates_are_refused", gate_only=True)
def bad_certificates(w):
    refused_by_tls(w, "expired")
    refused_by_tls(w, "wrong-usage")


@check("no_certificate_is_refused", gate_only=True)
def no_certificate(w):
    refused_by_tls(w, None)


def refused_by_tls(w, user):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = w.bed.tls(user)
        context.minimum_version = context.maximum_version = version
        try:
            # TLS 1.3 tells the client of a refused certificate only after its own handshake is done.
            status = wire.http1(w.address, context, b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        except (ssl.SSLError, ConnectionError):
            continue
        expect(status is None, f"{user} over {version.name}: HTTP status {status} instead of a TLS alert")


@check("resumed_connections_keep_their_identity", gate_only=True)
def resumption(w):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = w.bed.tls("dave")
        context.minimum_version = context.maximum_version = version
        session = None
        for turn in range(2):
            marker = f"resumed-{version.name}-{turn}-{uuid.uuid4()}"
            with wire.socket.create_connection(w.address, timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as stream:
                    stream.sendall(f"GET /api/v1/namespaces/ns1/configmaps?limit=1&x={marker} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    answer = b""
                    while piece := stream.recv(65536):
                        answer += piece
                    expect(answer.startswith(b"HTTP/1.1 200"), f"{version.name} turn {turn}: {answer[:200]}")
                    expect_equal(stream.session_reused, turn == 1, f"{version.name} turn {turn}: resumed")
                    session = stream.session
            expect_equal(audited(w, marker)["user"]["username"], "dave", f"{version.name} turn {turn}: user")


def audited(w, marker):
    """The audit event of the request whose URI holds the marker."""
    return wait_until(f"an audit event of {marker}", lambda: w.bed.audit_events(marker), 10)[0]


@check("audit_log_names_user_groups_and_source")
def audit(w):
    for user, groups in (("dave", ["dev", "qa", "system:authenticated"]), ("erin", ["dev", "system:authenticated"])):
        marker = str(uuid.uuid4())
        expect_equal(w.request(user, "GET", f"/api/v1/namespaces/ns1/configmaps?limit=1&x={marker}", source=w.other_source)[0], 200, "status")
        event = audited(w, marker)
        expect_equal((event["user"]["username"], event["user"]["groups"]), (user, groups), "user and groups")
        expect(event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256="), event["user"])
        expect_equal(event["sourceIPs"][0], w.other_source, "source")


@check("forwarded_for_cannot_be_spoofed", gate_only=True)
def forwarded_for(w):
    for name in ("X-Forwarded-For", "X-Real-Ip", "x-forwarded-for"):
        marker = str(uuid.uuid4())
        w.request("dave", "GET", f"/api/v1/namespaces/ns1/configmaps?limit=1&x={marker}", headers={name: "6.6.6.6"}, source=w.other_source)
        sources = audited(w, marker)["sourceIPs"]
        expect(w.other_source in sources, f"{name}: the true source is not among {sources}")
        expect(sources[0] != "6.6.6.6", f"{name}: the audit log believes the client: {sources}")


EVIL = [("X-Remote-User", "admin"), ("X-Remote-Group", "system:masters"), ("X-Remote-Uid", "evil"), ("X-Remote-Extra-Evil", "evil")]


def spellings(name):
    yield from (name, name.lower(), name.upper(), name.title().swapcase(), name.replace("-", "_"), name.replace("-", "_").lower(),
                name.replace("-", "_", 1), name[:9] + name[9:].replace("-", "_"))


def http1_attacks():
    """Header blocks (bytes between the request line's end and the empty line), each a way to be admin if anybody falls for it."""
    for spell in range(8):
        yield "spelling", "".join(f"{list(spellings(name))[spell]}: {value}\r\n" for name, value in EVIL)
    block = "".join(f"{name}: {value}\r\n" for name, value in EVIL)
    yield "twice", block + block
    yield "nominated", block + "Connection: X-Remote-User, X-Remote-Group\r\n"
    # If the front sets its own headers first and removes what Connection names later, the identity is gone.
    yield "nominated only", "Connection: X-Remote-User, X-Remote-Group, X-Remote-Extra-Authentication.kubernetes.io%2Fcredential-Id\r\n"
    yield "nominated close", "Connection: close, X-Remote-User\r\n" + block
    yield "nominated in two", "Connection: X-Remote-User\r\nConnection: x-remote-group\r\n"
    yield "space before colon", "X-Remote-User : admin\r\nX-Remote-Group : system:masters\r\n"
    yield "tab before colon", "X-Remote-User\t: admin\r\nX-Remote-Group\t: system:masters\r\n"
    yield "folded", "X-Harmless: a\r\n X-Remote-User: admin\r\n\tX-Remote-Group: system:masters\r\n"
    yield "bare CR", "X-Harmless: a\rX-Remote-User: admin\rX-Remote-Group: system:masters\r\n"
    yield "bare LF", "X-Harmless: a\nX-Remote-User: admin\nX-Remote-Group: system:masters\r\n"
    yield "NUL in name", "X-Remote-User\0: admin\r\n"
    yield "NUL before name", "\0X-Remote-User: admin\r\n"
    yield "high byte", "X-Remote\u00adUser: admin\r\n"
    yield "empty value", "X-Remote-User:\r\nX-Remote-Group: system:masters\r\n"
    yield "extra by prefix", "X-Remote-Extra-: evil\r\nX-Remote-Extra-Authentication.kubernetes.io%2Fcredential-Id: evil\r\n"
    yield "extra scopes", "X-Remote-Extra-Scopes: evil\r\nx_remote_extra_scopes: evil\r\n"
    yield "webhook style", "Remote-User: admin\r\nX-Remote-Users: admin\r\nX-WebAuth-User: admin\r\nAuthorization: Bearer evil\r\n"
    yield "bearer", "Authorization: Bearer evil\r\n"


@check("spoofed_headers_http1_change_nothing", gate_only=True)
def spoof_http1(w):
    sent = {}
    for n, (name, block) in enumerate(http1_attacks()):
        marker = str(uuid.uuid4())
        request = f"GET /api/v1/namespaces/ns1/configmaps?limit=1&x={marker} HTTP/1.1\r\nHost: localhost\r\n{block}\r\n"
        sent[marker] = (f"{n} {name}", wire.http1(w.address, w.bed.tls("dave"), request.encode("latin-1")))
    trailers = "".join(f"{name}: {value}\r\n" for name, value in EVIL)
    for announce in ("", "Trailer: X-Remote-User, X-Remote-Group\r\n"):
        marker = str(uuid.uuid4())
        request = (f"GET /api/v1/namespaces/ns1/configmaps?limit=1&x={marker} HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n{announce}"
                   f"Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n{trailers}\r\n")
        sent[marker] = ("trailers " + announce.strip(), wire.http1(w.address, w.bed.tls("dave"), request.encode()))
    judge_spoofs(w, sent)


@check("spoofed_headers_http2_change_nothing", gate_only=True)
def spoof_http2(w):
    sent = {}

    def attack(name, more, **options):
        marker = str(uuid.uuid4())
        head = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", f"/api/v1/namespaces/ns1/configmaps?limit=1&x={marker}")]
        sent[marker] = (name, wire.http2(w.address, w.bed.tls("dave"), head + more, **options))
    for spell in range(8):
        attack(f"spelling {spell}", [(list(spellings(name))[spell], value) for name, value in EVIL])
    lower = [(name.lower(), value) for name, value in EVIL]
    attack("twice", lower + lower)
    attack("connection", [("connection", "x-remote-user, x-remote-group")])
    attack("newline in value", [("x-harmless", "a\r\nx-remote-user: admin\r\nx-remote-group: system:masters")])
    attack("newline in name", [("x-harmless: a\r\nx-remote-user", "admin")])
    attack("colon in name", [("x-remote-user:", "admin")])
    attack("space in name", [("x-remote-user ", "admin"), (" x-remote-group", "system:masters")])
    attack("pseudo header", [(":x-remote-user", "admin")])
    attack("trailers", [("te", "trailers")], body=b"{}", trailers=lower)
    judge_spoofs(w, sent)


def judge_spoofs(w, sent):
    """A spoof is either refused, or served as the one the certificate names, with nothing of the spoof in the audit log."""
    served = {marker: name for marker, (name, status) in sent.items() if status == 200}
    for marker, (name, status) in sent.items():
        expect(status in (200, 400, 401, 403, 431, None), f"{name}: status {status}")
    for marker, name in served.items():
        user = audited(w, marker)["user"]
        expect_equal((user["username"], user["groups"]), ("dave", ["dev", "qa", "system:authenticated"]), f"{name}: user and groups")
        expect("evil" not in json.dumps(user), f"{name}: {user}")
    time.sleep(0.2)
    for marker, (name, _) in sent.items():
        for event in w.bed.audit_events(marker):
            expect_equal(event["user"].get("username"), "dave", f"{name}: a user of the audit log")
    expect(served, "not one was served, so nothing was tried")
    w.note(f"{len(served)} of {len(sent)} were served as dave, the rest refused")
