"""A Sparkplug B edge node with one device for the tests, spoken by pysparkplug.

Comes in: one JSON command a line on standard input. Goes out: first `{"ready": true}` when its births
are sent, then one JSON answer a line, sent when the command is carried out. The end of standard input
ends the process without a goodbye, so that the broker sends its will.

The node's metrics: `Line/Power` (Double, alias 1), `Line/Text` (String). The device's: `Temp` (Float,
alias 2), `Count` (Int32, alias 3).

Commands:
  {"node": {"Line/Power": 283.5}}   NDATA with names
  {"device": {"Temp": 20.5}}        DDATA with names
  {"alias": {"1": 283.5}}           NDATA with aliases only
  {"device_alias": {"2": 20.5}}     DDATA with aliases only
  {"null": "Temp"}                  DDATA that says that there is no value
  {"old": {"Temp": 1.5}, "ago_ms": 60000}   DDATA flagged as historical
  {"skip": 1}                       uses up sequence numbers without sending: messages that are lost
  {"birth": true}                   sends its births again
  {"deregister": true}              DDEATH
  {"report": true}                  {"rebirths": N}: how often it was asked to be born again
"""

import argparse
import json
import sys
import threading

import pysparkplug as spb
from pysparkplug._constants import DEFAULT_CLIENT_KEEPALIVE

TYPES = {
    "Line/Power": spb.DataType.DOUBLE,
    "Line/Text": spb.DataType.STRING,
    "Temp": spb.DataType.FLOAT,
    "Count": spb.DataType.INT32,
}
ALIASES = {"Line/Power": 1, "Temp": 2, "Count": 3}
NAMES = {alias: name for name, alias in ALIASES.items()}


def metric(name: str, value, **more) -> spb.Metric:
    """A metric with its name and alias, read now unless told otherwise."""
    more.setdefault("timestamp", spb.get_current_timestamp())
    return spb.Metric(
        name=name, datatype=TYPES[name], value=value, alias=ALIASES.get(name), **more
    )


class Node:
    """The edge node and its device."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rebirths = 0
        self.lock = threading.Lock()
        client = spb.Client(
            client_id=options.user, username=options.user, password=options.password
        )
        self.edge = spb.EdgeNode(
            group_id=options.group,
            edge_node_id=options.node,
            metrics=[metric("Line/Power", 1.0), metric("Line/Text", "run")],
            client=client,
            cmd_callback=self.on_command,
        )
        device = spb.Device("press", [metric("Temp", 2.0), metric("Count", -3)])
        self.edge.register(device)
        self.client = client
        connected = threading.Event()
        inner = client.publish

        def publish(message, **kw):
            inner(message, **kw)
            if message.topic.message_type == spb.MessageType.DBIRTH:
                connected.set()

        client.publish = publish
        self.edge.connect("127.0.0.1", port=options.port, keepalive=DEFAULT_CLIENT_KEEPALIVE)
        if not connected.wait(20):
            sys.exit("the broker does not take the births")

    def on_command(self, _, message) -> None:
        """Is born again when it is asked to be, which the library leaves to its user."""
        names = [one.name for one in message.payload.metrics]
        if "Node Control/Rebirth" in names:
            with self.lock:
                self.rebirths += 1
                self.birth()

    def topic(self, kind: spb.MessageType, device: str | None = None) -> spb.Topic:
        return spb.Topic(
            message_type=kind,
            group_id=self.edge.group_id,
            edge_node_id=self.edge.edge_node_id,
            device_id=device,
        )

    def send(self, topic: spb.Topic, payload, types: bool = True) -> None:
        message = spb.Message(topic=topic, payload=payload, qos=spb.QoS.AT_MOST_ONCE, retain=False)
        self.client.publish(message, include_dtypes=types)

    def birth(self) -> None:
        """NBIRTH with number 0 and the number of this connection, then DBIRTH."""
        while self.edge._seq != 255:
            pass
        bd_seq = spb.Metric(
            timestamp=spb.get_current_timestamp(),
            name="bdSeq",
            datatype=spb.DataType.INT64,
            value=0,
        )
        now = spb.get_current_timestamp()
        metrics = (*self.edge.metrics.values(), bd_seq)
        self.send(
            self.topic(spb.MessageType.NBIRTH),
            spb.NBirth(timestamp=now, seq=self.edge._seq, metrics=metrics),
        )
        for name, device in self.edge.devices.items():
            metrics = tuple(device.metrics.values())
            self.send(
                self.topic(spb.MessageType.DBIRTH, name),
                spb.DBirth(timestamp=now, seq=self.edge._seq, metrics=metrics),
            )

    def by_alias(self, values: dict) -> tuple:
        return tuple(
            spb.Metric(
                timestamp=spb.get_current_timestamp(),
                name=None,
                datatype=TYPES[NAMES[int(alias)]],
                value=value,
                alias=int(alias),
            )
            for alias, value in values.items()
        )

    def device_data(self, metrics: tuple, types: bool = True) -> None:
        self.send(
            self.topic(spb.MessageType.DDATA, "press"),
            spb.DData(timestamp=spb.get_current_timestamp(), seq=self.edge._seq, metrics=metrics),
            types,
        )

    def obey(self, command: dict) -> dict:
        if "node" in command:
            self.edge.update([metric(name, value) for name, value in command["node"].items()])
        if "device" in command:
            metrics = [metric(name, value) for name, value in command["device"].items()]
            self.edge.update_device("press", metrics)
        if "alias" in command:
            payload = spb.NData(
                timestamp=spb.get_current_timestamp(),
                seq=self.edge._seq,
                metrics=self.by_alias(command["alias"]),
            )
            self.send(self.topic(spb.MessageType.NDATA), payload, types=False)
        if "device_alias" in command:
            self.device_data(self.by_alias(command["device_alias"]), types=False)
        if "null" in command:
            self.device_data((metric(command["null"], None),))
        if "old" in command:
            at = spb.get_current_timestamp() - command["ago_ms"]
            old = command["old"].items()
            self.device_data(
                tuple(metric(name, value, timestamp=at, is_historical=True) for name, value in old)
            )
        for _ in range(command.get("skip", 0)):
            self.edge._seq
        if "birth" in command:
            self.birth()
        if "deregister" in command:
            self.edge.deregister("press")
        return {"rebirths": self.rebirths}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("--user", "--password", "--group", "--node"):
        parser.add_argument(name, required=True)
    node = Node(parser.parse_args())
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        with node.lock:
            answer = node.obey(json.loads(line))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
