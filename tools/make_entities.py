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
shouted = {}
for n in names:
    if n + ";" == (n + ";").lower() and html.unescape(f"&{n.upper()};") == f"&{n.upper()};":
        shouted[n.upper()] = html5[n + ";"].upper()

print("/* Written by tools/make_entities.py: HTML 5's named character references, sorted by bytes. */")
print('#include "model/entities_table.h"\n')
print("/* clang-format off */")
print("const struct csg_entity csg_entities[] = {")
rows(f'{{"{n}", {points(html5[n + ";"])}, {int(n in html5)}}},' for n in names)
print("};")
print(f"const size_t csg_n_entities = sizeof csg_entities / sizeof csg_entities[0];\n")
print("const struct csg_entity csg_shouted_entities[] = {")
rows(f'{{"{n}", {points(shouted[n])}, 0}},' for n in sorted(shouted))
print("};")
print(f"const size_t csg_n_shouted_entities = sizeof csg_shouted_entities / sizeof csg_shouted_entities[0];")
print("/* clang-format on */")
