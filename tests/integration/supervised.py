#!/usr/bin/python3
"""What whoever starts a program hears of it: each of the four says READY=1 when it serves and not before,
STOPPING=1 when it ends, and nothing when it could not start. The supervisor is a datagram socket, as
systemd's is."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from foreign import Peer  # noqa: E402
from harness import ORIGIN, PATIENCE_S, Federation  # noqa: E402
from processes import Process, free_ports  # noqa: E402
from tap import equal, main, test, true  # noqa: E402


class Supervisor:
    """Hears the programs that are started with `env`."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name + ".notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.env = {"NOTIFY_SOCKET": self.path}

    def hears(self, patience_s=PATIENCE_S):
        """The next word; None: none came in time."""
        self.socket.settimeout(patience_s)
        try:
            return self.socket.recv(256).decode()
        except (TimeoutError, BlockingIOError):
            return None

    def heard_nothing(self):
        return self.hears(0) is None

    def close(self):
        self.socket.close()
        os.unlink(self.path)


def connect(port):
    socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()


def supervised(house, name, command, port, refuses):
    """`command` under a supervisor, from its start to its end; meanwhile a second one has to give up."""
    supervisor = Supervisor(house.dir, name)
    process = Process(house.dir, name, command, env=supervisor.env).start()
    try:
        equal(supervisor.hears(), "READY=1", name + " " + process.log_tail())
        connect(port)  # it listens by the time it says so
        second = Supervisor(house.dir, name + "-2")
        late = Process(house.dir, name + "-2", command, env=second.env).start()
        equal(late.popen.wait(PATIENCE_S), 1, late.log_tail())
        true(refuses in late.log_tail(), late.log_tail())
        true(second.heard_nothing(), "one that could not start says that it serves")
        second.close()
        true(supervisor.heard_nothing(), "it says more than it has to")
        process.send(15)
        equal(supervisor.hears(), "STOPPING=1", name)
        equal(process.stop(PATIENCE_S), 0, process.log_tail())
        true(supervisor.heard_nothing(), "it speaks after its end")
    finally:
        process.stop()
        supervisor.close()


@test
def each_program_says_when_it_serves_and_when_it_ends():
    with Federation(policy=False, citizens=20, before=lambda house: house.make_witnesses(["w1"])) as house:
        binary = lambda name: os.path.join(house.bin, name)  # noqa: E731
        node = os.path.join(house.dir, "agencies", "clinic-2", "node.yaml")
        supervised(house, "node", [binary("vedomo-node"), node], house.rest_ports["clinic-2"],
                   "a node runs on this state folder already")
        port = free_ports(1)[0]
        house.write("people/portal/portal.yaml",
                    "listen: \"127.0.0.1:%d\"\nidentity: portal.key\nstate: state\nbroker:\n  endpoint: \"%s\"\n"
                    "  card: \"%s\"\n  vkey: \"%s\"\nregistrar:\n  threshold: 1\n  keys: [\"%s\"]\n"
                    % (port, house.endpoint, house.broker_card, house.vkey, house.pins["registrar"]))
        portal = os.path.join(house.dir, "people", "portal", "portal.yaml")
        supervised(house, "portal", [binary("vedomo-portal"), portal], port, "a portal runs on this state folder already")
        witness = os.path.join(house.dir, "witnesses", "w1", "witness.yaml")
        supervised(house, "witness", [binary("vedomo"), "witness", "serve", witness], house.witness_ports["w1"],
                   "a witness runs on this state folder already")
        equal(house.broker.stop(PATIENCE_S), 0)
        supervised(house, "broker", [binary("vedomod"), "--home", house.home], int(house.endpoint.rsplit(":", 1)[1]),
                   "another broker runs on this home; stop it first")


@test
def a_broker_that_an_operator_stops_says_that_it_ends():
    with Federation(policy=False, citizens=20) as house:
        equal(house.broker.stop(PATIENCE_S), 0)
        supervisor = Supervisor(house.dir, "stopped")
        house.broker = Process(house.dir, "vedomod", [os.path.join(house.bin, "vedomod"), "--home", house.home],
                               env=supervisor.env).start()
        equal(supervisor.hears(), "READY=1", house.broker.log_tail())
        house.run(["status", "--json"], profile="operator")
        operator = Peer(house.endpoint, os.path.join(house.dir, "people", "operator", "operator.key"), house.broker_card,
                        ORIGIN)
        operator.hello()
        operator.send("control", {"version": 1, "action": 4})
        equal(supervisor.hears(), "STOPPING=1")
        equal(house.broker.popen.wait(PATIENCE_S), 0, house.broker.log_tail())
        operator.close()
        supervisor.close()


main()
