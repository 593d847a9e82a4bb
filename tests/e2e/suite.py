# SPDX-License-Identifier: Apache-2.0
"""What checks share: their list, the world they run in, kubectl and HTTP as one of the bed's users."""
import http.client
import json
import os
import subprocess
import threading
import time
import traceback

from bed import HOST, Failure, wait_until

ALL = []


def check(name, gate_only=False):
    """Registers a check. Checks run in the order of the modules that hold them; gate_only ones make no sense against the API server."""
    def keep(function):
        ALL.append((name, gate_only, function))
        return function
    return keep


def expect(true, *why):
    if not true:
        raise Failure(" ".join(str(word) for word in why))


def expect_equal(found, wanted, what="value"):
    expect(found == wanted, f"{what}: found {found!r}, wanted {wanted!r}")


class World:
    """The front (gatehouse, or an API server with --direct) and the bed behind it."""

    def __init__(self, bed, gate):
        self.bed, self.gate = bed, gate
        self.url = gate.url if gate else bed.api_url(1)
        self.address = gate.address if gate else (HOST, bed.api_ports[1])
        self.other_source = gate.link.other_source if gate else "127.0.0.9"  # a client's second address
        self.notes = []

    def note(self, text):
        """A figure worth showing that is no verdict."""
        self.notes.append(text)

    # kubectl

    def command(self, user, *words, url=None):
        return [self.bed.program("kubectl"), "--kubeconfig", self.bed.kubeconfig(user, url or self.url), *words]

    def environment(self, **more):
        return {**os.environ, "HOME": self.bed.folder, "KUBECONFIG": "", **more}

    def kubectl(self, user, *words, stdin="", status=0, url=None, timeout=60, spdy=False):
        """kubectl's standard output. Another exit status than the wanted one is a failure; status=None takes any and gives (status, out, err)."""
        more = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"} if spdy else {}
        try:
            done = subprocess.run(self.command(user, *words, url=url), input=stdin, capture_output=True, text=True, timeout=timeout,
                                  env=self.environment(**more))
        except subprocess.TimeoutExpired as late:
            raise Failure(f"kubectl {' '.join(words)}: no end after {timeout} s; out {late.stdout!r}, err {late.stderr!r}") from None
        if status is None:
            return done.returncode, done.stdout, done.stderr
        expect(done.returncode == status, f"kubectl {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()} {done.stdout.strip()[:300]}")
        return done.stdout

    def run(self, user, *words, **options):
        return Running(self.command(user, *words), self.environment(**options))

    def helper(self, user, name, *words):
        """One of testbed/cmd's programs, which end when their standard input does."""
        return self.helper_at(user, self.url, name, *words)

    def helper_at(self, user, url, name, *words):
        return Running([self.bed.program(name), "-kubeconfig", self.bed.kubeconfig(user, url), *words], self.environment())

    # HTTP/1.1

    def request(self, user, method, path, body=None, headers=None, url=None, source=None):
        """(status, body, headers by lower-case name) over a connection of its own."""
        address = url.removeprefix("https://") if url else f"{self.address[0]}:{self.address[1]}"
        connection = http.client.HTTPSConnection(address, context=self.bed.tls(user), timeout=30, source_address=(source, 0) if source else None)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    # configuration of the cluster

    def apply(self, *objects, user="admin", namespace="ns1", url=None):
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl(user, "apply", "-n", namespace, "-f", "-", stdin=json.dumps(listed), url=url)


def config_map(name, namespace="ns1", labels=None, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, "data": data}


def role_binding(name, namespace, role_kind, role, user):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}


class Running:
    """A client that runs beside the checks; its output lines are kept as they come."""

    def __init__(self, command, environment):
        self.lines, self.errors = [], []
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.readers = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.child.stdout, self.lines), (self.child.stderr, self.errors))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def alive(self):
        return self.child.poll() is None

    def wait_line(self, wanted, seconds=20):
        """Waits for a line that holds `wanted`."""
        def there():
            if any(wanted in line for line in self.lines):
                return True
            expect(self.alive() or any(r.is_alive() for r in self.readers), f"it ended before {wanted!r}: {self.lines[-3:]} {self.errors[-3:]}")
            return False
        try:
            wait_until(f"line {wanted!r}", there, seconds)
        except Failure as late:
            raise Failure(f"{late}; it said {self.lines[-3:]} {self.errors[-3:]}") from None

    def finish(self, seconds=30):
        """Ends its standard input and gives all its lines."""
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failure(f"no end {seconds} s after its standard input ended; it said {self.lines[-3:]} {self.errors[-3:]}") from None
        for reader in self.readers:
            reader.join()
        return self.lines

    def stop(self):
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for reader in self.readers:
            reader.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run_all(world, only):
    """Runs the checks, prints a line for each, gives (passed, failed)."""
    passed = failed = 0
    for name, gate_only, function in ALL:
        if (gate_only and not world.gate) or (only and not only.search(name)):
            continue
        begin = time.monotonic()
        try:
            function(world)
        except Exception as error:  # whatever goes wrong in a check is that check's failure
            failed += 1
            text = str(error) if isinstance(error, Failure) else "".join(traceback.format_exception(error)[-2:])
            print(f"FAILED {name} {' '.join(text.split())[:2000]}", flush=True)
        else:
            passed += 1
            print(f"ok {name}", flush=True)
        if time.monotonic() - begin > 10:
            world.note(f"took {time.monotonic() - begin:.0f} s")
        for text in world.notes:
            print(f"   {text}", flush=True)
        world.notes.clear()
    return passed, failed
