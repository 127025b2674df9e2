#!/usr/bin/env python3
"""The documents say what works: every command in them runs, every program of docs/library.md compiles against the installed library and
runs, every link leads somewhere."""
import glob, json, os, re, shutil, struct, subprocess, tempfile, time, unittest, zlib

from installed import BUILD, SOURCE, Installed, run

PICTURES = os.path.join(SOURCE, "assets", "pictures")
DOCUMENTS = sorted(glob.glob(os.path.join(SOURCE, "*.md")) + glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"), recursive=True)
                   + [os.path.join(SOURCE, "tools", "python", "README.md")])
PROGRAMS = r"(?:for i in 1 2; do clip-surgeon|mpirun|clip-surgeon|\./do|build/[\w/-]+|tools/[\w/]+\.py|meson|cc|pip|apt-get|[A-Z_]+=\S+ \./do)"

RANKS = os.path.join(BUILD, "tests", "cli", "clip-surgeon-ranks")  # there where MPI is

# What is not run here, and why. Each row has a command.
NOT_RUN = [
    (r"^\./do (setup|build|test|bench|package|view)\b", "installs or builds; this is a part of ./do test, and .ci/run does the rest"),
    (r"^apt-get |^meson install|^meson setup", "installs; test_install.py does it under another root"),
    (r"^pip install", "test_python.py does it"),
    (r"^cc .* one-map\.c", "the programs below it are compiled and run by this test, with warnings as errors"),
    (r"^tools/(train_demo|card)\.py|-m OUT/model", "wants PyTorch, photographs and hours"),
    (r"model pull", "wants the network; test_models.py has a server of its own"),
    (r"-m ViT-B-16", "wants a model from the network"),
    (r"clip-surgeon view\b", "opens a window; tests/viewer does it"),
    (r"selftest --full", "minutes; test_selftest.py does it"),
    (r"^(build/)?clip-surgeon bench$", "a minute with the reference; the guide's shorter one runs"),
]

def blocks(text):
    """(info, lines) of every fenced block, and of every indented one with the info sh."""
    fenced = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
    for info, body in fenced.findall(text):
        yield info.strip(), body.splitlines()
    for body in re.findall(r"(?:^    .*\n)+", re.sub(r"^[-*0-9].*\n(?:  +.*\n)*", "", fenced.sub("", text), flags=re.M), re.M):
        yield "sh", [l[4:] for l in body.splitlines()]


def commands():
    """(document, command) of every block, each once."""
    seen = {}
    for path in DOCUMENTS:
        with open(path, encoding="utf-8") as f:
            for info, lines in blocks(f.read()):
                for line in lines if info == "sh" else []:
                    if line.strip():
                        seen.setdefault(line.split(" #")[0].strip(), os.path.relpath(path, SOURCE))
    return [(document, command) for command, document in seen.items()]


def mentions():
    """(document, words) of commands within the text, which may leave out what is not spoken of."""
    for path in DOCUMENTS:
        with open(path, encoding="utf-8") as f:
            for inline in re.findall(rf"`({PROGRAMS}(?: [^`]+)?)`", re.sub(r"^```.*?^```$", "", f.read(), flags=re.M | re.S)):
                yield os.path.relpath(path, SOURCE), inline.split()


def why_not(command):
    if command.startswith("mpirun") and not os.path.exists(RANKS):
        return "wants the tool with MPI, for which MPI is not installed"
    return next((why for pattern, why in NOT_RUN if re.search(pattern, command)), None)


def mpi(folder):
    """The environment of commands under mpirun: the tool as a build with MPI makes it comes first, and there may be fewer cores than ranks."""
    os.makedirs(os.path.join(folder, "bin"))
    os.symlink(RANKS, os.path.join(folder, "bin", "clip-surgeon"))
    return {"PATH": os.pathsep.join((os.path.join(folder, "bin"), BUILD, os.environ["PATH"])), "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none"}


def data_set(folder):
    """One picture of PASCAL VOC's layout: the left half is the class dog."""
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        os.makedirs(os.path.join(folder, part))
    shutil.copy(os.path.join(PICTURES, "dog.jpg"), os.path.join(folder, "JPEGImages", "dog.jpg"))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes([12]) * 384 + bytes(384)) * 576
    with open(os.path.join(folder, "SegmentationClass", "dog.png"), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 768, 576, 8, 0, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    with open(os.path.join(folder, "ImageSets", "Segmentation", "val.txt"), "w") as f:
        f.write("dog\n")


class Commands(unittest.TestCase):
    def test_every_command(self):
        ran = 0
        with tempfile.TemporaryDirectory() as home:
            for document, command in commands():
                if why_not(command) or command.startswith("./do demo") and os.path.realpath(BUILD) != os.path.join(SOURCE, "build"):
                    continue
                with tempfile.TemporaryDirectory() as folder, self.subTest(document=document, command=command):
                    for name in ("photo.jpg", "a.jpg", "b.jpg"):
                        os.symlink(os.path.join(PICTURES, "dog.jpg"), os.path.join(folder, name))
                    os.makedirs(os.path.join(folder, "photos"))
                    os.symlink(os.path.join(PICTURES, "dog.jpg"), os.path.join(folder, "photos", "2024-dog.jpg"))
                    os.symlink(BUILD, os.path.join(folder, "build"))
                    data_set(os.path.join(folder, "VOC2012"))
                    os.makedirs(os.path.join(folder, "tools", "demo"))
                    with open(os.path.join(folder, "tools", "demo", "held_out.txt"), "w") as f:
                        f.write("dog\n")  # the data set's only picture in the place of those held out
                    # What empties the cache has one of its own, for kernels take long to compile. ./do works on the tree that it stands in.
                    cache = os.path.join(folder, "cache") if "cache clear" in command else os.path.join(BUILD, "install-test-cache")
                    start = time.monotonic()
                    done = subprocess.run(["bash", "-c", command], cwd=SOURCE if command.startswith("./do") else folder,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                          env={**os.environ, "PATH": BUILD + os.pathsep + os.environ["PATH"], "HOME": home,
                                               "XDG_CACHE_HOME": cache, **(mpi(folder) if command.startswith("mpirun") else {})})
                    ran += 1
                    print("%5.1f s  %s" % (time.monotonic() - start, command))
                    self.assertEqual(done.returncode, 0, done.stdout[-1500:])
        self.assertGreater(ran, 25)
        print(f"{ran} commands ran")

    def test_every_mention(self):
        """The program, its verb and its options are there."""
        def helps(*words):
            return subprocess.run([*words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=SOURCE).stdout
        tool, verbs = os.path.join(BUILD, "clip-surgeon"), helps("./do")
        seen = 0
        for document, words in mentions():
            with self.subTest(document=document, command=" ".join(words)):
                program, seen = words[0], seen + 1
                options = [w.split("=")[0] for w in words if w.startswith("--")]
                if "./do" in words:
                    verb = words[words.index("./do") + 1:][:1]
                    self.assertTrue(not verb or f"./do {verb[0]} " in verbs, verbs)
                    told = verbs
                elif program.endswith("clip-surgeon"):
                    self.assertTrue(words[1:2] in ([], ["COMMAND"]) or f"clip-surgeon {words[1]} " in helps(tool), words)
                    told = helps(tool, *words[1:2]) if words[1:2] != ["COMMAND"] else helps(tool, "map")
                elif program.startswith("build/"):
                    told = helps(os.path.join(BUILD, program[len("build/"):]))
                else:
                    told = " ".join(options)  # of meson and the like
                    self.assertTrue(not program.startswith("tools/") or os.path.exists(os.path.join(SOURCE, program)))
                for option in options:
                    self.assertRegex(told, rf"{option}\b")
        self.assertGreater(seen, 20)

    def test_what_is_not_run_is_there(self):
        for pattern, why in NOT_RUN:
            self.assertTrue([c for _, c in commands() if re.search(pattern, c)], (pattern, why))

    def test_blocks_are_told_apart(self):
        for path in DOCUMENTS:
            with open(path, encoding="utf-8") as f:
                for info, lines in blocks(f.read()):
                    with self.subTest(document=path, info=info):
                        self.assertIn(info.split(" ")[0], ("sh", "text", "c", "python"))
                        if info == "sh":
                            self.assertEqual([l for l in lines if l.strip() and not re.match(PROGRAMS + r"\b", l)], [])

    def test_links(self):
        for path in DOCUMENTS:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if not re.match(r"https?:|#", link):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), link.split("#")[0])), (path, link))


class LibraryPrograms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installed, cls.folder = Installed(), tempfile.TemporaryDirectory()
        with open(os.path.join(SOURCE, "docs", "library.md"), encoding="utf-8") as f:
            for info, lines in blocks(f.read()):
                if info.startswith("c "):
                    name = info.split()[1]
                    with open(cls.at(name), "w", encoding="utf-8") as out:
                        out.write("\n".join(lines) + "\n")
                    cls.installed.compile(cls.at(name), cls.at(name[:-2]), "-std=c11", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-O1")

    @classmethod
    def tearDownClass(cls):
        cls.installed.close()
        cls.folder.cleanup()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.folder.name, name)

    def test_one_map(self):
        picture = os.path.join(PICTURES, "dog.jpg")
        said = self.installed.run(self.at("one-map"), picture, "dog", self.at("one.png")).stdout
        score, x, y = re.fullmatch(r"dog: score (\S+), highest at (\d+),(\d+)\n", said).groups()
        # The command line's figures are the same.
        tool = json.loads(self.installed.run(self.installed.binary, "map", picture, "dog", "--json", "--no-legend", "-y", "-o", self.at("tool.png")).stdout)
        text = tool["texts"][0]
        self.assertAlmostEqual(float(score), text["score"], places=3)
        with open(self.at("one.png"), "rb") as a, open(self.at("tool.png"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertIn(f"{x}, {y}", re.sub(r"\s+", " ", json.dumps(text)))
        self.assertEqual(self.installed.run(self.at("one-map"), fails=True).returncode, 2)
        told = self.installed.run(self.at("one-map"), "/nowhere.jpg", "dog", self.at("no.png"), fails=True)
        self.assertEqual((told.returncode, told.stderr.count("\n")), (5, 1))

    def test_batch(self):
        names = [os.path.join(PICTURES, n + ".jpg") for n in ("dog", "person", "horses")]
        lines = self.installed.run(self.at("batch"), *names).stdout.splitlines()
        self.assertEqual([l.split("\t")[0] for l in lines], names)
        for line in lines:
            fields = line.split("\t")[1:]
            self.assertEqual(fields[::3], ["dog", "person", "horse"])
            self.assertTrue(all(0 <= float(v) <= 1 for v in fields[2::3]))
        done = self.installed.run(self.at("batch"), names[0], "/nowhere.jpg", names[1], fails=True)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (5, 2))

    def test_own_drawing(self):
        self.installed.run(self.at("own-drawing"), os.path.join(PICTURES, "dog.jpg"), self.at("own.png"))
        with open(self.at("own.png"), "rb") as f:
            self.assertEqual(struct.unpack(">II", f.read(24)[16:]), (768, 576))

    def test_there_are_three(self):
        self.assertEqual(len(glob.glob(self.at("*.c"))), 3)


if __name__ == "__main__":
    unittest.main()
