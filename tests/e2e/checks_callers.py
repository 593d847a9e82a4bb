# SPDX-License-Identifier: Apache-2.0
"""Every other way to be somebody, against a gate of its own with everything on; each answer is compared with an API server's own."""
import base64
import http.client
import json
import time

from bed import HOST, TOKEN
from gate import Gate
from suite import check, expect, expect_equal, role_binding

BOOTSTRAP_TOKEN = "abcdef.0123456789abcdef"
ISSUER = "https://kubernetes.default.svc"
RBAC = {"apiGroup": "rbac.authorization.k8s.io"}
ASKED = ("/version", "/api/v1/namespaces/ns1/pods?limit=1", "/api/v1/namespaces/ns2/secrets?limit=1", "/api/v1/nodes/n1", "/metrics")


def cluster_role(name, *rules):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}


def cluster_binding(called, role, **subject):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": called},
            "roleRef": {**RBAC, "kind": "ClusterRole", "name": role}, "subjects": [{**RBAC, **subject}]}


def rule(verbs, groups, resources, names=()):
    return {"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": list(names)}


def prepare(w):
    """Objects for these checks, and the gate that judges every caller."""
    url = w.bed.api_url(0)
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
              "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"},
              "data": {key: base64.b64encode(value.encode()).decode() for key, value in {
                  "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
                  "auth-extra-groups": "system:bootstrappers:e2e"}.items()}}
    w.kubectl("admin", "apply", "-n", "kube-system", "-f", "-", url=url, stdin=json.dumps(secret))
    w.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}}, url=url)
    w.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p2", "namespace": "ns1"}, "spec": {
        "nodeName": "n2", "tolerations": [{"operator": "Exists"}], "containers": [{"name": "c", "image": "i"}]}}, url=url)
    for name, user in (("tina-reads", "tina"), ("bot-reads", "system:serviceaccount:ns1:default"), ("behind-reads", "behind")):
        w.apply(role_binding(name, "ns1", "Role", "reader", user), url=url)
    w.apply(
        cluster_role("gatehouse", rule(["create"], ["authentication.k8s.io"], ["tokenreviews"]),
                     rule(["get"], ["", "storage.k8s.io", "coordination.k8s.io", "resource.k8s.io"], ["*"])),
        cluster_binding("gatehouse", "gatehouse", kind="User", name="gatehouse"),
        cluster_role("to-be-dave", rule(["impersonate"], [""], ["users"], ["dave"])),
        cluster_binding("erin-is-dave", "to-be-dave", kind="User", name="erin"),
        cluster_role("to-be-bob", rule(["impersonate:user-info"], ["authentication.k8s.io"], ["users"], ["bob"]),
                     rule(["impersonate-on:user-info:list"], [""], ["pods"])),
        cluster_binding("dave-lists-as-bob", "to-be-bob", kind="User", name="dave"),
        cluster_role("sees-pods", rule(["get", "list"], [""], ["pods"])), cluster_binding("bob-sees-pods", "sees-pods", kind="User", name="bob"), url=url)
    with open(w.bed.path("bootstrap-token.json"), "w") as f:
        json.dump(secret, f)
    objects = w.kubectl("admin", "get", "nodes,pods,persistentvolumes,persistentvolumeclaims", "-A", "-o", "json", url=url)
    with open(w.bed.path("node-graph.json"), "w") as f:
        f.write(objects)
    pki = w.bed.pki
    w.callers = Gate(w.bed, w.gate.binary, w.gate.road, "callers", (
        "--client-cert-mode", "request", "--anonymous-auth", "--authorization-mode", "Node,RBAC", "--node-graph", w.bed.path("node-graph.json"),
        "--enable-admission-plugins", "NodeRestriction", "--token-auth-file", w.bed.path("tokens.csv"),
        "--enable-bootstrap-token-auth", "--bootstrap-token-secrets", w.bed.path("bootstrap-token.json"),
        "--service-account-key-file", f"{pki.folder}/sa.pub", "--service-account-issuer", ISSUER, "--authentication-token-webhook",
        "--requestheader-client-ca-file", pki.crt("front-proxy-ca"), "--requestheader-allowed-names", "aggregator"), workers=1)
    # One worker: which mode of impersonation is tried first is remembered, by an API server and by a worker, and decides which refusal is shown.
    w.callers.export_policy()
    w.callers.start()


def ask(w, url, path, user=None, headers=None):
    """(status, Status or None) of a GET."""
    connection = http.client.HTTPSConnection(url.removeprefix("https://"), context=w.bed.tls(user), timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.status >= 400 else None
    finally:
        connection.close()


def compare(w, what, user=None, headers=None, allowed=(), own_user=None, own_headers=None):
    """Each path at the gate and at an API server: the same status and the same refusal. `allowed`: paths that must be answered 200."""
    for path in ASKED:
        own = ask(w, w.bed.api_url(0), path, own_user or user, headers if own_headers is None else own_headers)
        ours = ask(w, w.callers.url, path, user, headers)
        expect_equal(ours, own, f"{what}: {path}")
        if path in allowed:
            expect_equal(ours[0], 200, f"{what}: {path}")


def bearer(token):
    return {"Authorization": "Bearer " + token}


@check("gate_with_every_authenticator_starts", gate_only=True)
def start(w):
    prepare(w)


@check("token_file_users_are_judged_alike", gate_only=True)
def token_file(w):
    compare(w, "tina", headers=bearer(TOKEN), allowed=ASKED[:2])
    compare(w, "a token nobody knows", headers=bearer("nobodys"))
    compare(w, "an empty token", headers={"Authorization": "Bearer "})


@check("bootstrap_tokens_are_judged_alike", gate_only=True)
def bootstrap(w):
    compare(w, "a bootstrap token", headers=bearer(BOOTSTRAP_TOKEN), allowed=ASKED[:1])
    compare(w, "a bootstrap token with another secret", headers=bearer("abcdef.0123456789abcdee"))


@check("service_account_tokens_are_judged_alike", gate_only=True)
def service_account(w):
    token = w.kubectl("admin", "create", "token", "default", "-n", "ns1", "--duration=10m", url=w.bed.api_url(0)).strip()
    compare(w, "a service account", headers=bearer(token), allowed=ASKED[:2])
    compare(w, "with a bit of its signature changed", headers=bearer(token[:-4] + ("A" if token[-4] != "A" else "B") + token[-3:]))
    vault = w.kubectl("admin", "create", "token", "default", "-n", "ns1", "--audience=vault", url=w.bed.api_url(0)).strip()
    compare(w, "a token for another audience", headers=bearer(vault))
    own = json.loads(w.kubectl("admin", "auth", "whoami", "-o", "json", "--token=" + token, url=w.bed.api_url(0)))
    expect_equal(own["kind"], "SelfSubjectReview", "whoami")


@check("anonymous_is_judged_alike", gate_only=True)
def anonymous(w):
    compare(w, "nobody", allowed=ASKED[:1])
    compare(w, "a stranger's certificate", user="stranger")


@check("a_certificate_wins_over_a_token", gate_only=True)
def both(w):
    compare(w, "dave with tina's token", user="dave", headers=bearer(TOKEN))
    compare(w, "dave with a bad token", user="dave", headers=bearer("nobodys"))


@check("front_proxy_says_who_is_calling", gate_only=True)
def front_proxy(w):
    said = {"X-Remote-User": "behind", "X-Remote-Group": "dev"}
    compare(w, "behind a front proxy", user="aggregator", headers=said, own_user="front-proxy", allowed=ASKED[:2])
    compare(w, "a front proxy that says nothing", user="aggregator", own_user="front-proxy")
    compare(w, "somebody else who says so", user="nobody", headers={"X-Remote-User": "behind"}, own_headers={})
    # signed by the front proxies' CA, but of a name that is not allowed
    expect_equal(ask(w, w.callers.url, "/version", "front-proxy", {"X-Remote-User": "behind"})[0], 401, "a front proxy of another name")


@check("impersonation_is_judged_alike", gate_only=True)
def impersonation(w):
    for what, user, headers in (
            ("erin as dave", "erin", {"Impersonate-User": "dave"}), ("erin as dave in a group", "erin", {"Impersonate-User": "dave", "Impersonate-Group": "dev"}),
            ("erin as admin", "erin", {"Impersonate-User": "admin"}), ("a group without a user", "erin", {"Impersonate-Group": "system:masters"}),
            ("an extra without a user", "erin", {"Impersonate-Extra-Scopes": "a"}), ("dave as bob", "dave", {"Impersonate-User": "bob"}),
            ("admin as a service account", "admin", {"Impersonate-User": "system:serviceaccount:ns1:default"}),
            ("admin as a node", "admin", {"Impersonate-User": "system:node:n1"}), ("admin as anonymous", "admin", {"Impersonate-User": "system:anonymous"}),
            ("admin as somebody with everything", "admin", {"Impersonate-User": "x", "Impersonate-Group": "dev", "Impersonate-Uid": "7",
                                                            "Impersonate-Extra-Scopes": "a"}), ("nobody as dave", "nobody", {"Impersonate-User": "dave"})):
        compare(w, what, user=user, headers=headers)
    expect("p1" in w.kubectl("erin", "get", "pods", "-n", "ns1", "-o", "name", "--as=dave", url=w.callers.url), "erin as dave does not see p1")
    own = json.loads(w.kubectl("admin", "auth", "whoami", "-o", "json", "--as=x", "--as-group=g", "--as-uid=7", url=w.bed.api_url(0)))["status"]
    ours = json.loads(w.kubectl("admin", "auth", "whoami", "-o", "json", "--as=x", "--as-group=g", "--as-uid=7", url=w.callers.url))["status"]
    expect_equal(ours, own, "whoami as somebody else")


def node_lines(w, url, content_type):
    with_node = w.helper_at("node-n1", url, "nodeclient", "-content-type", content_type)
    with with_node as running:
        return running.finish(60)


@check("nodes_are_judged_alike_in_json", gate_only=True)
def nodes_json(w):
    nodes(w, "application/json")


@check("nodes_are_judged_alike_in_protobuf", gate_only=True)
def nodes_protobuf(w):
    nodes(w, "application/vnd.kubernetes.protobuf")


def nodes(w, content_type):
    own, ours = (node_lines(w, url, content_type) for url in (w.bed.api_url(0), w.callers.url))
    expect(len(own) > 30, f"too few to tell: {own}")
    differ = [(a, b) for a, b in zip(own, ours) if a != b]
    expect(not differ and len(own) == len(ours), f"(API server, gate): {differ}")
    refused = sum(": ok" not in line for line in own)
    by_us = sum(w.callers.metrics("gatehouse_admission_refused_total").values())
    w.note(f"{len(own)} acts, {refused} refused; refused by admission of the gate so far: {by_us:.0f}")
    expect(by_us > 0, "the gate's own admission refused nothing")


@check("gate_with_every_authenticator_stops", gate_only=True)
def stop(w):
    begin = time.monotonic()
    w.callers.terminate()
    expect_equal(w.callers.process.wait(15), 0, "exit status")
    w.note(f"ended {time.monotonic() - begin:.1f} s after SIGTERM")
    log = open(w.callers.process.log, errors="replace").read() + open(w.callers.access_log, errors="replace").read()
    for secret in (TOKEN, BOOTSTRAP_TOKEN.split(".")[1]):
        expect(secret not in log, f"a token is in the log of {HOST}'s gate")
