#!/usr/bin/env python3
"""Writes docs/scaling.md: how `map` over a folder grows with ranks and devices on this machine, and what a million pictures cost by that.

    scaling.py --binary TOOL-WITH-MPI [--pictures N] [--runs N] [--figures FILE] [--doc FILE]

Each rank and each device has one thread, so that the processors are what grows. What PoCL and Open MPI are not there for is left out and said.
With --figures what was measured before is taken from the file and not measured again. Speeds of GPUs are those of docs/devices/README.md and
docs/benchmarks.md.
"""
import argparse, datetime, json, os, re, resource, shutil, subprocess, sys, tempfile, textwrap, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests"))
import devices  # noqa: E402
PICTURE = os.path.join(ROOT, "tests", "golden", "bench.jpg")
MILLION = 1_000_000
ONE_THREAD = {"POCL_MAX_PTHREAD_COUNT": "1", "DPCPP_CPU_NUM_CUS": "1", "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
RANKS, HOSTS, GPUS = (1, 2, 4), (2, 4), (1, 8, 64)
PLATFORMS = ("pocl", "intel")
BATCH = 4  # of --batch: with few pictures to measure on, ranks would end further apart with more


class Tool:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.maps = os.path.abspath(binary), folder, os.path.join(folder, "maps")
        self.environment = os.environ | ONE_THREAD | {"XDG_CACHE_HOME": os.path.join(folder, "cache"), "HOME": folder}

    def pictures(self, name, count):
        path = os.path.join(self.folder, name)
        os.makedirs(path)
        for i in range(count):
            shutil.copy(PICTURE, os.path.join(path, f"{i:06}.jpg"))
        return path

    def map(self, pictures, *words, before=(), **environment):
        """The report; with the processor's time of all processes and the wall clock, in ms."""
        shutil.rmtree(self.maps, ignore_errors=True)
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*before, self.binary, "map", pictures, "bench", "-o", self.maps, "--json", "-q", "--batch",
                               str(BATCH), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.environment | environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
        document = json.loads(done.stdout)
        document["cpu_ms"] = 1e3 * (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)
        document["wall_ms"] = 1e3 * (time.perf_counter() - start)
        return document

    def best(self, runs, *words, **more):
        return min((self.map(*words, **more) for _ in range(runs)), key=lambda d: d["ms"])


def row(what, document):
    return {"what": what, "ms": document["ms"], "pictures": [d["pictures"] for d in document["devices"]]}


def event_ms(document):
    return sum(o["event_ms"] or 0 for d in document["devices"] for o in d["operators"])


def measure(a, folder):
    tool = Tool(a.binary, folder)
    many, few = tool.pictures("many", a.pictures), tool.pictures("few", a.pictures // 4)
    mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n"]
    hosts = [sys.executable, os.path.join(HERE, "mpi_hosts.py"), "--hosts"]
    rows, left_out = [], []

    def add(what, *words, **more):
        print(what, file=sys.stderr, flush=True)
        try:
            rows.append(row(what, tool.best(a.runs, many, *words, **more)))
        except (OSError, ValueError) as error:
            left_out.append(f"{what}: {error}")
    one = tool.map(many)  # compiles
    for n in RANKS:
        add(f"{n} rank" + "s" * (n > 1), before=[*mpirun, str(n)])
    for n in HOSTS:
        add(f"{n} ranks, each a network namespace", before=[*hosts, str(n)])
    env, why = devices.together(PLATFORMS, folder)
    for name in PLATFORMS if env else ():
        add(name, **devices.environment(next(r for r in devices.ROWS if r.name == name), folder)[0] | ONE_THREAD)
    if env:
        add(" and ".join(PLATFORMS) + " in one process", "--device", "all", **env | ONE_THREAD)
    else:
        left_out.append(f"several devices in one process: {why}")
    if not rows:
        sys.exit("nothing could be measured: " + "; ".join(left_out))
    large, small = tool.best(a.runs, many), tool.best(a.runs, few)
    count = len(large["pictures"]) - len(small["pictures"])
    kernels = event_ms(large) - event_ms(small)
    figures = {"date": datetime.date.today().isoformat(), "pictures": a.pictures, "runs": a.runs, "processors": os.cpu_count(), "rows": rows,
               "left_out": left_out, "device": one["devices"][0]["name"], "size": one["pictures"][0]["size"],
               "kernels_ms": kernels / count, "host_ms": (large["cpu_ms"] - small["cpu_ms"] - kernels) / count,
               "start_ms": large["wall_ms"] - large["ms"]}
    return figures


def speeds():
    """(what, ms a picture, where from) of one device in ViT-B/16 at 224 px."""
    with open(os.path.join(ROOT, "docs", "devices", "README.md"), encoding="utf-8") as f:
        text = f.read()
    found = []
    for title, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        for precision, ms in re.findall(r"^\| (\w+), 224 px \| ([\d.]+) \|", body, re.M):
            found.append((f"{title.split(' (')[0]}, {precision}", float(ms), "[devices](devices/README.md)"))
    with open(os.path.join(ROOT, "docs", "benchmarks.md"), encoding="utf-8") as f:
        text = f.read()
    ms = re.search(r"^\| fp32, 224 px \| \w+ \| ([\d.]+) ms \|", text, re.M).group(1)
    start = re.search(r"^\| first heat map of a fresh process[^|]*\|[^|]*\| ([\d.]+) ms", text, re.M).group(1)
    return found, float(ms), float(start)


def hours(s):
    return f"{s / 3600:.2f} h" if s >= 3600 else f"{s / 60:.1f} min"


def rate(f, row):
    return 1e3 * f["pictures"] / row["ms"]


def possible(f, row, by_name):
    """Pictures a second that the row could have: of its ranks, by one's rate, or of its devices, by each one's own; and of the processors."""
    alone = [row["what"]]
    if " in one process" in row["what"]:
        alone = PLATFORMS
    elif "rank" in row["what"]:
        alone = ["1 rank"] * min(len(row["pictures"]), f["processors"])
    return min(sum(rate(f, by_name[name]) for name in alone), 1e3 * f["processors"] / (f["kernels_ms"] + f["host_ms"]))


def document(f):
    found, cpu_ms, start_ms = speeds()
    by_name = {r["what"]: r for r in f["rows"]}
    table = ["| | pictures a second | of what is possible | pictures that each took |", "| --- | --- | --- | --- |"]
    for r in f["rows"]:
        table.append(f"| {r['what']} | {rate(f, r):.1f} | {100 * rate(f, r) / possible(f, r, by_name):.0f} % | {', '.join(map(str, r['pictures']))} |")
    e = min(1.0, min(rate(f, r) / possible(f, r, by_name) for r in f["rows"] if "rank" in r["what"]))
    costs = ["| | ms a picture | " + " | ".join(f"{n} GPU{'s' * (n > 1)}" for n in GPUS) + " | GPU hours | processor cores a GPU |",
             "| --- | --- |" + " --- |" * (len(GPUS) + 2)]
    for what, ms, _ in found:
        cells = [hours((start_ms + MILLION * ms / n / (e if n > 1 else 1) + 2 * BATCH * ms) / 1e3) for n in GPUS]
        costs.append(f"| {what} | {ms:g} | " + " | ".join(cells) + f" | {MILLION * ms / 3.6e6:.2f} | {f['host_ms'] / ms:.1f} |")
    what, ms, _ = found[0]
    n = GPUS[-1]
    lines = f"""# How it scales

Written by `tools/scaling.py`; how to run on several devices and machines stands in [many.md](many.md) and [guide.md](guide.md).

## Measured
{f['date']}, {f['processors']} processors ({f['device']}). `map` with one text over {f['pictures']} pictures of 500 x 375 pixels with the demo
model at {f['size'][0]} px and `--batch {BATCH}`, from reading to written PNG; the least of {f['runs']} runs. Each rank and each device has one thread
for its kernels; threads that read, draw and write are beside them. **{f['processors']} processors are all there is to be had here**: possible is what as many ranks, or
the devices, do alone, but no more than {f['processors']} / ({f['kernels_ms']:.1f} + {f['host_ms']:.1f} ms) = {1e3 * f['processors'] / (f['kernels_ms'] + f['host_ms']):.0f} pictures a second; more ranks than processors show what sharing costs.
A network namespace is a host of its own to MPI and reaches the others by TCP alone (`tools/mpi_hosts.py`). Files and reports are those of one
process, which tests/cli/test_ranks.py holds.

""" + "\n".join(table) + "\n"
    for why in f["left_out"]:
        lines += f"\nNot measured: {why}.\n"
    lines += f"""
A picture takes {f['kernels_ms']:.1f} ms of a thread in kernels and {f['host_ms']:.1f} ms of a thread for reading, drawing and writing. A process starts in {f['start_ms'] / 1e3:.2f} s.

## A million pictures
ViT-B/16 at 224 px, one text, by the milliseconds of one picture without batches that were measured on the device
([devices](devices/README.md)) and the least of what ranks reach above, {100 * e:.0f} %, wherever there is more than one GPU:

""" + "\n".join(costs) + f"""

The first cell: {start_ms / 1e3:.2f} s to start ([benchmarks](benchmarks.md)) + 1,000,000 x {ms:g} ms + the last two batches of {BATCH} = {hours((start_ms + MILLION * ms + 2 * BATCH * ms) / 1e3)}. The last:
{start_ms / 1e3:.2f} s + 1,000,000 x {ms:g} ms / {n} / {e:.2f} + {2 * BATCH * ms / 1e3:.2f} s = {hours((start_ms + MILLION * ms / n / e + 2 * BATCH * ms) / 1e3)}. GPU hours are 1,000,000 x {ms:g} ms / 3,600,000 = {MILLION * ms / 3.6e6:.2f}.

**What feeds a GPU.** Cores are {f['host_ms']:.1f} ms / {ms:g} ms = {f['host_ms'] / ms:.1f}: so many cores like those here read, draw and write as fast as such a GPU computes, and with fewer
of them the pictures wait for the processors, not for the GPU. Of a million pictures that is {MILLION * f['host_ms'] / 3.6e6:.1f} core hours, however many GPUs there are;
`points`, `classify` and `--npy` alone have less to write.

**Who hands out.** {n} such GPUs ask for {1e3 * n / ms:,.0f} pictures a second, one after the other where each has a rank of its own; an answer takes
two pauses of 0.2 ms at most, beside the network, and comes while pictures before are computed. Where that is too slow, a rank a machine with `--device all` asks for
all its devices.

**Without a GPU**: {cpu_ms:g} ms a picture on two cores ([benchmarks](benchmarks.md)) are {hours(MILLION * cpu_ms / 1e3)} on one such machine.

What is not in this: the disks, and networks between machines slower than the cables here; 8 and 64 GPUs were not at hand.
"""
    return "\n\n".join(map(wrapped, lines.split("\n\n")))


def wrapped(block):
    """Lines of a paragraph as long as in the other documents; tables and headings as they are."""
    head, _, text = block.partition("\n") if block.startswith("## ") else ("", "", block)
    if text.startswith(("|", "#")):
        return block
    text = textwrap.fill(text, 130, break_long_words=False, break_on_hyphens=False)
    return f"{head}\n{text}" if head else text


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default=os.path.join(ROOT, "build", "tests", "cli", "clip-surgeon-ranks"))
    ap.add_argument("--pictures", type=int, default=64)
    ap.add_argument("--runs", type=int, default=2)
    ap.add_argument("--figures", help="a file that keeps what was measured")
    ap.add_argument("--doc", default=os.path.join(ROOT, "docs", "scaling.md"))
    a = ap.parse_args()
    if a.figures and os.path.exists(a.figures):
        with open(a.figures, encoding="utf-8") as file:
            figures = json.load(file)
    else:
        with tempfile.TemporaryDirectory(prefix="clip-surgeon-scaling-") as folder:
            figures = measure(a, folder)
        if a.figures:
            with open(a.figures, "w", encoding="utf-8") as file:
                json.dump(figures, file, indent=1)
    with open(a.doc, "w", encoding="utf-8") as file:
        file.write(document(figures).rstrip("\n") + "\n")


if __name__ == "__main__":
    main()
