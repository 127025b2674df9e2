#!/usr/bin/env python3
"""Write host/model/entities_table.c from Python's list of HTML 5 character references (html.entities).

    make_entities.py > host/model/entities_table.c
"""
import html
from html.entities import html5


def rows(entries):
    line = "   "
    for entry in entries:
        if len(line) + len(entry) + 1 > 128:
            print(line)
            line = "   "
        line += " " + entry
    print(line)


def points(text):
    return "{" + ", ".join(f"0x{ord(c):X}" for c in text) + "}"


names = sorted(n[:-1] for n in html5 if n.endswith(";"))
# Names in small letters that no one can mistake in capitals.
shouted = {n for n in names if n == n.lower() and html.unescape(f"&{n.upper()};") == f"&{n.upper()};"}
longer = {n.upper(): html5[n + ";"].upper() for n in shouted if len(html5[n + ";"].upper()) > len(html5[n + ";"])}


def entry(name, text, flags):
    return f'{{"{name}", {points(text)}, {flags}}},'


print("/* Written by tools/make_entities.py: HTML 5's named character references, sorted by bytes. */")
print('#include "model/entities_table.h"\n')
print("/* clang-format off */")
print("const struct csg_entity csg_entities[] = {")
rows(entry(n, html5[n + ";"], (n in html5) + 2 * (n in shouted)) for n in names)
print("};")
print("const size_t csg_n_entities = sizeof csg_entities / sizeof csg_entities[0];\n")
print("const struct csg_entity csg_shouted_entities[] = {")
rows(entry(n, longer[n], 0) for n in sorted(longer))
print("};")
print("const size_t csg_n_shouted_entities = sizeof csg_shouted_entities / sizeof csg_shouted_entities[0];")
print("/* clang-format on */")
