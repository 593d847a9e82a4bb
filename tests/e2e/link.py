# SPDX-License-Identifier: Apache-2.0
"""How a gate is reached and how it reaches the API servers: loopback on the kernel's roads; on the road dpdk a veth pair of its own.

In: the road.   Out: addresses, and flags for gatehouse. Everything is inside a network namespace of the run (enter_namespace), which goes with it.
The kernel's end of a pair has addresses and serves clients and API servers; gatehouse takes the other end's frames.
"""
import os
import subprocess
import sys

from bed import HOST, Failure

MARK = "GATEHOUSE_E2E_NAMESPACE"
LINKS_MAX = 8  # the certificates of bed.py name so many addresses


def enter_namespace():
    """Runs this program again in a network namespace of its own, once."""
    if os.environ.get(MARK):
        ip("link", "set", "lo", "up")
        return
    os.environ[MARK] = "1"
    try:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    except OSError as error:
        raise Failure(f"unshare (of util-linux): {error}") from None


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(words)}: {done.stderr.strip()} (the road dpdk needs root, iproute2 and ethtool)")


def ip(*words):
    run("ip", *words)


class Loopback:
    gate = kernel = HOST
    other_source = "127.0.0.9"
    options = ()


class Veth:
    made = 0

    def __init__(self):
        number = Veth.made
        Veth.made += 1
        if number == LINKS_MAX:
            raise Failure("too many links")
        ours, theirs = f"ghgate{number}", f"ghpeer{number}"
        self.gate, self.kernel, self.other_source = (f"10.77.{number}.{host}" for host in (2, 1, 9))
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
        run("sysctl", "-qw", f"net.ipv6.conf.{ours}.disable_ipv6=1")
        for address in (self.kernel, self.other_source):
            ip("addr", "add", f"{address}/24", "dev", theirs)
        for name in (ours, theirs):
            ip("link", "set", name, "up")
        # Otherwise frames arrive with half a checksum, and larger than the MTU: on a wire the NIC would see to that.
        run("ethtool", "-K", theirs, "tx", "off")
        self.options = ("--dpdk-ports", f'{{"device": "{ours}", "addresses": ["{self.gate}/24"]}}')


def link_for(road):
    return Veth() if road == "dpdk" else Loopback()
