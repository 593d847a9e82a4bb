# SPDX-License-Identifier: Apache-2.0
"""Requests that no well-behaved client sends: HTTP/1.1 byte by byte and HTTP/2 with header names as given, over mutual TLS."""
import socket

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions


def connect(address, context, alpn, source=None):
    context.set_alpn_protocols([alpn])
    plain = socket.create_connection(address, timeout=10, source_address=(source, 0) if source else None)
    return context.wrap_socket(plain, server_hostname="localhost")


def http1(address, context, request, source=None):
    """Sends the bytes; gives the status of the answer, or None if the connection ended without one."""
    with connect(address, context, "http/1.1", source) as stream:
        stream.sendall(request)
        answer = b""
        try:
            while b"\r\n" not in answer:
                piece = stream.recv(4096)
                if not piece:
                    return None
                answer += piece
        except OSError:
            return None
        return int(answer.split(b" ", 2)[1])


def http2(address, context, headers, trailers=None, body=b""):
    """Sends one request with exactly these headers; gives its status, or None if stream or connection were ended instead."""
    with connect(address, context, "h2") as stream:
        config = h2.config.H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False,
                                           header_encoding="utf-8")
        session = h2.connection.H2Connection(config)
        session.initiate_connection()
        # Priority and length checks of the library would stop some requests here, not at the server.
        session.send_headers(1, headers, end_stream=trailers is None and not body)
        if body:
            session.send_data(1, body, end_stream=trailers is None)
        if trailers is not None:
            session.send_headers(1, trailers, end_stream=True)
        stream.sendall(session.data_to_send())
        try:
            while True:
                data = stream.recv(65536)
                if not data:
                    return None
                for event in session.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        return int(dict(event.headers)[":status"])
                    if isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                        return None
                stream.sendall(session.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            return None
