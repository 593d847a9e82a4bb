# SPDX-License-Identifier: Apache-2.0
"""The source of watch events for scripts/bench-peers: plain HTTP/1.1 on loopback, a Lease with the time it was sent, to every watch, so often a second.

In: GETs.   Out: chunked answers that go on until the client leaves. Run:  bench/peers/events.py PORT EVENTS_A_SECOND
"""
import asyncio
import datetime
import json
import sys


def event():
    sent = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": {"name": "node-17", "namespace": "demo", "uid": "d7f1c8b2", "labels": {"pad": "x" * 200}},
             "spec": {"holderIdentity": "node-17", "leaseDurationSeconds": 40, "renewTime": sent}}
    line = json.dumps({"type": "MODIFIED", "object": lease}).encode() + b"\n"
    return b"%x\r\n%s\r\n" % (len(line), line)


async def serve(port, rate):
    watches = set()

    async def watch(reader, writer):
        try:
            while (await reader.readline()) not in (b"\r\n", b""):
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + event())
            watches.add(writer)
            await reader.read()
        except OSError:
            pass
        finally:
            watches.discard(writer)
            writer.close()

    await asyncio.start_server(watch, "127.0.0.1", port, backlog=4096)
    # In twenty parts a round, so that events do not come all at once.
    parts = 20
    while True:
        for part in range(parts):
            for at, writer in enumerate(list(watches)):
                if at % parts == part and writer.transport.get_write_buffer_size() < 65536:
                    writer.write(event())
            await asyncio.sleep(1 / rate / parts)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
