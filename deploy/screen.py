"""What the demonstration prints: steps with their time, scenes, sentences, fields, expectations.
Colour only on a terminal; no line wider than WIDTH. Keeps count of what was expected and did not hold."""

import os
import shutil
import sys
import textwrap
import time

WIDTH = 92


class Screen:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.colour = out.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ
        self.live = out.isatty()
        self.width = min(WIDTH, shutil.get_terminal_size((WIDTH, 40)).columns)
        self.held = 0
        self.broken = []
        self._step = None
        self._quarters = 0

    def _paint(self, code, text):
        return "\033[%sm%s\033[0m" % (code, text) if self.colour else text

    def bold(self, text):
        return self._paint("1", text)

    def dim(self, text):
        return self._paint("2", text)

    def green(self, text):
        return self._paint("32", text)

    def red(self, text):
        return self._paint("31", text)

    def blue(self, text):
        return self._paint("36", text)

    def line(self, text=""):
        self.out.write(text + "\n")
        self.out.flush()

    def title(self, text, below=""):
        self.line()
        self.line("  " + self.bold(text))
        if below:
            self.wrapped(below, "  ")
        self.line("  " + self.dim("─" * (self.width - 4)))

    def scene(self, number, name):
        self.line()
        head = "%s  %s " % (number, name)
        self.line("  " + self.bold(self.blue(head)) + self.dim("─" * max(2, self.width - 4 - len(head))))

    def wrapped(self, text, indent="     ", paint=None, hang=""):
        for place, row in enumerate(textwrap.wrap(text, self.width - len(indent) - len(hang)) or [""]):
            row = paint(row) if paint else row
            self.line(indent + (hang if place else "") + row)

    def say(self, text):
        """The narrator."""
        self.wrapped(text, "     ", self.dim)

    def quote(self, text, label=""):
        """Words that the product itself says to a person, hanging behind a label."""
        for place, row in enumerate(textwrap.wrap(text, self.width - 9 - len(label))):
            self.line("     " + self.blue("│") + " " + (" " * len(label) if place else self.dim(label)) + row)

    def boxes(self, items):
        """Boxes to tick, several in a row: [(ticked, name)]."""
        row, plain = "", 0
        for ticked, name in items:
            size = len(name) + 6
            if plain and plain + size > self.width - 7:
                self.line("     " + row.rstrip())
                row, plain = "", 0
            row += (self.green("[✓] ") if ticked else "[ ] ") + name + "  "
            plain += size
        if row:
            self.line("     " + row.rstrip())

    def field(self, mark, name, value, note=""):
        """One row of a list: ✓ name … value (note)."""
        paint = {"✓": self.green, "✗": self.red}.get(mark, lambda text: text)
        row = "     %s %s" % (paint(mark), name)
        plain = len("     %s %s" % (mark, name))
        if value:
            row += " " + self.dim("·" * max(2, 44 - plain)) + " " + value
        self.line(row)
        if note:
            self.wrapped(note, "         ", self.dim)

    def start(self, text):
        """A step of the preparation begins; done() ends its line."""
        self._step = (text, time.monotonic())
        self._quarters = 0
        if self.live:
            self.out.write("  · %s …" % text)
            self.out.flush()

    def progress(self, done, of):
        """How far the step is: in place on a terminal, a line at each quarter elsewhere."""
        if self.live:
            self.out.write("\r\033[K  · %s … %d/%d" % (self._step[0], done, of))
            self.out.flush()
        elif of >= 20 and done * 4 // of > self._quarters:
            self._quarters = done * 4 // of
            self.line("  · %s … %d/%d" % (self._step[0], done, of))

    def done(self, words=""):
        text, started = self._step
        seconds = time.monotonic() - started
        if self.live:
            self.out.write("\r\033[K")
        label = text + (": " + words if words else "")
        self.line("  %s %s %s" % (self.green("✓"), label.ljust(self.width - 16),
                                  self.dim("%7.2f s" % seconds)))
        self._step = None

    def pending(self):
        """A step was begun and not ended."""
        return self._step is not None

    def failed(self, words):
        if self.live and self._step:
            self.out.write("\r\033[K")
        self.line("  %s %s" % (self.red("✗"), self._step[0] if self._step else ""))
        self.wrapped(words, "     ")
        self._step = None

    def expect(self, condition, words):
        """A thing that must be so. Shown only when it is not; counted either way."""
        if condition:
            self.held += 1
            return True
        self.broken.append(words)
        self.wrapped("✗ " + words, "     ", self.red)
        return False
