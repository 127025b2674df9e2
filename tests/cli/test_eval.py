"""`eval`: figures, resuming after a kill, pairs that cannot be read, and what is refused."""
import json, os, random, subprocess, time, unittest
from support import *

# On the device, which keeps texts: most of the time would go into theirs.
QUICK = ("--templates", "none")

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
        return json.loads(self.succeed("eval", *words, "--json", "-q", *QUICK).stdout)

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

    def test_a_plot(self):
        document = self.evaluate(self.dataset(pictures=2), "--method", "raw,arch", "--mfsr", "--plot", "plot.png")
        width, height = read_png(self.read("plot.png"))[:2]
        self.assertTrue(width > 500 and height > 200, (width, height))
        self.assertEqual([b["block"] for b in document["mfsr"]], list(range(1, DEMO_BLOCKS + 1)))
        self.assertTrue(all(0 <= b[k] <= 100 for b in document["mfsr"] for k in ("qk", "vv")))
        self.fail_with(ERROR, "eval", "set", "--plot", "plot.png", "-q", *QUICK, words=("plot.png",))

    def test_the_only_list_is_taken(self):
        self.assertEqual(self.evaluate(self.dataset(split="mine"))["split"], "mine")

    def test_a_list_from_elsewhere(self):
        self.dataset()
        self.write("held out.txt", b"p4\np1\n")
        document = self.evaluate("set", "--split", "held out.txt")
        self.assertEqual((document["split"], document["images"]), ("held out.txt", 2))
        self.write("ours.txt", b"../p4\n")
        self.fail_with(INPUT, "eval", "set", "--split", "ours.txt", "-q", *QUICK, words=("outside of the data set",))
        self.fail_with(INPUT, "eval", "set", "--split", "none.txt", "-q", *QUICK, words=("none.txt",))

    def test_resume_after_a_kill(self):
        whole = self.evaluate(self.dataset(pictures=12), "--method", "raw,arch")
        command = [BINARY, "eval", "set", "--method", "raw,arch", "--resume", "state", "--json", "-q", *QUICK]
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

    def test_shards_together_are_one_run(self):
        """Bit for bit, in whatever order the files are named and however many shards there are."""
        options = ("--method", "raw,feature", "--limit", "5")
        whole = self.evaluate(self.dataset(), *options)
        for n in (1, 3):
            files = [f"shard{i}of{n}" for i in range(1, n + 1)]
            parts = [self.evaluate("set", *options, "--shard", f"{i}/{n}", "--resume", f) for i, f in enumerate(files, 1)]
            self.assertEqual([p["images"] for p in parts], [len(range(i, 5, n)) for i in range(n)])
            self.assertEqual(self.evaluate("set", *options, "--merge", ",".join(reversed(files))), whole)
        # What overlaps counts once; what is missing is told, or measured with a file to keep it; a shard's file goes on with all pictures.
        self.assertEqual(self.evaluate("set", *options, "--merge", "shard1of1,shard2of3"), whole)
        self.fail_with(ERROR, "eval", "set", *options, "--merge", "shard1of3,shard3of3", "-q", *QUICK,
                       words=("2 of 5 pictures",))
        self.fail_with(ERROR, "eval", "set", *options, "--merge", "shard1of3,nowhere", "-q", *QUICK, words=("nowhere is not there",))
        self.assertFalse(os.path.exists(self.path("nowhere")))
        self.fail_with(ERROR, "eval", "set", "--method", "raw", "--limit", "5", "--merge", "shard1of1", "-q", *QUICK,
                       words=("belongs to a run",))
        self.assertEqual(self.evaluate("set", *options, "--merge", "shard1of3,shard3of3", "--resume", "rest"), whole)
        self.assertGreater(self.size("rest"), 72)  # its head
        self.assertEqual(self.evaluate("set", *options, "--resume", "shard2of3"), whole)

    def test_shards_that_are_none(self):
        self.dataset()
        for shard in ("0/2", "3/2", "1", "1/", "/2", "-1/2", "1/2x", "a/b", "1/0"):
            self.fail_with(USAGE, "eval", "set", "--shard", shard, "--resume", "s", "-q", *QUICK, words=("--shard",))
        self.fail_with(USAGE, "eval", "set", "--shard", "1/2", "-q", *QUICK, words=("resume",))

    def size(self, name):
        path = self.path(name)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def test_several_devices(self):
        """Engines on one device have its figures bit for bit; those on another one are off by rounding."""
        options = ("--method", "raw,feature", "--size", "48")
        whole = self.evaluate(self.dataset(), *options, "--device", "0")
        twice = self.evaluate("set", *options, "--device", "0,0", "--resume", "state")
        self.assertEqual(twice.pop("device"), " + ".join(2 * [whole.pop("device")]))
        self.assertEqual(twice, whole)
        self.assertEqual(self.evaluate("set", *options, "--merge", "state")["methods"], whole["methods"])
        both = self.evaluate("set", *options, "--device", "0,reference")
        self.assertTrue(both["device"].endswith(" + reference"), both["device"])
        self.assertEqual(both["images"], whole["images"])
        for a, b in zip(both["methods"], whole["methods"]):
            self.assertAlmostEqual(a["msc"], b["msc"], places=2)
            self.assertAlmostEqual(a["miou"], b["miou"], delta=0.5)  # a pixel at the threshold falls on either side
        self.assertEqual(self.evaluate("set", *options, "--device", "all")["images"], 6)
        self.fail_with(NO_DEVICE, "eval", "set", "--device", "0,nonsense", "-q", *QUICK, words=["nonsense"])

    def test_resume_of_another_run(self):
        self.evaluate(self.dataset(), "--method", "raw", "--resume", "state")
        self.fail_with(ERROR, "eval", "set", "--method", "arch", "--resume", "state", "-q", *QUICK, words=("belongs to a run",))
        self.write("other", b"something else entirely, and longer than the head of a journal, which has seventy-two bytes")
        self.fail_with(ERROR, "eval", "set", "--resume", "other", "-q", *QUICK, words=("something else",))

    def test_pairs_that_cannot_be_read_are_counted(self):
        self.dataset()
        self.write("set/SegmentationClass/p0.png", mask_png([[0] * 5] * 5))
        self.write("set/SegmentationClass/p1.png", mask_png([[21] * SIDE] * SIDE))
        self.write("set/SegmentationClass/p2.png", png(SIDE, SIDE))
        self.write("set/JPEGImages/p3.png", b"no picture")
        run = self.succeed("eval", "set", "--json", *QUICK)
        document = json.loads(run.stdout)
        self.assertEqual((document["images"], document["unreadable"]), (6, 4))
        for says in ("5 x 5", "index 21", "is no mask", "p3 is left out"):
            self.assertIn(says, run.stderr.decode())

    def test_refused(self):
        self.dataset()
        self.fail_with(INPUT, "eval", "nowhere", "-q", *QUICK, words=("no folder",))
        os.makedirs(self.path("empty"))
        self.fail_with(INPUT, "eval", "empty", "-q", *QUICK, words=("ImageSets",))
        self.fail_with(INPUT, "eval", "set", "--split", "test", "-q", *QUICK, words=("test.txt",))
        self.fail_with(USAGE, "eval", "set", "--method", "raw,nope", "-q", *QUICK, words=("no method 'nope'",))
        self.fail_with(USAGE, "eval", "set", "--method", "raw,raw", "-q", *QUICK, words=("twice",))
        self.fail_with(USAGE, "eval", "-q", *QUICK, words=("one folder",))
        self.write("set/ImageSets/Segmentation/val.txt", b"\n\n")
        self.fail_with(INPUT, "eval", "set", "-q", *QUICK, words=("lists no picture",))
        self.write("set/ImageSets/Segmentation/val.txt", b"../../etc/passwd\n")
        self.fail_with(INPUT, "eval", "set", "-q", *QUICK, words=("outside of the data set",))
        self.write("set/ImageSets/Segmentation/val.txt", b"missing\n")
        self.fail_with(INPUT, "eval", "set", "-q", *QUICK, words=("no picture of set could be read",))


def compressed(counts):
    """COCO's string of run lengths: differences to the number two before from the third on, five bits a character, the lowest first."""
    text = ""
    for i, count in enumerate(counts):
        x = count - (counts[i - 2] if i > 2 else 0)
        while True:
            bits, x = x & 31, x >> 5
            more = not (x == 0 and not bits & 16 or x == -1 and bits & 16)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


class Layouts(CliTest):
    """The same pictures and masks in every layout have the same figures."""
    CLASSES = ["dog", "cat", "horse", "person"]

    def setUp(self):
        super().setUp()
        rng = random.Random(5)
        self.pictures, self.masks = {}, {}
        for name in ("a", "b", "c"):
            self.pictures[name] = png(SIDE, SIDE, rows=[bytes(rng.randrange(256) for _ in range(3 * SIDE)) for _ in range(SIDE)])
            left, right = rng.sample(range(1, 5), 2)
            self.masks[name] = [[left if x < 20 else right if y < 30 else 0 for x in range(SIDE)] for y in range(SIDE)]
        self.write("classes.txt", "\n".join(self.CLASSES).encode())

    def put(self, path, data):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        self.write(path, data if isinstance(data, bytes) else json.dumps(data).encode())

    def listed(self, name, lists="Segmentation", truth="SegmentationClass"):
        for id_, picture in self.pictures.items():
            self.put(f"{name}/JPEGImages/{id_}.png", picture)
            self.put(f"{name}/{truth}/{id_}.png", mask_png(self.masks[id_]))
        self.put(f"{name}/ImageSets/{lists}/val.txt", "\n".join(self.pictures).encode())

    def evaluate(self, *words):
        return json.loads(self.succeed("eval", *words, "--method", "raw", "--json", "-q", *QUICK).stdout)["methods"][0]

    def coco(self, shape):
        """Categories with ids out of order, annotations with those of different pictures mixed; the greater areas are drawn first."""
        ids = {c: 90 - 7 * i for i, c in enumerate(range(1, 5))}
        annotations = []
        for picture, (id_, mask) in enumerate(self.masks.items()):
            for c in sorted({v for row in mask for v in row} - {0}):
                inside = [mask[y][x] == c for x in range(SIDE) for y in range(SIDE)]
                annotations.insert(0, {"id": len(annotations), "image_id": 7 - picture, "category_id": ids[c], "area": sum(inside),
                                       "segmentation": shape(inside, mask[0].index(c))})
        for id_, picture in self.pictures.items():
            self.put(f"set/val2017/{id_}.png", picture)
        return {"categories": [{"id": ids[i + 1], "name": n} for i, n in enumerate(self.CLASSES)], "annotations": annotations,
                "images": [{"id": 7 - i, "file_name": f"{n}.png"} for i, n in enumerate(self.pictures)]}

    @staticmethod
    def runs(inside):
        counts, value, run = [], False, 0
        for v in inside:
            if v != value:
                counts.append(run)
                value, run = v, 0
            run += 1
        return counts + [run]

    def test_the_same_figures(self):
        self.listed("voc")
        voc = self.evaluate("voc", "--labels", "classes.txt")
        self.listed("set", "SegmentationContext", "SegmentationClassContext")
        self.assertEqual(voc, self.evaluate("set", "--labels", "classes.txt"))
        shapes = {"polygons": lambda inside, left: [[left, 0, 20 if left == 0 else SIDE, 0, 20 if left == 0 else SIDE, SIDE if left == 0 else 30,
                                                     left, SIDE if left == 0 else 30]],
                  "runs": lambda inside, left: {"size": [SIDE, SIDE], "counts": self.runs(inside)},
                  "compressed": lambda inside, left: {"size": [SIDE, SIDE], "counts": compressed(self.runs(inside))}}
        for name, shape in shapes.items():
            self.put("set/annotations/instances_val2017.json", self.coco(shape))
            self.assertEqual(voc, self.evaluate("set", "--layout", "coco"), name)

    def test_panoptic(self):
        """Every pixel is of a segment there, so that the rest is void."""
        document = self.coco(lambda inside, left: [])
        ids = {c["name"]: c["id"] for c in document["categories"]}
        annotations = []
        for i, (id_, mask) in enumerate(self.masks.items()):
            colours = {v: v * 70001 for row in mask for v in row if v}
            rows = [b"".join(colours.get(v, 0).to_bytes(3, "little") for v in row) for row in mask]
            self.put(f"set/annotations/panoptic_val2017/{id_}.png", png(SIDE, SIDE, rows=rows))
            annotations.append({"image_id": 7 - i, "file_name": f"{id_}.png",
                                "segments_info": [{"id": n, "category_id": ids[self.CLASSES[v - 1]]} for v, n in colours.items()]})
        self.put("set/annotations/panoptic_val2017.json", document | {"annotations": annotations})
        self.masks = {k: [[v or 255 for v in row] for row in m] for k, m in self.masks.items()}
        self.listed("voc")
        self.assertEqual(self.evaluate("voc", "--labels", "classes.txt"), self.evaluate("set", "--layout", "coco-panoptic"))

    def test_cityscapes(self):
        names = ["road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain", "sky",
                 "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"]
        self.write("city.txt", "\n".join(names).encode())
        for i, id_ in enumerate(self.pictures):
            self.put(f"set/leftImg8bit/val/town{i}/{id_}_leftImg8bit.png", self.pictures[id_])
            self.put(f"set/gtFine/val/town{i}/{id_}_gtFine_labelTrainIds.png", mask_png([[v - 1 if v else 255 for v in r] for r in self.masks[id_]], 8, 0))
        self.masks = {k: [[v or 255 for v in row] for row in m] for k, m in self.masks.items()}
        self.listed("voc")
        self.assertEqual(self.evaluate("voc", "--labels", "city.txt"), self.evaluate("set"))

    def nus(self):
        present = {n: {v for row in m for v in row} for n, m in self.masks.items()}
        for id_, picture in self.pictures.items():
            self.put(f"nus/Flickr/town/{id_}.png", picture)
        self.put("nus/ImageList/TestImagelist.txt", "".join(f"town\\{n}.png\r\n" for n in self.pictures).encode())
        self.put("nus/ConceptsList/Concepts81.txt", "\n".join(self.CLASSES).encode())
        for i, c in enumerate(self.CLASSES):
            self.put(f"nus/TrainTestLabels/Labels_{c}_Test.txt", "".join(f"{int(i + 1 in present[n])}\n" for n in self.pictures).encode())

    def test_labels_without_masks(self):
        self.nus()
        self.listed("voc")
        voc, nus = self.evaluate("voc", "--labels", "classes.txt"), self.evaluate("nus")
        self.assertEqual(voc["map"], nus["map"])
        self.assertIsNone(nus["miou"])
        self.assertIsNone(nus["segmentation_miou"])

    def refused(self, says, *words):
        self.fail_with(INPUT, "eval", *words, "-q", *QUICK, words=(says,))

    def test_damaged(self):
        self.nus()
        self.put("nus/TrainTestLabels/Labels_dog_Test.txt", b"1\n0\n")
        self.refused("2 lines, but there are 3 pictures", "nus")
        self.put("nus/TrainTestLabels/Labels_dog_Test.txt", b"1\n0\n7\n")
        self.refused("must be 0 or 1", "nus")
        self.put("nus/ConceptsList/Concepts81.txt", b"../../x\ny\n")
        self.refused("part of no file's name", "nus")
        whole = self.coco(lambda inside, left: {"size": [SIDE, SIDE], "counts": self.runs(inside)})
        path = "set/annotations/instances_val2017.json"
        for says, document in (("instances_val2017.json", b"{"), ("has no images", whole | {"images": []}), ("no categories", whole | {"categories": 3}),
                               ("two categories of one id", whole | {"categories": whole["categories"] * 2}),
                               ("belongs to no picture", whole | {"annotations": [{"image_id": 99}]}),
                               ("outside of the data set", whole | {"images": [{"id": i, "file_name": "../x"} for i in (5, 6, 7)]}),
                               ("no known category", whole | {"annotations": [a | {"category_id": 1} for a in whole["annotations"]]}),
                               ("no segmentation", whole | {"annotations": [a | {"segmentation": 5} for a in whole["annotations"]]}),
                               ("three corners", whole | {"annotations": [a | {"segmentation": [[1, 2, 3]]} for a in whole["annotations"]]}),
                               ("another size", whole | {"annotations": [a | {"segmentation": {"size": [1, 2], "counts": [1]}} for a in whole["annotations"]]}),
                               ("do not fit", whole | {"annotations": [a | {"segmentation": {"size": [SIDE, SIDE], "counts": "zzzzzzz0"}} for a in whole["annotations"]]})):
            self.put(path, document)
            self.refused(says, "set")
        self.fail_with(USAGE, "eval", "set", "--layout", "nope", "-q", *QUICK, words=("cityscapes",))
        self.put(path, whole)
        self.fail_with(USAGE, "eval", "set", "--labels", "voc20", "-q", *QUICK, words=("has 4 classes, but voc20 lists 20",))


if __name__ == "__main__":
    unittest.main()
