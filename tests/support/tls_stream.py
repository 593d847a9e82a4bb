# SPDX-License-Identifier: Apache-2.0
"""A TLS connection over memory BIOs: two threads may use it, and how the peer ended it is known.

In: a connected socket and an ssl.SSLContext.   Out: send(), recv(), and `ended`: None while open, then "close_notify",
"fin" (the peer closed TCP without saying so in TLS: a truncation) or "rst".
"""
import socket
import ssl
import struct
import threading


class TlsStream:
    def __init__(self, sock, context, server_side=False, server_name=None):
        self.sock = sock
        self.ended = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side,
                                     server_hostname=server_name)
        self._lock = threading.Lock()       # the TLS object
        self._send_lock = threading.Lock()  # one send() after another; a reader need not wait for it

    def handshake(self):
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                if not self._feed():
                    raise ConnectionError("the peer closed during the handshake") from None
            except ssl.SSLError:
                self._flush()
                raise

    def alpn(self):
        return self._tls.selected_alpn_protocol()

    def _flush(self):
        data = self._outgoing.read()
        if data:
            self.sock.sendall(data)

    def _feed(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "rst"
            return False
        if not data:
            self.ended = self.ended or "fin"
            return False
        self._incoming.write(data)
        return True

    def send(self, data):
        """Raises OSError when the peer is gone."""
        view = memoryview(data)
        with self._send_lock:
            while view:
                with self._lock:
                    try:
                        self._tls.write(view[:16384])
                    except ssl.SSLError as error:
                        raise ConnectionError(str(error)) from None
                    records = self._outgoing.read()
                self.sock.sendall(records)
                view = view[16384:]

    def recv(self, timeout=None):
        """Some plaintext; b"" at the end (see `ended`); TimeoutError after `timeout` seconds."""
        self.sock.settimeout(timeout)
        while True:
            with self._lock:
                try:
                    data = self._tls.read(262144)
                    if data:
                        return data
                    self.ended = self.ended or "close_notify"
                    return b""
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    self.ended = self.ended or "close_notify"
                    return b""
                except ssl.SSLError:
                    self.ended = self.ended or "rst"
                    return b""
            if not self._feed():
                return b""

    def send_close_notify(self):
        """We send no more; the peer may."""
        with self._lock:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass
            try:
                self._flush()
            except OSError:
                pass

    def close(self):
        self.send_close_notify()
        self.close_tcp()

    def close_tcp(self):
        """FIN without close_notify."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def abort(self):
        """RST."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # A reader blocked in recv() holds the descriptor: shutting down reading lets it go.
            self.sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass
        self.sock.close()


def client_context(certificate, key, ca, alpn, maximum=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(certificate, key)
    context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def server_context(certificate, key, client_ca, alpn):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def connect(port, context, timeout=5):
    sock = socket.create_connection(("127.0.0.1", port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = TlsStream(sock, context)
    stream.handshake()
    return stream
