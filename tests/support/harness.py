"""What integration tests share: a small federation made as the demonstration makes it, with the binaries
of VEDOMO_BUILD, and peers in another language beside them."""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy"))

import house as houses  # noqa: E402

ANNA = houses.ANNA
ORIGIN = houses.ORIGIN
BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "release"))
# Under the sanitizers everything takes longer.
PATIENCE_S = 60.0
KEEP = os.environ.get("VEDOMO_KEEP")


def build_tilecheck():
    """The independent verifier of published logs, in Go on Go's own packages: its path. Another test may be building
    it or running it."""
    path = os.path.join(BUILD, "tilecheck")
    beside = "%s.%d" % (path, os.getpid())
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
           "GOCACHE": os.path.join(ROOT, "build", "go-cache")}
    subprocess.run(["go", "build", "-o", beside, "tests/public/tilecheck/main.go"], cwd=ROOT, env=env, check=True)
    os.replace(beside, path)
    return path


class Federation(houses.House):
    """A house in a scratch folder. Use it in a `with` block: it stops what it started, looks at how each
    program ended, and removes the folder. `nodes`: which agencies' nodes to start; `before`: called before anything is started."""

    def __init__(self, nodes=(), citizens=200, policy=True, before=None):
        super().__init__(tempfile.mkdtemp(prefix="vedomo-test-"), build=BUILD)
        self.wanted = nodes
        self.citizens = citizens
        self.policy = policy
        self.before = before
        self.cases = 0

    def __enter__(self):
        try:
            self.clear()
            self.make_registers(self.citizens)
            self.make_authorities()
            self.make_members()
            if self.before:
                self.before(self)
            self.start_broker()
            self.wait_for_broker(PATIENCE_S)
            self.enrol()
            if self.policy:
                self.apply_policy()
            for short in self.wanted:
                self.start_node(short)
            for short in self.wanted:
                self.wait_for_node(short, PATIENCE_S)
        except BaseException:
            self.finish(False)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.finish(kind is None)

    def finish(self, good):
        self.stop()
        ended = [(p.name, p.popen.returncode, p.log_tail(40)) for p in [self.broker, *self.nodes.values()]
                 if p is not None and p.popen is not None and p.popen.returncode not in (0, -9)]
        tails = "" if good else "\n".join(self.last_words())
        if KEEP:
            print("# kept: %s" % self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        if not good:
            print(tails)
        if ended and good:
            raise AssertionError("a program ended badly: %s" % "\n".join("%s: %s\n%s" % e for e in ended))

    def key_of(self, short):
        """An agency's key file."""
        return os.path.join(self.dir, "agencies", short, "node.key")

    def case(self):
        self.cases += 1
        return "case-%d" % self.cases

    # --- what tests often do ---

    def identity_question(self, subject=ANNA, name="Ветрова Анна Сергеевна", **more):
        return {"dataset": "identity.person", "subject": {"scheme": "vd", "id": subject},
                "fields": [{"name": "full_name", "form": "match", "match": name}], "purpose": "identity-check",
                "basis": {"kind": "law", "article": "210-ФЗ, ст. 7.1"},
                "official": {"id": "inspector-1", "role": "inspector"}, **{"case": self.case(), **more}}

    def consent_question(self, dataset, fields, subject=ANNA, **more):
        return {"dataset": dataset, "subject": {"scheme": "vd", "id": subject}, "fields": fields,
                "purpose": "driving-licence-issue", "basis": {"kind": "consent"},
                "official": {"id": "inspector-1", "role": "inspector"}, **{"case": self.case(), **more}}

    def ask(self, question, asker="road-safety"):
        """(status, document) of the answer, waited for."""
        status, document = self.call(asker, "POST", "/v1/requests", question, timeout=PATIENCE_S)
        while status == 202:
            status, document = self.call(asker, "GET", "/v1/requests/" + document["id"], timeout=PATIENCE_S)
        return status, document

    def session(self, subject=ANNA):
        """A citizen's session at the desk: the file that holds it."""
        code = self.run(["consent", "code", "--subject", "-", "--json"], stdin=subject + "\n", profile="portal").json["code"]
        self.cases += 1
        path = os.path.join(self.dir, "session-%d" % self.cases)
        self.run(["consent", "open", "--session", path, "--clerk", "window-7"], stdin=code + "\n", profile="desk-7")
        return path

    def request_consent(self, dataset, subject=ANNA):
        return self.run(["consent", "request", "--dataset", dataset, "--purpose", "driving-licence-issue", "--subject", "-",
                         "--json"], stdin=subject + "\n", profile="licence-office").json["id"]

    def change_consent(self, action, consent, session, *more):
        return self.run(["consent", action, consent, "--session", session, "--clerk", "window-7", "--json", *more],
                        profile="desk-7").json

    def grant(self, dataset, subject=ANNA, fields=None):
        """A consent from question to grant; gives its id and the session."""
        consent = self.request_consent(dataset, subject)
        session = self.session(subject)
        more = ["--fields", ",".join(fields)] if fields else []
        self.change_consent("grant", consent, session, *more)
        return consent, session
