"""Was every kernel, in every way that some device builds it, launched and compared?

A record is a kernel of a program that a conformance run without a failure built: {"device", "class", "op", "kernel", "options",
"launches"}. A variant is a row of `conformance --variants`: a class's kernels (of one operator, or of all) built with certain options.
"""
import os
import re


def kernels_in(folder):
    """{(operator, kernel)} that the sources define: OP.cl, and OP_SOMETHING.cl beside it."""
    found = set()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".cl"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", f.read(), flags=re.S)
            for kernel in re.findall(r"\b(?:__)?kernel\b(?:\s+__attribute__\s*\(\(.*?\)\))?\s+void\s+(\w+)\s*\(", text, re.S):
                found.add((name[:-3].split("_")[0], kernel))
    return found


def meets(record, needs):
    options = record["options"].split()
    return all((n[1:] not in options) if n.startswith("!") else (n in options) for n in needs.split())


def describe(variant):
    return " ".join([variant["class"], variant["op"] or "", variant["needs"]]).replace("  ", " ").strip()


def check(records, variants, source):
    """(number built, number launched, what is missing, what is not available here)."""
    missing, absent = [], []
    built = launched = 0
    kernels = sorted({(r["class"], r["op"], r["kernel"]) for r in records})
    # What no limit or quirk brings about is up to the device, and so is a kernel that nothing else takes.
    named = {forced: {(v["op"], v["kernel"]) for v in variants if v["kernel"] and bool(v["limit"] or v["quirk"]) == forced}
             for forced in (False, True)}
    optional = named[False] - named[True]
    for op, kernel in sorted(source - {(op, kernel) for _, op, kernel in kernels} - optional):
        missing.append(f"{kernel} of cl/{op}.cl is in no program that was built")
    for key in kernels:
        built += 1
        if any(r["launches"] for r in records if (r["class"], r["op"], r["kernel"]) == key):
            launched += 1
        else:
            missing.append("{2} of cl/{1}.cl, class {0}, was built and never launched".format(*key))
    for variant in variants:
        wanted = [k for k in kernels if k[0] == variant["class"] and variant["op"] in (None, k[1])
                  and (k[2] == variant["kernel"] if variant["kernel"] else k[2] != "CLBlast" and k[1:] not in optional)]
        able = [r for r in records if r["class"] == variant["class"] and variant["op"] in (None, r["op"]) and meets(r, variant["needs"])]
        if variant["kernel"]:
            able = [r for r in able if r["kernel"] == variant["kernel"]]
        if not able and not variant["limit"] and not variant["quirk"]:
            absent.append(describe(variant) + (" " + variant["kernel"] if variant["kernel"] else "") + " (no device here takes it)")
            continue
        if not wanted:
            missing.append(f"{describe(variant)}: no kernel was built")
        for key in wanted:
            those = [r for r in able if (r["op"], r["kernel"]) == key[1:]]
            if any(r["launches"] for r in those):
                built += 1
                launched += 1
            elif variant["quirk"] and any(r["launches"] for r in able if r["op"] == key[1]):
                continue  # a quirk may take a kernel out of use: one of the operator's is enough
            else:
                built += bool(those)
                missing.append(f"{key[2]} of cl/{key[1]}.cl, {describe(variant)}: " + ("never launched" if those else "never built"))
    return built, launched, missing, absent
