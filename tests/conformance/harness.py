# SPDX-License-Identifier: Apache-2.0
"""What both batteries stand on: the gate as a process in front of a recording upstream, and the reading of its answers.

In: the gate's program.   Out: Bed (a running gate and its upstream), Reply, the rules every forwarded request obeys.
"""
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from recording_upstream import Upstream  # noqa: E402
from tls_stream import client_context, connect  # noqa: E402

POLICY = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: everything}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
- {nonResourceURLs: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tester-everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: everything}
subjects: [{kind: User, name: tester, apiGroup: rbac.authorization.k8s.io}, {kind: User, name: root, apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: little}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
- {nonResourceURLs: ["/ok", "/ok/*"], verbs: [get, head]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: narrow-little}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: little}
subjects: [{kind: User, name: narrow, apiGroup: rbac.authorization.k8s.io}]
"""

USERS = {"tester": {b"testers", b"auditors", b"system:authenticated"}, "narrow": {b"limited", b"system:authenticated"},
         "root": {b"system:authenticated"}}  # as whom tester may act
HOP_BY_HOP = (b"keep-alive", b"proxy-connection", b"http2-settings")
WAIT_S = 3.0     # for an answer, or for the gate to close
SETTLE_S = 0.02  # for bytes that must not come


class Failure(Exception):
    """Why a case failed."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gate:
    """The process. `command` overrides the program's own flags (another proxy as a stand-in)."""

    def __init__(self, program, pki, folder, upstream_port, road="auto", mode="RBAC", extra=(), stand_in=None):
        self.port, self.admin_port = free_port(), free_port()
        policy = os.path.join(folder, "policy")
        os.makedirs(policy, exist_ok=True)
        with open(os.path.join(policy, "policy.yaml"), "w", encoding="utf-8") as out:
            out.write(POLICY)
        if stand_in:
            command = stand_in(self.port, upstream_port, pki, folder)
        else:
            command = [program, "serve", "--listen", f"127.0.0.1:{self.port}",
                       "--tls-cert-file", f"{pki}/server.crt", "--tls-private-key-file", f"{pki}/server.key",
                       "--client-ca-file", f"{pki}/ca.crt", "--upstream", f"https://127.0.0.1:{upstream_port}",
                       "--upstream-ca-file", f"{pki}/upstream-ca.crt", "--proxy-client-cert-file", f"{pki}/proxy.crt",
                       "--proxy-client-key-file", f"{pki}/proxy.key", "--policy", policy,
                       "--authorization-mode", mode, "--workers", "1", "--road", road,
                       "--admin-listen", f"127.0.0.1:{self.admin_port}", *extra]
        self.log_path = os.path.join(folder, "gate.log")
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"the gate did not start: {shlex.join(command)}\n{self.log_text()}") from None
                time.sleep(0.05)

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def alive(self):
        return self.process.poll() is None

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        """The exit status after SIGTERM."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode


class Bed:
    """A gate and its upstream; clients as a user."""

    def __init__(self, program, pki, folder, upstream_alpn, **gate_options):
        os.makedirs(folder, exist_ok=True)
        self.name = os.path.basename(folder)
        self.pki = pki
        self.upstream_alpn = upstream_alpn
        self.upstream = Upstream(f"{pki}/upstream.crt", f"{pki}/upstream.key", f"{pki}/upstream-ca.crt", upstream_alpn)
        self.gate = Gate(program, pki, folder, self.upstream.port, **gate_options)
        self.contexts = {}

    def connect(self, user="tester", alpn=("http/1.1",), maximum=ssl.TLSVersion.TLSv1_3):
        key = (user, alpn, maximum)
        if key not in self.contexts:
            certificate = f"{self.pki}/{user}" if user else None
            self.contexts[key] = client_context(certificate and certificate + ".crt", certificate and certificate + ".key",
                                                f"{self.pki}/ca.crt", list(alpn), maximum)
        return connect(self.gate.port, self.contexts[key])

    def close(self):
        status = self.gate.stop()
        self.upstream.close()
        return status


# ---- answers over HTTP/1.1, read strictly ----
class Reply:
    def __init__(self, status, headers):
        self.status, self.headers = status, headers
        self.body = b""
        self.trailers = []
        self.whole = False
        self.interim = []

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def closes(self):
        return b"close" in b",".join(self.all(b"connection")).lower()


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not re.match(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z", name) or re.search(rb"[\r\n\0]", value):
            raise Failure(f"the gate sent a broken field line {line[:80]!r}")
        fields.append((name.lower(), value.strip(b" \t")))
    return fields


def parse_chunks(reply, data):
    """The rest after the body; None when it is not whole."""
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return None
        if not re.match(rb"[0-9A-Fa-f]+\Z", line):
            raise Failure(f"the gate sent a broken chunk size {line[:80]!r}")
        size = int(line, 16)
        if size == 0:
            break
        reply.body += rest[:size]
        if len(rest) < size + 2:
            return None
        if rest[size:size + 2] != b"\r\n":
            raise Failure("the gate sent a chunk of another length than it said")
        data = rest[size + 2:]
    lines = []
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
        if not line:
            reply.trailers = parse_fields(lines)
            return rest
        lines.append(line)


def parse_replies(data, methods, ended=None):
    """Every answer in `data`, in order; a rest that is not an answer fails. `methods` of the requests sent."""
    replies, interim = [], []
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            if not b"HTTP/1.1 ".startswith(data[:9]):
                raise Failure(f"the gate sent bytes that are no answer: {data[:80]!r}")
            break
        lines = head.split(b"\r\n")
        match = re.match(rb"HTTP/1\.[01] ([1-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*\Z", lines[0])
        if not match:
            raise Failure(f"the gate sent a broken status line {lines[0][:80]!r}")
        reply = Reply(int(match.group(1)), parse_fields(lines[1:]))
        if reply.status < 200 and reply.status != 101:
            interim.append(reply.status)
            data = rest
            continue
        reply.interim, interim = interim, []
        method = methods[len(replies)] if len(replies) < len(methods) else b"GET"
        replies.append(reply)
        lengths, codings = reply.all(b"content-length"), reply.all(b"transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise Failure(f"the gate framed an answer twice: {lengths} {codings}")
        if reply.status == 101:
            reply.body, reply.whole = rest, True
            return replies
        if method == b"HEAD" or reply.status in (204, 304):
            reply.whole, data = True, rest
            if reply.status == 204 and (lengths or codings):
                raise Failure("the gate framed a 204")
        elif codings:
            if codings != [b"chunked"]:
                raise Failure(f"the gate sent Transfer-Encoding {codings}")
            data = parse_chunks(reply, rest)
            if data is None:
                break
            reply.whole = True
        elif lengths:
            size = int(lengths[0])
            reply.body = rest[:size]
            if len(rest) < size:
                break
            reply.whole, data = True, rest[size:]
        else:  # until the connection closes; only a close_notify says that it was all
            reply.body, reply.whole = rest, ended == "close_notify"
            break
    return replies


# ---- what every request that reaches the upstream has to obey ----
def check_forwarded(request, user="tester"):
    if request.violations:
        raise Failure(f"the upstream was sent a broken request: {request.violations} ({request.summary()})")
    remote = [(n, v) for n, v in request.headers if n.replace(b"_", b"-").startswith(b"x-remote-")]
    if request.all(b"x-remote-user") != [user.encode()]:
        raise Failure(f"X-Remote-User is {request.all(b'x-remote-user')}")
    groups = request.all(b"x-remote-group")
    if set(groups) != USERS[user] or len(groups) != len(USERS[user]):
        raise Failure(f"X-Remote-Group is {groups}")
    for name, value in remote:
        if name == b"x-remote-extra-authentication.kubernetes.io%2fcredential-id" and value.startswith(b"X509SHA256="):
            continue
        if name not in (b"x-remote-user", b"x-remote-group"):
            raise Failure(f"{name!r}: {value!r} was passed on")
    if request.all(b"x-forwarded-for") != [b"127.0.0.1"]:
        raise Failure(f"X-Forwarded-For is {request.all(b'x-forwarded-for')}")
    for name, value in request.headers:
        plain = name.replace(b"_", b"-")
        if plain in (b"authorization", b"x-real-ip", b"forwarded") or plain.startswith((b"impersonate-", b"x-forwarded-")):
            if name != b"x-forwarded-for" and not (name == b"x-forwarded-proto" and value == b"https"):
                raise Failure(f"{name!r}: {value!r} was passed on")
        if name in HOP_BY_HOP:
            raise Failure(f"hop-by-hop {name!r}: {value!r} was passed on")
    for name, value in request.trailers:
        plain = name.replace(b"_", b"-")
        if plain.startswith((b"x-remote-", b"x-forwarded-", b"impersonate-")) or plain in (
                b"authorization", b"content-length", b"transfer-encoding", b"host", b"connection", b"te", b"trailer",
                b"x-real-ip", b"forwarded"):
            raise Failure(f"trailer {name!r}: {value!r} was passed on")


# ---- a stand-in for the gate, to try the batteries themselves ----
def haproxy_stand_in(port, upstream_port, pki, folder):
    for name in ("server", "proxy"):
        with open(f"{folder}/{name}.pem", "w", encoding="ascii") as out:
            for part in ("crt", "key"):
                with open(f"{pki}/{name}.{part}", encoding="ascii") as source:
                    out.write(source.read())
    config = os.path.join(folder, "haproxy.cfg")
    with open(config, "w", encoding="ascii") as out:
        out.write(f"""\
global
  nbthread 1
  ssl-server-verify required
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
  option forwardfor
  http-reuse always
frontend gate
  bind 127.0.0.1:{port} ssl crt {folder}/server.pem ca-file {pki}/ca.crt verify required alpn h2,http/1.1
  http-request del-header ^x[-_](remote|forwarded)[-_] -m reg
  http-request set-header X-Remote-User %[ssl_c_s_dn(cn)]
  http-request add-header X-Remote-Group testers
  http-request add-header X-Remote-Group auditors
  http-request add-header X-Remote-Group system:authenticated
  default_backend upstream
backend upstream
  server one 127.0.0.1:{upstream_port} ssl crt {folder}/proxy.pem ca-file {pki}/upstream-ca.crt alpn h2,http/1.1
""")
    return ["haproxy", "-db", "-f", config]
