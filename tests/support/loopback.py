# SPDX-License-Identifier: Apache-2.0
"""What every program that runs servers on loopback needs: free ports, processes stopped by their pid, a throw-away PKI.

In: a folder to write to.   Out: PEM files and running children. Only Python's own library and the openssl program are used.
"""
import os
import signal
import socket
import subprocess
import time

HOST = "127.0.0.1"


class Failure(Exception):
    """What a check or the bed says when something is not as it should be."""


def free_port(first, taken=set()):
    """The first port from `first` on that nobody listens on; below the range that the kernel gives to clients."""
    for port in range(first, 32000):
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise Failure(f"no free port from {first} on")


def wait_until(what, true, seconds, every=0.05):
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(every)


class Process:
    """A server of the bed. `log` has both its outputs."""

    def __init__(self, name, command, folder, env=None):
        self.name, self.command, self.env = name, command, env
        self.log = os.path.join(folder, name + ".log")
        self.child = None

    def start(self):
        out = open(self.log, "ab")
        self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env)
        out.close()
        return self

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def tail(self, lines=15):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def signal(self, number):
        if self.alive():
            self.child.send_signal(number)

    def wait(self, seconds):
        """Its exit status, or None if it is still there after that time."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds=15):
        if not self.alive():
            return
        self.signal(signal.SIGTERM)
        if self.wait(seconds) is None:
            self.signal(signal.SIGKILL)
            self.child.wait()

    def memory(self):
        """Resident and highest resident memory in KiB."""
        with open(f"/proc/{self.child.pid}/status") as f:
            fields = dict(line.split(":", 1) for line in f if line.startswith(("VmRSS", "VmHWM")))
        return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


class Pki:
    """Certificate authorities and certificates of one run, made with the openssl program."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, mode=0o700)

    def crt(self, name):
        return os.path.join(self.folder, name + ".crt")

    def key(self, name):
        return os.path.join(self.folder, name + ".key")

    def run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise Failure(f"openssl {' '.join(arguments)}: {done.stderr}")

    def ca(self, name):
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                 "-keyout", self.key(name), "-out", self.crt(name), "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def cert(self, name, ca, subject, usage, san=None, expired=False):
        with open(os.path.join(self.folder, name + ".ext"), "w") as f:
            f.write(f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n")
            if san:
                f.write(f"subjectAltName={san}\n")
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key(name),
                 "-out", name + ".csr", "-subj", subject)
        if not expired:
            self.run("x509", "-req", "-in", name + ".csr", "-CA", self.crt(ca), "-CAkey", self.key(ca), "-CAcreateserial",
                     "-days", "30", "-extfile", name + ".ext", "-out", self.crt(name))
            return
        # Only `openssl ca` can date a certificate back.
        with open(os.path.join(self.folder, "ca.conf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
                    "policy=p\nunique_subject=no\n[p]\norganizationName=optional\ncommonName=optional\n")
        open(os.path.join(self.folder, "index.txt"), "w").close()
        self.run("ca", "-batch", "-notext", "-config", "ca.conf", "-in", name + ".csr", "-cert", self.crt(ca), "-keyfile", self.key(ca),
                 "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", name + ".ext", "-out", self.crt(name))
