"""A Modbus device for the tests, served by pymodbus: registers, faults and replays on command.

`--way` says how it is reached: `tcp`, `rtu_over_tcp`, `tls` (with `--certificate`, `--key`, and
`--authority` if clients need a certificate of it) or `serial`, a pair of pseudo terminals of which
the device holds one. `--units 1,2,3` are devices of one memory each behind it.

Comes in: one JSON command a line on standard input. Goes out: first `{"port": N}`, for serial the
path of the terminal, then one JSON answer a line, sent when the command is in force. The end of standard input ends the process, so
that a killed test leaves nothing behind. Input and holding registers are one block of
`--registers` words from address 0; a read beyond it is answered with Modbus exception 2.

Commands:
  {"set": {"12": 17292, ...}}     words by address; forgets a counter or replay on them;
                                  with "unit": 2 of that unit, else of the first
  {"exception": 4}                answer every read with this exception; null ends it
  {"silent": true}                read, think, never answer
  {"delay_ms": 500}               answer late
  {"nonsense": true}              answer with another function code
  {"late_ms": 300, "answers": 1}  hold so many answers back for so long, then send them
  {"split_ms": 5}                 send each answer in two pieces with a pause between
  {"listen": false}               close the port and every connection; true opens the same port
  {"counter": {"address": 12}}    a binary32 (high word first) that grows by 1 with each read of it
  {"replay": {"path": P, "k": 60}}  a PZEM-017 trace: columns t_s, voltage_v, current_a, power_w
  {"report": true}                {"reads", "counter", "replay": "none" | "running" | "done"}
"""

import argparse
import asyncio
import csv
import functools
import json
import os
import ssl
import struct
import sys
import tty

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice


class Meter:
    """What the device holds and how it misbehaves just now."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        units = [int(unit) for unit in arguments.units.split(",")]
        self.memory: dict[int, dict[int, int]] = {unit: {} for unit in units}
        self.words = self.memory[units[0]]
        self.exception: int | None = None
        self.silent = False
        self.nonsense = False
        self.delay_s = 0.0
        self.split_s = 0.0
        self.late_s = 0.0
        self.late_answers = 0
        self.counter_at: int | None = None
        self.counter = 0
        self.reads = 0
        self.replay: asyncio.Task | None = None
        self.arguments = arguments
        self.port: int | str = 0
        self.server: ModbusTcpServer | ModbusSerialServer | None = None

    async def open(self) -> None:
        """Listens, on the port of before if there was one."""
        block = SimData(0, values=[0] * self.arguments.registers, datatype=DataType.REGISTERS)
        devices = [
            SimDevice(id=unit, simdata=[block], action=functools.partial(self.on_read, words))
            for unit, words in self.memory.items()
        ]
        way = self.arguments.way
        if way == "serial":
            self.port, far = terminals()
            self.server = ModbusSerialServer(
                devices,
                port=far,
                baudrate=115200,
                ignore_missing_devices=True,
                trace_packet=self.on_packet,
            )
        else:
            listening = {"address": ("127.0.0.1", self.port), "trace_packet": self.on_packet}
            if way == "tls":
                # The specification keeps the header of Modbus TCP, pymodbus would leave it out.
                listening |= {"sslctx": self.secured(), "framer": FramerType.SOCKET}
                self.server = ModbusTlsServer(devices, **listening)
            elif way == "rtu_over_tcp":
                listening |= {"framer": FramerType.RTU, "ignore_missing_devices": True}
                self.server = ModbusTcpServer(devices, **listening)
            else:
                self.server = ModbusTcpServer(devices, **listening)
        await self.server.serve_forever(background=True)
        if way != "serial":
            self.port = self.server.transport.sockets[0].getsockname()[1]

    def secured(self) -> ssl.SSLContext:
        """Returns who the device is and whom it believes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.arguments.certificate, self.arguments.key)
        if self.arguments.authority:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.arguments.authority)
        return context

    async def close(self) -> None:
        """Closes the port and the connections."""
        if self.server:
            await self.server.shutdown()
            self.server = None

    async def on_read(self, words, _function, start, address, count, registers, _values):
        """Called by pymodbus before it answers a read."""
        self.reads += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.exception is not None:
            return ExcCodes(self.exception)
        if self.counter_at is not None and address <= self.counter_at < address + count:
            self.counter += 1
            self.put_float(self.counter_at, float(self.counter))
        for at, word in words.items():
            registers[at - start] = word
        return None

    def on_packet(self, sending: bool, packet: bytes) -> bytes:
        """Called by pymodbus with every packet; what it returns is what goes out."""
        if sending and self.silent:
            return b""
        if sending and self.nonsense and len(packet) > 7:
            return packet[:7] + bytes([packet[7] ^ 0x07]) + packet[8:]
        if sending and self.late_answers > 0:
            self.late_answers -= 1
            self.send_later(self.late_s, packet)
            return b""
        if sending and self.split_s:
            half = len(packet) // 2
            self.send_later(self.split_s, packet[half:])
            return packet[:half]
        return packet

    def send_later(self, delay_s: float, packet: bytes) -> None:
        """Sends bytes to whoever is connected then."""

        def send() -> None:
            connections = self.server.active_connections if self.server else {}
            for connection in connections.values():
                connection.transport.write(packet)

        asyncio.get_running_loop().call_later(delay_s, send)

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
            words = self.memory[command["unit"]] if "unit" in command else self.words
            words.update({int(at): word for at, word in command["set"].items()})
        if "exception" in command:
            self.exception = command["exception"]
        self.silent = command.get("silent", self.silent)
        self.nonsense = command.get("nonsense", self.nonsense)
        self.delay_s = command.get("delay_ms", self.delay_s * 1000) / 1000
        self.late_s = command.get("late_ms", self.late_s * 1000) / 1000
        self.late_answers = command.get("answers", self.late_answers)
        self.split_s = command.get("split_ms", self.split_s * 1000) / 1000
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


def terminals() -> tuple[str, str]:
    """Returns the paths of two terminals that are connected, as by a cable, while this runs."""
    (near_end, near), (far_end, far) = os.openpty(), os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    loop = asyncio.get_running_loop()
    for source, sink in ((near_end, far_end), (far_end, near_end)):
        loop.add_reader(source, lambda source=source, sink=sink: os.write(sink, os.read(source, 512)))
    return os.ttyname(near), os.ttyname(far)


async def main() -> None:
    """Serves until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registers", type=int, default=1024)
    parser.add_argument("--units", default="1")
    parser.add_argument(
        "--way", choices=["tcp", "rtu_over_tcp", "tls", "serial"], default="tcp"
    )
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--authority")
    meter = Meter(parser.parse_args())
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
