"""HJ 212 frames acknowledged after their commit: 1,000 stations, each sending its next frame when the last is answered.

The listener is a process of its own with its real journal on disk (WAL, synchronous=FULL); the stations share the
machine with it, in this process. These goals are figures, not ratios: they are what a bureau's server must bear.
Run: python -m bench telemetry
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time

from bench.goals import Goal, load
from envmon.hj212 import frames

STATIONS, ROUNDS = 1000, 20
FACTORS = ("a34004", "a34002", "a21026", "a21004", "a21005", "a05024")

SERVER = """
import json, resource, sys
from envmon.listener import Listening
from envmon.model import Config, Device, Listen, Paths
count, folder = int(sys.argv[1]), sys.argv[2]
devices = tuple(Device(f"A{n:023d}", "s", password_env=f"P{n}") for n in range(count))
paths = Paths(folder, f"{folder}/envmon.db", "", "", "", "")
listen = Listen(port=0, per_address=count, frames_per_second=1000)
config = Config("b", "en", (), (), (), (), (), (), paths, {}, {}, listen=listen, devices=devices)
with Listening(config, {f"P{n}": "123456" for n in range(count)}) as listening:
    print(listening.port, flush=True)
    sys.stdin.readline()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"rss": used.ru_maxrss / 1024, "cpu": used.ru_utime + used.ru_stime}), flush=True)
"""


class Sender(asyncio.Protocol):
    """One station: sends its frames one after the other and times every answer."""

    def __init__(self, wire: list[bytes]) -> None:
        self.wire, self.took = wire, list[float]()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def next(self) -> None:
        if len(self.took) == len(self.wire):
            self.done.set_result(None)
            return
        self.sent = time.perf_counter()
        self.transport.write(self.wire[len(self.took)])

    def data_received(self, data: bytes) -> None:
        self.took.append(time.perf_counter() - self.sent)
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the listener closed the connection"))


def run() -> list[Goal]:
    """Frames a second, the slowest answers and the memory of the listener."""
    wire = [[frame(station, number) for number in range(ROUNDS)] for station in range(STATIONS)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SERVER, str(STATIONS), folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            seconds, took = asyncio.run(drive(int(server.stdout.readline()), wire))
            server.stdin.write("\n")
            server.stdin.flush()
            used = json.loads(server.stdout.readline())
    took.sort()
    count = len(took)
    middle, slow = took[count // 2] * 1000, took[count * 99 // 100] * 1000
    rate = count / seconds
    print(f"telemetry: {count} frames of {len(wire[0][0])} bytes on {STATIONS} connections; {load()}")
    print(
        f"  {rate:.0f} frames/s, answers p50 {middle:.0f} ms, p99 {slow:.0f} ms, slowest {took[-1] * 1000:.0f} ms; "
        f"listener {used['rss']:.0f} MB, {used['cpu'] / count * 1e6:.0f} µs of processor a frame"
    )
    return [
        Goal("R12a", f"frames a second acknowledged after commit, {STATIONS} connections", rate, ">=", 2000),
        Goal("R12b", "answers, 99 of 100 within ms", slow, "<=", 500),
        Goal("R12c", "memory of the listener, MB", used["rss"], "<=", 150),
    ]


async def drive(port: int, wire: list[list[bytes]]) -> tuple[float, list[float]]:
    """Connect every station, then let all of them send; seconds it took, and those of every answer."""
    loop, senders = asyncio.get_running_loop(), []
    for station in wire:
        _, sender = await loop.create_connection(lambda station=station: Sender(station), "127.0.0.1", port)
        senders.append(sender)
    began = time.perf_counter()
    for sender in senders:
        sender.next()
    await asyncio.gather(*(sender.done for sender in senders))
    seconds = time.perf_counter() - began
    for sender in senders:
        sender.transport.close()
    return seconds, [one for sender in senders for one in sender.took]


def frame(station: int, number: int) -> bytes:
    """A minute frame of an air station, as stations send them."""
    at = f"202603010{number // 60:01d}{number % 60:02d}00"
    values = ";".join(f"{code}-Avg=0.0{station % 90 + 10},{code}-Flag=N" for code in FACTORS)
    head = f"QN={at}{station:03d};ST=22;CN=2051;PW=123456;MN=A{station:023d};Flag=5"
    return frames.encode(f"{head};CP=&&DataTime={at};{values}&&")
