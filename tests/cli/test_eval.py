"""`eval`: figures, resuming after a kill, pairs that cannot be read, and what is refused."""
import json, os, random, subprocess, time, unittest
from support import *

SIDE = 48


def mask_png(indices, bits=8, colour=3):
    rows = [bytes(v for i in row for v in ([i >> 8, i & 255] if bits == 16 else [i])) for row in indices]
    return png(len(indices[0]), len(indices), colour=colour, bits=bits, rows=rows)


class Eval(CliTest):
    def dataset(self, name="set", pictures=6, split="val"):
        rng = random.Random(3)
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            os.makedirs(self.path(f"{name}/{folder}"), exist_ok=True)
        ids = [f"p{i}" for i in range(pictures)]
        for i, id_ in enumerate(ids):
            rows = [bytes(rng.randrange(256) for _ in range(3 * SIDE)) for _ in range(SIDE)]
            self.write(f"{name}/JPEGImages/{id_}.png", png(SIDE, SIDE, rows=rows))
            mask = [[8 if x < SIDE // 2 else 12 if y < SIDE // 2 else 255 if x == SIDE - 1 else 0 for x in range(SIDE)]
                    for y in range(SIDE)]
            self.write(f"{name}/SegmentationClass/{id_}.png", mask_png(mask, *[(8, 3), (8, 0), (16, 0)][i % 3]))
        self.write(f"{name}/ImageSets/Segmentation/{split}.txt", "\n".join(ids).encode() + b"\n")
        return name

    def evaluate(self, *words):
        return json.loads(self.succeed("eval", *words, "--json", "-q", *REFERENCE).stdout)

    def test_figures(self):
        document = self.evaluate(self.dataset(), "--method", "raw,arch,surgery,feature,rclip")
        methods = {m["method"]: m for m in document["methods"]}
        self.assertEqual(list(methods), ["raw", "arch", "surgery", "feature", "rclip"])
        self.assertEqual((document["images"], document["unreadable"], document["maps"], document["split"]), (6, 0, 12, "val"))
        for m in methods.values():
            for figure in ("miou", "miou_by_class", "segmentation_miou", "map"):
                self.assertTrue(0 <= m[figure] <= 100, (m, figure))
            self.assertTrue(-100 <= m["msc"] <= 100)
        # What is reversed has the opposite contrast, and feature surgery leaves segmentation alone.
        self.assertAlmostEqual(methods["raw"]["msc"], -methods["rclip"]["msc"], places=3)
        self.assertEqual(methods["arch"]["segmentation_miou"], methods["surgery"]["segmentation_miou"])
        self.assertEqual(methods["raw"]["segmentation_miou"], methods["feature"]["segmentation_miou"])

    def test_the_only_list_is_taken(self):
        self.assertEqual(self.evaluate(self.dataset(split="mine"))["split"], "mine")

    def test_a_list_from_elsewhere(self):
        self.dataset()
        self.write("held out.txt", b"p4\np1\n")
        document = self.evaluate("set", "--split", "held out.txt")
        self.assertEqual((document["split"], document["images"]), ("held out.txt", 2))
        self.write("ours.txt", b"../p4\n")
        self.fail_with(INPUT, "eval", "set", "--split", "ours.txt", "-q", *REFERENCE, words=("outside of the data set",))
        self.fail_with(INPUT, "eval", "set", "--split", "none.txt", "-q", *REFERENCE, words=("none.txt",))

    def test_resume_after_a_kill(self):
        whole = self.evaluate(self.dataset(pictures=12), "--method", "raw,arch")
        command = [BINARY, "eval", "set", "--method", "raw,arch", "--resume", "state", "--json", "-q", *REFERENCE]
        for _ in range(3):
            process = subprocess.Popen(command, cwd=self.work, env=environment(self.home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            start = self.size("state")
            while process.poll() is None and self.size("state") < start + 4000:
                time.sleep(0.002)
            process.kill()
            process.wait()
        with open(self.path("state"), "ab") as f:
            f.write(b"\x40\0\0\0torn")
        resumed = self.evaluate("set", "--method", "raw,arch", "--resume", "state")
        self.assertEqual(whole["methods"], resumed["methods"])
        self.assertEqual(resumed, self.evaluate("set", "--method", "raw,arch", "--resume", "state"))

    def size(self, name):
        path = self.path(name)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def test_resume_of_another_run(self):
        self.evaluate(self.dataset(), "--method", "raw", "--resume", "state")
        self.fail_with(ERROR, "eval", "set", "--method", "arch", "--resume", "state", "-q", *REFERENCE, words=("belongs to a run",))
        self.write("other", b"something else entirely, and longer than the head of a journal, which has seventy-two bytes")
        self.fail_with(ERROR, "eval", "set", "--resume", "other", "-q", *REFERENCE, words=("something else",))

    def test_pairs_that_cannot_be_read_are_counted(self):
        self.dataset()
        self.write("set/SegmentationClass/p0.png", mask_png([[0] * 5] * 5))
        self.write("set/SegmentationClass/p1.png", mask_png([[21] * SIDE] * SIDE))
        self.write("set/SegmentationClass/p2.png", png(SIDE, SIDE))
        self.write("set/JPEGImages/p3.png", b"no picture")
        run = self.succeed("eval", "set", "--json", *REFERENCE)
        document = json.loads(run.stdout)
        self.assertEqual((document["images"], document["unreadable"]), (6, 4))
        for says in ("5 x 5", "index 21", "is no mask", "p3 is left out"):
            self.assertIn(says, run.stderr.decode())

    def test_refused(self):
        self.dataset()
        self.fail_with(INPUT, "eval", "nowhere", "-q", *REFERENCE, words=("no folder",))
        os.makedirs(self.path("empty"))
        self.fail_with(INPUT, "eval", "empty", "-q", *REFERENCE, words=("ImageSets",))
        self.fail_with(INPUT, "eval", "set", "--split", "test", "-q", *REFERENCE, words=("test.txt",))
        self.fail_with(USAGE, "eval", "set", "--method", "raw,nope", "-q", *REFERENCE, words=("no method 'nope'",))
        self.fail_with(USAGE, "eval", "set", "--method", "raw,raw", "-q", *REFERENCE, words=("twice",))
        self.fail_with(USAGE, "eval", "-q", *REFERENCE, words=("one folder",))
        self.write("set/ImageSets/Segmentation/val.txt", b"\n\n")
        self.fail_with(INPUT, "eval", "set", "-q", *REFERENCE, words=("lists no picture",))
        self.write("set/ImageSets/Segmentation/val.txt", b"../../etc/passwd\n")
        self.fail_with(INPUT, "eval", "set", "-q", *REFERENCE, words=("outside of the data set",))
        self.write("set/ImageSets/Segmentation/val.txt", b"missing\n")
        self.fail_with(INPUT, "eval", "set", "-q", *REFERENCE, words=("no picture of set could be read",))


if __name__ == "__main__":
    unittest.main()
