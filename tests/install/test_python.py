#!/usr/bin/env python3
"""The Python module against the installed library: `pip install` makes it, the published code's figures come out of it, the notebook runs.

Runs again as a child with the installed module in its path: CSG_PYTHON_CHILD.
"""
import gc, json, os, shutil, subprocess, sys, tempfile, threading, unittest

import numpy as np

from installed import SOURCE, Installed, run

CHILD = os.environ.get("CSG_PYTHON_CHILD")
MODULE = os.path.join(SOURCE, "tools", "python")
GOLDEN = os.path.join(SOURCE, "tests", "golden", "mini-112")
if CHILD:
    import clip_surgeon


def golden(name):
    return np.load(os.path.join(GOLDEN, name + ".npy"))


class Goldens(unittest.TestCase):
    """mini-112 with the limits of tests/golden/test_golden.c in single precision."""

    def check(self, device):
        with open(os.path.join(GOLDEN, "golden.json"), encoding="utf-8") as f:
            about = json.load(f)
        picture = os.path.join(SOURCE, "tests", "golden", "bench.png")
        with clip_surgeon.Engine(model=os.environ["CSG_GOLDEN_MODEL"], device=device) as engine:
            self.assertEqual(engine.device == "reference", device == "reference")
            self.assertLess(np.abs(engine.embed_texts(about["labels"]) - golden("text_features")).max(), 1e-4)
            pixels = clip_surgeon.load_image(picture)
            self.assertEqual((pixels.shape, pixels.dtype), ((375, 500, 3), np.uint8))
            for method, options, name in (("surgery", {}, "surgery_similarity"), ("surgery", {"redundant": "empty"}, "surgery_similarity_empty"),
                                          ("raw", {}, "raw_similarity"), ("arch", {}, "architecture_similarity")):
                result = engine.map(pixels, about["labels"], method=method, **options)
                want = golden(name)[1:].T  # [texts, patches], without CLS
                got = result.similarity.reshape(want.shape)
                for g, w in zip(got, want):
                    self.assertLess(np.abs(g - w).max(), 1e-3 * (w.max() - w.min()), (device, name))
                    self.assertGreater(np.corrcoef(g, w)[0, 1], 0.99999)
                if name == "surgery_similarity":
                    finished = result
            self.assertLess(np.abs(finished.tokens - golden("surgery_tokens")).max(), 1e-4)
            self.assertLess(np.abs(finished.map(0)[::4, ::4] - golden("map_first_label_quarter")).max(), 2e-3)
            for i, label in enumerate(about["labels"]):
                points, inside = finished.points(i)
                self.assertEqual((points.tolist(), inside.tolist()), (about["points"][label]["points"], about["points"][label]["labels"]))
            drawn = finished.overlay(0, picture, colormap="jet", opacity=0.6)
            published = clip_surgeon.load_image(os.path.join(GOLDEN, "overlay_jet_first_label.png"))
            off = np.abs(drawn.astype(int) - published).max(axis=2)
            level = 255 * finished.map(0).astype(np.float64)
            between = np.abs(level - level.round()) < 0.01  # of two colours: rounding decides, as test_golden.c explains
            self.assertLessEqual(off[~between].max(), 1)
            self.assertLessEqual(off.max(), 3)

    def test_reference(self):
        self.check("reference")

    def test_opencl(self):
        if not any(d.usable for d in clip_surgeon.devices()):
            self.skipTest("there is no OpenCL device")
        self.check(None)


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.warnings = []
        cls.engine = clip_surgeon.Engine(device="reference", warn=cls.warnings.append)
        cls.picture = clip_surgeon.load_image(os.path.join(clip_surgeon.data_dir(), "pictures", "dog.jpg"))

    def test_errors(self):
        for status, call in ((-2, lambda: self.engine.map(self.picture, [])), (-2, lambda: self.engine.map(self.picture, ["dog"], method="no")),
                             (-5, lambda: clip_surgeon.load_image("/nowhere.png")), (-4, lambda: clip_surgeon.Engine(model="/nowhere")),
                             (-3, lambda: clip_surgeon.Engine(device="no such device")), (-5, lambda: clip_surgeon.labels("no-such-set"))):
            with self.assertRaises(clip_surgeon.Error) as caught:
                call()
            self.assertEqual(caught.exception.status, status, caught.exception)
            self.assertGreater(len(str(caught.exception)), 10)
        for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)):
            with self.assertRaises(ValueError):
                self.engine.map(wrong, ["dog"])

    def test_arrays_of_any_layout(self):
        flipped = self.picture[:, ::-1]  # negative strides
        a, b = (self.engine.map(p, ["dog"], method="raw") for p in (flipped, flipped.copy()))
        self.assertTrue(np.array_equal(a.similarity, b.similarity))
        self.assertFalse(np.array_equal(a.similarity, self.engine.map(self.picture, ["dog"], method="raw").similarity))

    def test_pictures_on_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ä.png")
            clip_surgeon.save_png(path, self.picture)
            self.assertTrue(np.array_equal(clip_surgeon.load_image(path), self.picture))
            with self.assertRaises(clip_surgeon.Error):
                clip_surgeon.save_png(path, self.picture)
            clip_surgeon.save_png(path, self.picture[:5], overwrite=True)
            self.assertEqual(clip_surgeon.load_image(path).shape[0], 5)

    def test_tables(self):
        self.assertEqual(clip_surgeon.METHODS[0], "surgery")
        self.assertEqual(clip_surgeon.PRECISIONS, ("f32", "f16", "bf16"))
        self.assertIn("viridis", clip_surgeon.COLORMAPS)
        self.assertEqual(len(clip_surgeon.labels("voc20")), 20)

    def test_tokens_and_classes(self):
        tokens = self.engine.map_tokens(self.picture, "a dog")
        self.assertEqual([tokens.texts[0].text, tokens.texts[-1].text], ["[start]", "[end]"])
        scores, cosines = self.engine.classify(self.picture, ["dog", "horse", "person"])
        self.assertAlmostEqual(float(scores.sum()), 1, places=5)
        self.assertEqual(int(scores.argmax()), 0)
        self.assertEqual(int(self.engine.classify(self.picture, ["dog", "horse", "person"], size_px=240)[0].argmax()), 0)
        index = self.engine.map(self.picture, ["dog", "horse"], method="arch").classes(background=-1)
        self.assertEqual((index.shape, index.dtype), (self.picture.shape[:2], np.uint16))
        self.assertTrue(set(np.unique(index)) <= {1, 2})

    def test_warnings_are_told(self):
        self.engine.map(self.picture, ["dog " * 500], method="raw")
        self.assertTrue([w for w in self.warnings if "cut" in w or "long" in w], self.warnings)

    def test_life(self):
        """Results outlive their engine; what nobody holds is freed; a closed engine says so."""
        engine = clip_surgeon.Engine(device="reference")
        result = engine.map(self.picture, "dog", method="raw")
        engine.close()
        engine.close()
        self.assertEqual(result.similarity.shape[0], 1)
        with self.assertRaises(ValueError):
            result.map(0)
        del engine, result
        gc.collect()

    def test_threads_wait_for_each_other(self):
        want = self.engine.map(self.picture, "dog", method="raw").similarity
        got = [None] * 4

        def work(i):
            got[i] = self.engine.map(self.picture, "dog", method="raw").similarity
        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(got))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue(all(np.array_equal(g, want) for g in got))


class Notebook(unittest.TestCase):
    def test_every_cell(self):
        with open(os.path.join(MODULE, "example.ipynb"), encoding="utf-8") as f:
            cells = ["".join(c["source"]) for c in json.load(f)["cells"] if c["cell_type"] == "code"]
        self.assertGreater(len(cells), 5)
        names = {}
        for cell in cells:
            exec(compile(cell, "example.ipynb", "exec"), names)
        with open(os.path.join(clip_surgeon.data_dir(), "pictures", "dog.boxes.json"), encoding="utf-8") as f:
            box = next(b["box_px"] for b in json.load(f)["boxes"] if b["text"] == "dog")
        self.assertTrue(box[0] <= names["x"] < box[2] and box[1] <= names["y"] < box[3], (box, names["x"], names["y"]))
        self.assertEqual(names["Shown"](names["picture"][:9])._repr_png_()[:4], b"\x89PNG")


def parent():
    installed = Installed()
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")  # pip writes into the folder that it builds
        shutil.copytree(MODULE, source)
        environment = {**installed.environment, "PKG_CONFIG": "pkg-config --define-variable=prefix=" + installed.prefix, "PYTHONPATH": ""}
        run(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target", target, source,
            env=environment)
        code = subprocess.run([sys.executable, os.path.abspath(__file__), *sys.argv[1:]], env={
            **environment, "PYTHONPATH": os.pathsep.join((target, os.path.dirname(os.path.abspath(__file__)))), "CSG_PYTHON_CHILD": "1"}).returncode
    installed.close()
    return code


if __name__ == "__main__":
    if CHILD:
        unittest.main()
    missing = [m for m in ("pip", "cffi", "setuptools", "wheel") if subprocess.run([sys.executable, "-c", "import " + m], stderr=subprocess.DEVNULL).returncode]
    if missing:
        print("skipped: Python lacks " + ", ".join(missing))
        sys.exit(77)
    sys.exit(parent())
