"""What passed of this tree within a day. `./do test --long` takes three hours of two cores: called again it goes on where it was interrupted.

Kept is what a part said, in the folder that CSG_KEPT names. What failed is not kept, nor anything of a tree with changes."""
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LIFE_S = 24 * 3600


def git(*words, source):
    """What git says without its last end of line, None where there is no git or no repository."""
    if not shutil.which("git"):
        return None
    done = subprocess.run(["git", "-C", source, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return None if done.returncode else done.stdout.strip()


def folder(place, required="", source=SOURCE):
    """Where to keep what passed of this tree, with these implementations required; None where that cannot be told."""
    tree, changes = git("rev-parse", "HEAD^{tree}", source=source), git("status", "--porcelain", source=source)
    return os.path.join(place, "-".join([tree, *filter(None, re.split(r"\W+", required))])) if tree and changes == "" else None


def path(name):
    place = os.environ.get("CSG_KEPT")
    return os.path.join(place, re.sub(r"\W+", "-", name) + ".txt") if place else None


def get(name):
    """What a part said when it passed, or None."""
    try:
        with open(path(name) or "", encoding="utf-8") as f:
            passed_s = os.fstat(f.fileno()).st_mtime
            text = f.read()
    except OSError:
        return None
    return f"\n(passed on {time.strftime('%F at %R', time.localtime(passed_s))})\n{text}" if time.time() - passed_s < LIFE_S else None


def put(name, text):
    whole = path(name)
    if not whole:
        return
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole + ".part", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(whole + ".part", whole)


def closing(counts):
    return "\n%d passed, %d failed, %d skipped\n" % tuple(counts)


def cases(code, text):
    """(passed, failed, skipped) of a command that closes with them: one that did not come to its close has failed."""
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.M)
    passed, failed, skipped = map(int, found[-1]) if found else (0, 1, 0)
    return passed, max(failed, 1) if code else failed, skipped


class Both(io.StringIO):
    """What is printed, kept as well."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def write(self, text):
        self.out.write(text)
        self.out.flush()
        return super().write(text)


def once(name, work):
    """(passed, failed, skipped) of a part that prints what it does."""
    before = get(name)
    if before:
        print(before)
        return cases(0, before)
    with contextlib.redirect_stdout(Both(sys.stdout)) as said:
        counts = work()
    if not counts[1]:
        put(name, said.getvalue() + closing(counts))
    return counts
