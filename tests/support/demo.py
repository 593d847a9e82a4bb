# SPDX-License-Identifier: Apache-2.0
"""The part of scripts/demo that runs once gatehouse is built: PKI, upstream, gatehouse, requests with curl, a table of verdicts.

In: the gatehouse binary, examples/policy (a copy is served and changed).   Out: the table; exit status 0 only if all was as expected.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from loopback import HOST, Failure, Pki, Process, free_port, wait_until  # noqa: E402

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
USERS = {  # file name → subject of a certificate from the client CA
    "alice": "/CN=alice", "bob": "/CN=bob", "node": "/O=system:nodes/CN=system:node:node-1", "carol": "/O=ops/CN=carol",
    "nobody": "/CN=nobody", "admin": "/O=system:masters/CN=admin"}
PODS = "/api/v1/namespaces/demo/pods"
COLUMNS = "{:<15} {:<44} {:<12} {:<12} {:<8} {}"


def can_bind(port):
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Demo:
    def __init__(self, gatehouse, folder):
        self.gatehouse, self.folder = gatehouse, folder
        self.pki = Pki(os.path.join(folder, "pki"))
        self.policy = os.path.join(folder, "policy")
        self.access_log = os.path.join(folder, "access.log")
        self.port, self.admin_port, self.upstream_port = free_port(8443), free_port(9440), free_port(9443)
        self.url = f"https://localhost:{self.port}"
        self.processes = []
        self.asked = 0
        self.surprises = []

    # ---- start ----

    def make_certificates(self):
        for ca in ("client-ca", "serving-ca", "front-proxy-ca", "stranger-ca"):
            self.pki.ca(ca)
        self.pki.cert("server", "serving-ca", "/CN=gatehouse", "serverAuth", "DNS:localhost,IP:127.0.0.1")
        self.pki.cert("upstream", "serving-ca", "/CN=upstream", "serverAuth", "DNS:localhost,IP:127.0.0.1")
        self.pki.cert("front-proxy", "front-proxy-ca", "/CN=front-proxy-client", "clientAuth")
        self.pki.cert("stranger", "stranger-ca", "/O=system:masters/CN=admin", "clientAuth")
        for name, subject in USERS.items():
            self.pki.cert(name, "client-ca", subject, "clientAuth")

    def start(self):
        self.make_certificates()
        shutil.copytree(os.path.join(ROOT, "examples", "policy"), self.policy)
        pki = self.pki
        self.run("upstream", "/usr/bin/python3", os.path.join(ROOT, "tests/support/demo_upstream.py"), "--port", str(self.upstream_port),
                 "--cert", pki.crt("upstream"), "--key", pki.key("upstream"), "--front-proxy-ca", pki.crt("front-proxy-ca"))
        wait_until("the upstream's port", lambda: not can_bind(self.upstream_port), 10)
        gate = self.run(
            "gatehouse", self.gatehouse, "serve", "--listen", f"{HOST}:{self.port}",
            "--tls-cert-file", pki.crt("server"), "--tls-private-key-file", pki.key("server"), "--client-ca-file", pki.crt("client-ca"),
            "--upstream", f"https://{HOST}:{self.upstream_port}", "--upstream-ca-file", pki.crt("serving-ca"),
            "--proxy-client-cert-file", pki.crt("front-proxy"), "--proxy-client-key-file", pki.key("front-proxy"),
            "--policy", self.policy, "--authorization-mode", "RBAC", "--admin-listen", f"{HOST}:{self.admin_port}",
            "--access-log", self.access_log)

        def ready():
            if not gate.alive():
                raise Failure(f"gatehouse ended:\n{gate.tail()}")
            try:
                return urllib.request.urlopen(f"http://{HOST}:{self.admin_port}/readyz", timeout=2).status == 200
            except OSError:
                return False
        wait_until("gatehouse ready", ready, 20)
        print("started: " + " ".join(gate.command).replace(self.folder, "$D").replace(ROOT + "/", "") + f"\n   with D={self.folder}\n")

    def run(self, name, *command):
        process = Process(name, list(command), self.folder).start()
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.stop(35)

    # ---- one request ----

    def curl(self, user, *more):
        """(status, body). 0: no HTTP answer, then the body is curl's message."""
        words = ["curl", "-sS", "--max-time", "10", "--cacert", self.pki.crt("serving-ca"), "-w", "\n%{http_code}"]
        if user:
            words += ["--cert", self.pki.crt(user), "--key", self.pki.key(user)]
        done = subprocess.run([*words, *more], capture_output=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body if int(status or 0) else done.stderr.strip()

    def logged(self, mark):
        """The access log's line of the request whose User-Agent is `mark`."""
        def find():
            with open(self.access_log, errors="replace") as f:
                return next((json.loads(line) for line in f if f'"userAgent":"{mark}"' in line and line.endswith("}\n")), None)
        return wait_until("the request in the access log", find, 5)

    def ask(self, user, what, method, path, wanted, *more, wanted_user=None, resumed=False):
        """Makes the request and prints its row."""
        self.asked += 1
        mark = f"demo/{self.asked}"
        target = ["-X", method, "-A", mark, *more, self.url + path] if method != "GET" else ["-A", mark, *more, self.url + path]
        if method == "POST" and wanted < 300:
            target = ["-H", "Content-Type: application/json", "-d", '{"kind":"Pod"}', *target]
        if resumed:  # one curl, two connections: the second resumes what the first was given
            status, body = self.curl(user, "-o", "/dev/null", *target, "--next", "-sS", "--cacert", self.pki.crt("serving-ca"), "--cert", self.pki.crt(user),
                                     "--key", self.pki.key(user), "-w", "\n%{http_code}", *[mark + "-again" if word == mark else word for word in target])
            mark += "-again"
        else:
            status, body = self.curl(user, *target)
        who = f"{user or 'no certificate'}"
        if status == 0:
            self.row(who, what, "refused", "no handshake", "", self.tls_refusal() if wanted == 0 else body, wanted == 0, wanted)
            return
        line = self.logged(mark)
        verdict = {"allow": "allowed", "deny": "denied"}.get(line["decision"], line["decision"])
        why = re.sub(r"^RBAC: allowed by ", "", line["reason"]) if line["decision"] == "allow" else "no rule allows it"
        why = why or "the group system:masters may do anything"
        as_wanted = status == wanted and line["resumed"] == resumed
        if wanted_user:
            seen = json.loads(body)["items"][0]
            as_wanted = as_wanted and seen["user"] == wanted_user and seen["groups"] == ["system:authenticated"]
            why += f"; upstream was told: {seen['user']}, {' '.join(seen['groups'])}"
        handshake = f"{line['tls'].replace('TLSv', '')} {'resumed' if line['resumed'] else 'full'}"
        self.row(who, what, f"{status} {verdict}", handshake, line["http"], why, as_wanted, wanted)

    def row(self, who, what, verdict, handshake, http, why, as_wanted, wanted):
        print(COLUMNS.format(who, what, verdict, handshake, http, why) + ("" if as_wanted else f"   <-- NOT AS EXPECTED ({wanted})"), flush=True)
        if not as_wanted:
            self.surprises.append(f"{who}: {what}")

    def tls_refusal(self):
        """Why, as gatehouse logged it."""
        time.sleep(0.2)
        reasons = re.findall(r"TLS[^\n]* reason=(\S+)", self.processes[1].tail(50))
        return "TLS: " + (reasons[-1] if reasons else "refused").replace("_", " ")

    # ---- the show ----

    def show(self):
        print(COLUMNS.format("WHO", "ASKS", "VERDICT", "TLS", "HTTP", "DECIDED BY"))
        self.ask("alice", "list pods in demo", "GET", PODS, 200)
        self.ask("alice", "create a pod in demo", "POST", PODS, 403)
        self.ask("bob", "create a pod in demo", "POST", PODS, 201)
        self.ask("bob", "get a secret in kube-system", "GET", "/api/v1/namespaces/kube-system/secrets/s", 403)
        self.ask("node", "list nodes", "GET", "/api/v1/nodes", 200)
        self.ask("node", "list secrets everywhere", "GET", "/api/v1/secrets", 403)
        self.ask("carol", "list deployments everywhere", "GET", "/apis/apps/v1/deployments", 200)
        self.ask("nobody", "read /version", "GET", "/version", 200)
        self.ask("nobody", "list pods in demo", "GET", PODS, 403)
        self.ask("admin", "delete a namespace", "DELETE", "/api/v1/namespaces/demo", 200)
        self.ask("alice", "list pods, HTTP/1.1", "GET", PODS, 200, "--http1.1")
        self.ask("alice", "list pods, TLS 1.2", "GET", PODS, 200, "--tls-max", "1.2")
        self.ask("alice", "list pods, second connection", "GET", PODS, 200, "--http1.1", "-H", "Connection: close", resumed=True)
        self.ask("nobody", "read /version, claims to be admin in headers", "GET", "/version", 200, "-H", "X-Remote-User: admin", "-H", "X-Remote-Group: system:masters",
                 "-H", "x_remote_user: admin", wanted_user="nobody")
        self.ask("stranger", "list pods, certificate of an unknown CA", "GET", PODS, 0)
        self.ask("front-proxy", "list pods, certificate of another CA", "GET", PODS, 0)
        self.ask(None, "list pods, no certificate", "GET", PODS, 0)
        self.change_policy("view", "edit", 201)
        self.change_policy("edit", "view", 403)
        print()

    def change_policy(self, old, new, wanted):
        """Points alice's RoleBinding elsewhere, on disk, and waits for the other verdict."""
        print(f"\npolicy/alice.yaml: roleRef.name {old} -> {new}")
        path = os.path.join(self.policy, "alice.yaml")
        with open(path) as f:
            text = f.read()
        changed = re.sub(rf"(?m)^(  name: ){old}$", rf"\g<1>{new}", text)
        if changed == text:
            raise Failure(f"{path} has no roleRef to {old}")
        with open(path + ".new", "w") as f:
            f.write(changed)
        begin = time.monotonic()
        os.rename(path + ".new", path)
        post = ("-X", "POST", self.url + PODS)
        try:
            wait_until("the other verdict", lambda: self.curl("alice", *post)[0] == wanted, 5, 0)
            print(f"   the verdict changed within {(time.monotonic() - begin) * 1000:.0f} ms, nothing was restarted")
        except Failure as late:
            self.surprises.append(str(late))
        self.ask("alice", "create a pod in demo", "POST", PODS, wanted)

    def invite(self):
        def curl(user, *words):
            return f"curl --cacert {self.pki.crt('serving-ca')} --cert {self.pki.crt(user)} --key {self.pki.key(user)} {' '.join(words)}"
        print("gatehouse stays up until Ctrl-C. Try:")
        print("  " + curl("alice", self.url + PODS))
        print("  " + curl("alice", "-X POST -d '{}'", self.url + PODS))
        print("  " + curl("alice", "-N", f"'{self.url}{PODS}?watch=1'"))
        print("  " + curl("nobody", self.url + PODS))
        print(f"  sed -i 's/name: view/name: edit/' {self.policy}/alice.yaml   # and ask again")
        print(f"  {self.gatehouse} explain --policy {self.policy} --user alice --verb list --resource pods -n demo")
        print(f"  curl http://{HOST}:{self.admin_port}/metrics")
        print(f"  tail -f {self.access_log}")
        print(f"users: {' '.join(USERS)}; keys and certificates in {self.pki.folder}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gatehouse", required=True)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="gatehouse-demo.")
    demo = Demo(os.path.realpath(options.gatehouse), folder)
    status = 1
    try:
        demo.start()
        demo.show()
        status = 1 if demo.surprises else 0
        print(f"{demo.asked} requests, {len(demo.surprises)} not as expected")
        if not options.once:
            demo.invite()
            signal.pause()
    except Failure as failure:
        print(f"demo: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print()
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
