"""A whole small federation in one folder: authorities' keys, a broker's home, the sample agencies with
keys, registers and nodes, profiles for the people who use the command line. The demonstration and
the integration tests set it up in the same way, with the programs' own commands.

    DIR/authority   registrar's and policy's signing keys (in life: on no machine of the network)
    DIR/broker      the broker's home
    DIR/agencies/X  an agency: node.yaml, node.key, token, its register
    DIR/people/X    a person's or service's key and profile.yaml for `vedomo --profile`
    DIR/receipts    what the story saved
    DIR/log DIR/run the programs' logs and pids
"""

import http.client
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time

import processes

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ORIGIN = "vedomo.example/zarechnaya"
MARK = ".vedomo-demo"
ANNA = "VD-004217-6"

# short name -> member's code, register files
AGENCIES = {
    "road-safety": ("ru/interior/road-safety", ["licences.db"]),
    "population-register": ("ru/tax/population-register", ["population.db"]),
    "clinic-2": ("ru/health/clinic-2", ["clinic.db"]),
    "psychiatry": ("ru/health/psychiatry", ["psychiatry.db"]),
    "narcology": ("ru/health/narcology", ["narcology.db"]),
}
# name -> role, member's code
PEOPLE = {
    "operator": ("operator", "ru/services/mfc-1"),
    "portal": ("portal", "ru/services/mfc-1"),
    "desk-7": ("desk", "ru/services/mfc-1"),
    "officer": ("officer", "ru/region/data-protection"),
}


class Failed(Exception):
    """A command or a call that should have worked did not; the text says which."""


class Answer:
    """What a command printed and how it ended."""

    def __init__(self, status, out, err, seconds):
        self.status = status
        self.out = out
        self.err = err
        self.seconds = seconds

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise Failed("not JSON: %r (%s)" % (self.out[:300], error)) from error


class House:
    def __init__(self, folder, build=None, scenario=None, ports=None):
        self.dir = os.path.abspath(folder)
        self.build = build or os.path.join(ROOT, "build", "release")
        self.bin = os.path.join(self.build, "src")
        self.scenario = scenario or os.path.join(ROOT, "config", "scenario")
        self.home = os.path.join(self.dir, "broker")
        ports = ports or processes.free_ports(1 + len(AGENCIES))
        self.endpoint = "tcp://127.0.0.1:%d" % ports[0]
        self.rest_ports = dict(zip(AGENCIES, ports[1:]))
        self.pins = {}
        self.vkey = None
        self.broker = None
        self.nodes = {}
        self.tokens = {}
        self.keys = 0
        self.cards = 0

    # --- the command line ---

    def run(self, words, stdin=None, profile=None, check=True, timeout=60):
        """`vedomo WORDS`. With `check`, another exit status than 0 raises Failed."""
        command = [os.path.join(self.bin, "vedomo"), *words]
        env = {**os.environ}
        env.pop("VEDOMO_PROFILE", None)
        if profile:
            env["VEDOMO_PROFILE"] = os.path.join(self.dir, "people", profile, "profile.yaml")
        started = time.monotonic()
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, cwd=self.dir,
                              timeout=timeout, check=False)
        answer = Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - started)
        if check and done.returncode != 0:
            raise Failed("vedomo %s: exit status %d: %s" % (" ".join(words), done.returncode,
                                                            (done.stderr or done.stdout).strip()))
        return answer

    # --- setting up ---

    def clear(self):
        """An empty folder of our own; refuses one that is somebody else's."""
        if os.path.isdir(self.dir) and os.listdir(self.dir):
            if not os.path.exists(os.path.join(self.dir, MARK)):
                raise Failed("foreign")
            for entry in os.listdir(self.dir):
                path = os.path.join(self.dir, entry)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                elif entry != MARK:
                    os.unlink(path)
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o700)
        self.write(MARK, "Made by deploy/up: everything in here may be thrown away.\n")
        for name in ("authority", "agencies", "people", "receipts", "log", "run"):
            os.makedirs(os.path.join(self.dir, name))

    def write(self, path, text, mode=0o600):
        path = os.path.join(self.dir, path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def make_registers(self, count=10000):
        store = os.path.join(self.dir, "registers")
        subprocess.run([sys.executable, os.path.join(ROOT, "deploy", "registers"), store, "--count", str(count)],
                       check=True)
        for short, (_, files) in AGENCIES.items():
            folder = os.path.join(self.dir, "agencies", short)
            os.makedirs(folder, exist_ok=True)
            for name in files:
                os.replace(os.path.join(store, name), os.path.join(folder, name))
        os.rmdir(store)

    def make_authorities(self):
        """The signing keys that stand above the broker, and the broker's home that pins them."""
        for role in ("registrar", "policy"):
            self.pins[role] = self.keygen(role, os.path.join("authority", role))
        self.run(["init", self.home, "--origin", ORIGIN, "--endpoint", self.endpoint,
                  "--registrar-pin", self.pins["registrar"], "--policy-pin", self.pins["policy"]])
        self.vkey = self.run(["log", "vkey", "--home", self.home]).out.strip()

    def keygen(self, role, path, member=None, name=None):
        """Makes a key; gives its public signing key as text. Connecting roles get a card request too."""
        raise NotImplementedError

    # --- running ---

    def start_broker(self):
        program = os.path.join(self.bin, "vedomod")
        self.broker = processes.Process(self.dir, "vedomod", [program, self.home]).start()
        return self.broker

    def start_node(self, short):
        program = os.path.join(self.bin, "vedomo-node")
        config = os.path.join(self.dir, "agencies", short, "node.yaml")
        self.nodes[short] = processes.Process(self.dir, "node-" + short, [program, config]).start()
        return self.nodes[short]

    def stop(self):
        for node in self.nodes.values():
            node.stop()
        if self.broker:
            self.broker.stop()

    # --- an agency's own system ---

    def call(self, short, method, path, body=None, timeout=30, language="ru"):
        """One REST call at an agency's node: (status, document)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_ports[short], timeout=timeout)
        try:
            headers = {"Authorization": "Bearer " + self.tokens[short], "Accept-Language": language}
            data = None
            if body is not None:
                data = json.dumps(body, ensure_ascii=False).encode()
                headers["Content-Type"] = "application/json"
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()
