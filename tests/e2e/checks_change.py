# SPDX-License-Identifier: Apache-2.0
"""Change while it runs: policy, SIGHUP, API servers that stop, start and die under load, and the end of gatehouse itself."""
import http.client
import json
import os
import signal
import time
import uuid

from bed import wait_until
from checks_verbs import WATCH_SECONDS
from suite import check, config_map, expect, expect_equal, role_binding


def seconds_until(w, user, path, status, seconds=5):
    """How long until `path` gives `status`, asked again and again over one connection."""
    connection = http.client.HTTPSConnection(*w.address, context=w.bed.tls(user), timeout=10)
    begin = time.monotonic()
    try:
        while True:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            took = time.monotonic() - begin
            if answer.status == status:
                return took
            expect(took < seconds, f"still {answer.status} after {seconds} s")
            time.sleep(0.01)
    finally:
        connection.close()


@check("policy_change_is_seen_within_a_second", gate_only=True)
def policy_change(w):
    path = "/api/v1/namespaces/ns2/configmaps?limit=1"
    expect_equal(w.request("dave", "GET", path)[0], 403, "before")
    binding = role_binding("dave-views", "ns2", "ClusterRole", "view", "dave")
    w.apply(binding, namespace="ns2")
    w.gate.write_policy("more.yaml", json.dumps(binding))
    granted = seconds_until(w, "dave", path, 200)
    # The other way, by kubectl's own output and with the file gone.
    os.remove(os.path.join(w.gate.policy, "more.yaml"))
    revoked = seconds_until(w, "dave", path, 403)
    w.note(f"granted after {granted * 1000:.0f} ms, revoked after {revoked * 1000:.0f} ms")
    expect(granted < 1 and revoked < 1, f"granted after {granted:.2f} s, revoked after {revoked:.2f} s")
    w.kubectl("admin", "delete", "rolebinding", "dave-views", "-n", "ns2")


@check("a_broken_policy_changes_nothing", gate_only=True)
def broken_policy(w):
    w.gate.write_policy("broken.yaml", "kind: RoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: [\n")
    log = lambda: open(w.gate.process.log, errors="replace").read()
    wait_until("a log line that names the file", lambda: "broken.yaml" in log(), 5)
    expect_equal(w.request("dave", "GET", "/api/v1/namespaces/ns1/configmaps?limit=1")[0], 200, "an allowed request")
    expect_equal(w.request("dave", "GET", "/api/v1/namespaces/ns2/configmaps?limit=1")[0], 403, "a denied request")
    os.remove(os.path.join(w.gate.policy, "broken.yaml"))
    wait_until("the gate to be ready again", w.gate.ready, 5)


@check("sighup_reloads_and_drops_nothing", gate_only=True)
def hang_up(w):
    with w.helper("erin", "load", "-path", "/api/v1/namespaces/ns1/configmaps?limit=1", "-workers", "2", "-rate", "50", "-time", "20s") as load:
        def reloads():
            return sum(w.gate.metrics("gatehouse_reloads_total").values())
        before = reloads()
        for _ in range(3):
            w.gate.hang_up()
            time.sleep(0.3)
        wait_until("the reload is counted", lambda: reloads() > before, 5)
        result = json.loads(load.finish()[-1])
    expect(result["failed"] + result["truncated"] + result["not_dialed"] == 0 and result["answered"] > 20, result)
    expect(w.gate.process.alive(), w.gate.process.tail())


@check("watch_over_two_minutes")
def watch(w):
    """The watches of checks_verbs.py had nothing to say for two minutes; they must still be there and hear the next event."""
    time.sleep(max(0, WATCH_SECONDS - (time.monotonic() - w.watch_began)))
    expect(w.quiet_watch.alive() and w.quiet_watch_http1.alive(), f"a watch ended: {w.quiet_watch.errors} {w.quiet_watch_http1.errors}")
    w.apply(config_map("after", "quiet"), namespace="quiet", url=w.bed.api_url(0))
    w.quiet_watch.wait_line("configmap/after")
    w.quiet_watch_http1.wait_line('"after"')
    w.note(f"open for {time.monotonic() - w.watch_began:.0f} s")
    w.quiet_watch.stop()
    w.quiet_watch_http1.stop()


def tell_informer(w, informer, name):
    """One ConfigMap's life, and the informer hears all of it."""
    w.kubectl("erin", "create", "configmap", name, "-n", "ns1", "--from-literal=a=1")
    informer.wait_line(f"add {name}", 30)
    w.kubectl("erin", "patch", "configmap", name, "-n", "ns1", "--type=merge", "-p", '{"data":{"a":"2"}}')
    informer.wait_line(f"update {name}", 30)
    w.kubectl("erin", "delete", "configmap", name, "-n", "ns1")
    informer.wait_line(f"delete {name}", 30)


@check("informer_hears_add_update_delete")
def informer(w):
    with w.helper("erin", "informer", "-namespace", "ns1") as hearing:
        hearing.wait_line("synced")
        tell_informer(w, hearing, "heard")


@check("api_servers_stop_and_start_under_load", gate_only=True)
def failover(w):
    """One API server is stopped (it says GOAWAY, and is killed while it waits for watches), then the other killed at once, each while requests run; no request that could be sent again may fail."""
    paths = "/api/v1/namespaces/ns1/configmaps?limit=1"
    with w.helper("erin", "informer", "-namespace", "ns1") as hearing, \
            w.helper("erin", "load", "-path", paths, "-workers", "4", "-rate", "40", "-time", "120s") as http2, \
            w.helper("erin", "load", "-path", paths, "-workers", "2", "-rate", "40", "-time", "120s", "-http1") as http1:
        hearing.wait_line("synced")
        for index, how in ((0, signal.SIGTERM), (1, signal.SIGKILL)):
            api = w.bed.apis[index]
            time.sleep(1)
            api.signal(how)
            if api.wait(10) is None:  # as a kubelet does: an API server waits a minute for the watches of others to end
                api.signal(signal.SIGKILL)
                api.wait(10)
            tell_informer(w, hearing, f"while-{index}-is-down")
            api.start()
            wait_until(f"kube-apiserver {index} ready again", lambda: w.bed.ready(index), 60)
            time.sleep(2)  # gatehouse has to see that it is back before the other goes
            tell_informer(w, hearing, f"when-{index}-is-back")
        hearing.finish()
        results = {"HTTP/2": json.loads(http2.finish()[-1]), "HTTP/1.1": json.loads(http1.finish()[-1])}
    for name, result in results.items():
        w.note(f"{name}: {result['answered']} answered, p50 {result['p50_ms']:.1f} ms, p99 {result['p99_ms']:.1f} ms, longest {result['max_ms']:.0f} ms, "
               f"cut off mid-answer {result['truncated']}, told to ask again {result['later']}")
        expect(result["failed"] + result["not_dialed"] == 0, f"{name}: {result}")
        expect(result["answered"] > 200, f"{name}: too few to tell: {result}")


@check("both_api_servers_get_requests", gate_only=True)
def balance(w):
    """After both were away, both are used again."""
    marker = str(uuid.uuid4())
    served = lambda: [sum(marker in line for line in open(w.bed.audit_log(index), errors="replace")) for index in range(2)]

    def ask():
        with w.helper("erin", "load", "-path", f"/api/v1/namespaces/ns1/configmaps?limit=1&x={marker}", "-workers", "8", "-rate", "20", "-time", "20s") as load:
            time.sleep(1)
            load.finish()
        return min(served()) > 0
    wait_until("requests at both", ask, 20)
    w.note(f"{served()} audit events at each")


@check("no_api_server_gives_503", gate_only=True)
def no_upstream(w):
    for api in w.bed.apis:
        api.signal(signal.SIGKILL)
        api.wait(10)
    status, body, headers = w.request("erin", "GET", "/api/v1/namespaces/ns1/configmaps")
    expect(status in (503, 504), f"status {status} {body[:200]}")
    answer = json.loads(body)
    expect_equal((answer["kind"], answer["status"], answer["code"]), ("Status", "Failure", status), "body")
    expect_equal(w.request("nobody", "GET", "/api/v1/namespaces/ns1/configmaps")[0], 403, "a denied request, which needs no API server")
    for index, api in enumerate(w.bed.apis):
        api.start()
    for index in range(2):
        wait_until(f"kube-apiserver {index} ready again", lambda: w.bed.ready(index), 60)
    took = seconds_until(w, "erin", "/api/v1/namespaces/ns1/configmaps?limit=1", 200, 20)
    w.note(f"served again {took:.1f} s after both were ready")


@check("memory_stays_bounded", gate_only=True)
def memory(w):
    now, highest = w.gate.process.memory()
    w.note(f"resident {w.memory_at_start[0] / 1024:.0f} MiB at the start, {now / 1024:.0f} MiB now, {highest / 1024:.0f} MiB at most")
    expect(now < w.memory_at_start[0] + 64 * 1024, "it grew by more than 64 MiB")


@check("sigterm_finishes_what_it_began", gate_only=True)
def terminate(w):
    """Requests in flight end well, open watches are ended, and the exit status is 0."""
    with w.run("erin", "get", "configmaps", "-n", "ns1", "--watch", "-o", "name") as watching, \
            w.helper("erin", "load", "-path", "/api/v1/namespaces/ns1/configmaps?limit=1", "-workers", "4", "-rate", "100", "-time", "30s") as http2, \
            w.helper("erin", "load", "-path", "/api/v1/namespaces/ns1/configmaps?limit=1", "-workers", "4", "-rate", "100", "-time", "30s", "-http1") as http1:
        watching.wait_line("configmap/")
        time.sleep(2)
        begin = time.monotonic()
        w.gate.terminate()
        status = w.gate.process.wait(25)
        w.note(f"ended {time.monotonic() - begin:.1f} s after SIGTERM")
        results = {"HTTP/2": json.loads(http2.finish()[-1]), "HTTP/1.1": json.loads(http1.finish()[-1])}
    expect(status == 0, f"exit status {status}: {w.gate.process.tail()}")
    for name, result in results.items():
        expect(result["answered"] > 50, f"{name}: {result}")
        expect(result["failed"] + result["truncated"] == 0, f"{name}: {result}")
