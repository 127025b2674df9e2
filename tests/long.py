"""With --long: ten thousand maps in one process, engines in four threads under ThreadSanitizer, and an hour of the viewer beside the rest."""
import json
import os
import re
import subprocess
import sys

import kept

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
MODEL = os.path.join(SOURCE, "tests", "golden", "layouts", "openai")
PROGRAM = os.path.join("tests", "faults", "test_long")


def compile_with_threads(build):
    """Why there is none, or an empty string."""
    steps = [["ninja", "-C", build, PROGRAM]]
    if not os.path.exists(os.path.join(build, "build.ninja")):
        steps.insert(0, ["meson", "setup", build, "-Dtests=enabled", "-Dviewer=disabled", "-Db_sanitize=thread", "-Dbuildtype=debugoptimized",
                         "-Db_lundef=false"])
    for step in steps:
        done = subprocess.run(step, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return "it does not build: " + done.stdout[-600:]
    return ""


def one(build, *words, **env):
    done = subprocess.run([os.path.join(build, PROGRAM), MODEL, os.path.join(build, "tests", "faults", "cache"), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env={**os.environ, **env})
    if done.returncode == 77:
        print("  skipped: " + done.stdout.strip(), flush=True)
        return (0, 0, 1)
    said = re.findall(r"^\d+ maps on .*$", done.stdout, re.M)
    print("  " + (said[-1] if said else "") + ("" if done.returncode == 0 else " FAILED: " + done.stdout[-3000:]), flush=True)
    return (0, 1, 0) if done.returncode or not said else (1, 0, 0)


def viewer(build):
    """(passed, failed, skipped): an hour of it."""
    print("\nthe viewer on a video that is played again and again")
    with open(os.path.join(build, "meson-info", "intro-tests.json"), encoding="utf-8") as f:
        command = next((row["cmd"] for row in json.load(f) if row["name"] == "viewer"), None)
    if not command:
        print("  skipped: it is not built")
        return (0, 0, 1)
    done = subprocess.run([*command[:3], "Viewer.test_memory_does_not_grow"], cwd=build, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          env={**os.environ, "CSG_VIEWER_SOAK_S": os.environ.get("CSG_VIEWER_SOAK_S", "3600")})
    found = re.findall(r"memory over .*$", done.stdout, re.M)
    good = done.returncode == 0 and found
    print("  " + (found[-1] if found else "") + ("" if good else done.stdout[-3000:]))
    return (0, 0, 1) if done.returncode == 77 else (1, 0, 0) if good else (0, 1, 0)


def run(build):
    """(passed, failed, skipped)"""
    print("\nlong runs")
    totals = [one(build, "best", "10000", "1")]
    threads = os.path.join(SOURCE, "build-tsan")
    why = compile_with_threads(threads)
    if why:
        print("  threads: " + why)
        totals.append((0, 1, 0))
    else:
        # OpenMP's and the drivers' own threads are not instrumented: the reference in one thread an engine, and the device with what lies in its
        # driver left out.
        supp = "suppressions=" + os.path.join(SOURCE, "tests", "tsan.supp")
        totals.append(one(threads, "reference", "60", "4", OMP_NUM_THREADS="1", TSAN_OPTIONS=supp))
        totals.append(one(threads, "best", "60", "4", OMP_NUM_THREADS="1", TSAN_OPTIONS=supp + ":ignore_noninstrumented_modules=1"))
    return tuple(map(sum, zip(*totals)))


if __name__ == "__main__":
    results = kept.once("viewer", lambda: viewer(sys.argv[1]))
    print(kept.closing(results), end="")
    sys.exit(1 if results[1] else 0)
