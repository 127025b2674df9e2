"""A command that runs beside the tests, on the processor time that they leave, and is heard when it has ended."""
import os
import subprocess
import sys

import kept


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


class Part(Beside):
    """A script of this folder that closes with its cases, on the time that nobody else wants."""

    def __init__(self, log, script, *words):
        super().__init__([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), script), *words], log, 19)

    def wait(self):
        """(passed, failed, skipped, what it said)"""
        code, text = super().wait()
        return *kept.cases(code, text), text
