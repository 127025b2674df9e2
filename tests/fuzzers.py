#!/usr/bin/env python3
"""Each fuzzer of tests/fuzz for some time of a processor, beginning with its seeds (tests/fuzz/seeds) and the project's own files of every layout:

    fuzzers.py SECONDS [NAME ...]

`./do test --long` gives each ten minutes, CSG_FUZZ_SECONDS those of `./do test`.
"""
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kept

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LIMIT_BYTES = 1 << 20  # of an example: larger ones are fuzzed too slowly
LEAST_COUNTERS = 1000  # of the places that a fuzzer sees: those of the library, not of its own few lines alone
EXAMPLES = ("tests/golden/layouts", "assets/demo-model")
# Of what reads no model, in their place.
OTHER_EXAMPLES = {"picture": ("tests/unit/image/data",), "text": (), "lists": (), "coco": (), "panoptic": (), "record": ()}


def compile_all(build):
    """Why there are none, or an empty string."""
    if not shutil.which("clang"):
        return "clang, which brings libFuzzer, is not installed"
    steps = [["ninja", "-C", build, "fuzzers"]]
    if not os.path.exists(os.path.join(build, "build.ninja")):
        steps.insert(0, ["meson", "setup", build, "-Dtests=enabled", "-Dfuzz=enabled", "-Dviewer=disabled", "-Db_sanitize=address,undefined", "-Db_lundef=false"])
    for step in steps:
        done = subprocess.run(step, cwd=SOURCE, env={**os.environ, "CC": "clang", "CXX": "clang++"}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return "they do not build: " + done.stdout[-600:]
    return ""


def examples(folder, target):
    for place in (os.path.join("tests/fuzz/seeds", target),) + OTHER_EXAMPLES.get(target, EXAMPLES):
        for path, _, names in os.walk(os.path.join(SOURCE, place)):
            for name in names:
                full = os.path.join(path, name)
                if os.path.getsize(full) <= LIMIT_BYTES:
                    shutil.copy(full, os.path.join(folder, f"{len(os.listdir(folder))}-{name}"))


def used(pid):
    """Seconds of a processor that a process has taken."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def fuzz(place, name, seconds):
    """(whether it found nothing, what it says)"""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+", errors="replace") as said:
        examples(folder, name[len("fuzz_"):])
        process = subprocess.Popen([os.path.join(place, name), "-rss_limit_mb=4096", "-print_final_stats=1", f"-artifact_prefix={place}/",
                                    folder], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                   env={**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1"})
        taken = 0.0
        while process.poll() is None:
            try:
                taken = used(process.pid)
            except OSError:
                pass
            if taken >= seconds:
                process.send_signal(signal.SIGUSR1)  # it ends with its figures
            time.sleep(0.5)
        said.seek(0)
        text = said.read()
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    counters = sum(map(int, re.findall(r"\((\d+) inline 8-bit counters\)", text)))
    reached = [int(n) for n in re.findall(r" cov: (\d+) ", text)]
    if process.returncode or not runs or not int(runs.group(1)) or counters <= LEAST_COUNTERS or taken < seconds:
        return False, "FAILED: " + text[-1500:]
    return True, f"{runs.group(1)} inputs in {taken:.0f} s, {reached[-1]} places reached"


def fuzz_once(place, name, seconds):
    part = f"{name} for {seconds:.0f} s"
    before = kept.get(part)
    if before:
        return True, " ".join(before.split())
    good, sentence = fuzz(place, name, seconds)
    if good:
        kept.put(part, sentence)
    return good, sentence


def run(seconds, names=()):
    """(passed, failed, skipped): a fuzzer is a case."""
    build = os.path.join(SOURCE, "build-fuzz")
    print("\nfuzzers")
    why = compile_all(build)
    if why:
        print("fuzzers: not run: " + why)
        return (0, 1, 0) if why.startswith("they") else (0, 0, 1)
    total = [0, 0, 0]
    place = os.path.join(build, "tests", "fuzz")
    found = sorted(n for n in os.listdir(place) if re.fullmatch(r"fuzz_\w+", n) and (not names or n[len("fuzz_"):] in names))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (good, sentence) in zip(found, pool.map(lambda n: fuzz_once(place, n, seconds), found)):
            total[0 if good else 1] += 1
            print(f"  {name}: {sentence}", flush=True)
    return tuple(total)


if __name__ == "__main__":
    results = run(float(sys.argv[1]), sys.argv[2:])
    print(kept.closing(results), end="")
    sys.exit(1 if results[1] else 0)
