#!/usr/bin/env python3
"""Keep what a test run measured: tests/conformance/measured.json, against which later runs warn, and the table in docs/conformance.md.

    conformance_table.py BUILD/devices/results.json [--add]

With --add the larger of the old and the new figure is kept for each implementation, class and operator; a first seed is not the worst.
"""
import json
import os
import sys

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
MEASURED = os.path.join(SOURCE, "tests", "conformance", "measured.json")
DOCS = os.path.join(SOURCE, "docs", "conformance.md")
BEGIN, END = "<!-- made by tools/conformance_table.py -->\n", "<!-- end -->\n"


def table(measured, devices):
    columns = [(name, form) for name in measured for form in ("cpu", "gpu") if measured[name].get(form)]
    operators = []
    for name, form in columns:
        operators += [op for op in measured[name][form] if op not in operators]
    lines = ["| operator | " + " | ".join(f"{n} {f}" for n, f in columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for op in sorted(operators):
        lines.append(f"| {op} | " + " | ".join("%.3f" % measured[n][f][op] if op in measured[n][f] else "" for n, f in columns) + " |")
    return "\n".join(lines) + "\n\n" + "".join(f"- {n}: {devices[n]}\n" for n in measured if n in devices)


def main():
    add = "--add" in sys.argv
    with open(next(a for a in sys.argv[1:] if a != "--add"), encoding="utf-8") as f:
        results = json.load(f)
    measured = results["worst"]
    if add:
        with open(MEASURED, encoding="utf-8") as f:
            old = json.load(f)
        for name, forms in old.items():
            for form, operators in forms.items():
                mine = measured.setdefault(name, {}).setdefault(form, {})
                for op, ratio in operators.items():
                    mine[op] = max(ratio, mine.get(op, 0.0))
    with open(DOCS, encoding="utf-8") as f:
        text = f.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(DOCS, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + table(measured, results["devices"]) + END + after)
    with open(MEASURED, "w", encoding="utf-8") as f:
        json.dump(measured, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
