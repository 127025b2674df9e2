#!/usr/bin/env python3
"""Who may include whom: the table of CONTRIBUTING.md as a test. Sources are read, nothing is compiled."""
import os, re, unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PUBLIC = "clip_surgeon/"

# Folder below host/ -> the other folders below host/ that it may include.
ALLOWED = {
    "base": set(),
    "image": {"base"},
    "model": {"base"},
    "ops": {"base"},
    "ref": {"base", "ops"},
    "ocl": {"base", "ops"},
    "check": {"base", "ops"},
    "net": {"base", "image", "model", "ops"},
    "task": {"base", "image", "model", "ops", "net"},
    "api": {"base", "image", "model", "ops", "ref", "ocl", "check", "net", "task"},
    "cli": set(),
}
# Headers of others that belong to one place: pattern -> the only folders (or the one file) with it.
OWNED = [
    (r"(CL|OpenCL)/", {"ocl"}),
    (r"clblast", {"ocl"}),
    (r"stb|png\.h|jpeglib\.h", {"image"}),
    (r"utf8proc\.h|^zip\.h|curl/", {"model"}),
    (r"openssl/", {"base"}),
    (r"(fcntl|dirent|pthread|dlfcn)\.h|sys/", {"base"}),
    (r"unistd\.h", {"base", "cli"}),  # cli: whether it speaks to a terminal
]
# The one file of each of these.
ONE_FILE = [r"clblast", r"zip\.h", r"curl\.h", r"stb_image\.h", r"stb_truetype\.h"]


def includes(path):
    """(line number, "name" or <name>) of every #include outside comments."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), f.read(), flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r"""\s*#\s*include\s+(["<])([^">]+)[">]""", line)
        if found:
            yield number, found.group(1), found.group(2)
        elif re.match(r"\s*#\s*include\b", line):
            yield number, "?", line.strip()


def sources(folder):
    for place, _, names in os.walk(os.path.join(SOURCE, folder)):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".cpp", ".hpp")):
                yield os.path.join(place, name)


def judge(folder, path, kind, name):
    """Why this include is not allowed, or None. `path` is relative to the source tree."""
    if kind == "?":
        return "is no plain #include"
    if kind == "<":
        if name.startswith(PUBLIC):
            return None
        for pattern, owners in OWNED:
            if re.match(pattern, name) and folder not in owners:
                return f"<{name}> belongs to host/{', host/'.join(sorted(owners))}"
        return None
    if name.startswith(PUBLIC):
        return "the public header is included with < >"
    first = name.split("/")[0] if "/" in name else folder
    if ".." in name.split("/"):
        return "climbs out of its folder"
    if first != folder and first in ALLOWED and first not in ALLOWED[folder]:
        return f"host/{folder} may not know host/{first}"
    if first not in ALLOWED:
        return f"there is no host/{first}"
    return None


class Includes(unittest.TestCase):
    def test_every_folder_is_in_the_table(self):
        folders = {f for f in os.listdir(os.path.join(SOURCE, "host")) if os.path.isdir(os.path.join(SOURCE, "host", f))}
        self.assertEqual(folders, set(ALLOWED))

    def test_host(self):
        wrong, seen = [], 0
        for folder in ALLOWED:
            for path in sources(os.path.join("host", folder)):
                for number, kind, name in includes(path):
                    seen += 1
                    why = judge(folder, path, kind, name)
                    if why:
                        wrong.append(f"{os.path.relpath(path, SOURCE)}:{number}: {name}: {why}")
        self.assertGreater(seen, 100)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_public_header_stands_alone(self):
        wrong = []
        for path in sources("include"):
            for number, kind, name in includes(path):
                own = name.startswith(PUBLIC)
                if kind != "<" or not (own or name in ("stdbool.h", "stddef.h", "stdint.h")):
                    wrong.append(f"{os.path.relpath(path, SOURCE)}:{number}: {name}")
            with open(path, encoding="utf-8") as f:
                self.assertIsNone(re.search(r"\bcl_\w+|\bCL_\w+|\bGL\w*_|stbi_|CLBlast", f.read()), path)
        self.assertEqual(wrong, [])

    def test_programs_know_the_public_header_alone(self):
        wrong = []
        doors = ("viewer.h",)  # by which one program starts another
        for program in ("host/cli", "viewer"):
            for path in sources(program):
                for number, kind, name in includes(path):
                    if kind == '"' and name not in doors and ("/" in name or not os.path.exists(os.path.join(os.path.dirname(path), name))):
                        wrong.append(f"{os.path.relpath(path, SOURCE)}:{number}: {name}")
                    if kind == "<" and re.match(r"CL/|clblast", name):
                        wrong.append(f"{os.path.relpath(path, SOURCE)}:{number}: {name}")
        self.assertEqual(wrong, [])

    def test_one_file_each(self):
        for pattern in ONE_FILE:
            files = [os.path.relpath(p, SOURCE) for p in sources("host") for _, kind, name in includes(p)
                     if kind == "<" and re.match(pattern, os.path.basename(name))]
            self.assertLessEqual(len(set(files)), 1, (pattern, files))

    def test_opencl_stays_below(self):
        """No type, constant or call of OpenCL or CLBlast is named outside host/ocl, included or not."""
        wrong = []
        for path in sources("host"):
            if os.path.relpath(path, SOURCE).split(os.sep)[1] == "ocl":
                continue
            with open(path, encoding="utf-8") as f:
                text = re.sub(r'/\*.*?\*/|"(\\.|[^"\\\n])*"', "", f.read(), flags=re.S)
            for found in re.findall(r"\b(?:cl_(?:mem|int|uint|context|device_id|platform_id|command_queue|program|kernel|event)|CL_[A-Z]\w+|cl[A-Z]\w+|CLBlast\w+)\b", text):
                wrong.append(f"{os.path.relpath(path, SOURCE)}: {found}")
        self.assertEqual(wrong, [])

    def test_the_rules_bite(self):
        """A rule that lets everything through would pass all of the above."""
        for folder, kind, name in (("base", '"', "model/model.h"), ("ref", '"', "ocl/backend.h"), ("task", '"', "ocl/backend.h"), ("net", '"', "api/engine.h"),
                                   ("cli", '"', "base/status.h"), ("image", '"', "ops/backend.h"), ("task", "<", "CL/cl.h"), ("api", "<", "clblast_c.h"),
                                   ("model", "<", "unistd.h"), ("base", '"', "../model/model.h"), ("base", '"', "clip_surgeon/clip_surgeon.h"), ("net", "?", "X")):
            self.assertIsNotNone(judge(folder, "", kind, name), (folder, name))
        for folder, kind, name in (("task", '"', "net/vision.h"), ("ocl", "<", "CL/cl.h"), ("base", "<", "unistd.h"), ("cli", "<", "clip_surgeon/clip_surgeon.h")):
            self.assertIsNone(judge(folder, "", kind, name), (folder, name))


if __name__ == "__main__":
    unittest.main()
