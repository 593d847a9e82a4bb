#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the raw-byte batteries against a gate it starts: `run.py --gatehouse build/release/gatehouse`.

In: the program.   Out: a line a failure, last `N passed, N failed`; exit code 0 only without failures.
"""
import argparse
import os
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import h1_battery  # noqa: E402
import h2_battery  # noqa: E402
from harness import Bed, Failure, haproxy_stand_in  # noqa: E402
from test_pki import make_pki  # noqa: E402

# name of the bed, what the upstream speaks, --authorization-mode, how each case's bytes are sent
H1_BEDS = (("rbac-h1", ("http/1.1",), "RBAC", ("whole",)), ("rbac-h2", ("h2",), "RBAC", ("whole",)),
           ("split-rbac-h1", ("http/1.1",), "RBAC", ("split",)), ("bytes-rbac-h1", ("http/1.1",), "RBAC", ("bytes",)),
           ("allow-h1", ("http/1.1",), "AlwaysAllow", ("whole",)), ("slow-h1", ("http/1.1",), "RBAC", ("whole",)))
H2_BEDS = (("rbac-h1", ("http/1.1",), "RBAC", ("whole",)), ("rbac-h2", ("h2",), "RBAC", ("whole",)), ("bytes-rbac-h2", ("h2",), "RBAC", ("bytes",)),
           ("slow-h2", ("h2",), "RBAC", ("whole",)))
SLOW = ("--head-timeout", "1s", "--idle-timeout", "1s")
SANITIZERS = ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "LeakSanitizer", "GH_ASSERT")


class Tally:
    def __init__(self, verbose):
        self.passed = self.failed = 0
        self.verbose = verbose
        self.lock = threading.Lock()

    def note(self, name, failure):
        with self.lock:
            self.passed += failure is None
            self.failed += failure is not None
            if failure is not None:
                print(f"FAILED {name}: {failure}", flush=True)
            elif self.verbose:
                print(f"ok {name}", flush=True)


def drained(bed):
    """SIGTERM with requests under way: they end well, then every connection is closed. The failure, or None."""
    def slow(peer, request):
        time.sleep(0.6)
        peer.respond(request)
    try:
        bed.upstream.answer = slow
        idle, h1, h2 = bed.connect(), bed.connect(), h2_battery.Client(bed)
        h1.send(b"GET /drain HTTP/1.1\r\nHost: gate\r\n\r\n")
        h2.send(h2_battery.get(b"/drain"))
        time.sleep(0.2)
        bed.gate.process.terminate()
        reply = h1_battery.read_reply(h1, b"GET")
        if reply.status != 200 or not reply.closes():
            return f"HTTP/1.1 under way got {reply.status} {reply.headers}"
        h2.wait_streams([1])
        if 1 not in h2.streams or h2.streams[1].status != 200 or not h2.streams[1].ended:
            return f"HTTP/2 under way got {h2.describe()}"
        for conn in (idle, h1):
            h1_battery.wait_closed(conn)
        h2.wait_closed()
        if h2.goaway_code != 0:
            return f"no GOAWAY but {h2.describe()}"
    except (Failure, OSError) as failure:
        return str(failure) or type(failure).__name__
    finally:
        bed.upstream.answer = None
    return None


def run_bed(battery, label, bed_options, options, pki, tally):
    name, alpn, mode, manners = bed_options
    folder = os.path.join(options.folder, label, name)
    prefix = f"{label} [{name}] "
    stand_in = haproxy_stand_in if options.haproxy else None
    try:
        bed = Bed(options.gatehouse, pki, folder, alpn, road=options.road, mode=mode, extra=SLOW if name.startswith("slow") else (), stand_in=stand_in)
    except Failure as failure:
        tally.note(prefix + "start", str(failure))
        return
    started = time.monotonic()
    for case, failure in battery.run(bed, options.only, ("whole",) if options.quick else manners):
        tally.note(prefix + case, failure)
    alive = bed.gate.alive()
    if not options.haproxy:
        tally.note(prefix + "SIGTERM lets requests finish", drained(bed) if alive else "the gate is dead")
    status = bed.close()
    log = bed.gate.log_text()
    wrong = [word for word in SANITIZERS if word in log]
    stopped = None if alive and status == 0 and not wrong else f"status {status}, {'alive' if alive else 'died early'}, {wrong}\n{log[-1500:]}"
    tally.note(prefix + "stops cleanly", None if options.haproxy else stopped)
    if options.verbose:
        print(f"{prefix}{time.monotonic() - started:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gatehouse", default="", help="the program")
    parser.add_argument("--road", default="auto", choices=("auto", "uring", "epoll"))
    parser.add_argument("--battery", default="all", choices=("all", "h1", "h2"))
    parser.add_argument("--bed", default="", help="only beds whose name contains this")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--quick", action="store_true", help="each case once, not also split")
    parser.add_argument("--verbose", action="store_true", help="also print what passed")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--haproxy", action="store_true", help="try the batteries themselves on HAProxy (which differs in much)")
    options = parser.parse_args()
    batteries = [("h1", h1_battery, H1_BEDS)] * (options.battery != "h2") + [("h2", h2_battery, H2_BEDS)] * (options.battery != "h1")
    if options.list:
        for label, battery, _ in batteries:
            for case in battery.CASES:
                print(f"{label} {case.section}: {case.name}")
        return 0
    tally = Tally(options.verbose)
    with tempfile.TemporaryDirectory(prefix="gatehouse-conformance-") as folder:
        options.folder = folder
        pki = os.path.join(folder, "pki")
        make_pki(pki)
        threads = [threading.Thread(target=run_bed, args=(battery, label, bed, options, pki, tally))
                   for label, battery, beds in batteries for bed in beds if options.bed in bed[0]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
