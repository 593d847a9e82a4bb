# SPDX-License-Identifier: Apache-2.0
"""kubectl's everyday verbs, as a user whose rights come from an aggregated ClusterRole bound in one namespace."""
import base64
import hashlib
import json
import os
import subprocess
import time

from suite import Running, check, config_map, expect, expect_equal

WATCH_SECONDS = 121


@check("watch_starts")
def watch_starts(w):
    """Two watches of a namespace where nothing happens, over HTTP/2 (kubectl) and HTTP/1.1; checks_change.py looks at them again."""
    w.watch_began = time.monotonic()
    w.quiet_watch = w.run("dave", "get", "configmaps", "-n", "quiet", "--watch", "-o", "name")
    pki = w.bed.pki
    w.quiet_watch_http1 = Running(
        ["curl", "-sSN", "--http1.1", "--cacert", pki.crt("serving-ca"), "--cert", pki.crt("dave"), "--key", pki.key("dave"),
         w.url + "/api/v1/namespaces/quiet/configmaps?watch=true"], w.environment())
    w.apply(config_map("before", "quiet"), namespace="quiet", url=w.bed.api_url(0))
    w.quiet_watch.wait_line("configmap/before")
    w.quiet_watch_http1.wait_line('"before"')


@check("version_and_discovery")
def version_and_discovery(w):
    expect("v1.36.3" in w.kubectl("nobody", "version"), "kubectl version does not show the server's")
    resources = w.kubectl("erin", "api-resources", "-o", "name")
    expect("configmaps" in resources and "clusterroles.rbac.authorization.k8s.io" in resources, "api-resources is not whole")


@check("explain_openapi")
def explain_openapi(w):
    expect("nodeName" in w.kubectl("erin", "explain", "pod.spec"), "kubectl explain does not know pod.spec.nodeName")


@check("create_get")
def create_get(w):
    w.kubectl("erin", "create", "configmap", "one", "-n", "ns1", "--from-literal=a=b")
    expect_equal(w.kubectl("erin", "get", "configmap", "one", "-n", "ns1", "-o", "jsonpath={.data.a}"), "b")


@check("create_again_is_a_conflict")
def create_again(w):
    _, _, error = w.kubectl("erin", "create", "configmap", "one", "-n", "ns1", "--from-literal=a=b", status=None)
    expect('configmaps "one" already exists' in error, error)


@check("get_what_is_not_there")
def not_found(w):
    _, _, error = w.kubectl("erin", "get", "configmap", "absent", "-n", "ns1", status=None)
    expect_equal(error.strip(), 'Error from server (NotFound): configmaps "absent" not found')


@check("apply_client_side")
def apply_client_side(w):
    w.apply(config_map("applied", k="1"), user="erin")
    expect("configured" in w.apply(config_map("applied", k="2"), user="erin"), "the second apply changed nothing")
    expect_equal(w.kubectl("erin", "get", "configmap", "applied", "-n", "ns1", "-o", "jsonpath={.data.k}"), "2")


@check("apply_server_side")
def apply_server_side(w):
    def apply(value, manager, status=0):
        return w.kubectl("erin", "apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=json.dumps(config_map("ssa", k=value)), status=status)
    apply("1", "first")
    status, _, error = apply("2", "second", status=None)
    expect(status == 1 and 'with "first"' in error, "a conflict of managers was not told:", error)
    w.kubectl("erin", "apply", "--server-side", "--force-conflicts", "--field-manager", "second", "-f", "-", stdin=json.dumps(config_map("ssa", k="2")))
    expect_equal(w.kubectl("erin", "get", "configmap", "ssa", "-n", "ns1", "-o", "jsonpath={.data.k}"), "2")


@check("patch_merge_json_strategic")
def patch(w):
    w.kubectl("erin", "patch", "configmap", "one", "-n", "ns1", "--type=merge", "-p", '{"data":{"m":"1"}}')
    w.kubectl("erin", "patch", "configmap", "one", "-n", "ns1", "--type=json", "-p", '[{"op":"add","path":"/data/j","value":"1"}]')
    w.kubectl("erin", "patch", "configmap", "one", "-n", "ns1", "--type=strategic", "-p", '{"data":{"s":"1"}}')
    expect_equal(json.loads(w.kubectl("erin", "get", "configmap", "one", "-n", "ns1", "-o", "json"))["data"], {"a": "b", "m": "1", "j": "1", "s": "1"})


@check("replace_label_annotate_scale")
def replace(w):
    one = json.loads(w.kubectl("erin", "get", "configmap", "one", "-n", "ns1", "-o", "json"))
    one["data"] = {"replaced": "yes"}
    w.kubectl("erin", "replace", "-n", "ns1", "-f", "-", stdin=json.dumps(one))
    w.kubectl("erin", "label", "configmap", "one", "-n", "ns1", "colour=green")
    w.kubectl("erin", "annotate", "configmap", "one", "-n", "ns1", "note=a b")
    expect_equal(w.kubectl("erin", "get", "configmaps", "-n", "ns1", "-l", "colour=green", "-o", "jsonpath={.items[*].data.replaced}"), "yes")
    w.kubectl("erin", "create", "deployment", "d", "-n", "ns1", "--image=i", "--replicas=0")
    w.kubectl("erin", "scale", "deployment", "d", "-n", "ns1", "--replicas=2")
    expect_equal(w.kubectl("erin", "get", "deployment", "d", "-n", "ns1", "-o", "jsonpath={.spec.replicas}"), "2")


@check("list_in_chunks")
def list_chunks(w):
    w.apply(*[config_map(f"many-{n:02}", labels={"many": "yes"}, n=str(n)) for n in range(30)], user="erin")
    names = w.kubectl("erin", "get", "configmaps", "-n", "ns1", "-l", "many=yes", "--chunk-size=7", "-o", "name").split()
    expect_equal(len(names), 30, "names in the list")


@check("large_objects_both_ways")
def large_objects(w):
    blob = base64.b64encode(os.urandom(600_000)).decode()
    w.kubectl("erin", "create", "-f", "-", stdin=json.dumps(config_map("large", blob=blob)))
    for version in ("--http1.1", "--http2"):
        found = json.loads(curl(w, "erin", version, "/api/v1/namespaces/ns1/configmaps/large"))["data"]["blob"]
        expect_equal(hashlib.sha256(found.encode()).hexdigest(), hashlib.sha256(blob.encode()).hexdigest(), f"digest over {version}")
    too_much = json.dumps(config_map("too-large", blob="x" * 4_000_000))
    status, body, _ = w.request("erin", "POST", "/api/v1/namespaces/ns1/configmaps", too_much, {"Content-Type": "application/json"})
    expect(status in (413, 422), f"a body over the API server's limit gave {status} {body[:200]}")


@check("http_versions")
def http_versions(w):
    for flag, version in (("--http1.1", "1.1"), ("--http2", "2")):
        for tls in ("1.2", "1.3"):
            found = curl(w, "dave", flag, "/api/v1/namespaces/ns1/configmaps?limit=1", "--tls-max", tls, "-o", "/dev/null", "-w", "%{http_code} %{http_version}")
            expect_equal(found, f"200 {version}", f"{flag} --tls-max {tls}")


@check("head_and_conditional_requests")
def head(w):
    found = curl(w, "dave", "--http1.1", "/api/v1/namespaces/ns1/configmaps/one", "--head", "-w", "%{http_code} %{size_download}", "-o", "/dev/null")
    expect(found.split()[0] in ("200", "405"), "HEAD gave", found)
    etag = w.request("dave", "GET", "/openapi/v2")[2].get("etag", "")
    status, body, _ = w.request("dave", "GET", "/openapi/v2", headers={"If-None-Match": etag})
    expect(status == 304 and body == b"", f"If-None-Match {etag} gave {status} and {len(body)} bytes")


@check("expect_100_continue")
def expect_continue(w):
    found = curl(w, "erin", "--http1.1", "/api/v1/namespaces/ns1/configmaps", "-H", "Expect: 100-continue", "-H", "Content-Type: application/json",
                 "--data-binary", json.dumps(config_map("expected", blob="y" * 100_000)), "-o", "/dev/null", "-w", "%{http_code}")
    expect_equal(found, "201", "status")


@check("gzip_answers_stay_as_they_are")
def gzip_answers(w):
    status, body, headers = w.request("dave", "GET", "/openapi/v2", headers={"Accept-Encoding": "gzip"})
    expect(status == 200 and headers.get("content-encoding") == "gzip" and body[:2] == b"\x1f\x8b", f"{status} {headers} {body[:4]}")


@check("protobuf_answers")
def protobuf(w):
    status, body, _ = w.request("dave", "GET", "/api/v1/namespaces/ns1/configmaps", headers={"Accept": "application/vnd.kubernetes.protobuf"})
    expect(status == 200 and body[:4] == b"k8s\0", f"{status} {body[:8]}")


@check("delete")
def delete(w):
    w.kubectl("erin", "delete", "configmap", "one", "-n", "ns1")
    _, _, error = w.kubectl("erin", "get", "configmap", "one", "-n", "ns1", status=None)
    expect("not found" in error, error)


@check("delete_collection")
def delete_collection(w):
    status, _, _ = w.request("erin", "DELETE", "/api/v1/namespaces/ns1/configmaps?labelSelector=many%3Dyes")
    expect_equal(status, 200, "status")
    expect_equal(w.kubectl("erin", "get", "configmaps", "-n", "ns1", "-l", "many=yes", "-o", "name"), "", "what is left")


@check("wait_for_a_condition")
def wait_condition(w):
    with w.run("erin", "wait", "--for=jsonpath={.data.go}=yes", "configmap/applied", "-n", "ns1", "--timeout=20s") as waiting:
        w.kubectl("erin", "patch", "configmap", "applied", "-n", "ns1", "--type=merge", "-p", '{"data":{"go":"yes"}}')
        waiting.wait_line("condition met")


def curl(w, user, version, path, *more):
    pki = w.bed.pki
    command = ["curl", "-sS", version, "--max-time", "30", "--cacert", pki.crt("serving-ca"), "--cert", pki.crt(user), "--key", pki.key(user), *more, w.url + path]
    done = subprocess.run(command, capture_output=True, text=True)
    expect(done.returncode == 0, f"curl {version} {path}: exit {done.returncode} {done.stderr.strip()}")
    return done.stdout
