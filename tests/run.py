#!/usr/bin/env python3
"""Run every test of the build folders and add up their cases.

    run.py [--long] BUILD [BUILD ...]

The first folder is built, the others are configured. The conformance cases and goldens run on every OpenCL implementation that is there, with
the programs of the first (implementations.py), beside the tests and on the time that they leave, as the building of the others does: tests
that wait, or that run alone, leave half of two cores. CSG_REQUIRE_DEVICES names the implementations that must be there, for example
pocl,intel,rusticl; CSG_FUZZ_SECONDS lets every fuzzer run so long. --long adds what takes long, and when it was interrupted goes on (kept.py).
The closing line is `N passed, N failed, N skipped`; the exit code is 0 only where something passed and nothing failed.
A program that reports no count of cases counts as one case.
"""
import json
import os
import re
import subprocess
import sys

import analysis
import beside
import devices
import kept
import long as long_runs
import variants

# use_sigaltstack: LLVM gives a thread that first meets it a signal stack of its own, which AddressSanitizer takes for the one that it gave.
# intercept_tls_get_addr: by where a driver's thread-local block happens to lie, the runtime of GCC up to 13 and of LLVM up to 16 takes what
# stands before it for the header of an older glibc, and LeakSanitizer's tracer crashes (github.com/google/sanitizers/issues/1322).
ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=0:allocator_may_return_null=1:use_sigaltstack=0:intercept_tls_get_addr=0",
    "LSAN_OPTIONS": "print_suppressions=0:suppressions=" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "lsan.supp"),
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def counts(test):
    """(passed, failed, skipped) cases of one entry of meson's log."""
    out, both = test.get("stdout", ""), test.get("stdout", "") + test.get("stderr", "")
    failed = test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        return 0, 0, 1
    closing = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", out, re.M)
    unittest = re.search(r"^Ran (\d+) tests? in", both, re.M)
    cmocka = re.findall(r"^\[  (PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)", both, re.M)
    if closing:
        p, f, s = map(int, closing[-1])
    elif unittest:
        total = int(unittest.group(1))
        f = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", both))
        s = sum(int(n) for n in re.findall(r"skipped=(\d+)", both))
        p = total - f - s
    elif cmocka:
        sums = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
        for word, n in cmocka:
            sums[word] += int(n)
        p, f, s = sums["PASSED"], sums["FAILED"], sums["SKIPPED"]
    else:
        return (0, 1, 0) if failed else (1, 0, 0)
    return (p, max(f, 1), s) if failed else (p, f, s)


def add(some, more):
    return [a + b for a, b in zip(some, more)]


def run(build, leave_out=()):
    """(passed, failed, skipped)"""
    # One more than there are cores: some wait for a network that is slow on purpose, or for the disk.
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--num-processes", str((os.cpu_count() or 1) + 1)]
    for suite in leave_out:
        command += ["--no-suite", suite]
    environment = {"OCL_ICD_VENDORS": devices.without_unloading(os.path.abspath(build)), **os.environ, **ENVIRONMENT}
    code = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode
    with open(os.path.join(build, "meson-logs", "testlog.json")) as log:
        tests = [json.loads(line) for line in log]
    total = [0, 0, 0]
    print(f"\n{build}")
    for test in tests:
        each = counts(test)
        total = add(total, each)
        name = test["name"].split(" / ")[-1].split(":")[-1].strip()
        print("  %-44s %-8s %7.1f s   %d passed, %d failed, %d skipped" % (name, test["result"], test["duration"], *each))
        for reason in re.findall(r"^(?:skipped|SKIP): .*$", test.get("stdout", ""), re.M)[:5]:
            print("      " + reason)
    if not tests or (code and not total[1]):
        total[1] += 1  # meson failed in a way that no test shows
    return total


def main():
    total = [0, 0, 0]
    long = "--long" in sys.argv[1:]
    builds = [a for a in sys.argv[1:] if a != "--long"]
    if long:
        os.environ.setdefault("CSG_FAULTS", "all")
        place = kept.folder(os.path.abspath(os.path.join(builds[0], "kept")), os.environ.get("CSG_REQUIRE_DEVICES", ""))
        if place:
            os.environ["CSG_KEPT"] = place
    # Threads that wait leave the processor to whoever has work.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # PoCL compiles a kernel once for every test of every build, not once for each of their caches.
    os.environ.setdefault("POCL_CACHE_DIR", os.path.abspath(os.path.join(builds[0], "pocl-cache")))
    os.makedirs(os.environ["POCL_CACHE_DIR"], exist_ok=True)
    # Niced in the order in which they are waited for.
    compiling = {build: beside.Beside(["ninja", "-C", build], build + "/ninja.log", 10) for build in builds[1:]}
    others = [beside.Part(builds[0] + "/devices.log", "implementations.py", builds[0], *(["--long"] if long else []))]
    fuzz_seconds = "600" if long else os.environ.get("CSG_FUZZ_SECONDS")
    if fuzz_seconds:
        others.append(beside.Part(builds[0] + "/fuzzers.log", "fuzzers.py", fuzz_seconds))
    if long:
        others.append(beside.Part(builds[0] + "/viewer.log", "long.py", builds[0]))
    try:
        for build in builds:
            if build in compiling:
                code, text = compiling[build].wait()
                if code:
                    print(text, f"\n{build} does not build")
                    total[1] += 1
                    continue
            # On every implementation the first folder's conformance cases run beside it. Every single fault is for the sanitizer's build.
            leave_out = ["conformance", *(["faults"] if long and len(builds) > 1 else [])] if build == builds[0] else []
            total = add(total, kept.once("tests of " + os.path.basename(build), lambda: run(build, leave_out)))
        for other in others:
            *each, text = other.wait()
            print(text, flush=True)
            total = add(total, each)
    finally:
        for process in [*compiling.values(), *others]:
            process.stop()
    if long:
        for name, part in (("long runs", long_runs.run), ("analysis", analysis.run), ("builds", lambda _: variants.run())):
            total = add(total, kept.once(name, lambda: part(builds[0])))
    if not total[0]:
        print("no test was run", file=sys.stderr)
        total[1] = max(total[1], 1)
    print(kept.closing(total), end="")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
