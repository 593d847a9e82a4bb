# SPDX-License-Identifier: Apache-2.0
"""Long and two-way streams: logs -f, exec, attach, port-forward and cp, over WebSocket and over SPDY/3.1."""
import fcntl
import hashlib
import os
import pty
import socket
import struct
import subprocess
import termios

from bed import HOST, free_port, wait_until
from suite import check, expect, expect_equal

POD = ("-n", "ns1", "p1")
PROTOCOLS = (("websocket", False), ("spdy", True))


@check("logs")
def logs(w):
    expect("first line" in w.kubectl("erin", "logs", *POD), "the log lacks its first line")


@check("logs_follow")
def logs_follow(w):
    """Each line has to arrive before the next one exists, so nothing on the way may wait for more."""
    with w.run("erin", "logs", "-f", *POD) as following:
        following.wait_line("first line")
        for n in range(3):
            w.kubectl("erin", "exec", *POD, "--", "log", f"follow {n}")
            following.wait_line(f"follow {n}")


for protocol, spdy in PROTOCOLS:
    @check(f"exec_{protocol}")
    def exec_output(w, spdy=spdy):
        status, out, error = w.kubectl("erin", "exec", *POD, "-v=6", "--", "echo", "hello", spdy=spdy, status=None)
        expect(status == 0 and out == "hello\n", f"exit {status}, out {out!r}, err {error[-500:]!r}")
        verb = "POST" if spdy else "GET"
        expect(any("/pods/p1/exec" in line and f'verb="{verb}"' in line and 'status="101' in line for line in error.splitlines()),
               f"kubectl did not upgrade by {verb}:", error[-600:])
        _, out, error = w.kubectl("erin", "exec", *POD, "--", "err", "to stderr", spdy=spdy, status=None)
        expect(out == "" and error == "to stderr\n", f"out {out!r}, err {error!r}")
        w.kubectl("erin", "exec", *POD, "--", "exit", "7", spdy=spdy, status=7)

    @check(f"exec_stdin_{protocol}")
    def exec_stdin(w, spdy=spdy):
        """Eight MiB there and back: both directions of an upgraded connection at once."""
        sent = os.urandom(6 << 20).hex()[: 8 << 20]
        got = w.kubectl("erin", "exec", "-i", *POD, "--", "cat", stdin=sent, spdy=spdy)
        expect(hashlib.sha256(got.encode()).digest() == hashlib.sha256(sent.encode()).digest(), f"{len(got)} of {len(sent)} bytes came back, or others")

    @check(f"attach_{protocol}")
    def attach(w, spdy=spdy):
        expect("attached to p1" in (out := w.kubectl("erin", "attach", "-i", *POD, stdin="typed\n", spdy=spdy)) and "typed" in out, repr(out))

    @check(f"port_forward_{protocol}")
    def port_forward(w, spdy=spdy):
        more = {"KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"} if spdy else {}
        port = free_port(17080)
        with w.run("erin", "port-forward", "-n", "ns1", "pod/p1", f"{port}:80", **more) as forwarding:
            forwarding.wait_line("Forwarding from 127.0.0.1")
            for text in ("one", "two"):
                with socket.create_connection((HOST, port), timeout=20) as local:
                    local.sendall(f"{text}\n".encode())
                    expect_equal(local.makefile().readline(), f"80:{text.upper()}\n", "answer")

    @check(f"exec_terminal_{protocol}")
    def exec_terminal(w, spdy=spdy):
        """The size of the terminal goes over a stream of its own."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        more = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
        child = subprocess.Popen(w.command("erin", "exec", "-it", *POD, "--", "size"), stdin=follower, stdout=follower, stderr=follower,
                                 env=w.environment(TERM="dumb", **more))
        os.close(follower)
        seen = b""
        try:
            while b"77x33" not in seen and (piece := os.read(leader, 1024)):
                seen += piece
        except OSError:
            pass  # the terminal ends when kubectl does
        expect(child.wait(20) == 0 and b"77x33" in seen, f"exit {child.returncode}, {seen!r}")
        os.close(leader)


@check("cp_to_and_from")
def copy(w):
    there, back = w.bed.path("there"), w.bed.path("back")
    with open(there, "wb") as f:
        f.write(os.urandom(300_000))
    w.kubectl("erin", "cp", there, "ns1/p1:/tmp/there")
    w.kubectl("erin", "cp", "ns1/p1:/tmp/there", back)
    with open(there, "rb") as a, open(back, "rb") as b:
        expect(a.read() == b.read(), "the copy differs")


@check("many_execs_at_once")
def many_execs(w):
    running = [w.run("erin", "exec", *POD, "--", "echo", f"n{n}") for n in range(8)]
    for n, one in enumerate(running):
        expect_equal(one.finish(), [f"n{n}"], f"output of exec {n}")


@check("exec_is_refused_without_rights")
def exec_refused(w):
    for protocol, spdy in PROTOCOLS:
        status, _, error = w.kubectl("dave", "exec", *POD, "--", "echo", "x", spdy=spdy, status=None)
        expect(status == 1 and 'pods "p1" is forbidden: User "dave" cannot' in error, f"{protocol}: exit {status} {error}")


@check("tunnels_end_with_their_client", gate_only=True)
def tunnels_end(w):
    """A client that is killed must not leave its tunnel open behind the gate."""
    def tunnels():
        return sum(w.gate.metrics("gatehouse_tunnels_active").values())
    wait_until("the tunnels of earlier checks end", lambda: tunnels() == 0, 10)
    running = w.run("erin", "exec", "-i", *POD, "--", "cat")
    running.child.stdin.write("x\n")
    running.child.stdin.flush()
    running.wait_line("x")
    expect_equal(tunnels(), 1, "tunnels while one is open")
    running.child.kill()
    wait_until("the tunnel ends", lambda: tunnels() == 0, 10)
    running.stop()
