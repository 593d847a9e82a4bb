# SPDX-License-Identifier: Apache-2.0
"""The servers that scripts/bench-peers compares, each as a reverse proxy that demands client certificates, in front of the same API server's stand-in.

In: a folder with certificates, ports.   Out: the command and configuration of each. One thread, no access log, TLS 1.2 and 1.3, X25519 first, tickets,
HTTP/2 and HTTP/1.1 from clients, TLS with a client certificate to the stand-in: over HTTP/2 where the server can, connections kept.
"""
import glob
import json
import os
import re
import shutil
import subprocess

POLICY = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: demo}
rules:
- {apiGroups: [""], resources: [pods, configmaps], verbs: [get, list, watch]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: demo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: Group, name: clients, apiGroup: rbac.authorization.k8s.io}]
"""
SMALL = "/api/v1/namespaces/demo/pods?limit=500"
LARGE = "/api/v1/namespaces/demo/configmaps/large"
WATCH = "/apis/coordination.k8s.io/v1/namespaces/demo/leases?watch=1"

HAPROXY = """global
  nbthread 1
  maxconn 9500
  {more}
defaults
  mode http
  backlog 4096
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse {reuse}
"""


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def bundle(pki, name):
    with open(pki.crt(name)) as crt, open(pki.key(name)) as key:
        return write(os.path.join(pki.folder, name + ".pem"), crt.read() + key.read())


def stand_in(folder, pki, port, events_port):
    """HAProxy as the API server: 1 KiB, 64 KiB, and watches passed on to events.py."""
    small, large = (write(os.path.join(folder, f"{size}.json"), "x" * size) for size in (1024, 65536))
    config = HAPROXY.format(more="tune.bufsize 131072", reuse="never") + f"""frontend api
  bind 127.0.0.1:{port} ssl crt {bundle(pki, 'api')} ca-file {pki.crt('ca')} verify required alpn h2,http/1.1
  http-request return status 200 content-type application/json file {large} if {{ path_beg /api/v1/namespaces/demo/configmaps/ }}
  http-request return status 200 content-type application/json file {small} unless {{ path_beg /apis/ }}
  default_backend events
backend events
  server a 127.0.0.1:{events_port}
"""
    return ["haproxy", "-f", write(os.path.join(folder, "stand-in.cfg"), config)]


class Haproxy:
    name = "HAProxy"

    def version(self):
        return "HAProxy " + subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2]

    def there(self):
        return shutil.which("haproxy")

    def command(self, folder, pki, port, server, upstream):
        config = HAPROXY.format(more="ssl-default-bind-curves X25519:P-256", reuse="always") + f"""frontend gate
  bind 127.0.0.1:{port} ssl crt {bundle(pki, server)} ca-file {pki.crt('ca')} verify required alpn h2,http/1.1 ssl-min-ver TLSv1.2
  default_backend api
backend api
  server a 127.0.0.1:{upstream} ssl crt {bundle(pki, 'proxy')} ca-file {pki.crt('ca')} verify required verifyhost localhost sni str(localhost) alpn h2
"""
        return ["haproxy", "-f", write(os.path.join(folder, "haproxy.cfg"), config)]


class Nginx:
    name = "nginx"

    def version(self):
        return subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().replace("nginx version: nginx/", "nginx ")

    def there(self):
        return shutil.which("nginx")

    def command(self, folder, pki, port, server, upstream):
        forward = f"""proxy_pass https://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost; proxy_read_timeout 600s;
      proxy_ssl_certificate {pki.crt('proxy')}; proxy_ssl_certificate_key {pki.key('proxy')}; proxy_ssl_trusted_certificate {pki.crt('ca')};
      proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3;"""
        config = f"""daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections 19000; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  keepalive_requests 100000000; keepalive_timeout 600s; http2_max_concurrent_streams 1000;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; keepalive_timeout 600s; }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    ssl_certificate {pki.crt(server)}; ssl_certificate_key {pki.key(server)}; ssl_client_certificate {pki.crt('ca')}; ssl_verify_client on;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519:prime256v1; ssl_session_tickets on; ssl_session_cache none;
    location / {{ {forward} }}
    location /apis/ {{ {forward} proxy_buffering off; }}
  }}
}}
"""
        return ["nginx", "-p", folder, "-c", write(os.path.join(folder, "nginx.conf"), config)]


class Envoy:
    name = "Envoy"

    def __init__(self, root):
        found = glob.glob(os.path.join(root, "build/envoy/lib/python3*/site-packages/envoy/_bin/envoy"))
        self.binary = found[0] if found else shutil.which("envoy")

    def version(self):
        text = subprocess.run([self.binary, "--version"], capture_output=True, text=True).stdout
        found = re.search(r"/(\d+\.\d+\.\d+)/", text)
        return f"Envoy {found[1]}" if found else "Envoy"

    def there(self):
        return self.binary

    def command(self, folder, pki, port, server, upstream):
        def files(name):
            return {"certificate_chain": {"filename": pki.crt(name)}, "private_key": {"filename": pki.key(name)}}

        def address(at):
            return {"socket_address": {"address": "127.0.0.1", "port_value": at}}

        v3 = "type.googleapis.com/envoy.extensions."
        trusted = {"trusted_ca": {"filename": pki.crt("ca")}}
        manager = {
            "@type": v3 + "filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "gate", "codec_type": "AUTO",
            "stream_idle_timeout": "0s", "http2_protocol_options": {"max_concurrent_streams": 1000},
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "api", "timeout": "0s"}}]}]},
            "http_filters": [{"name": "router", "typed_config": {"@type": v3 + "filters.http.router.v3.Router"}}]}
        downstream = {
            "@type": v3 + "transport_sockets.tls.v3.DownstreamTlsContext", "require_client_certificate": True,
            "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [files(server)], "validation_context": trusted,
                                   "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519", "P-256"]}}}
        upstream_tls = {
            "@type": v3 + "transport_sockets.tls.v3.UpstreamTlsContext", "sni": "localhost",
            "common_tls_context": {"tls_certificates": [files("proxy")],
                                   "validation_context": {**trusted, "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": "localhost"}}]},
                                   "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"}, "alpn_protocols": ["h2"]}}
        many = {"max_connections": 1000000, "max_pending_requests": 1000000, "max_requests": 1000000}
        config = {"static_resources": {
            "listeners": [{"name": "gate", "address": address(port), "tcp_backlog_size": 4096, "filter_chains": [{
                "filters": [{"name": "http", "typed_config": manager}], "transport_socket": {"name": "tls", "typed_config": downstream}}]}],
            "clusters": [{"name": "api", "type": "STATIC", "connect_timeout": "5s", "circuit_breakers": {"thresholds": [many]},
                          "load_assignment": {"cluster_name": "api", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}]},
                          "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                              "@type": v3 + "upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": 100}}}},
                          "transport_socket": {"name": "tls", "typed_config": upstream_tls}}]}}
        path = write(os.path.join(folder, "envoy.json"), json.dumps(config))
        return [self.binary, "-c", path, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


class Gatehouse:
    def __init__(self, name, binary):
        self.name, self.binary = f"gatehouse {name}", binary

    def version(self):
        return subprocess.run([self.binary, "version"], capture_output=True, text=True).stdout.strip() + f" as “{self.name}”"

    def there(self):
        return os.access(self.binary, os.X_OK)

    def command(self, folder, pki, port, server, upstream):
        policy = write(os.path.join(folder, "policy.yaml"), POLICY)
        return [self.binary, "serve", "--listen", f"127.0.0.1:{port}", "--tls-cert-file", pki.crt(server), "--tls-private-key-file", pki.key(server),
                "--client-ca-file", pki.crt("ca"), "--upstream", f"https://127.0.0.1:{upstream}", "--upstream-ca-file", pki.crt("ca"),
                "--proxy-client-cert-file", pki.crt("proxy"), "--proxy-client-key-file", pki.key("proxy"), "--policy", policy,
                "--authorization-mode", "RBAC", "--workers", "1", "--admin-listen", "off"]
