#!/usr/bin/env python3
"""Turns a file into a C array: embed_bytes.py IN OUT NAME gives `const unsigned char NAME[]` and `const size_t NAME_bytes`."""
import sys

PER_LINE = 24


def main():
    source, out, name = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    with open(out, "w", encoding="ascii") as file:
        file.write("#include <stddef.h>\n\n")
        file.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_bytes;\n\n")
        file.write(f"const unsigned char {name}[] = {{\n")
        for at in range(0, len(data), PER_LINE):
            file.write(",".join(str(byte) for byte in data[at:at + PER_LINE]) + ",\n")
        file.write(f"}};\nconst size_t {name}_bytes = {len(data)};\n")


if __name__ == "__main__":
    main()
