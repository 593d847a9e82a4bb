#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""gatehouse-load against real servers: the gate itself, Python's TLS, openssl s_server. Each mode, what it must notice, and its exit code.

Run:  tests/load/load_battery.py build/release/gatehouse-load build/release/gatehouse [CHECK]…
"""
import json
import os
import pty
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "support"))
from loopback import Pki, Process, free_port, wait_until  # noqa: E402
from plain_server import PlainServer  # noqa: E402

POLICY = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{nonResourceURLs: ["/ok", "/watch", "/slow", "/missing"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: Group, name: "system:authenticated", apiGroup: rbac.authorization.k8s.io}]
"""


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Bed:
    def __init__(self, load, gate, folder):
        self.load, self.gate, self.folder = load, gate, folder
        self.pki = Pki(os.path.join(folder, "pki"))
        self.pki.ca("ca")
        self.pki.ca("other-ca")
        self.pki.cert("server", "ca", "/CN=server", "serverAuth", "DNS:localhost,IP:127.0.0.1")
        self.pki.cert("upstream", "ca", "/CN=upstream", "serverAuth", "IP:127.0.0.1")
        self.pki.cert("proxy", "ca", "/CN=proxy", "clientAuth")
        self.pki.cert("me", "ca", "/CN=me", "clientAuth")
        self.pki.cert("stranger", "other-ca", "/CN=stranger", "clientAuth")
        self.identities = os.path.join(folder, "identities")
        os.makedirs(self.identities)
        for name in ("ann", "ben", "cy"):
            self.pki.cert(name, "ca", "/CN=" + name, "clientAuth")
            shutil.copy(self.pki.crt(name), self.identities)
            shutil.copy(self.pki.key(name), self.identities)
        self.plain = PlainServer(self.pki)
        self.gate_process = None

    def start_gate(self):
        policy = os.path.join(self.folder, "policy.yaml")
        with open(policy, "w") as f:
            f.write(POLICY)
        self.gate_port = free_port(21000)
        upstream = self.pki
        self.gate_process = Process("gate", [
            self.gate, "serve", "--listen", f"127.0.0.1:{self.gate_port}", "--tls-cert-file", upstream.crt("server"), "--tls-private-key-file", upstream.key("server"),
            "--client-ca-file", upstream.crt("ca"), "--upstream", self.plain.url(), "--upstream-ca-file", upstream.crt("ca"),
            "--proxy-client-cert-file", upstream.crt("proxy"), "--proxy-client-key-file", upstream.key("proxy"), "--policy", policy,
            "--authorization-mode", "RBAC", "--workers", "1", "--admin-listen", f"127.0.0.1:{free_port(21500)}"], self.folder).start()

        wait_until("the gate listens", lambda: listens(self.gate_port), 20)

    def gate_url(self, path=""):
        return f"https://127.0.0.1:{self.gate_port}{path}"

    def stop(self):
        self.plain.stop()
        if self.gate_process:
            self.gate_process.stop()

    def me(self):
        return ["--ca", self.pki.crt("ca"), "--cert", self.pki.crt("me"), "--key", self.pki.key("me")]

    def run(self, mode, url, *options, code=0, tls=None):
        """Runs it, and gives its JSON. `code` is the exit code it must have."""
        patience = [] if "--timeout" in options else ["--timeout", "60s"]
        command = [self.load, mode, url, *(self.me() if tls is None else tls), "--json", "-", *patience, *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        says = f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        check(done.returncode == code, f"exit code {code} wanted: {says}")
        return Figures(json.loads(done.stdout), says) if done.stdout else done.stderr


class Figures(dict):
    def __init__(self, figures, says):
        super().__init__(figures)
        self.says = says

    def want(self, **wanted):
        for name, value in wanted.items():
            good = value(self[name]) if callable(value) else self[name] == value
            check(good, f"{name} is {self[name]!r}: {self.says}")
        return self


def check(true, otherwise):
    if not true:
        raise AssertionError(otherwise)


def positive(value):
    return value > 0


SHORT = ("--duration", "0.6s", "--connections", "4")


def full_handshakes_with_a_request(bed):
    for version in ("1.2", "1.3"):
        figures = bed.run("full", bed.plain.url("/ok"), *SHORT, "--tls", version).want(operations=positive, handshakes_resumed=0, handshakes_full=positive)
        check(list(figures["protocols"])[0].startswith("TLSv" + version), figures.says)
        check(figures["bytes"] > 0 and figures["latency_us"]["p99"] >= figures["latency_us"]["p50"] > 0, figures.says)


def full_handshakes_alone(bed):
    for version in ("1.2", "1.3"):
        bed.run("full", bed.plain.url(), *SHORT, "--tls", version).want(operations=positive, bytes=0)
        bed.run("full", bed.gate_url(), *SHORT, "--tls", version).want(operations=positive, bytes=0)


def a_refused_client_certificate_is_an_error_also_in_tls_13(bed):
    stranger = ["--ca", bed.pki.crt("ca"), "--cert", bed.pki.crt("stranger"), "--key", bed.pki.key("stranger")]
    for version in ("1.2", "1.3"):
        for path in ("", "/ok"):
            for url in (bed.plain.url(path), bed.gate_url(path)):
                bed.run("full", url, "--requests", 5, "--connections", 2, "--tls", version, tls=stranger, code=1).want(operations=0)


def resumption_is_verified(bed):
    for version in ("1.2", "1.3"):
        for url in (bed.plain.url("/ok"), bed.gate_url("/ok"), bed.gate_url()):
            figures = bed.run("resume", url, "--connections", 3, "--requests", 60, "--tls", version)
            figures.want(operations=60, handshakes_resumed=60, handshakes_full=lambda n: n <= 3)


def a_server_without_resumption_is_found_out(bed):
    for version, kind in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
        server = PlainServer(bed.pki, tickets=False, tls=kind)
        figures = bed.run("resume", server.url("/ok"), "--connections", 2, "--requests", 6, "--tls", version, code=1).want(operations=0)
        check(figures["errors"]["by_kind"] == {"no_ticket": 6}, figures.says)
        figures = bed.run("resume", server.url("/ok"), "--connections", 12, "--duration", "3s", "--tls", version, code=1).want(operations=0)
        check(list(figures["errors"]["by_kind"]) == ["no_ticket"], figures.says)
        server.stop()


def requests_keep_their_connections(bed):
    before = bed.plain.connections
    bed.run("requests", bed.plain.url("/ok"), "--connections", 3, "--requests", 300).want(operations=300, bytes=300 * 1024)
    check(bed.plain.connections - before == 3, "a connection each")
    bed.run("requests", bed.gate_url("/ok"), *SHORT).want(operations=positive)
    bed.run("requests", bed.plain.url("/close"), "--connections", 2, "--requests", 20).want(operations=20)


def h2_streams(bed):
    figures = bed.run("h2", bed.gate_url("/ok"), "--connections", 2, "--streams", 8, "--requests", 400)
    figures.want(operations=400, bytes=400 * 1024, streams=8)
    check(list(figures["protocols"])[0].endswith(" h2"), figures.says)
    bed.run("h2", bed.plain.url("/ok"), "--requests", 10, code=1).want(operations=0)


def watches(bed):
    for url, more in ((bed.plain.url("/watch?watch=1"), []), (bed.gate_url("/watch?watch=1"), ["--streams", "3"])):
        figures = bed.run("watch", url, "--connections", 3, "--duration", "1s", *more).want(operations=positive)
        figures.want(standing=9 if more else 3)
        check(0 < figures["latency_us"]["p50"], figures.says)


def idle_connections(bed):
    pid = bed.gate_process.child.pid
    figures = bed.run("idle", bed.gate_url("/ok"), "--connections", 150, "--duration", "0.3s", "--server-pid", pid, "--expect", "memory<8MiB", "--expect", "errors=0")
    figures.want(operations=150, standing=150)
    check(figures["server"]["memory_bytes_per_connection"] is not None, figures.says)
    bed.run("idle", bed.gate_url(), "--connections", 20, "--duration", "0.2s", "--rate", "200").want(standing=20)


def a_storm(bed):
    bed.run("storm", bed.gate_url(), "--connections", 300, "--threads", 2).want(operations=300, handshakes_full=300)
    bed.run("storm", bed.gate_url("/ok"), "--connections", 40).want(operations=40, handshakes_full=40)


def an_open_loop_counts_from_when_it_was_due(bed):
    # One connection that answers after 0.3 s cannot keep up with 20 a second: the wait shows.
    figures = bed.run("requests", bed.plain.url("/slow"), "--connections", 1, "--rate", 20, "--duration", "1.5s")
    check(figures["latency_us"]["max"] > 900e3 and figures["unfinished"] > 0, figures.says)
    figures = bed.run("full", bed.plain.url("/ok"), "--connections", 8, "--rate", 100, "--duration", "1s", "--warm-up", "0.2s")
    figures.want(operations=lambda n: 0 < n <= 121)  # what the warm-up left undone may end later
    figures = bed.run("requests", bed.plain.url("/slow"), "--connections", 1, "--requests", 3, "--expected-interval", "10ms")
    check(figures["latency_us"]["count"] > 60 and figures["uncorrected_us"]["count"] == 3, figures.says)


def wrong_answers_are_errors(bed):
    figures = bed.run("requests", bed.plain.url("/missing"), "--requests", 5, code=1).want(operations=0)
    check(figures["errors"]["by_kind"] == {"status": 5}, figures.says)
    bed.run("requests", bed.plain.url("/missing"), "--requests", 5, "--expect-status", 404, "--expect-body", "{}").want(operations=5)
    bed.run("requests", bed.plain.url("/ok"), "--requests", 5, "--expect-body", "nothing of the kind", code=1).want(operations=0)
    for mode in ("requests", "full"):
        bed.run(mode, bed.plain.url("/short"), "--requests", 4, code=1).want(operations=0)
    figures = bed.run("requests", bed.plain.url("/mute"), "--requests", 2, "--connections", 2, "--timeout", "0.3s", code=1)
    check(figures["errors"]["by_kind"] == {"timeout": 2}, figures.says)
    figures = bed.run("requests", bed.gate_url("/forbidden"), "--requests", 3, code=1)
    check(figures["errors"]["by_text"] == {"status: answered 403": 3}, figures.says)


def the_server_is_verified(bed):
    other = ["--ca", bed.pki.crt("other-ca"), "--cert", bed.pki.crt("me"), "--key", bed.pki.key("me")]
    bed.run("full", bed.plain.url("/ok"), "--requests", 2, tls=other, code=1).want(operations=0)
    bed.run("full", bed.plain.url("/ok"), "--requests", 2, "--server-name", "example.org", code=1).want(operations=0)
    bed.run("full", bed.plain.url("/ok"), "--requests", 2, "--server-name", "localhost").want(operations=2)
    insecure = ["--insecure", "--cert", bed.pki.crt("me"), "--key", bed.pki.key("me")]
    for mode in ("full", "resume"):
        bed.run(mode, bed.plain.url("/ok"), "--requests", 4, "--connections", 2, "--server-name", "example.org", tls=insecure).want(operations=4)


def many_identities_take_turns(bed):
    many = ["--ca", bed.pki.crt("ca"), "--cert-dir", bed.identities]
    for mode in ("full", "resume", "requests"):
        bed.plain.peers.clear()
        bed.run(mode, bed.plain.url("/ok"), "--connections", 6, "--requests", 30, "--threads", 2, tls=many).want(operations=30)
        check(bed.plain.peers == {"ann", "ben", "cy"}, f"{mode}: {bed.plain.peers}")


def requests_say_what_was_asked(bed):
    bed.plain.requests.clear()
    done = bed.run("requests", bed.plain.url("/ok?a=b"), "--requests", 1, "--connections", 1, "-X", "POST", "--body", "hello", "-H", "X-One: 1", "--bearer-token", "secret-token")
    method, target, headers, body = bed.plain.requests[0]
    check((method, target, body) == ("POST", "/ok?a=b", b"hello"), str(bed.plain.requests))
    check(headers["x-one"] == "1" and headers["authorization"] == "Bearer secret-token", str(headers))
    check("secret-token" not in done["command"], done["command"])


def groups_ciphers_roads_and_sources(bed):
    figures = bed.run("full", bed.plain.url("/ok"), "--requests", 4, "--groups", "P-384:P-256", "--tls", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384")
    check("AES256-GCM-SHA384" in list(figures["protocols"])[0], figures.says)
    for road in ("epoll", "auto"):
        bed.plain.sources.clear()
        bed.run("full", bed.plain.url("/ok"), "--requests", 4, "--road", road, "--source", "127.0.0.7", "--source", "127.0.0.8").want(operations=4)
        check(bed.plain.sources == {"127.0.0.7", "127.0.0.8"}, str(bed.plain.sources))


def openssl_s_server(bed):
    port = free_port(22000)
    server = Process("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", bed.pki.crt("server"), "-key", bed.pki.key("server"), "-www", "-quiet"], bed.folder).start()

    wait_until("s_server listens", lambda: listens(port), 20)
    try:
        for version in ("1.2", "1.3"):
            for mode in ("full", "resume"):
                for path in ("", "/"):
                    bed.run(mode, f"https://127.0.0.1:{port}{path}", "--connections", 1, "--requests", 5, "--tls", version, tls=["--insecure"]).want(operations=5)
    finally:
        server.stop()


def expectations_decide_the_exit_code(bed):
    load = ("requests", bed.plain.url("/ok"), "--requests", 20)
    bed.run(*load, "--expect", "p99<30s", "--expect", "rate>0.1", "--expect", "errors=0").want(exit_code=0)
    bed.run(*load, "--expect", "p99<1ns", code=1).want(exit_code=1)
    bed.run(*load, "--expect", "cpu<10s", "--server-pid", os.getpid()).want(exit_code=0)


def mistakes_are_told_with_code_2(bed):
    for words in ([], ["full"], ["fly", "https://h/"], ["full", "http://h/"], ["full", "https://h:0/"], ["full", "https://127.0.0.1/a b", "-k"], ["full", "https://127.0.0.1/"],
                  ["full", "https://127.0.0.1/", "-k", "--expect", "p99"], ["full", "https://127.0.0.1/", "-k", "--expect", "cpu<1ms"], ["full", "https://127.0.0.1/", "-k", "--tls", "1.1"],
                  ["full", "https://127.0.0.1/", "-k", "--connections", "2000000"], ["full", "https://127.0.0.1/", "-k", "--duration", "5"], ["full", "https://127.0.0.1/", "-k", "--cert", "x"],
                  ["full", "https://127.0.0.1/", "-k", "-H", "a: b\nc: d"], ["h2", "https://127.0.0.1/", "-k", "--alpn", "http/1.1"], ["full", "https://127.0.0.1/", "--ca", "/nonexistent"],
                  ["full", "https://127.0.0.1/", "-k", "--groups", "P-1"], ["storm", "https://127.0.0.1/", "-k", "--rate", "5"], ["full", "https://127.0.0.1/", "-k", "--no-such-flag"]):
        done = subprocess.run([bed.load, *words], capture_output=True, text=True, timeout=20)
        check(done.returncode == 2 and done.stderr and not done.stdout, f"{words}: {done}")
    for words in (["--help"], ["--version"]):
        done = subprocess.run([bed.load, *words], capture_output=True, text=True, timeout=20)
        check(done.returncode == 0 and done.stdout and not done.stderr, f"{words}: {done}")


def what_cannot_run_has_code_3(bed):
    port = free_port(23000)
    for mode in ("full", "requests", "storm"):
        done = subprocess.run([bed.load, mode, f"https://127.0.0.1:{port}/", "-k", "--duration", "1s", "--connections", "5"], capture_output=True, text=True, timeout=30)
        check(done.returncode == 3, f"{mode}: {done}")
    done = subprocess.run(["bash", "-c", f"ulimit -n 100; exec '{bed.load}' full https://127.0.0.1:{port}/ -k --connections 500"], capture_output=True, text=True, timeout=30)
    check(done.returncode == 3 and "descriptors" in done.stderr, str(done))
    done = subprocess.run([bed.load, "full", f"https://127.0.0.1:{port}/", "-k", "--server-pid", "999999999"], capture_output=True, text=True, timeout=30)
    check(done.returncode in (2, 3) and "no process" in done.stderr, str(done))


def progress_and_reports(bed):
    html = os.path.join(bed.folder, "report.html")
    command = [bed.load, "requests", bed.plain.url("/ok"), *bed.me(), "--duration", "1.2s", "--html", html]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    check(done.returncode == 0 and re.search(r"\d/s .*errors", done.stderr) and "p99" in done.stdout and "\033" not in done.stderr, str(done))
    with open(html) as f:
        page = f.read()
    check(page.count("<svg") == 2 and "http://" not in page.replace("http://www.w3.org", ""), page[:500])
    quiet = subprocess.run(command + ["--quiet"], capture_output=True, text=True, timeout=30)
    check(quiet.returncode == 0 and not quiet.stdout and not quiet.stderr, str(quiet))
    master, slave = pty.openpty()
    terminal = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    drawn = b""
    try:
        while piece := os.read(master, 65536):
            drawn += piece
    except OSError:
        pass
    os.close(master)
    check(terminal.wait(30) == 0 and "█".encode() in drawn and b"\r\x1b[K" in drawn, repr(drawn[:400]))


def an_interrupt_ends_it_with_what_was_measured(bed):
    child = subprocess.Popen([bed.load, "requests", bed.plain.url("/ok"), *bed.me(), "--duration", "60s", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(2)
    child.terminate()
    out, _ = child.communicate(timeout=20)
    figures = json.loads(out)
    check(figures["interrupted"] and figures["operations"] > 0 and figures["seconds"] < 30, out)


CHECKS = [value for name, value in list(globals().items()) if callable(value) and getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("bed",)]


def main():
    folder = tempfile.mkdtemp(prefix="gatehouse-load-")
    bed = Bed(sys.argv[1], sys.argv[2], folder)
    failed = 0
    checks = [each for each in CHECKS if not sys.argv[3:] or each.__name__ in sys.argv[3:]]
    try:
        bed.start_gate()
        for each in checks:
            begin = time.monotonic()
            try:
                each(bed)
                print(f"ok    {each.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
            except Exception as error:  # noqa: BLE001  (whatever went wrong, the others still run)
                failed += 1
                print(f"FAIL  {each.__name__}: {error}", flush=True)
    finally:
        bed.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
