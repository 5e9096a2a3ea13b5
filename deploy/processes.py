"""Programs that run in the background: started with their own log, remembered by pid and start time
in DIR/run/, ended only when both still fit."""

import os
import random
import signal
import socket
import subprocess
import time


def start_time(pid):
    """When the kernel started it, in clock ticks since boot; None: there is no such process."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return None if fields[0] == "Z" else int(fields[19])


def thread_states(pid):
    """The state of each of its threads: "R", "S", "T", …"""
    states = []
    for thread in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/stat" % (pid, thread), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        states.append(text[text.rindex(")") + 2])
    return states


# Sockets that say which ports this process was given: they live as long as it does.
_claims = []


def free_ports(count):
    """So many TCP ports of 127.0.0.1 that nobody listens on now. Whoever asks here in another process, while this
    one lives, gets others; and the system gives none of them to a connection, as it takes those above."""
    ports = []
    for port in random.sample(range(10240, 32768), 4096):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind("\0vedomo-port-%d" % port)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError("no free ports on 127.0.0.1")


class Process:
    """One program. `folder` is DIR: DIR/run/NAME.pid and DIR/log/NAME.log are its own."""

    def __init__(self, folder, name, command, env=None):
        self.folder = folder
        self.name = name
        self.command = command
        self.env = env
        self.popen = None

    @property
    def log_path(self):
        return os.path.join(self.folder, "log", self.name + ".log")

    def start(self):
        os.makedirs(os.path.join(self.folder, "log"), exist_ok=True)
        os.makedirs(os.path.join(self.folder, "run"), exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd=self.folder, env={**os.environ, **(self.env or {})},
                                          start_new_session=True)
        with open(self._pid_path(), "w", encoding="utf-8") as file:
            file.write("%d %s %s\n" % (self.popen.pid, start_time(self.popen.pid) or 0, self.name))
        return self

    def _pid_path(self):
        return os.path.join(self.folder, "run", self.name + ".pid")

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def send(self, number):
        if self.alive():
            os.kill(self.popen.pid, number)

    def hold(self, patience_s=10.0):
        """Stops it where it is, until it is sent SIGCONT. Returns once no thread of it runs any more."""
        self.send(signal.SIGSTOP)
        deadline = time.monotonic() + patience_s
        while any(state != "T" for state in thread_states(self.popen.pid)):
            if time.monotonic() > deadline:
                raise TimeoutError("%s does not stand still" % self.name)

    def stop(self, patience_s=10.0):
        """Asks, waits, then insists. Gives the exit status; None: it never ran."""
        if self.popen is None:
            return None
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self.popen.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._forget()
        return self.popen.returncode

    def kill(self):
        """As a power cut to this one program."""
        self.send(signal.SIGKILL)
        self.popen.wait()
        self._forget()

    def _forget(self):
        if os.path.exists(self._pid_path()):
            os.unlink(self._pid_path())

    def log_tail(self, lines=12):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:]).rstrip()
        except OSError:
            return ""


def recorded(folder):
    """What was started in DIR and still runs: (name, pid)."""
    found = []
    run = os.path.join(folder, "run")
    for entry in sorted(os.listdir(run)) if os.path.isdir(run) else []:
        if not entry.endswith(".pid"):
            continue
        with open(os.path.join(run, entry), encoding="utf-8") as file:
            words = file.read().split()
        if len(words) == 3 and start_time(int(words[0])) == int(words[1]):
            found.append((words[2], int(words[0])))
    return found


def stop_recorded(folder, patience_s=10.0):
    """Ends what is recorded in DIR: nodes first, then the broker, its witnesses last. Gives the names."""
    running = sorted(recorded(folder), key=lambda item: (item[0].startswith("witness-"), item[0] == "vedomod"))
    started = {pid: start_time(pid) for _, pid in running}
    for _, pid in running:
        for number in (signal.SIGCONT, signal.SIGTERM):
            if start_time(pid) == started[pid]:
                os.kill(pid, number)
        deadline = time.monotonic() + patience_s
        while start_time(pid) == started[pid] and time.monotonic() < deadline:
            time.sleep(0.02)
        if start_time(pid) == started[pid]:
            os.kill(pid, signal.SIGKILL)
    run = os.path.join(folder, "run")
    for entry in os.listdir(run) if os.path.isdir(run) else []:
        if entry.endswith(".pid"):
            os.unlink(os.path.join(run, entry))
    return [name for name, _ in running]
