# SPDX-License-Identifier: Apache-2.0
"""Starts the bed and gatehouse in front of it, runs every check, prints `ok NAME` or `FAILED NAME why` and last `N passed, N failed`.

Called by scripts/e2e, which builds what is needed. Exit status 0 only if every check passed.
"""
import argparse
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time

from bed import HOST, Bed, Failure, wait_until
from gate import Gate
from link import enter_namespace
from suite import World, config_map, role_binding, run_all
# The order of these is the order of the checks.
import checks_verbs  # noqa: F401
import checks_streams  # noqa: F401
import checks_identity  # noqa: F401
import checks_callers  # noqa: F401
import checks_change  # noqa: F401

RBAC = "rbac.authorization.k8s.io"


def role(name, namespace, *rules):
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": name, "namespace": namespace}, "rules": list(rules)}


def populate(world):
    """Namespaces, a node with a running pod, and the rights of dave (reads a little) and erin (the aggregated ClusterRole edit)."""
    url = world.bed.api_url(0)

    def apply(*objects):
        return world.apply(*objects, url=url)
    reads = {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list", "watch"]}
    spaces = ("ns1", "ns2", "quiet")
    world.kubectl("admin", "apply", "-f", "-", url=url, stdin=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces]}))
    for space in ("ns1", "quiet"):
        world.apply(role("reader", space, reads), role_binding("dave-reads", space, "Role", "reader", "dave"), namespace=space, url=url)
    apply(role_binding("erin-edits", "ns1", "ClusterRole", "edit", "erin"))
    apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    status = {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}], "daemonEndpoints": {"kubeletEndpoint": {"Port": world.bed.kubelet_port}}}}
    world.kubectl("admin", "patch", "node", "n1", "--subresource=status", "--type=merge", "-p", json.dumps(status), url=url)

    def ask(*words):
        return world.kubectl("admin", *words, url=url, status=None)
    wait_until("the default service account", lambda: ask("get", "serviceaccount", "default", "-n", "ns1")[0] == 0, 60, 0.2)
    apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p1", "namespace": "ns1"}, "spec": {
        "nodeName": "n1", "tolerations": [{"operator": "Exists"}], "containers": [{"name": "c", "image": "i", "stdin": True, "tty": False}]}})
    running = {"status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
        {"name": "c", "image": "i", "imageID": "i", "ready": True, "restartCount": 0, "state": {"running": {}}}]}}
    world.kubectl("admin", "patch", "pod", "p1", "-n", "ns1", "--subresource=status", "--type=merge", "-p", json.dumps(running), url=url)
    apply(config_map("one-of-ns1"))
    wait_until("the rules of ClusterRole edit", lambda: "pods/exec" in ask("get", "clusterrole", "edit", "-o", "yaml")[1], 60, 0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="folder with kube-apiserver, etcd, kubectl and the helpers")
    parser.add_argument("--gatehouse", help="the binary to check")
    parser.add_argument("--direct", action="store_true", help="no gatehouse: run the checks that make sense against an API server itself")
    parser.add_argument("--road", default="auto", choices=["auto", "uring", "epoll", "dpdk"])
    parser.add_argument("--only", type=re.compile, help="only checks whose names match this regular expression")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, keys and audit logs (kept anyway when a check fails)")
    parser.add_argument("--stay", action="store_true", help="no checks: leave everything running until interrupted")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    if options.road == "dpdk" and not options.direct:
        enter_namespace()
    folder = tempfile.mkdtemp(prefix="gatehouse-e2e.")
    begin = time.monotonic()
    bed = Bed(options.programs, folder, "0.0.0.0" if options.road == "dpdk" else HOST)
    passed, failed = 0, 1
    try:
        bed.start()
        gate = None if options.direct else Gate(bed, options.gatehouse, options.road)
        world = World(bed, gate)
        populate(world)
        if gate:
            gate.export_policy()
            gate.start()
            world.memory_at_start = gate.process.memory()
        print(f"the bed is up after {time.monotonic() - begin:.1f} s: {world.url}", flush=True)
        if options.stay:
            for user in ("admin", "erin", "dave", "nobody"):
                print(f"{bed.program('kubectl')} --kubeconfig {bed.kubeconfig(user, world.url)} get pods -n ns1")
            signal.pause()
        passed, failed = run_all(world, options.only)
    except Failure as failure:
        print(f"FAILED to start: {failure}")
    except KeyboardInterrupt:
        failed = 1
    finally:
        bed.stop()
        if failed or options.keep:
            print(f"logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"took {time.monotonic() - begin:.0f} s")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
