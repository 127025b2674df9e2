"""Commands over many pictures: folders, patterns, outputs, batches, devices, interrupts."""
import glob, io, json, os, pty, shutil, signal, subprocess, sys, time, unittest
import numpy as np
from support import *

QUICK = ("--templates", "none", "--size", "32")
SIZES = [(48, 32), (32, 48), (60, 60), (64, 20)]


class Pictures(CliTest):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("in/deeper.png"))
        for i, (w, h) in enumerate(SIZES):
            rows = pattern(w, h, 3)
            self.write(f"in/p{i}.png", png(w, h, rows=[bytes((v * (i + 2)) & 255 for v in r) for r in rows]))
        self.write("in/q.JPG", b"no picture")
        self.write("in/.hidden.png", b"nothing")
        self.write("in/note.txt", "nothing")

    def many(self, command, *words, code=OK):
        outcome = self.run_tool(command, *words, "--json", *QUICK)
        self.assertEqual(outcome.code, code, outcome)
        return json.loads(outcome.stdout), outcome

    def made(self, folder="out"):
        return sorted(n.removeprefix(folder + "/") for n in self.listing() if n.startswith(folder + "/"))

    # ------------------------------------------------------------------------------------------------ what is taken and said

    def test_a_folder(self):
        document, outcome = self.many("map", "in", "dog", "cat", "-o", "new/out", "--device", "reference")
        self.assertEqual([p["picture"] for p in document["pictures"]], [f"in/p{i}.png" for i in range(4)])
        self.assertEqual([u["picture"] for u in document["unreadable"]], ["in/q.JPG"])
        self.assertIn("q.JPG", document["unreadable"][0]["reason"])
        self.assertTrue(any("left out" in l and "q.JPG" in l for l in outcome.lines), outcome)
        self.assertTrue(any("5 of 5 pictures" in l for l in outcome.lines), outcome)
        self.assertEqual(self.made("new/out"), sorted(f"p{i}_map{t}.png" for i in range(4) for t in ("", "_dog", "_cat")))
        self.assertEqual((document["batch"], document["skipped"]), (8, []))
        self.assertGreaterEqual(document["ms"], document["pictures"][0]["ms"])
        (device,) = document["devices"]
        self.assertEqual((device["name"], device["pictures"]), ("reference", 4))
        self.assertAlmostEqual(device["ms"], sum(p["ms"] for p in document["pictures"]), 3)
        self.assertRegex(document["model"]["sha256"], r"^[0-9a-f]{64}$")
        for i, picture in enumerate(document["pictures"]):
            alone, _ = self.many("map", f"in/p{i}.png", "dog", "cat", "-o", "alone.png", "--npy", "alone.npy", "-y", "--device", "reference")
            self.assertEqual(picture["texts"], alone["texts"])
            self.assertEqual(set(alone) - set(picture), {"model", "device", "precision_used", "operators"} - {"device"})
            for text in ("", "_dog", "_cat"):
                self.assertEqual(self.read(f"new/out/p{i}_map{text}.png"), self.read(f"alone{text}.png"))

    def test_batches_change_nothing(self):
        seen = []
        for batch in ("1", "3", "4"):
            self.many("map", "in", "dog", "--batch", batch, "-o", "o" + batch, "--npy", "o" + batch, "--compare", "raw,gradcam")
            seen.append({n: self.read(f"o{batch}/{n}") for n in self.made("o" + batch)})
            self.assertEqual(len(seen[-1]), 8)
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])
        self.assertFalse(np.array_equal(np.load(io.BytesIO(seen[0]["p0_map.npy"])), np.load(io.BytesIO(seen[0]["p2_map.npy"]))))
        for wrong in ("0", "2.5", "many"):
            self.fail_with(USAGE, "map", "in", "dog", "-o", "out", "--batch", wrong, words=["--batch"])

    def test_a_pattern_and_lines_for_people(self):
        self.write("in/a[1].png", png(20, 20))
        outcome = self.succeed("map", "in/p[0-2]*", "dog", "-o", "out/{stem}.png", "-q", *QUICK)
        self.assertEqual(outcome.stderr, b"")
        self.assertEqual(self.made(), ["p0.png", "p1.png", "p2.png"])
        lines = outcome.stdout.decode().splitlines()
        self.assertEqual([l for l in lines if l.startswith("in/")], ["in/p0.png", "in/p1.png", "in/p2.png"])
        self.assertEqual([l for l in lines if l.startswith("out/")], ["out/p0.png", "out/p1.png", "out/p2.png"])
        self.succeed("map", "in/a[1].png", "dog", "-o", "one.png", *QUICK)  # the name of a file is no pattern
        self.many("map", "in/p?.png", "dog", "-o", "by/{stem}/{name}_{stem}.png")
        self.assertEqual(self.made("by"), [f"p{i}/p{i}.png_p{i}.png" for i in range(4)])

    def test_outputs_that_cannot_be(self):
        for words in (["-o", "x.png"], [], ["-o", "out", "--npy", "x.npy"]):
            self.fail_with(USAGE, "map", "in", "dog", *words, words=["{stem}"])
        self.fail_with(USAGE, "segment", "in", "dog", words=["{stem}"])
        self.fail_with(USAGE, "map", "in", "dog", "-y", "-o", "in/{name}", words=["in/p0.png"])
        self.fail_with(USAGE, "map", "./in", "dog", "-y", "-o", "in/{name}", words=["in/p0.png"])
        self.write("file", b"mine")
        self.fail_with(ERROR, "map", "in", "dog", "-o", "file/")
        self.fail_with(ERROR, "map", "in", "dog", "-o", "/proc/nowhere/")
        self.write("in/p0.bmp", bmp(20, 20))
        self.fail_with(USAGE, "map", "in", "dog", "-o", "out", words=["p0_map.png", "{name}"])

    def test_nothing_to_read(self):
        os.makedirs(self.path("empty"))
        self.fail_with(INPUT, "map", "empty", "dog", "-o", "out", words=["empty"])
        self.fail_with(INPUT, "map", "none*", "dog", "-o", "out", words=["none*"])
        outcome = self.run_tool("map", "in/q*", "dog", "-o", "out", *QUICK)
        self.assertEqual((outcome.code, outcome.stdout, self.made()), (INPUT, b"", []), outcome)

    def test_a_run_goes_on(self):
        """Without -y what is there stays; what is missing of a picture is made, and -y makes all."""
        self.many("map", "in", "dog", "cat", "-o", "out")
        whole = {n: self.read("out/" + n) for n in self.made()}
        for name in ("p0_map.png", "p1_map.png", "p1_map_dog.png", "p1_map_cat.png"):
            os.remove(self.path("out/" + name))
        self.write("out/p0_map_dog.png", b"mine")
        document, outcome = self.many("map", "in", "dog", "cat", "-o", "out")
        self.assertEqual([p["picture"] for p in document["pictures"]], ["in/p0.png", "in/p1.png"])
        self.assertEqual(document["skipped"], ["in/p2.png", "in/p3.png"])
        self.assertTrue(any("2 of 5 pictures have their outputs already" in l for l in outcome.lines), outcome)
        self.assertEqual({n: self.read("out/" + n) for n in self.made()}, whole | {"p0_map_dog.png": b"mine"})
        document, _ = self.many("map", "in", "dog", "cat", "-o", "out")
        self.assertEqual((document["pictures"], len(document["skipped"])), ([], 4))
        self.many("map", "in", "dog", "cat", "-o", "out", "-y")
        self.assertEqual({n: self.read("out/" + n) for n in self.made()}, whole)

    # ------------------------------------------------------------------------------------------------ other commands

    def test_points_segment_classify_embed(self):
        labels = ["dog", "cat", "horse"]
        for command, words in (("points", ["dog"]), ("classify", labels), ("segment", labels)):
            more = ["-o", "out"] if command == "segment" else []
            size = () if command == "classify" else ("--size", "32")
            outcome = self.succeed(command, "in", *words, *more, *([] if command == "points" else ["--json"]), "--templates", "none", *size)
            document = json.loads(outcome.stdout)
            self.assertEqual([p["picture"] for p in document["pictures"]], [f"in/p{i}.png" for i in range(4)])
            alone = self.succeed(command, "in/p1.png", *words, *(["-o", "a.png"] if more else []),
                                 *([] if command == "points" else ["--json"]), "--templates", "none", *size)
            for key, value in json.loads(alone.stdout).items():
                if key != "file":
                    self.assertEqual(document["pictures"][1][key], value)
        self.assertEqual(self.made(), [f"p{i}_classes.png" for i in range(4)])
        self.assertEqual(self.read("out/p1_classes.png"), self.read("a.png"))
        outcome = self.succeed("embed", "--image", "in", "in/p1.png", "--npy", "e.npy", "--json", "--templates", "none")
        document = json.loads(outcome.stdout)
        self.assertEqual([(p["picture"], p["row"]) for p in document["pictures"]],
                         [(f"in/p{i}.png", i) for i in range(4)] + [("in/p1.png", 4)])
        features = np.load(io.BytesIO(self.read("e.npy")))
        self.assertEqual(features.shape[0], 5)
        self.assertTrue(np.array_equal(features[1], features[4]))
        self.assertFalse(np.allclose(features[0], features[1], atol=1e-4))
        outcome = self.succeed("embed", "--text", "dog", "--npy", "t.npy", "--json", "--templates", "none")
        self.assertEqual(json.loads(outcome.stdout), {"npy": "t.npy", "shape": [1, features.shape[1]]})

    # ------------------------------------------------------------------------------------------------ devices

    def test_two_devices(self):
        alone, _ = self.many("map", "in", "dog+cat", "horse", "-o", "one", "--npy", "one")
        for i in range(12):
            self.write(f"in/r{i}.png", self.read(f"in/p{i % 4}.png"))
        both, _ = self.many("map", "in", "dog+cat", "horse", "-o", "two", "--npy", "two", "--batch", "2", "--device", "0,reference")
        self.assertEqual(both["devices"][1]["name"], "reference")
        self.assertNotEqual(both["devices"][0]["name"], "reference")
        for d, device in enumerate(both["devices"]):
            self.assertGreater(device["pictures"], 0)
            self.assertEqual(device["pictures"], sum(p["device"] == d for p in both["pictures"]))
        self.assertEqual(len(both["pictures"]), 16)
        for i in range(4):
            want = np.load(io.BytesIO(self.read(f"one/p{i}_map.npy")))
            for name in [f"p{i}"] + [f"r{k}" for k in range(12) if k % 4 == i]:
                got = np.load(io.BytesIO(self.read(f"two/{name}_map.npy")))
                self.assertLess(np.abs(got - want).max(), 1e-5)
        self.many("map", "in/p*", "dog", "-o", "all", "--device", "all")
        self.assertEqual(len(self.made("all")), 4)
        self.fail_with(NO_DEVICE, "map", "in", "dog", "-o", "no", "--device", "0,nonsense", words=["nonsense"])
        self.fail_with(USAGE, "map", "in", "dog", "-o", "no", "--device", "0,,reference", words=["--device"])

    @unittest.skipIf(SANITIZED, "two drivers in one process report what they leave behind")
    def test_two_platforms(self):
        """PoCL and Intel's runtime in one process, each with an engine."""
        sys.path.insert(0, os.path.join(SOURCE, "tests"))
        import devices
        found, why = devices.together(("pocl", "intel"), self.folder)
        if not found:
            self.skipTest(why)
        env = {k: found[k] for k in ("OCL_ICD_VENDORS", "LD_LIBRARY_PATH") if k in found}
        words = ("map", "in/p*", "dog", "--json", *QUICK)
        for i in range(8):
            self.write(f"in/p{4 + i}.png", self.read(f"in/p{i % 4}.png"))
        both = json.loads(self.succeed(*words, "-o", "two", "--npy", "two", "--device", "all", "--batch", "2", env=env).stdout)
        self.assertEqual(len({d["platform"] for d in both["devices"]}), 2)
        self.assertTrue(all(d["pictures"] > 0 for d in both["devices"]))
        self.assertEqual(sum(d["pictures"] for d in both["devices"]), 12)
        self.succeed(*words, "-o", "one", "--npy", "one", "--device", "1", env=env)
        for i in range(12):
            name = f"p{i}_map.npy"
            difference = np.load(io.BytesIO(self.read("two/" + name))) - np.load(io.BytesIO(self.read("one/" + name)))
            self.assertLess(np.abs(difference).max(), 1e-5)

    # ------------------------------------------------------------------------------------------------ progress and interrupts

    def test_a_bar_on_a_terminal(self):
        try:
            master, slave = pty.openpty()
        except OSError as e:
            self.skipTest(f"skipped: {e}")  # where /dev/pts is not mounted
        process = subprocess.Popen([BINARY, "map", "in", "dog", "-o", "out", "--json", *QUICK], cwd=self.work,
                                   env=environment(self.home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        said, piece = b"", b"-"
        while piece:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:  # the other end is closed
                piece = b""
            said += piece
        os.close(master)
        json.loads(process.communicate()[0])
        self.assertEqual(process.returncode, OK)
        self.assertRegex(said.decode(), r"\r#{30} 5 of 5, [0-9.]+ a second")

    def test_sigint(self):
        """Soon after SIGINT the run is over, and what is there is whole; the same command goes on."""
        for i in range(40):
            self.write(f"in/s{i:02}.png", self.read("in/p0.png"))
        words = [BINARY, "map", "in/s*", "dog", "-o", "out", "--device", "reference", "--templates", "none", "--size", "256", "--batch", "1"]
        process = subprocess.Popen(words, cwd=self.work, env=environment(self.home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        while not self.made():
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, stderr = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - start, 5)  # 0.2 s on a machine that does nothing else
        self.assertEqual(process.returncode, INTERRUPTED, stderr)
        self.assertEqual(stderr.decode().splitlines()[-1], "clip-surgeon: interrupted")
        made = self.made()
        self.assertTrue(0 < len(made) < 40, made)
        for name in made:
            self.assertTrue(name.endswith("_map.png"), name)
            read_png(self.read("out/" + name))


if __name__ == "__main__":
    unittest.main()
