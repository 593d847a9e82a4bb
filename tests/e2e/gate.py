# SPDX-License-Identifier: Apache-2.0
"""gatehouse in front of the bed, and the policy folder that it reads."""
import os
import signal
import subprocess
import urllib.request

from bed import HOST, Failure, free_port, wait_until
from link import link_for

POLICY_KINDS = "clusterroles,clusterrolebindings,roles,rolebindings"


class Gate:
    def __init__(self, bed, binary, road, name="gatehouse", options=("--authorization-mode", "RBAC"), workers=2):
        self.bed, self.binary, self.road, self.name, self.options = bed, binary, road, name, options
        self.workers = workers
        self.port, self.admin_port = free_port(18443), free_port(19440)
        self.link = link_for(road)
        self.url = f"https://{self.link.gate}:{self.port}"
        self.address = (self.link.gate, self.port)
        self.policy = bed.path(f"{name}-policy")
        self.access_log = bed.path(f"{name}-access.log")
        os.makedirs(self.policy, exist_ok=True)
        self.process = None

    def write_policy(self, name, text):
        """As an editor or a config map would: written aside, then renamed into place."""
        aside = self.bed.path(name + ".new")
        with open(aside, "w") as f:
            f.write(text)
        os.rename(aside, os.path.join(self.policy, name))

    def export_policy(self):
        """The live policy of the cluster, as kubectl prints it."""
        done = subprocess.run(
            [self.bed.program("kubectl"), "--kubeconfig", self.bed.kubeconfig("admin", self.bed.api_url(0)), "get", POLICY_KINDS, "-A", "-o", "yaml"],
            capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failure(f"cannot read the cluster's policy: {done.stderr}")
        self.write_policy("cluster.yaml", done.stdout)

    def start(self):
        pki = self.bed.pki
        upstreams = [word for index in range(2) for word in ("--upstream", f"https://{self.link.kernel}:{self.bed.api_ports[index]}")]
        self.process = self.bed.process(
            self.name, self.binary, "serve", "--listen", f"{self.link.gate}:{self.port}", "--workers", str(self.workers), "--road", self.road,
            "--tls-cert-file", pki.crt("gatehouse"), "--tls-private-key-file", pki.key("gatehouse"), "--client-ca-file", pki.crt("client-ca"),
            *upstreams, "--upstream-ca-file", pki.crt("serving-ca"),
            "--proxy-client-cert-file", pki.crt("front-proxy"), "--proxy-client-key-file", pki.key("front-proxy"),
            *self.options, *self.link.options, "--policy", self.policy, "--admin-listen", f"{HOST}:{self.admin_port}",
            "--access-log", self.access_log, "--shutdown-timeout", "10s").start()
        wait_until("gatehouse ready", self.ready, 20)

    def admin(self, path):
        with urllib.request.urlopen(f"http://{HOST}:{self.admin_port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def ready(self):
        if not self.process.alive():
            raise Failure(f"gatehouse ended:\n{self.process.tail()}")
        try:
            return bool(self.admin("/readyz"))
        except OSError:
            return False

    def metrics(self, prefix):
        """The samples whose name and labels start with `prefix`."""
        lines = (line for line in self.admin("/metrics").splitlines() if line.startswith(prefix))
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def hang_up(self):
        self.process.signal(signal.SIGHUP)

    def terminate(self):
        self.process.signal(signal.SIGTERM)
