"""A whole small federation in one folder: authorities' keys, a broker's home, the sample agencies with
keys, registers and nodes, profiles for the people who use the command line. The demonstration and
the integration tests set it up in the same way, with the programs' own commands.

    DIR/authority   registrar's and policy's signing keys (in life: on no machine of the network)
    DIR/broker      the broker's home
    DIR/agencies/X  an agency: node.yaml, node.key, token, its register
    DIR/people/X    a person's or service's key and profile.yaml for `vedomo --profile`
    DIR/witnesses/X a witness: witness.yaml, its key and state; policy is the file that names them all
    DIR/receipts    what the story saved
    DIR/log DIR/run the programs' logs and pids
"""

import http.client
import json
import os
import re
import secrets
import shutil
import sqlite3
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
    "auditor": ("auditor", "ru/region/data-protection"),
    "licence-office": ("node", "ru/interior/road-safety"),
}


NODE_YAML = """# The node of {member}. Every key stands in docs/configuration.md.
member: {member}
name: node
identity: node.key
state: state
broker:
  endpoint: "{endpoint}"
  card: "{card}"
  vkey: "{vkey}"
{pins}{witnesses}api:
  listen: "127.0.0.1:{port}"
  token: token

{mapping}"""


WITNESS_YAML = """# {name}: a witness of the log. Every key stands in docs/configuration.md.
listen: "127.0.0.1:{port}"
identity: {name}.key
state: state
logs: ["{vkey}"]
"""


WITNESSES = ("w1", "w2")
PORTS = 1 + len(AGENCIES) + len(WITNESSES)


class Failed(Exception):
    """A command or a call that should have worked did not; the text says which."""


class Foreign(Exception):
    """The folder holds things that we did not make."""


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
    def __init__(self, folder, build=None, scenario=None, ports=None, language="en"):
        self.dir = os.path.abspath(folder)
        self.build = build or os.path.join(ROOT, "build", "release")
        self.bin = os.path.join(self.build, "src")
        self.scenario = scenario or os.environ.get("VEDOMO_SCENARIO", os.path.join(ROOT, "config", "scenario"))
        self.home = os.path.join(self.dir, "broker")
        ports = ports or processes.free_ports(PORTS)
        self.endpoint = "tcp://127.0.0.1:%d" % ports[0]
        self.rest_ports = dict(zip(AGENCIES, ports[1:]))
        self.spare_ports = ports[1 + len(AGENCIES):]
        self.language = language
        self.pins = {}
        self.vkey = None
        self.broker = None
        self.nodes = {}
        self.witnesses = {}      # name -> Process
        self.witness_ports = {}  # name -> port
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
                raise Foreign(self.dir)
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
            done = self.run(["keygen", "--role", role, "--out", self._authority(role), "--json"])
            self.pins[role] = done.json["public_key"]
            self.keys += 1
        done = self.run(["init", self.home, "--origin", ORIGIN, "--endpoint", self.endpoint,
                         "--registrar", self.pins["registrar"], "--policy", self.pins["policy"], "--json"])
        self.vkey = done.json["vkey"]
        self.keys += len([n for n in os.listdir(os.path.join(self.home, "keys")) if n.endswith(".key")])
        self.sign_cards([self.broker_card])

    def summarise_every(self, duration):
        """The broker commits to everyone's list this often, in place of each hour."""
        with open(os.path.join(self.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
            file.write("audit:\n  epoch: %s\n" % duration)

    def _authority(self, role):
        return os.path.join(self.dir, "authority", role + ".key")

    @property
    def broker_card(self):
        return os.path.join(self.home, "cards", "broker.card")

    def keygen(self, role, folder, member, name):
        """A connecting key in DIR/folder/<name>.key; gives the path of its card, not yet signed."""
        os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        stem = os.path.join(self.dir, folder, name)
        self.run(["keygen", "--role", role, "--member", member, "--node", name, "--out", stem + ".key",
                  "--origin", ORIGIN])
        self.keys += 1
        return stem + ".card"

    def sign_cards(self, cards):
        """The registrar signs, offline."""
        self.run(["member", "sign", *cards, "--registrar", self._authority("registrar")])
        self.cards += len(cards)

    def make_members(self):
        """Keys, signed cards, node configurations and profiles; the operator's card goes to the broker."""
        cards = {}
        for name, (role, member) in PEOPLE.items():
            cards[name] = self.keygen(role, os.path.join("people", name), member, name)
            self.write(os.path.join("people", name, "profile.yaml"), self.profile(name))
        for short, (member, _) in AGENCIES.items():
            cards[short] = self.keygen("node", os.path.join("agencies", short), member, "node")
            self.write_node(short)
        self.sign_cards(list(cards.values()))
        shutil.copy(cards.pop("operator"), os.path.join(self.home, "cards", "operator.card"))
        self.waiting_cards = list(cards.values())

    def make_witnesses(self, names=WITNESSES, quorum="all", urls=None, trial=True):
        """Witnesses on this machine, and the policy that names them: good for a trial, which the broker's
        configuration says. `urls`: where some of them are asked instead. Before the broker starts, and
        before the nodes' configurations are written."""
        ports = self.spare_ports if len(names) == len(self.spare_ports) else processes.free_ports(len(names))
        self.witness_ports = dict(zip(names, ports))
        lines = ["log %s" % self.vkey]
        for name, port in self.witness_ports.items():
            folder = os.path.join("witnesses", name)
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
            key = os.path.join(self.dir, folder, name + ".key")
            vkey = self.run(["keygen", "--role", "witness", "--node", "witness.example/" + name, "--out", key,
                             "--json"]).json["vkey"]
            self.keys += 1
            self.write(os.path.join(folder, "witness.yaml"), WITNESS_YAML.format(name=name, port=port, vkey=self.vkey))
            url = (urls or {}).get(name, "http://127.0.0.1:%d" % port)
            lines.append("witness %s %s %s" % (name, vkey, url))
        lines += ["group all-of-them %s %s" % (quorum, " ".join(names)), "quorum all-of-them", ""]
        self.write(os.path.join("witnesses", "policy"), "\n".join(lines))
        with open(os.path.join(self.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
            file.write("\n# The witnesses run on this machine: they count for trial only.\n"
                       "witnesses:\n  policy: \"%s\"\n  trial: %s\n"
                       % (self.witness_policy, "true" if trial else "false"))

    @property
    def witness_policy(self):
        return os.path.join(self.dir, "witnesses", "policy")

    def start_witness(self, name):
        program = os.path.join(self.bin, "vedomo")
        config = os.path.join(self.dir, "witnesses", name, "witness.yaml")
        self.witnesses[name] = processes.Process(self.dir, "witness-" + name,
                                                 [program, "witness", "serve", config]).start()
        return self.witnesses[name]

    def pins_text(self):
        return "".join("%s:\n  threshold: 1\n  keys: [\"%s\"]\n" % (role, pin) for role, pin in self.pins.items())

    def profile(self, name):
        return ("# How `vedomo` reaches the broker as %s: vedomo --profile FILE, or VEDOMO_PROFILE.\n"
                "endpoint: \"%s\"\nbroker_card: \"%s\"\nvkey: \"%s\"\nkey: %s.key\nscheme: vd\nlanguage: %s\n%s"
                % (name, self.endpoint, self.broker_card, self.vkey, name, self.language, self.pins_text()))

    def write_node(self, short):
        member, _ = AGENCIES[short]
        self.tokens[short] = secrets.token_urlsafe(32)
        folder = os.path.join("agencies", short)
        self.write(os.path.join(folder, "token"), self.tokens[short] + "\n")
        os.makedirs(os.path.join(self.dir, folder, "state"), exist_ok=True)
        with open(os.path.join(ROOT, "deploy", "agencies", short + ".yaml"), encoding="utf-8") as file:
            mapping = file.read()
        self.write(os.path.join(folder, "node.yaml"), NODE_YAML.format(
            member=member, endpoint=self.endpoint, card=self.broker_card, vkey=self.vkey, pins=self.pins_text(),
            witnesses="witnesses:\n  policy: \"%s\"\n" % self.witness_policy if self.witness_ports else "",
            port=self.rest_ports[short], mapping=mapping))

    def apply_policy(self, serial=1):
        """Checks, signs and hands in the scenario's bundle; gives what the checker counted."""
        bundle = os.path.join(self.dir, "authority", "policy-%d.bundle" % serial)
        counted = self.run(["policy", "check", self.scenario, "--json"]).json
        self.run(["policy", "sign", self.scenario, "--key", self._authority("policy"), "--serial", str(serial),
                  "-o", bundle, "--origin", ORIGIN])
        self.run(["policy", "apply", bundle], profile="operator")
        return counted

    def enrol(self):
        """The operator hands in what the registrar signed."""
        self.run(["member", "add", *self.waiting_cards], profile="operator")

    # --- running ---

    def start_broker(self):
        program = os.path.join(self.bin, "vedomod")
        self.broker = processes.Process(self.dir, "vedomod", [program, "--home", self.home]).start()
        return self.broker

    def start_node(self, short):
        program = os.path.join(self.bin, "vedomo-node")
        config = os.path.join(self.dir, "agencies", short, "node.yaml")
        self.nodes[short] = processes.Process(self.dir, "node-" + short, [program, config]).start()
        return self.nodes[short]

    def wait_for_broker(self, seconds=20.0):
        """Until it answers an operator; its own last words if it does not."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.run(["status", "--json", "--timeout", "2"], profile="operator", check=False)
            if answer.status == 0:
                return answer.json
            if not self.broker.alive():
                raise Failed("vedomod ended: %s" % self.broker.log_tail())
            if time.monotonic() > deadline:
                raise Failed("vedomod does not answer: %s %s" % (answer.err.strip(), self.broker.log_tail(5)))
            time.sleep(0.05)

    def start_nodes(self, seconds=20.0):
        for short in AGENCIES:
            self.start_node(short)
        for short in AGENCIES:
            self.wait_for_node(short, seconds)

    def wait_for_node(self, short, seconds=20.0):
        """Until its own agency could ask through it."""
        deadline = time.monotonic() + seconds
        while True:
            why = ""
            try:
                status, document = self.call(short, "GET", "/v1/status", timeout=5)
                if status == 200:
                    return
                why = str(document)
            except (OSError, http.client.HTTPException) as error:
                why = str(error)
            if not self.nodes[short].alive():
                raise Failed("node of %s ended: %s" % (short, self.nodes[short].log_tail()))
            if time.monotonic() > deadline:
                raise Failed("node of %s is not ready: %s %s" % (short, why, self.nodes[short].log_tail(5)))
            time.sleep(0.05)

    def count_registers(self):
        """What make_registers() made, counted in the files."""
        tables = 0
        files = [os.path.join(self.dir, "agencies", short, name)
                 for short, (_, names) in AGENCIES.items() for name in names]
        for path in files:
            with sqlite3.connect(path) as db:
                tables += db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'"
                                     " AND name NOT LIKE 'sqlite_%'").fetchone()[0]
        with sqlite3.connect(os.path.join(self.dir, "agencies", "population-register", "population.db")) as db:
            citizens = db.execute("SELECT count(*) FROM person").fetchone()[0]
        return {"databases": len(files), "citizens": citizens, "tables": tables}

    def write_env(self, language):
        """What a person needs to go on by hand."""
        road = os.path.join(self.dir, "agencies", "road-safety")
        self.write("demo.env", "\n".join([
            "# . this file: then the tools work against the running demonstration.",
            'export PATH="%s:$PATH"' % self.bin,
            'export VEDOMO_DEMO="%s"' % self.dir,
            'export VEDOMO_BROKER="%s"' % self.endpoint,
            'export VEDOMO_HOME="%s"' % self.home,
            'export VEDOMO_VKEY="%s"' % self.vkey,
            'export VEDOMO_PROFILE="%s"' % os.path.join(self.dir, "people", "officer", "profile.yaml"),
            'export VEDOMO_REST="http://127.0.0.1:%d"' % self.rest_ports["road-safety"],
            'export VEDOMO_TOKEN_FILE="%s"' % os.path.join(road, "token"),
            *['export VEDOMO_REST_%s="http://127.0.0.1:%d"' % (short.upper().replace("-", "_"), port)
              for short, port in self.rest_ports.items()],
            "# People: %s; another one: VEDOMO_PROFILE=$VEDOMO_DEMO/people/NAME/profile.yaml" % ", ".join(PEOPLE),
            "# An agency's system: curl -H \"Authorization: Bearer $(cat $VEDOMO_TOKEN_FILE)\""
            " -H 'Accept-Language: %s' $VEDOMO_REST/v1/catalogue" % language, ""]))

    def last_words(self):
        """The ends of the logs, when something went wrong."""
        for process in [self.broker, *self.nodes.values(), *self.witnesses.values()]:
            if process is not None:
                tail = process.log_tail(6)
                if tail:
                    yield "  %s:\n    %s" % (process.name, tail.replace("\n", "\n    "))

    def stop(self):
        for node in self.nodes.values():
            node.stop()
        if self.broker:
            self.broker.stop()
        for witness in self.witnesses.values():
            witness.stop()

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
