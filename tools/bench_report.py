"""docs/benchmarks.md and its plot from the figures of bench.py."""
import os

# What an encoding that misses its aim has to reach all the same: then what is left is the machine's, and the row says so. Below it is open.
LEAST_GEMM_SHARE, MOST_GAP_SHARE = 0.85, 0.10
# By hand: commits that made an encoding faster, and what each gained there.
ATTEMPTS = {
    "f32-224": [("3d3ba61", "a work-item owns several tiles and takes its panel of the weights in slices", "GEMM 73.8 -> 68.8 ms"),
                ("288c074", "tiles of one row less fill a matrix up", "GEMM 68.0 -> 67.3 ms"),
                ("16f80bb", "attention by blocks of three vectors of queries, single ones at the end", "attention 6.8 -> 5.6 ms"),
                ("dd95b2b", "the last block's attention of the original path for CLS alone", "0.74 -> 0.40 ms"),
                ("c296237", "the last block's queries for the tokens that need them", "1.41 -> 0.99 ms")],
    "f32-512": [("3d3ba61", "a work-item owns several tiles and takes its panel of the weights in slices", "GEMM 366 -> 352 ms"),
                ("16f80bb", "attention by blocks of three vectors of queries, single ones at the end", "attention 150 -> 131 ms"),
                ("dd95b2b", "the last block's attention of the original path for CLS alone", "16.8 -> 8.8 ms"),
                ("16fad0e", "what is left of a sequence in one block", "attention 128.9 -> 127.4 ms"),
                ("1ea0f7b", "squares of numbers are turned in registers", "attention 127.3 -> 126.9 ms")],
    "bf16-512": [("494d9b9", "GEMM with AVX-512's product of pairs", "GEMM 411 -> 190 ms"),
                 ("238a687", "attention with it, q, k and v laid out in pairs once a launch", "134 -> 71 ms"),
                 ("d20239d", "rows stored in one piece, QuickGELU in its own loop", "GEMM 190 -> 183 ms"),
                 ("83a0539", "weights of attention made in registers", "both paths of a block 7.42 -> 7.18 ms"),
                 ("cb7a57f", "what products alone read is stored in bfloat16", "with the one before: all 250.5 -> 240.2 ms")],
}


def rows(f):
    """(what, the peer's name, most allowed share, our ms or a sentence, the peer's ms or a sentence, the part of an encoding or None)."""
    out = []

    def encode(precision, size, peer, share, title):
        part = f"{precision}-{size}"
        ours, times = f[part]["ours"], f[part]["peers"]
        out.append((f"{title}, {size} px", peer, share, ours if isinstance(ours, str) else ours["encode_ms"]["min"],
                    times.get(peer, "not measured"), part))
    encode("f32", 224, "OpenVINO", 0.85, "fp32")
    encode("f32", 224, "PyTorch", 0.65, "fp32")
    encode("f32", 224, "ONNX Runtime", None, "fp32")
    encode("f32", 512, "OpenVINO", 0.85, "fp32")
    encode("f32", 512, "PyTorch", None, "fp32")
    encode("f32", 512, "ONNX Runtime", None, "fp32")
    encode("bf16", 224, "OpenVINO", 0.85, "bf16")
    encode("bf16", 512, "OpenVINO", 0.85, "bf16")
    o, p, alone = f["ours"], f["peers"].get("published", f["peers"]), f["maps"].get("published", f["maps"])
    name = "published code" if "published" in f["peers"] else "PyTorch"
    out.append(("59 labels x 85 templates, cold", name, 1 / 40, o["text"], p["text"], None))
    out.append(("the same, from the disk cache", "50 ms", 1.0, o["cached"], 50.0, None))
    out.append(("feature surgery and maps, 59 labels to 640x480", name, 1 / 8, o["map"], alone["surgery"] + alone["maps"], None))
    out.append(("first heat map of a fresh process, f16 file, warm caches", "1.0 s", 1.0, o["first"], 1000.0, None))
    intel, openvino = f["intel"], f["f32-224"]["peers"].get("OpenVINO", "not measured")
    out.append(("fp32, 224 px, Intel's CPU runtime", "OpenVINO", 1.0, intel if isinstance(intel, str) else intel["encode_ms"]["min"],
                openvino, None))
    return out


def budget(ours):
    """Of an encoding: (what, ms, share of the peak that bounds it or None), which add up to all of it."""
    stage = {s["op"]: s for s in ours["stages"]}
    others = [s for s in ours["stages"] if s["op"] not in ("gemm", "attention")]
    ms = sum(s["ms"] for s in others)
    moved = sum(s["gbytes"] * s["ms"] for s in others if s["gbytes"])
    return [("GEMM", stage["gemm"]["ms"], stage["gemm"]["share_of_peak"]),
            ("attention", stage["attention"]["ms"], stage["attention"]["share_of_peak"]),
            ("other kernels", ms, moved / ms / ours["peak_gbytes"]), ("gaps", ours["gap_ms"], None),
            ("all", ours["encode_ms"]["min"], ours["share_of_peak"])]


def at_the_peak(ours):
    ms = {what: (ms, share) for what, ms, share in budget(ours)}
    return ms["GEMM"][1] >= LEAST_GEMM_SHARE and ms["gaps"][0] <= MOST_GAP_SHARE * ms["all"][0]


def state(f, what, share, ours, theirs, part):
    if not share or isinstance(ours, str) or isinstance(theirs, str):
        return ""
    if what.startswith("bf16") and not {"amx_bf16", "avx512_bf16"} & set(f["machine"]["flags"]) and ours <= share * theirs:
        return "no bf16 here"  # it is slower than single precision for both: nothing is shown of what the row is for
    if ours <= share * theirs:
        return "met"
    return "[not met](#rows-that-are-not-met)" if part and at_the_peak(f[part]["ours"]) else "**open**"


def number(ms):
    return f"{ms:,.0f} ms" if ms >= 1000 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"


def main_table(f):
    lines = ["| | against | ours | theirs | ratio | at most | |", "| --- | --- | --- | --- | --- | --- | --- |"]
    notes = []
    for what, peer, share, ours, theirs, part in rows(f):
        for value in (ours, theirs):
            if isinstance(value, str) and value not in notes:
                notes.append(value)
        cell = lambda v: number(v) if not isinstance(v, str) else f"- ({notes.index(v) + 1})"
        both = not isinstance(ours, str) and not isinstance(theirs, str)
        ratio = f"{ours / theirs:.3f}" if both else "-"
        most = f"{share:.3g}" if share else "-"
        lines.append(f"| {what} | {peer} | {cell(ours)} | {cell(theirs)} | {ratio} | {most} | {state(f, what, share, ours, theirs, part)} |")
    return "\n".join(lines + [""] + [f"({i + 1}) {n}" for i, n in enumerate(notes)])


def errors_table(errors):
    lines = ["| | tokens | raw maps, of their range | raw maps, 1 - r |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | - ({e}) | | |" if isinstance(e, str) else
                              f"| {name} | {e['tokens']:.1e} | {e['share']:.1e} | {max(e['apart'], 0.0):.1e} |" for name, e in errors.items()])


def percent(share):
    return "-" if share is None else f"{100 * share:.0f} %"


def not_met(f):
    """Of every row that is not met: where its time goes, and what was done about it."""
    lines = []
    for what, peer, share, ours, theirs, part in rows(f):
        if not part or state(f, what, share, ours, theirs, part) in ("", "met", "no bf16 here"):
            continue
        whole = f[part]["ours"]
        lines += ["", f"**{what}** beside {peer}: {ours / theirs:.3f} of its time, {share} wanted, which would be "
                  f"{percent(whole['encode_gflop'] / (share * theirs) * 1e3 / whole['peak_gflops'])} of the measured peak over everything; {peer} is at "
                  f"{percent(whole['encode_gflop'] / theirs * 1e3 / whole['peak_gflops'])}.", "",
                  "| | ms | of the time | of the measured peak |", "| --- | --- | --- | --- |"]
        lines += [f"| {name} | {ms:.2f} | {percent(ms / ours)} | {percent(peak)}{' of memory' if name == 'other kernels' else ''} |"
                  for name, ms, peak in budget(whole)]
        if part in ATTEMPTS:
            lines += ["", "| commit | what it does | gain when it was made |", "| --- | --- | --- |"]
        lines += [f"| {commit} | {does} | {gain} |" for commit, does, gain in ATTEMPTS.get(part, [])]
    if not lines:
        return []
    return ["", "## Rows that are not met", "", f"A row that misses its aim is open, unless GEMM runs at {percent(LEAST_GEMM_SHARE)} of the measured peak "
            f"or more and the gaps between kernels take {percent(MOST_GAP_SHARE)} of the time at most: what is left then is arithmetic that the method needs.", *lines]


def where_time_goes(f):
    lines = ["| | launches | ms | GFLOP/s or GB/s | share of the measured peak |", "| --- | --- | --- | --- | --- |"]
    for part in ("f32-224", "f32-512", "bf16-224", "bf16-512"):
        ours, (precision, size) = f[part]["ours"], part.split("-")
        if isinstance(ours, str):
            continue
        lines.append(f"| **{precision}, {size} px**: {ours['encode_gflop']:.1f} GFLOP | | {ours['encode_ms']['min']:.1f} "
                     f"(median {ours['encode_ms']['median']:.1f}) | {ours['gflops']:.0f} GFLOP/s | {percent(ours['share_of_peak'])} |")
        for s in sorted(ours["stages"], key=lambda s: -s["ms"]):
            speed = f"{s['gbytes']:.0f} GB/s" if s["gbytes"] else f"{s['gflops']:.0f} GFLOP/s" if s["gflops"] else "-"
            lines.append(f"| {s['op']} | {s['launches']} | {s['ms']:.2f} | {speed} | {percent(s['share_of_peak'])} |")
        lines.append(f"| gaps | | {ours['gap_ms']:.2f} | | |")
    return "\n".join(lines)


def growth_tables(g):
    lines = ["| tokens | encode | peak memory of the process |", "| --- | --- | --- |"]
    lines += [f"| {n:,} | {number(ms)} | {b / 1e6:,.0f} MB |" for n, ms, b in g["tokens"]]
    lines += ["", "| texts (x 5 templates) | features, cold | feature surgery and maps of 640x480 | peak memory of the process |",
              "| --- | --- | --- | --- |"]
    lines += [f"| {n:,} | {number(t)} | {number(m)} | {b / 1e6:,.0f} MB |" for n, t, m, b in g["texts"]]
    return "\n".join(lines)


def batch_table(rows):
    lines = ["| pictures together | a picture | pictures a second | peak memory of the process |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {n} | {number(ms)} | {1e3 / ms:,.0f} | {b / 1e6:,.0f} MB |" for n, ms, b in rows])


def devices_table(rows):
    lines = ["| platforms | pictures a second | pictures that each took |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | {rate:.1f} | {', '.join(map(str, taken))} |" for name, rate, taken in rows])


def plot(f, path):
    """Time and memory over what grows: the last column of each list is memory."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    panels = [("image tokens", f["growth"]["tokens"], ["encode"]), ("texts", f["growth"]["texts"], ["features, cold", "surgery and maps"])]
    if f.get("batch"):
        panels.append(("pictures together (demo model)", f["batch"], ["a picture"]))
    count = len(panels) + bool(f.get("devices"))
    figure, axes = plt.subplots(1, count, figsize=(5 * count, 3.6), constrained_layout=True)
    if f.get("devices"):
        names = [name.replace(" + ", " +\n") for name, _, _ in f["devices"]]
        axes[-1].barh(names, [rate for _, rate, _ in f["devices"]], height=0.5)
        axes[-1].set(xlabel="pictures a second (demo model)")
        axes[-1].invert_yaxis()
    for axis, (label, rows, series) in zip(axes, panels):
        x = [r[0] for r in rows]
        for i, name in enumerate(series):
            axis.loglog(x, [r[1 + i] for r in rows], ("o-", "s-")[i], label=name, markersize=4)
        times = [v for r in rows for v in r[1:1 + len(series)]]
        if max(times) < 3 * min(times):
            axis.set(yscale="linear", ylim=(0, 1.3 * max(times)))
        axis.set(xlabel=label, ylabel="ms")
        axis.grid(True, which="both", alpha=0.25)
        memory = axis.twinx()
        memory.semilogx(x, [r[-1] / 1e6 for r in rows], "^--", color="grey", markersize=4, label="memory")
        memory.set(ylabel="MB", ylim=(0, 1.3 * max(r[-1] for r in rows) / 1e6))
        handles, names = axis.get_legend_handles_labels()
        more = memory.get_legend_handles_labels()
        axis.legend(handles + more[0], names + more[1], loc="best", fontsize=8)
    figure.savefig(path, dpi=90)


# By hand: what a later try should know. The commits have the figures.
TRIED = """## What was tried

On two cores of an AMD EPYC of family 26 with PoCL 3.1, medians of runs in turn with what was before:

| | 224 px | 512 px |
| --- | --- | --- |
| GEMM: several tiles take a panel in slices of 768 rows, the next one called meanwhile | 73.8 -> 68.8 ms | 366 -> 352 ms |
| attention: blocks of 48 queries and of 16, powers of two, the next keys called meanwhile | 6.8 -> 5.6 ms | 150 -> 131 ms |
| the last block's original path for CLS alone: attention, then queries | 0.74 -> 0.40, 1.41 -> 0.99 ms | 16.8 -> 8.9 ms |
| patches in vectors | 0.29 -> 0.10 ms | 1.20 -> 0.28 ms |
| bf16: GEMM with AVX-512's product of pairs, through inline assembly | 84.6 -> 39.5 ms | 411 -> 190 ms |
| bf16: attention with it, q, k and v laid out in pairs once a launch | 6.6 -> 4.4 ms | 134 -> 84 ms |
| bf16: rounding by an instruction, rows of y stored in one piece, QuickGELU in its own loop | 37.3 -> 36.4 ms | 193 -> 183 ms |
| bf16: weights of attention made in registers over the first tile's greatest score, their sum by products | - | of a block with both paths 7.42 -> 7.18 ms |
| bf16: what products alone read is stored in bfloat16, not rounded in a launch of its own; with the row above, the whole encoder | 39.2 -> 38.0 ms | 250.5 -> 240.2 ms |
| attention: exp2 by two instructions, the rest of a sequence in one block | 6.0 -> 5.7 ms | 131 -> 127 ms |
| attention: whole squares of 16 x 16 numbers turned in registers | 6.5 -> 6.1 ms | 127.3 -> 126.9 ms |
| GEMM: as many of the last tiles as needed have a row less, 197 rows are 197 and not 198 | 68.0 -> 67.3 ms | - |

Without gain there: tiles of 8 x 3 and 12 x 2 vectors (9 x 3 and 14 x 2 cost a tenth), slices of 384 and 512 rows, 9 and 17 tiles of a
work-item, more work-items, three lines of the next slice a turn instead of two, what is written called for writing; 32 to 128 keys between
two updates of the greatest score, keys copied into one piece; layernorm with four sums at once, or with the next row called; a queue without
profiling; pages of 2 MiB for weights and buffers (within 1 %, as much as the machine varies); in attention, exponentials in the loop of the
scores with the greatest score so far, six exponentials side by side, inner loops unrolled, queries called before they are turned; in bf16,
a tile's exponentials between the products of the next one (the multipliers are what both wait for), parts of equal length instead of 256
keys and a rest, values in panels of 8 channels.
Nor, at 224 px in fp32: Strassen's seven products for eight, on halves of the rows, of k and of pairs of panels, sums of W made as the first tile
passes (an eighth less arithmetic; but sums of x are a launch more, every quarter of W is read three times and every result added to
twice: 66.8 -> 69.5 ms); upper and lower rows as two chains of launches on two queues, so that neither thread waits for the other
(both then read all weights: 76.9 -> 78.5 ms); work-items that draw tiles from a counter, from one end or from both, the last ones small (79.1 ->
79.5 ms); slices of 1,024 and 1,536 rows; a single row's weights called 4 to 64 KB ahead; QuickGELU by a reciprocal instead of a division.
At 224 px in fp32 GEMM was at 93 to 95 % of a peak of 516 GFLOP/s, which shorter kernels measured than those of now (526). The same loop alone reaches 97 % where its weights lie in the second level and 93 % where
they come from memory, and those of a pass, 344 MB, do. One thread takes 147 ms, half of which is 3 ms less than what two take: one wakes later,
one ends earlier. Attention's exponentials take 2 % of it, its last 5 queries of 197 in a vector of 16 take 7 %, reading queries and
storing results 10 %. Beside OpenVINO ours and theirs vary with what else the
machine does: 74 to 78 and 83 to 91 ms, 0.85 to 0.89. Products and attention by tiles of bfloat16 (Intel AMX) are there for processors that
have them; none was here to measure them on.
What is left beside arithmetic is mostly launches: 15 to 20 us between two of them, 95 times, and more until both threads are
at work: layernorm takes 20 us in some processes and 45 in others. Queueing takes the host 2 us each, beside the device's work,
so that nothing is to be gained there. A map of a picture of 640 x 480 px by the demo model that takes no memory, uploads the picture alone and
waits once: 8.3 -> 7.9 ms at 192 px, 3.5 -> 3.0 ms at 64 px."""


def write(f, path):
    """Writes the document and the plot beside it; returns the table."""
    m, v, p = f["machine"], f["versions"], f["peers"]
    table = main_table(f)
    ours = f["f32-224"]["ours"]
    peaks = {part["ours"]["peak_of"]: part["ours"]["peak_gflops"] for part in (f["f32-224"], f["bf16-224"]) if not isinstance(part["ours"], str)}
    parts = [
        "# Benchmarks",
        "",
        "Written by `./do bench` (tools/bench.py); `clip-surgeon bench` measures a model of yours alone.",
        "",
        f"{f['date']}, {m['processor']}, {m['threads']} threads ({', '.join(m['flags'])}), {m['system']}. Device: {ours['device']}; measured "
        f"peak {', '.join(f'{peak:,.0f} GFLOP/s in {name}' for name, peak in peaks.items())}, {ours['peak_gbytes']:.0f} GB/s. "
        + ", ".join(f"{n} {x.split('-')[0].split('+')[0]}" for n, x in v.items()) + ".",
        "",
        "ViT-B/16 of random weights with the second path on the last six blocks, one picture, from pixels on the device to projected tokens; "
        "the least of repeated runs, ours and theirs in turn, the same weights, the same threads, another picture each run. The peers' network "
        f"is tools/peer_models.py, whose tokens are those of the goldens within {f['check']:.0e}.",
        "",
        table,
        "",
        "Exactness is not traded: at 224 px against the C reference in single precision, the largest error of the tokens, which have "
        "length one, and of the maps of five texts that of the worst.",
        "",
        errors_table(f["error"]),
        "",
        "The PyTorch rows are the published method step for step (tools/peer_models.py): texts padded to 77 tokens, a pass for each label, all "
        "products of feature surgery at once. Texts are timed for a few labels and multiplied, for each label is a pass of its own.",
    ]
    if "published" in p:
        q, here = p["published"], p
        parts += ["", "Beside the published code itself (xmed-lab/CLIP_Surgery at d4696d4) in one run:", "",
                  "| | published code | tools/peer_models.py |", "| --- | --- | --- |"]
        parts += [f"| {k}{' behind the texts' if k in f['maps'] else ''} | {number(q[k])} | {number(here[k])} |" for k in q]
        parts += [f"| {k} in a process of its own | {number(t)} | {number(f['maps'][k])} |" for k, t in f["maps"]["published"].items()]
        parts += ["", "PyTorch asks the system for the 72 MB of 59 maps each time and waits for 17,701 pages, but where texts have left so much "
                  "in the process before, which is so in some runs and in others not. The row has a process of its own, as everything else here. "
                  "Ours keeps its buffers either way; writing 72 MB is what bounds it."]
    parts += not_met(f)
    parts += ["", "## Where the time goes", "",
              "Event times of the fastest run. FLOP are those that the method needs: in the last block CLIP's own path is finished for CLS alone.",
              "", where_time_goes(f), "", TRIED]
    if f.get("growth"):
        picture = os.path.join(os.path.dirname(path), "benchmarks.png")
        plot(f, picture)
        parts += ["", "## How cost grows", "", "![Time and memory over image tokens, texts and pictures together; pictures a second by device](benchmarks.png)", "",
                  growth_tables(f["growth"])]
    if f.get("batch"):
        parts += ["", "With the demo model at its own size, an encoding of so many pictures (`--batch`):", "", batch_table(f["batch"])]
    if f.get("devices"):
        parts += ["", "A folder through the demo model, from files to heat maps as PNG (`map DIR ... --device all`); what shares a processor "
                  "does not add up:", "", devices_table(f["devices"])]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(parts) + "\n")
    return table
