"""Conformance and goldens on each OpenCL implementation that is there, and the coverage of them all together."""
import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

import coverage
import devices
import kept

SOURCE = devices.SOURCE
GOLDEN = os.path.join(SOURCE, "tests", "golden")
LIMIT_S = 7200  # of one process: it runs beside tests, on the time that they leave
Pass = collections.namedtuple("Pass", "title options preload", defaults=("",))


def passes(row, variants, long):
    """What one implementation runs: its own forms of both classes, then, where the row says so, what other devices would build."""
    base = row.options + (["--small"] if row.cases == "small" else [])
    found = []
    for c in row.classes:
        one = Pass("class " + c, base + ["--device-class", c])
        if c in row.slow and not long:
            op, text = row.slow[c]
            found.append(Pass(f"{one.title}, {op}, {text}", one.options + ["--op", op, "--label", text]))
            one = Pass(f"{one.title} without {op}", one.options + ["--except", op])
        found.append(one)
    if row.forced:
        for v in variants:
            if not v["limit"] and not v["quirk"]:
                continue
            options = ["--small", "--device-class", v["class"]]
            for name in ("limit", "quirk"):
                if v[name]:
                    options += ["--quirks" if name == "quirk" else "--limit", v[name]]
            title = " ".join(options[2:])
            if v["op"] and all(o["op"] for o in variants if (o["class"], o["limit"], o["quirk"]) == (v["class"], v["limit"], v["quirk"])):
                options += ["--op", v["op"]]
                title += " --op " + v["op"]
            if Pass(title, options) not in found:
                found.append(Pass(title, options))
    return found


def run_pass(row, one, env, binary, seconds):
    command = row.command + [binary, "--json"] + one.options
    start = time.monotonic()
    if one.preload:
        env = env | {"LD_PRELOAD": one.preload}
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=LIMIT_S, errors="replace")
    except subprocess.TimeoutExpired:
        return None, f"no end after {LIMIT_S} s", 1
    finally:
        seconds[one.title] = time.monotonic() - start
    stdout = done.stdout
    try:
        document = json.loads(stdout[stdout.index("{"):stdout.rindex("}") + 1])
    except ValueError:
        return None, f"exit {done.returncode}, no result: " + (done.stderr + stdout).strip()[-600:], done.returncode or 1
    return document, done.stderr, done.returncode


class Outcome:
    """One implementation's results."""

    def __init__(self, row):
        self.row, self.passed, self.failed, self.skipped = row, 0, 0, 0
        self.lines, self.records, self.worst, self.device = [], [], {}, ""

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def fail(self, sentence):
        self.failed += 1
        self.lines.append("FAILED " + sentence)

    def take_reports(self, title, text):
        """What a checker of memory says beside the results."""
        if self.row.command:
            reports = re.findall(r"^.*(?:Invalid|Uninitialized|data race|Unaligned|divergence).*$", text, re.M | re.I)
            for report in reports[:5]:
                self.fail(f"{title}: {report.strip()}")
            self.lines.append(f"{title}: {len(reports)} reports of {self.row.name}")

    def take(self, one, document, stderr, code):
        """The result of one conformance pass."""
        if document is None:
            return self.fail(f"{one.title}: {stderr}")
        self.add(document["passed"], document["failed"], document["skipped"])
        for f in document["failures"]:
            self.lines.append(f"FAILED {one.title}: {f['op']}, case {f['case']} ({f['label']}): {f['sentence']}\n    again: {f['repeat']}")
        nothing = document["skipped"] and all(d["note"].startswith("skipped: ") for d in document["devices"])
        if code and not document["failed"] and not nothing:
            self.fail(f"{one.title}: exit {code} without a failed case: {stderr.strip()[-300:]}")
        self.take_reports(one.title, stderr)
        for d in document["devices"]:
            if d["note"]:
                self.lines.append(f"{one.title}: {d['note']}")
            self.device = self.device or f"{d['name']} ({d['platform']}, driver {d['driver']})"
            if code == 0:
                self.records += [{"device": self.row.name, "class": d["device_class"], **k} for k in d["kernels"]]
            for o in d["ops"]:
                if o["worst_ratio"] is not None:
                    key = (d["device_class"], o["op"])
                    self.worst[key] = max(self.worst.get(key, 0.0), o["worst_ratio"])


def emulated(build):
    """Tiles of bfloat16, which few processors have, done by a library that is loaded before the program."""
    library = os.path.join(os.path.abspath(build), "tests", "libamx.so")
    if not os.path.exists(library):
        return []
    return [Pass(f"emulated tiles, {op}", ["--device-class", "cpu", "--limit", "amx=2", "--op", op], library) for op in ("gemm", "attention")]


def judge_emulated(outcome):
    """Where a processor takes pairs of bfloat16, emulated tiles of them are taken as well."""
    launched = {r["kernel"] for r in outcome.records if r["launches"] and r["class"] == "cpu"}
    if "gemm_pairs" in launched and ("gemm_amx" not in launched or
                                     not any("-DCSG_AMX=1" in r["options"].split() and r["launches"] for r in outcome.records)):
        outcome.fail("emulated tiles: pairs of bfloat16 were taken in their place")


def self_check(outcome, row, env, binary):
    command = row.command + [binary, "--self-check"] + [o for o in row.options if o != "--tight"] + (["--small"] if row.cases == "small" else [])
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT_S)
    found = re.search(r"^(\d+) injected, (\d+) caught$", done.stdout, re.M)
    if not found or done.returncode:
        outcome.lines += [l for l in done.stdout.splitlines() if "MISSED" in l][:20]
        return outcome.fail("self-check: " + (found.group(0) if found else done.stdout.strip()[-300:]))
    outcome.add(int(found.group(2)), 0, 0)
    outcome.lines.append("self-check: " + found.group(0))


def goldens(outcome, row, env, build):
    """The published figures through the whole library; the figures a user cares about are kept."""
    if not row.goldens:
        return
    for precision in ("f32", "f16", "bf16"):
        # The larger model tells nothing more of the rounding than the small ones.
        golden_cases(outcome, row.goldens if precision == "f32" else row.goldens[:1], precision, env, build)


def golden_cases(outcome, cases, precision, env, build):
    models = os.path.join(build, "golden-models")
    command = ["/usr/bin/python3", os.path.join(GOLDEN, "prepare.py"), models, GOLDEN, *cases, "--",
               *outcome.row.command, os.path.join(build, "tests", "golden", "test_golden"), "best," + precision, models, GOLDEN, *cases]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT_S, errors="replace")
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test\(s\)", done.stdout, re.M)))
    outcome.add(passed, 0, 0)
    if done.returncode or not passed:
        outcome.fail(f"goldens in {precision}: " + done.stdout.strip()[-800:])
    outcome.take_reports(f"goldens in {precision}", done.stdout)
    for line in re.findall(r"^\s+(\S+)\s+user's figures \((\w+)\): (.*)$", done.stdout, re.M):
        outcome.lines.append(f"golden {line[0]} in {line[1]}: {line[2]}")


def run_row(row, build, long):
    """An Outcome, or why there is none."""
    work = os.path.join(os.path.abspath(build), "devices")
    os.makedirs(work, exist_ok=True)
    if row.long and not long:
        return "only with --long"
    env, why = devices.environment(row, work)
    if env is None:
        return why
    why = devices.usable(row, env, build)
    if why:
        return why
    env["XDG_CACHE_HOME"] = os.path.join(work, "cache-" + row.name)
    binary = os.path.join(build, "tests", "conformance")
    variants = json.loads(subprocess.run([binary, "--variants"], stdout=subprocess.PIPE, check=True).stdout)
    outcome = Outcome(row)
    todo, seconds = passes(row, variants, long), {}
    start = time.monotonic()
    if row.cases == "all":
        todo += [Pass("wide, class " + c, ["--wide", "--small", "--device-class", c]) for c in row.classes]
    tiles = emulated(build) if row.alone else []
    todo += tiles
    if long and row.cases == "all":
        todo += [Pass(f"seed {s}, class {c}", ["--seed", str(s), "--device-class", c]) for s in (2, 3) for c in row.classes]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(run_pass, row, one, env, binary, seconds) for one in todo]
        for one, future in zip(todo, futures):
            outcome.take(one, *future.result())
    if tiles:
        judge_emulated(outcome)
    self_check(outcome, row, env, binary)
    goldens(outcome, row, env, build)
    longest = max(seconds, key=seconds.get)
    outcome.lines.append(f"{len(todo)} passes, {time.monotonic() - start:.0f} s; the longest: {longest}, {seconds[longest]:.0f} s")
    return outcome


def warn_of_drift(outcome, measured):
    """The second figure: four times the worst error that was measured before warns and does not fail."""
    for (form, op), ratio in sorted(outcome.worst.items()):
        before = max((d.get(form, {}).get(op, 0.0) for d in measured.values()), default=0.0)
        if before and ratio > 4 * before:
            outcome.lines.append(f"warning: {op}, class {form}: worst error / bound {ratio:.3f}, four times what was measured before is {4 * before:.3f}")


def run(build, long, required):
    """(passed, failed, skipped) of all, printed by implementation."""
    with open(os.path.join(SOURCE, "tests", "conformance", "measured.json"), encoding="utf-8") as f:
        measured = json.load(f)
    outcomes, total = [], [0, 0, 0]
    print(f"\nOpenCL implementations ({build})")
    names = [row.name for row in devices.rows()]
    for name in sorted(set(required) - set(names)):
        print(f"{name}: FAILED: it is required, and no such implementation is known (there are {', '.join(names)})")
        total[1] += 1
    for row in devices.rows():
        outcome = run_row(row, build, long)
        if isinstance(outcome, str):
            total[1] += row.name in required
            if row.name in required or row.note != "other":
                print(f"{row.name}: {'FAILED: it is required, but ' if row.name in required else 'not run: '}{outcome}")
            continue
        warn_of_drift(outcome, measured)
        print(f"{row.name}: {outcome.device}")
        for line in outcome.lines:
            print("    " + line)
        print(f"{row.name}: {outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped", flush=True)
        total = [a + b for a, b in zip(total, (outcome.passed, outcome.failed, outcome.skipped))]
        outcomes.append(outcome)
    if outcomes:
        total[1] += cover(outcomes, build, required)
    return total


def cover(outcomes, build, required):
    """Prints the lines of the kernels; how many of them leave one out."""
    binary = os.path.join(build, "tests", "conformance")
    variants = json.loads(subprocess.run([binary, "--variants"], stdout=subprocess.PIPE, check=True).stdout)
    counted = [o for o in outcomes if o.row.name in required] or outcomes
    records = [r for o in counted for r in o.records]
    with open(os.path.join(build, "devices", "results.json"), "w", encoding="utf-8") as f:
        worst = {o.row.name: {form: {op: round(r, 4) for (g, op), r in sorted(o.worst.items()) if g == form} for form in ("cpu", "gpu")}
                 for o in outcomes}
        json.dump({"devices": {o.row.name: o.device for o in outcomes}, "worst": worst}, f, indent=1)
    if not any(o.row.forced for o in counted):
        print("kernels: coverage is not judged: no implementation that takes every form is here")
        return 0
    failed = judge(records, variants, "kernels")
    for alone in (o for o in counted if o.row.alone and len(counted) > 1):
        failed += judge(alone.records, variants, f"kernels with {alone.row.name} alone")
    return failed


def judge(records, variants, title):
    """Prints a line; 1 where a kernel was left out."""
    built, launched, missing, absent = coverage.check(records, variants, coverage.kernels_in(os.path.join(SOURCE, "cl")))
    for line in missing:
        print(f"    MISSING in {title}: {line}")
    print(f"{title}: {built} built, {launched} launched, not available here: {'; '.join(absent) or 'none'}")
    return 1 if missing else 0


if __name__ == "__main__":
    wanted = [n for n in os.environ.get("CSG_REQUIRE_DEVICES", "").split(",") if n]
    results = kept.once("implementations", lambda: run(sys.argv[1], "--long" in sys.argv, wanted))
    print(kept.closing(results), end="")
    sys.exit(1 if results[1] or not results[0] else 0)
