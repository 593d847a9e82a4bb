#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is open is judged again: watches and tunnels end when policy, tokens or CAs change, others go on. And what one
caller leaves open keeps no other waiting.

In: the gate's program.   Out: a line a failure, last `N passed, N failed`; exit code 0 only without failures.
Each case has a gate of its own, an upstream that streams without end, and files that it changes.
"""
import argparse
import os
import shutil
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import h2_battery  # noqa: E402
import h2_frames as h2  # noqa: E402
from harness import Bed, Failure  # noqa: E402
from test_pki import make_pki  # noqa: E402

WAIT_S = 15  # for what must happen; what must not is looked for after a second stream has ended
TOKENS = "good-token,tina,1\nother-token,oscar,2\n"

ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules: [RULES]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects: [{kind: User, name: USER, apiGroup: rbac.authorization.k8s.io}]
---
"""
PODS = '{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'
SECRETS = '{apiGroups: [""], resources: [secrets], verbs: [get, list, watch]}'
EXEC_GET = '{apiGroups: [""], resources: [pods/exec], verbs: [get]}'
EXEC_CREATE = '{apiGroups: [""], resources: [pods/exec], verbs: [create]}'
CONSOLE = '{apiGroups: [machines.example], resources: [machines/console], verbs: [get]}'
NODES = '{apiGroups: [""], resources: [nodes], verbs: [update]}'
NODE = b'{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-2","resourceVersion":"7"},"spec":{}}'
BE_NINA = '{apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [nina]}'
PODS_WATCH, SECRETS_WATCH = b"/api/v1/pods?watch=1", b"/api/v1/secrets?watch=true"
EXEC = b"/api/v1/namespaces/default/pods/p/exec?command=sh"


def roles(**of):
    """user → rules; as a policy file."""
    return "".join(ROLE.replace("NAME", user).replace("USER", user).replace("RULES", ", ".join(rules)) for user, rules in of.items())


def stream(peer, request):
    """The beginning of an answer that has no end; a tunnel where one is asked for."""
    if request.all(b"upgrade"):
        peer.upgrade(request, b"websocket")
    elif peer.version == "HTTP/2":
        peer.send_headers(request, [(b":status", b"200"), (b"content-type", b"application/json")])
        peer.send_data(request, b'{"type":"BOOKMARK"}\n')
    else:
        peer.send_raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"14\r\n{\"type\":\"BOOKMARK\"}\n\r\n")


class H1Open:
    """A request over HTTP/1.1 whose answer has begun."""

    def __init__(self, bed, target, user="tester", fields=b""):
        self.conn = bed.connect(user)
        self.conn.send(b"GET " + target + b" HTTP/1.1\r\nHost: gate\r\n" + fields + b"\r\n")
        self.data = self.conn.recv(WAIT_S)
        if not self.data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")):
            raise Failure(f"the request was not let in: {self.data[:200]}")

    @staticmethod
    def refused_429(conn):
        try:
            return conn.recv(0.05).startswith(b"HTTP/1.1 429")
        except TimeoutError:
            return False

    def ended(self, timeout=0.05):
        try:
            while data := self.conn.recv(timeout):
                self.data += data
        except TimeoutError:
            return False
        return True


class H2Open:
    """The same over HTTP/2; `on`: another one whose connection it shares."""

    def __init__(self, bed, target, user="tester", fields=(), on=None):
        self.client = on.client if on else h2_battery.Client(bed, user)
        self.id = max(self.client.streams, default=-1) + 2
        pairs = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", target), (b":authority", b"gate"), *fields]
        self.client.send(h2.headers(self.id, h2.block(pairs)))
        deadline = time.monotonic() + WAIT_S
        while self.answer() is None or not self.answer().body:
            if time.monotonic() > deadline or self.client.closed or (self.answer() and self.answer().status != 200):
                raise Failure(f"the request was not let in: {self.client.describe()}")
            self.client.pump(0.2)

    def answer(self):
        return self.client.streams.get(self.id)

    def ended(self, timeout=0.05):
        self.client.pump(timeout)
        return self.client.closed or self.answer().ended or self.answer().reset is not None


def wait_ended(what, request):
    deadline = time.monotonic() + WAIT_S
    while not request.ended():
        if time.monotonic() > deadline:
            raise Failure(f"{what} goes on")


def write(path, text):
    """Whole or not at all, as an editor does."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.rename(path + ".new", path)


SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: bootstrap-token-aaaaaa, namespace: kube-system}
type: bootstrap.kubernetes.io/token
stringData: {token-id: aaaaaa, token-secret: 0123456789abcdef, usage-bootstrap-authentication: "true", expiration: "EXPIRY"}
"""


class Live:
    """A gate with every kind of caller, and the files it goes by."""

    def __init__(self, options, pki, name):
        self.folder = os.path.join(options.folder, name)
        os.makedirs(self.folder)
        self.tokens = os.path.join(self.folder, "tokens.csv")
        self.ca = os.path.join(self.folder, "client-ca.crt")
        write(self.tokens, TOKENS)
        shutil.copy(f"{pki}/ca.crt", self.ca)
        self.secrets = os.path.join(self.folder, "secrets")
        os.makedirs(self.secrets)
        write(os.path.join(self.secrets, "another.yaml"), SECRET.replace("aaaaaa", "bbbbbb").replace("EXPIRY", "2199-01-01T00:00:00Z"))
        extra = ("--enable-bootstrap-token-auth", "--bootstrap-token-secrets", self.secrets, "--client-cert-mode", "request", "--token-auth-file", self.tokens, "--client-ca-file", self.ca,
                 "--enable-admission-plugins", "NodeRestriction")
        self.bed = Bed(options.gatehouse, pki, self.folder, ("h2", "http/1.1"), road=options.road, extra=extra)
        self.bed.upstream.answer = stream
        self.policy_file = os.path.join(self.folder, "policy", "live.yaml")
        self.generation = self.metric("gatehouse_policy_generation")

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.bed.gate.admin_port}/metrics") as page:
            for line in page.read().decode().splitlines():
                if line.startswith(name + " ") or line.startswith(name + "{"):
                    return float(line.split()[-1])
        raise Failure(f"no metric {name}")

    def policy(self, text):
        write(self.policy_file, text)
        deadline = time.monotonic() + WAIT_S
        while self.metric("gatehouse_policy_generation") == self.generation:
            if time.monotonic() > deadline:
                raise Failure("the policy is not taken")
            time.sleep(0.05)
        self.generation = self.metric("gatehouse_policy_generation")


def bearer(token):
    return b"Authorization: Bearer " + token + b"\r\n"


UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


# ---- the cases ----
def watch_over_http1_ends_with_its_right(live):
    live.policy(roles(narrow=[SECRETS]))
    watch = H1Open(live.bed, SECRETS_WATCH, "narrow")
    live.policy(roles(narrow=[PODS]))
    wait_ended("the watch", watch)
    if live.metric("gatehouse_open_requests_ended_total") != 1:
        raise Failure("it was not counted")


def one_stream_of_a_connection_ends_and_its_neighbours_go_on(live):
    live.policy(roles(narrow=[PODS, SECRETS]))
    pods = H2Open(live.bed, PODS_WATCH, "narrow")
    secrets = H2Open(live.bed, SECRETS_WATCH, "narrow", on=pods)
    live.policy(roles(narrow=[PODS]))
    wait_ended("the watch of secrets", secrets)
    if pods.ended(0.7):
        raise Failure("the watch of pods ended too")


def a_change_that_takes_nothing_ends_nothing(live):
    live.policy(roles(narrow=[PODS, SECRETS], tina=[PODS]))
    watches = [H1Open(live.bed, PODS_WATCH, "narrow"), H2Open(live.bed, PODS_WATCH, "narrow"), H1Open(live.bed, PODS_WATCH, None, bearer(b"good-token"))]
    probe = H1Open(live.bed, SECRETS_WATCH, "narrow")
    live.policy(roles(narrow=[PODS], tina=[PODS, SECRETS]))
    wait_ended("what the change took", probe)
    if any(each.ended(0.7) for each in watches):
        raise Failure("a watch ended whose right was not touched")


def tunnel_ends_when_either_of_its_two_rights_goes(live):
    live.policy(roles(narrow=[EXEC_GET, EXEC_CREATE]))
    tunnel = H1Open(live.bed, EXEC, "narrow", UPGRADE)
    live.policy(roles(narrow=[EXEC_GET]))
    wait_ended("the tunnel", tunnel)


def tunnel_of_an_aggregated_api_ends_with_its_right(live):
    live.policy(roles(narrow=[CONSOLE]))
    tunnel = H1Open(live.bed, b"/apis/machines.example/v1/namespaces/default/machines/m/console", "narrow", UPGRADE)
    live.policy(roles())
    wait_ended("the tunnel", tunnel)


def impersonated_watch_ends_when_the_impersonator_may_no_more(live):
    live.policy(roles(narrow=[BE_NINA], nina=[PODS]))
    watch = H1Open(live.bed, PODS_WATCH, "narrow", b"Impersonate-User: nina\r\n")
    other = H2Open(live.bed, PODS_WATCH, "tester", [(b"impersonate-user", b"nina")])
    live.policy(roles(nina=[PODS]))
    wait_ended("the watch", watch)
    if other.ended(0.7):
        raise Failure("that of another impersonator ended too")
    live.policy(roles())
    wait_ended("the watch of who may be nina, when nina may nothing", other)


def watch_by_token_ends_when_the_token_is_taken_away(live):
    live.policy(roles(tina=[PODS], narrow=[PODS]))
    h1 = H1Open(live.bed, PODS_WATCH, None, bearer(b"good-token"))
    of_certificate = H2Open(live.bed, PODS_WATCH, "narrow")
    streams = H2Open(live.bed, PODS_WATCH, None, [(b"authorization", b"Bearer good-token")])
    write(live.tokens, TOKENS.partition("\n")[2])
    wait_ended("the watch over HTTP/1.1", h1)
    wait_ended("the watch over HTTP/2", streams)
    if of_certificate.ended(0.7):
        raise Failure("a watch by certificate ended too")


def watch_by_token_ends_when_the_token_expires(live):
    live.policy(roles(**{"'system:bootstrap:aaaaaa'": [PODS]}))
    expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    write(os.path.join(live.secrets, "secret.yaml"), SECRET.replace("EXPIRY", expiry))
    watch, deadline = None, time.monotonic() + 7
    while not watch:
        try:
            watch = H1Open(live.bed, PODS_WATCH, None, bearer(b"aaaaaa.0123456789abcdef"))
        except Failure:  # the Secret is not read yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    wait_ended("the watch", watch)


def watch_by_certificate_ends_when_its_authority_is_trusted_no_more(live):
    live.policy(roles(narrow=[PODS], tina=[PODS]))
    h1, streams = H1Open(live.bed, PODS_WATCH, "narrow"), H2Open(live.bed, PODS_WATCH, "narrow")
    of_token = H1Open(live.bed, PODS_WATCH, None, bearer(b"good-token"))
    with open(f"{live.bed.pki}/upstream-ca.crt", encoding="utf-8") as other:
        write(live.ca, other.read())
    wait_ended("the watch over HTTP/1.1", h1)
    wait_ended("the watch over HTTP/2", streams)
    if of_token.ended(0.7):
        raise Failure("a watch by token ended too")


def slow_bodies_of_one_node_keep_no_other_waiting(live):
    live.policy(roles(**{"'system:node:node-1'": [NODES], "'system:node:node-2'": [NODES]}))
    live.bed.upstream.answer = lambda peer, request: peer.respond(request, 200, [(b"Content-Type", b"application/json")], body=NODE)
    put = b"PUT /api/v1/nodes/%s HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    slow = []
    while not (slow and H1Open.refused_429(slow[-1])):
        if len(slow) > 200:
            raise Failure("one node may have any number of bodies under way")
        slow.append(live.bed.connect("node-1"))
        slow[-1].send(put % (b"node-1", len(NODE)) + b"{")
    other = live.bed.connect("node-2")
    other.send(put % (b"node-2", len(NODE)) + NODE)
    answer = other.recv(WAIT_S)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise Failure(f"the other node got {answer[:300]}")


CASES = [slow_bodies_of_one_node_keep_no_other_waiting, watch_over_http1_ends_with_its_right, one_stream_of_a_connection_ends_and_its_neighbours_go_on,
         a_change_that_takes_nothing_ends_nothing, tunnel_ends_when_either_of_its_two_rights_goes,
         tunnel_of_an_aggregated_api_ends_with_its_right, impersonated_watch_ends_when_the_impersonator_may_no_more, watch_by_token_ends_when_the_token_is_taken_away,
         watch_by_token_ends_when_the_token_expires, watch_by_certificate_ends_when_its_authority_is_trusted_no_more]


def failure_of(case, options, pki):
    live = None
    failure = None
    try:
        live = Live(options, pki, case.__name__)
        case(live)
    except (Failure, OSError) as error:
        failure = str(error) or type(error).__name__
    if live:
        alive, status = live.bed.gate.alive(), live.bed.close()
        if not alive or status != 0:
            failure = f"{failure}; the gate ended with {status}\n{live.bed.gate.log_text()[-1500:]}"
    return failure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gatehouse", required=True, help="the program")
    parser.add_argument("--road", default="auto", choices=("auto", "uring", "epoll"))
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    options = parser.parse_args()
    failed = passed = 0
    with tempfile.TemporaryDirectory(prefix="gatehouse-live-") as options.folder:
        pki = os.path.join(options.folder, "pki")
        make_pki(pki)
        for case in CASES:
            if options.only not in case.__name__:
                continue
            failure = failure_of(case, options, pki)
            failed, passed = failed + (failure is not None), passed + (failure is None)
            if failure is not None:
                print(f"FAILED {case.__name__}: {failure}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
