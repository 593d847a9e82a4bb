# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes on loopback: one etcd, two kube-apiservers, the controllers that policy and pods need, a stand-in kubelet.

In: a folder with the programs (testbed/, built by scripts/e2e) and an empty folder to work in.
Out: running servers, their PKI, kubeconfigs, audit logs. Only processes started here are stopped, by their pid.
"""
import json
import os
import ssl
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from loopback import HOST, Failure, Pki, Process, free_port, wait_until  # noqa: E402


TOKEN = "a-token-of-tina"  # in the token file of API servers and gate


def make_certificates(pki):
    """Every authority and certificate that the checks use."""
    for ca in ("client-ca", "serving-ca", "front-proxy-ca", "stranger-ca"):
        pki.ca(ca)
    addresses = "".join(f",IP:10.77.{number}.{host}" for number in range(8) for host in (1, 2))  # of veth pairs: link.py
    names = "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1" + addresses
    pki.cert("kube-apiserver", "serving-ca", "/CN=kube-apiserver", "serverAuth", names)
    pki.cert("gatehouse", "serving-ca", "/CN=gatehouse", "serverAuth", "DNS:localhost,IP:127.0.0.1" + addresses)
    pki.cert("admin", "client-ca", "/O=system:masters/CN=admin", "clientAuth")
    pki.cert("dave", "client-ca", "/O=dev/O=qa/CN=dave", "clientAuth")
    pki.cert("erin", "client-ca", "/O=dev/CN=erin", "clientAuth")
    pki.cert("nobody", "client-ca", "/CN=nobody", "clientAuth")
    pki.cert("controllers", "client-ca", "/CN=system:kube-controller-manager", "clientAuth")
    pki.cert("expired", "client-ca", "/O=system:masters/CN=expired", "clientAuth", expired=True)
    pki.cert("wrong-usage", "client-ca", "/O=system:masters/CN=wrong-usage", "serverAuth")
    pki.cert("stranger", "stranger-ca", "/O=system:masters/CN=admin", "clientAuth")
    pki.cert("node-n1", "client-ca", "/O=system:nodes/CN=system:node:n1", "clientAuth")
    pki.cert("aggregator", "front-proxy-ca", "/CN=aggregator", "clientAuth")
    pki.cert("front-proxy", "front-proxy-ca", "/CN=front-proxy-client", "clientAuth")
    pki.run("genrsa", "-out", "sa.key", "2048")
    pki.run("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")


class Bed:
    def __init__(self, programs, folder, bind=HOST):
        self.programs, self.folder, self.bind = programs, folder, bind
        self.pki = Pki(os.path.join(folder, "pki"))
        self.processes = []
        self.etcd_port = free_port(12379)
        self.api_ports = [free_port(16443), free_port(16444)]
        self.kubelet_port = free_port(11250)
        self.apis = []

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def program(self, name):
        return os.path.join(self.programs, name)

    def process(self, name, *command):
        process = Process(name, list(command), self.folder, env={**os.environ, "HOME": self.folder})
        self.processes.append(process)
        return process

    def api_url(self, index):
        return f"https://{HOST}:{self.api_ports[index]}"

    def kubeconfig(self, user, url):
        """A kubeconfig file for `user` at `url`."""
        path = self.path(f"{user}-{url.rsplit(':', 1)[1]}.kubeconfig")
        if not os.path.exists(path):
            with open(path, "w") as f:
                json.dump({
                    "apiVersion": "v1", "kind": "Config", "current-context": "c",
                    "clusters": [{"name": "k", "cluster": {"server": url, "certificate-authority": self.pki.crt("serving-ca")}}],
                    "users": [{"name": "u", "user": {"client-certificate": self.pki.crt(user), "client-key": self.pki.key(user)}}],
                    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]}, f)
        return path

    def tls(self, user=None):
        context = ssl.create_default_context(cafile=self.pki.crt("serving-ca"))
        if user:
            context.load_cert_chain(self.pki.crt(user), self.pki.key(user))
        return context

    def ready(self, index):
        try:
            with urllib.request.urlopen(self.api_url(index) + "/readyz", context=self.tls("admin"), timeout=5) as answer:
                return answer.status == 200
        except OSError:
            if not self.apis[index].alive():
                raise Failure(f"kube-apiserver {index} ended:\n{self.apis[index].tail()}") from None
            return False

    def start(self):
        make_certificates(self.pki)
        self.start_etcd()
        with open(self.path("audit-policy.yaml"), "w") as f:
            f.write("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
        with open(self.path("tokens.csv"), "w") as f:
            f.write(f'{TOKEN},tina,42,"dev,qa"\n')
        self.apis = [self.make_api(index) for index in range(2)]
        for api in self.apis:
            api.start()
        for index in range(2):
            wait_until(f"kube-apiserver {index} ready", lambda i=index: self.ready(i), 90)
        # Only what pods, namespaces and aggregated roles need; bound to one core's worth of work.
        self.process(
            "kube-controller-manager", self.program("kube-controller-manager"), "--kubeconfig", self.kubeconfig("controllers", self.api_url(0)),
            "--authentication-skip-lookup", f"--service-account-private-key-file={self.pki.folder}/sa.key",
            f"--root-ca-file={self.pki.crt('serving-ca')}", "--use-service-account-credentials=true", f"--bind-address={HOST}",
            f"--secure-port={free_port(16457)}", "--leader-elect=false",
            "--controllers=serviceaccount-controller,namespace-controller,clusterrole-aggregation-controller").start()
        self.process("fakekubelet", self.program("fakekubelet"), "-addr", f"{HOST}:{self.kubelet_port}").start()

    def start_etcd(self):
        client, peer = f"http://{HOST}:{self.etcd_port}", f"http://{HOST}:{free_port(self.etcd_port + 1)}"
        etcd = self.process(
            "etcd", self.program("etcd"), "--data-dir", self.path("etcd-data"), "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--unsafe-no-fsync", "--log-level", "warn").start()

        def healthy():
            try:
                return urllib.request.urlopen(client + "/health", timeout=2).status == 200
            except OSError:
                if not etcd.alive():
                    raise Failure(f"etcd ended:\n{etcd.tail()}") from None
                return False
        wait_until("etcd healthy", healthy, 30)

    def make_api(self, index):
        pki = self.pki
        return self.process(
            f"kube-apiserver-{index}", self.program("kube-apiserver"), f"--etcd-servers=http://{HOST}:{self.etcd_port}",
            f"--bind-address={self.bind}", f"--secure-port={self.api_ports[index]}", f"--advertise-address={HOST}", "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--tls-cert-file={pki.crt('kube-apiserver')}", f"--tls-private-key-file={pki.key('kube-apiserver')}",
            f"--client-ca-file={pki.crt('client-ca')}",
            f"--requestheader-client-ca-file={pki.crt('front-proxy-ca')}", "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-uid-headers=X-Remote-Uid", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={pki.folder}/sa.pub",
            f"--service-account-signing-key-file={pki.folder}/sa.key", "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", f"--token-auth-file={self.path('tokens.csv')}", "--enable-bootstrap-token-auth=true",
            "--allow-privileged=true", "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={self.path('audit-policy.yaml')}", f"--audit-log-path={self.audit_log(index)}")

    def audit_log(self, index):
        return self.path(f"audit-{index}.log")

    def audit_events(self, marker):
        """Events of both servers whose request URI holds `marker`."""
        events = []
        for index in range(2):
            with open(self.audit_log(index), errors="replace") as f:
                events += [json.loads(line) for line in f if marker in line and line.endswith("}\n")]
        return [event for event in events if marker in event["requestURI"]]

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
