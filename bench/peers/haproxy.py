#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Server CPU per keep-alive 1 KiB request: gatehouse (judging by RBAC) against HAProxy (TLS, client certificates, proxying only).

One run, one server core each, interleaved rounds, medians and ratios. Both reach the same upstream over TLS with a client
certificate. Run:  bench/peers/haproxy.py --gatehouse build/release/gatehouse --load build/release/keepalive_load
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PATH = "/api/v1/namespaces/demo/pods?limit=500"
POLICY = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pods, namespace: demo}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pods, namespace: demo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods}
subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]
"""


def sh(*words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def make_pki(at):
    def ca(name):
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout", at / f"{name}.key",
           "-out", at / f"{name}.crt", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def cert(name, issuer, subject, usage):
        (at / f"{name}.ext").write_text(f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
        sh("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", at / f"{name}.key", "-out", at / f"{name}.csr", "-subj", subject)
        sh("openssl", "x509", "-req", "-in", at / f"{name}.csr", "-CA", at / f"{issuer}.crt", "-CAkey", at / f"{issuer}.key", "-CAcreateserial", "-days", "30",
           "-extfile", at / f"{name}.ext", "-out", at / f"{name}.crt")
        (at / f"{name}.pem").write_text((at / f"{name}.crt").read_text() + (at / f"{name}.key").read_text())

    ca("ca")
    cert("server", "ca", "/CN=localhost", "serverAuth")
    cert("alice", "ca", "/CN=alice", "clientAuth")
    cert("proxy", "ca", "/CN=proxy", "clientAuth")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(core, *words):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_port(port):
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


COMMON = "global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n"


def haproxy_upstream(at, port):
    body = at / "body.json"
    body.write_text("x" * 1024)
    return COMMON + f"""frontend api
  bind 127.0.0.1:{port} ssl crt {at}/server.pem ca-file {at}/ca.crt verify required alpn h2,http/1.1
  http-request return status 200 content-type application/json file {body}
"""


def haproxy_front(at, port, upstream, alpn):
    return COMMON + f"""frontend gate
  bind 127.0.0.1:{port} ssl crt {at}/server.pem ca-file {at}/ca.crt verify required alpn h2,http/1.1
  default_backend api
backend api
  server a 127.0.0.1:{upstream} ssl crt {at}/proxy.pem ca-file {at}/ca.crt verify required verifyhost localhost sni str(localhost) alpn {alpn}
"""


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--gatehouse", default=ROOT / "build/release/gatehouse")
    ask.add_argument("--load", default=ROOT / "build/release/keepalive_load")
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--requests", type=int, default=40_000)
    ask.add_argument("--connections", type=int, default=32)
    ask.add_argument("--out", help="write the table into this file")
    args = ask.parse_args()
    at = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    running = []
    try:
        make_pki(at)
        (at / "policy.yaml").write_text(POLICY)
        upstream = free_port()
        (at / "upstream.cfg").write_text(haproxy_upstream(at, upstream))
        running.append(start(1, "haproxy", "-f", at / "upstream.cfg"))
        wait_port(upstream)
        servers = {}
        for name, alpn in (("haproxy, h1 upstream", "http/1.1"), ("haproxy, h2 upstream", "h2")):
            port = free_port()
            config = at / f"front-{alpn.replace('/', '')}.cfg"
            config.write_text(haproxy_front(at, port, upstream, alpn))
            servers[name] = (start(0, "haproxy", "-f", config), port)
        for road in ("uring", "epoll"):
            port = free_port()
            servers[f"gatehouse, {road}"] = (
                start(0, args.gatehouse, "serve", "--listen", f"127.0.0.1:{port}", "--tls-cert-file", at / "server.crt", "--tls-private-key-file", at / "server.key",
                      "--client-ca-file", at / "ca.crt", "--upstream", f"https://127.0.0.1:{upstream}", "--upstream-ca-file", at / "ca.crt",
                      "--proxy-client-cert-file", at / "proxy.crt", "--proxy-client-key-file", at / "proxy.key", "--policy", at / "policy.yaml",
                      "--authorization-mode", "RBAC", "--workers", "1", "--road", road, "--admin-listen", f"127.0.0.1:{free_port()}"), port)
        running += [process for process, _ in servers.values()]
        for _, port in servers.values():
            wait_port(port)

        def one(name, http, requests):
            process, port = servers[name]
            words = [args.load, "--connect", f"127.0.0.1:{port}", "--server-name", "localhost", "--ca", at / "ca.crt", "--cert", at / "alice.crt",
                     "--key", at / "alice.key", "--path", PATH, "--connections", args.connections, "--requests", requests]
            words += ["--h2", "--streams", "4"] if http == "HTTP/2" else []
            before = cpu_seconds(process.pid)
            done = subprocess.run(["taskset", "-c", "1", *map(str, words)], capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{name} {http}: {done.stdout} {done.stderr}")
            return (cpu_seconds(process.pid) - before) / requests * 1e6, json.loads(done.stdout)["rate"]

        figures = {}
        for name in servers:
            for http in ("HTTP/1.1", "HTTP/2"):
                one(name, http, 2000)  # warm-up
        for _ in range(args.rounds):
            for http in ("HTTP/1.1", "HTTP/2"):
                for name in servers:
                    figures.setdefault((http, name), []).append(one(name, http, args.requests))
        lines = ["| front | server | µs CPU a request (median; min–max) | ratio to the best HAProxy | requests/s |", "|---|---|---|---|---|"]
        for http in ("HTTP/1.1", "HTTP/2"):
            median = {name: statistics.median(cpu for cpu, _ in figures[http, name]) for name in servers}
            best = min(value for name, value in median.items() if name.startswith("haproxy"))
            for name in servers:
                cpus = [cpu for cpu, _ in figures[http, name]]
                rate = statistics.median(rate for _, rate in figures[http, name])
                lines.append(f"| {http} | {name} | {median[name]:.1f} ({min(cpus):.1f}–{max(cpus):.1f}) | {median[name] / best:.2f} | {rate:.0f} |")
        model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2]
        text = "\n".join([
            f"# Keep-alive 1 KiB requests against HAProxy, {datetime.date.today()}", "",
            f"Machine: {model}, {os.cpu_count()} cores, Linux {os.uname().release}. Commit {commit}. HAProxy {version}.",
            f"Command: `bench/peers/haproxy.py --rounds {args.rounds} --requests {args.requests} --connections {args.connections}`.",
            "Server on core 0, load and upstream on core 1; CPU is user + system of the whole server process over each round. HTTP/2 with 4 requests under way a connection.",
            "gatehouse judges every request by RBAC and sets the identity headers; HAProxy terminates TLS with client certificates and proxies only.", "", *lines, ""])
        print(text)
        if args.out:
            pathlib.Path(args.out).write_text(text)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        shutil.rmtree(at, ignore_errors=True)


if __name__ == "__main__":
    main()
