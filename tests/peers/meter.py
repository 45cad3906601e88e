"""A Modbus TCP device for the tests, served by pymodbus: registers, faults and replays on command.

Comes in: one JSON command a line on standard input. Goes out: first `{"port": N}`, then one JSON
answer a line, sent when the command is in force. The end of standard input ends the process, so
that a killed test leaves nothing behind. Input and holding registers are one block of
`--registers` words from address 0; a read beyond it is answered with Modbus exception 2.

Commands:
  {"set": {"12": 17292, ...}}     words by address; forgets a counter or replay on them
  {"exception": 4}                answer every read with this exception; null ends it
  {"silent": true}                read, think, never answer
  {"delay_ms": 500}               answer late
  {"nonsense": true}              answer with another function code
  {"listen": false}               close the port and every connection; true opens the same port
  {"counter": {"address": 12}}    a binary32 (high word first) that grows by 1 with each read of it
  {"replay": {"path": P, "k": 60}}  a PZEM-017 trace: columns t_s, voltage_v, current_a, power_w
  {"report": true}                {"reads", "counter", "replay": "none" | "running" | "done"}
"""

import argparse
import asyncio
import csv
import json
import struct
import sys

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


class Meter:
    """What the device holds and how it misbehaves just now."""

    def __init__(self, registers: int, unit: int) -> None:
        self.words: dict[int, int] = {}
        self.exception: int | None = None
        self.silent = False
        self.nonsense = False
        self.delay_s = 0.0
        self.counter_at: int | None = None
        self.counter = 0
        self.reads = 0
        self.replay: asyncio.Task | None = None
        self.registers = registers
        self.unit = unit
        self.port = 0
        self.server: ModbusTcpServer | None = None

    async def open(self) -> None:
        """Listens, on the port of before if there was one."""
        block = SimData(0, values=[0] * self.registers, datatype=DataType.REGISTERS)
        device = SimDevice(id=self.unit, simdata=[block], action=self.on_read)
        self.server = ModbusTcpServer(
            device, address=("127.0.0.1", self.port), trace_packet=self.on_packet
        )
        await self.server.serve_forever(background=True)
        self.port = self.server.transport.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Closes the port and the connections."""
        if self.server:
            await self.server.shutdown()
            self.server = None

    async def on_read(self, _function, start, address, count, registers, _values):
        """Called by pymodbus before it answers a read."""
        self.reads += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.exception is not None:
            return ExcCodes(self.exception)
        if self.counter_at is not None and address <= self.counter_at < address + count:
            self.counter += 1
            self.put_float(self.counter_at, float(self.counter))
        for at, word in self.words.items():
            registers[at - start] = word
        return None

    def on_packet(self, sending: bool, packet: bytes) -> bytes:
        """Called by pymodbus with every packet; what it returns is what goes out."""
        if sending and self.silent:
            return b""
        if sending and self.nonsense and len(packet) > 7:
            return packet[:7] + bytes([packet[7] ^ 0x07]) + packet[8:]
        return packet

    def put_float(self, address: int, value: float) -> None:
        """Writes a binary32, high word first."""
        self.words[address], self.words[address + 1] = struct.unpack(">HH", struct.pack(">f", value))

    def put_low_first(self, address: int, value: int) -> None:
        """Writes 32 bits, low word first, as a PZEM-017 does."""
        self.words[address], self.words[address + 1] = value & 0xFFFF, value >> 16

    async def play(self, path: str, k: float) -> None:
        """Sets the PZEM-017 registers as the trace says, `k` times as fast; then stays at the end."""
        clock = asyncio.get_running_loop().time
        began = clock()
        energy_wh, last_s = 0.0, 0.0
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                at_s = float(row["t_s"])
                await asyncio.sleep(max(0.0, at_s / k - (clock() - began)))
                energy_wh += float(row["power_w"]) * (at_s - last_s) / 3600
                last_s = at_s
                self.words[0] = round(float(row["voltage_v"]) * 100)
                self.words[1] = round(float(row["current_a"]) * 100)
                self.put_low_first(2, round(float(row["power_w"]) * 10))
                self.put_low_first(4, round(energy_wh))
                self.words[6] = self.words[7] = 0

    async def obey(self, command: dict) -> dict:
        """Carries out one command and returns the answer."""
        if "set" in command:
            self.counter_at = None
            if self.replay:
                self.replay.cancel()
                self.replay = None
            self.words.update({int(at): word for at, word in command["set"].items()})
        if "exception" in command:
            self.exception = command["exception"]
        self.silent = command.get("silent", self.silent)
        self.nonsense = command.get("nonsense", self.nonsense)
        self.delay_s = command.get("delay_ms", self.delay_s * 1000) / 1000
        if "listen" in command:
            await self.close()
            if command["listen"]:
                await self.open()
        if "counter" in command:
            self.counter_at = command["counter"]["address"]
        if "replay" in command:
            self.replay = asyncio.create_task(self.play(**command["replay"]))
        state = "none" if self.replay is None else "done" if self.replay.done() else "running"
        if self.replay and self.replay.done():
            self.replay.result()
        return {"reads": self.reads, "counter": self.counter, "replay": state}


async def main() -> None:
    """Serves until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registers", type=int, default=1024)
    parser.add_argument("--unit", type=int, default=1)
    arguments = parser.parse_args()
    meter = Meter(arguments.registers, arguments.unit)
    await meter.open()
    print(json.dumps({"port": meter.port}), flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := await lines.readline():
        print(json.dumps(await meter.obey(json.loads(line))), flush=True)
    await meter.close()


asyncio.run(main())
