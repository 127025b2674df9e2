"""With --long: each fuzzer of tests/fuzz for a minute, beginning with its seeds (tests/fuzz/seeds) and the project's own files of every layout."""
import os
import re
import shutil
import subprocess
import tempfile

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
SECONDS = 60
LIMIT_BYTES = 1 << 20  # of an example: larger ones are fuzzed too slowly
LEAST_COUNTERS = 1000  # of the places that a fuzzer sees: those of the library, not of its own few lines alone
EXAMPLES = ("tests/golden/layouts", "assets/demo-model")
# Of what reads no model, in their place.
OTHER_EXAMPLES = {"picture": ("tests/unit/image/data",), "text": (), "lists": (), "coco": (), "panoptic": (), "record": ()}


def compile_all(build):
    """Why there are none, or an empty string."""
    if not shutil.which("clang"):
        return "clang, which brings libFuzzer, is not installed"
    steps = [["ninja", "-C", build]]
    if not os.path.exists(os.path.join(build, "build.ninja")):
        steps.insert(0, ["meson", "setup", build, "-Dtests=enabled", "-Dfuzz=enabled", "-Db_sanitize=address,undefined", "-Db_lundef=false"])
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


def run():
    """(passed, failed, skipped): a fuzzer is a case."""
    build = os.path.join(SOURCE, "build-fuzz")
    print("\nfuzzers")
    why = compile_all(build)
    if why:
        print("fuzzers: not run: " + why)
        return (0, 1, 0) if why.startswith("they") else (0, 0, 1)
    total = [0, 0, 0]
    place = os.path.join(build, "tests", "fuzz")
    for name in sorted(n for n in os.listdir(place) if re.fullmatch(r"fuzz_\w+", n)):
        with tempfile.TemporaryDirectory() as folder:
            examples(folder, name[len("fuzz_"):])
            done = subprocess.run([os.path.join(place, name), f"-max_total_time={SECONDS}", "-rss_limit_mb=4096", "-print_final_stats=1",
                                   f"-artifact_prefix={place}/", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", env={**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1"})
        runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
        counters = sum(map(int, re.findall(r"\((\d+) inline 8-bit counters\)", done.stdout)))
        reached = [int(n) for n in re.findall(r" cov: (\d+) ", done.stdout)]
        good = done.returncode == 0 and runs is not None and int(runs.group(1)) > 0 and counters > LEAST_COUNTERS
        total[0 if good else 1] += 1
        print(f"  {name}: " + (f"{runs.group(1)} inputs, {reached[-1]} places reached" if good else "FAILED: " + done.stdout[-1500:]), flush=True)
    return tuple(total)
