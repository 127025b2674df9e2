"""A command that runs beside the tests, on the processor time that they leave, and is heard when it has ended."""
import os
import re
import subprocess
import sys


class Beside:
    """Its output lies in a file until then. niceness: 0 shares alike, 19 takes only what nobody else wants."""

    def __init__(self, command, log, niceness):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["nice", "-n", str(niceness), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def wait(self):
        """(exit code, what it said)"""
        code = self.process.wait()
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return code, f.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def cases(code, text):
    """(passed, failed, skipped) of a command that closes with them: one that did not come to its close has failed."""
    closing = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.M)
    passed, failed, skipped = map(int, closing[-1]) if closing else (0, 1, 0)
    return passed, max(failed, 1) if code else failed, skipped


def python(name, *words):
    return [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), name), *words]
