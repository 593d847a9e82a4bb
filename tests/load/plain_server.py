# SPDX-License-Identifier: Apache-2.0
"""A small HTTPS server for testing clients: HTTP/1.1, client certificates, answers that are right or wrong in a known way.

In: connections on loopback.   Out: by path: /ok 1 KiB; /missing 404; /short a body that is cut; /slow after 0.3 s; /close without keep-alive;
/watch?… events with the time they were sent; /mute no answer. `connections` counts TLS connections, `peers` the names in client certificates,
`sources` the addresses of clients.
"""
import datetime
import json
import socket
import ssl
import threading
import time
import urllib.parse


class PlainServer:
    def __init__(self, pki, tickets=True, tls=None, client_ca="ca", accept=True):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki.crt("server"), pki.key("server"))
        self.context.set_alpn_protocols(["http/1.1"])
        if client_ca:
            self.context.load_verify_locations(pki.crt(client_ca))
            self.context.verify_mode = ssl.CERT_REQUIRED
        if not tickets:
            self.context.num_tickets = 0
            self.context.options |= ssl.OP_NO_TICKET
        if tls:
            self.context.minimum_version = self.context.maximum_version = tls
        self.connections, self.peers, self.sources, self.requests = 0, set(), set(), []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._stopped = False
        if accept:
            threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path=""):
        return f"https://127.0.0.1:{self.port}{path}"

    def stop(self):
        self._stopped = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while not self._stopped:
            try:
                client, (address, _) = self._listener.accept()
            except OSError:
                return
            self.sources.add(address)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(20)
        try:
            with self.context.wrap_socket(client, server_side=True) as tls:
                name = "".join(value for part in (tls.getpeercert() or {}).get("subject", ()) for key, value in part if key == "commonName")
                with self._lock:
                    self.connections += 1
                    self.peers.add(name)
                with tls.makefile("rwb") as stream:
                    while self._exchange(stream):
                        pass
        except (OSError, ValueError):
            pass

    def _exchange(self, stream):
        line = stream.readline()
        if not line:
            return False
        method, target, _ = line.decode().split(" ", 2)
        headers = {}
        while (field := stream.readline()) not in (b"\r\n", b""):
            name, value = field.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.requests.append((method, target, headers, body))
        return self._answer(stream, urllib.parse.urlsplit(target).path)

    def _answer(self, stream, path):
        body, status, more = b"x" * 1023 + b"\n", "200 OK", ""
        if path == "/missing":
            body, status = b"{}", "404 Not Found"
        elif path == "/slow":
            time.sleep(0.3)
        elif path == "/close":
            more = "Connection: close\r\n"
        elif path == "/short":
            stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
            return False
        elif path == "/mute":
            time.sleep(5)
            return False
        elif path == "/watch":
            return self._watch(stream)
        stream.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
        stream.flush()
        return not more

    def _watch(self, stream):
        stream.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(40):
            sent = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            event = json.dumps({"type": "MODIFIED", "object": {"kind": "Lease", "spec": {"renewTime": sent, "holder": str(number)}}}).encode() + b"\n"
            stream.write(b"%x\r\n%s\r\n" % (len(event), event))
            stream.flush()
            time.sleep(0.05)
        stream.write(b"0\r\n\r\n")
        stream.flush()
        return True
