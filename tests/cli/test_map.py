"""`clip-surgeon map`: every option, what is written where, and what is never overwritten."""
import io, json, os, subprocess, unittest

import numpy as np
from support import *


class Map(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(96, 64))

    def values(self, *args):
        self.succeed("map", "photo.png", "dog", "--npy", "v.npy", "-o", "o.png", "-y", *QUICK, *args)
        return np.load(io.BytesIO(self.read("v.npy")))

    # ------------------------------------------------------------------------------------------------ files

    def test_one_text_writes_one_picture(self):
        outcome = self.succeed("map", "photo.png", "dog", "-o", "heat.png", "--no-legend", *QUICK)
        self.assertEqual(sorted(self.listing()), ["heat.png", "photo.png"])
        self.assertIn(b"heat.png", outcome.stdout)
        width, height, _ = read_png(self.read("heat.png"))
        self.assertEqual((width, height), (96, 64))

    def test_legend_adds_a_strip_below(self):
        self.succeed("map", "photo.png", "dog", "-o", "plain.png", "--no-legend", *QUICK)
        self.succeed("map", "photo.png", "dog", "-o", "legend.png", *QUICK)
        width, height, rows = read_png(self.read("plain.png"))
        wide, high, with_legend = read_png(self.read("legend.png"))
        self.assertEqual(wide, width)
        self.assertGreater(high, height)
        self.assertEqual(with_legend[:height], rows)

    def test_several_texts_write_a_sheet_and_one_picture_each(self):
        self.succeed("map", "photo.png", "dog", "cat", "-o", "heat.png", *QUICK)
        self.assertEqual(sorted(self.listing()), ["heat.png", "heat_cat.png", "heat_dog.png", "photo.png"])
        for name in ("heat.png", "heat_cat.png", "heat_dog.png"):
            read_png(self.read(name))

    def test_names_of_odd_texts(self):
        self.succeed("map", "photo.png", "a/b c", "a_b_c", "x-1", "ü", "../up", "-o", "heat.png", *QUICK)
        self.assertEqual(sorted(self.listing()), sorted(["heat.png", "heat_a_b_c.png", "heat_a_b_c-2.png", "heat_x-1.png",
                                                         "heat___.png", "heat____up.png", "photo.png"]))

    def test_default_name(self):
        os.makedirs(self.path("sub"))
        self.write("sub/some.photo.png", png(40, 40))
        self.succeed("map", "sub/some.photo.png", "dog", *QUICK)
        self.assertIn("some.photo_map.png", self.listing())

    def test_picture_from_stdin(self):
        self.succeed("map", "-", "dog", "-o", "heat.png", *QUICK, stdin=png(40, 40))
        self.assertIn("heat.png", self.listing())

    def test_double_dash_ends_options(self):
        outcome = self.succeed("map", "--json", "-o", "heat.png", *QUICK, "--", "photo.png", "-dog")
        self.assertEqual(json.loads(outcome.stdout)["texts"][0]["text"], "-dog")

    def test_nothing_is_overwritten_without_y(self):
        self.write("heat.png", b"mine")
        self.fail_with(ERROR, "map", "photo.png", "dog", "-o", "heat.png", *QUICK, words=["heat.png"])
        self.succeed("map", "photo.png", "dog", "-o", "heat.png", "-y", *QUICK)
        read_png(self.read("heat.png"))

    def test_one_existing_file_of_several_stops_all(self):
        for name in ("heat_cat.png", "heat.png"):
            self.write(name, b"mine")
            self.fail_with(ERROR, "map", "photo.png", "dog", "cat", "-o", "heat.png", *QUICK, words=[name])
            os.remove(self.path(name))
        self.write("v.npy", b"mine")
        self.fail_with(ERROR, "map", "photo.png", "dog", "--npy", "v.npy", "-o", "heat.png", *QUICK, words=["v.npy"])

    def test_outputs_that_cannot_be_written(self):
        os.makedirs(self.path("folder.png"))
        for output in ("missing/heat.png", "folder.png", "photo.png/heat.png", "/proc/heat.png"):
            self.fail_with(ERROR, "map", "photo.png", "dog", "-y", "-o", output, *QUICK)
        self.fail_with(ERROR, "map", "photo.png", "dog", "--npy", "missing/v.npy", "-o", "heat.png", *QUICK)

    def test_two_outputs_of_one_name(self):
        for more in ([], ["-y"]):
            self.fail_with((ERROR, USAGE), "map", "photo.png", "dog", "-o", "same.png", "--npy", "same.png", *more, *QUICK,
                           words=["same.png"])

    def test_the_picture_itself_is_not_overwritten(self):
        self.fail_with(ERROR, "map", "photo.png", "dog", "-o", "photo.png", *QUICK)

    def test_stdout_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "map", "photo.png", "dog", "--json", "-o", "heat.png", *QUICK], cwd=self.work,
                                  env=environment(self.home), stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, ERROR, done.stderr)

    # ------------------------------------------------------------------------------------------------ JSON and arrays

    def test_json_and_nothing_else_on_stdout(self):
        document, _ = self.map_json("photo.png", "dog", "zyxgle", "a+b", "--npy", "v.npy", "-o", "heat.png")
        self.assertEqual(set(document["model"]), {"name", "path", "sha256"})
        self.assertRegex(document["model"]["sha256"], r"^[0-9a-f]{64}$")
        self.assertLessEqual({"name", "platform", "driver", "class"}, set(document["device"]))
        self.assertIn(document["device"]["class"], ("cpu", "gpu"))
        self.assertEqual((document["method"], document["mode"]), ("surgery", "set"))
        self.assertEqual((document["size"], document["grid"], document["first_block"]), ([192, 192], [12, 12], 6))
        self.assertEqual([t["text"] for t in document["texts"]], ["dog", "zyxgle", "a+b"])
        values = np.load(io.BytesIO(self.read("v.npy")))
        self.assertEqual((values.dtype, values.shape), (np.dtype("<f4"), (3, 12, 12)))
        for text, map_ in zip(document["texts"], values):
            self.assertEqual(set(text), {"text", "score", "raw_min", "raw_max", "raw_mean", "peak_px", "constant"})
            self.assertAlmostEqual(text["raw_min"], float(map_.min()), 6)
            self.assertAlmostEqual(text["raw_max"], float(map_.max()), 6)
            self.assertAlmostEqual(text["raw_mean"], float(map_.mean()), 6)
            self.assertTrue(-1 <= text["score"] <= 1)
            self.assertIs(text["constant"], False)
            x, y = text["peak_px"]
            self.assertTrue(0 <= x < 96 and 0 <= y < 64)
            # The highest pixel lies in the highest patch or half a patch beside it.
            row, column = np.unravel_index(map_.argmax(), map_.shape)
            self.assertLessEqual(abs(x - (column + 0.5) * 96 / 12), 5)
            self.assertLessEqual(abs(y - (row + 0.5) * 64 / 12), 3.7)
        self.assertTrue(document["stages_ms"] and all(ms >= 0 for ms in document["stages_ms"].values()))
        launched = {o["op"]: o["launches"] for o in document["operators"]}
        for op in ("resize", "patches", "gemm", "attention", "layernorm", "similarity", "surgery", "minmax", "bilinear", "blend"):
            self.assertGreater(launched[op], 0, op)
        self.assertTrue(all(o["event_ms"] >= 0 for o in document["operators"]))
        self.assertEqual(sorted(document["files"]),
                         sorted(["heat.png", "heat_dog.png", "heat_zyxgle.png", "heat_a_b.png", "v.npy"]))
        self.assertEqual(sorted(self.listing()), sorted(document["files"] + ["photo.png"]))

    def test_json_holds_any_text(self):
        texts = ['"quoted" \\ back', "line\nbreak", "\u2603 \U0001F600", "", "<b>"]
        document, _ = self.map_json("photo.png", *texts, "-o", "heat.png")
        self.assertEqual([t["text"] for t in document["texts"]], texts)

    def test_messages_go_to_stderr(self):
        _, outcome = self.map_json("photo.png", "zyxgle", "-o", "heat.png")
        self.assertIn("zyxgle", "".join(outcome.lines))
        quiet = self.succeed("map", "photo.png", "zyxgle", "-y", "-q", "-o", "heat.png", *QUICK)
        self.assertEqual(quiet.stderr, b"")

    # ------------------------------------------------------------------------------------------------ options

    def test_methods(self):
        first = {}
        for method, mode, block in (("surgery", "empty", 6), ("arch", "off", 6), ("raw", "off", 0)):
            document, _ = self.map_json("photo.png", "dog", "--method", method, "-o", "heat.png", "-y")
            self.assertEqual((document["method"], document["mode"], document["first_block"]), (method, mode, block))
            first[method] = document["texts"][0]["raw_max"]
        self.assertEqual(len(set(first.values())), 3)

    def test_size(self):
        document, _ = self.map_json("photo.png", "dog", "--size", "192", "-o", "heat.png")
        self.assertEqual((document["size"], document["grid"]), ([192, 192], [12, 12]))

    def test_fit(self):
        document, _ = self.map_json("photo.png", "dog", "--fit", "aspect", "-o", "heat.png")
        self.assertEqual((document["size"], document["grid"]), ([288, 192], [18, 12]))
        self.write("tall.png", png(50, 100))
        document, _ = self.map_json("tall.png", "dog", "--fit", "aspect", "--size", "64", "-o", "tall_out.png")
        self.assertEqual((document["size"], document["grid"]), ([64, 128], [4, 8]))

    def test_labels_make_a_set_but_are_not_drawn(self):
        self.write("labels.txt", "# a comment\n\ncat\nhorse\r\ndog\n")
        document, _ = self.map_json("photo.png", "dog", "--labels", "labels.txt", "-o", "heat.png")
        self.assertEqual((document["mode"], len(document["texts"])), ("set", 1))
        self.assertEqual(sorted(self.listing()), ["heat.png", "labels.txt", "photo.png"])
        self.write("same.txt", "horse\ncat")
        again, _ = self.map_json("photo.png", "dog", "--labels", "same.txt", "-o", "heat.png", "-y")
        self.assertAlmostEqual(document["texts"][0]["raw_max"], again["texts"][0]["raw_max"], 5)
        named, _ = self.map_json("photo.png", "dog", "--labels", "voc20", "-o", "heat.png", "-y")
        self.assertEqual(named["mode"], "set")
        self.assertNotAlmostEqual(document["texts"][0]["raw_max"], named["texts"][0]["raw_max"], 5)

    def test_redundant(self):
        for kind, mode in (("auto", "set"), ("set", "set"), ("empty", "empty")):
            document, _ = self.map_json("photo.png", "dog", "cat", "--redundant", kind, "-y", "-o", "heat.png")
            self.assertEqual(document["mode"], mode)
        self.fail_with(USAGE, "map", "photo.png", "dog", "--redundant", "set", "-o", "x.png", *QUICK)

    def test_first_block(self):
        default, sixth = self.values(), self.values("--first-block", "6")
        self.assertTrue(np.array_equal(default, sixth))
        for block in ("1", "8"):
            self.assertFalse(np.allclose(default, self.values("--first-block", block), atol=1e-4))

    def test_templates(self):
        self.write("templates.txt", "a photo of a {}.\nthe {}.\n")
        self.succeed("map", "photo.png", "dog", "--npy", "own.npy", "-o", "own.png", "--templates", "templates.txt")
        self.succeed("map", "photo.png", "dog", "--npy", "all.npy", "-o", "all.png")
        arrays = [self.values()] + [np.load(io.BytesIO(self.read(n))) for n in ("own.npy", "all.npy")]
        for i in range(3):
            self.assertFalse(np.allclose(arrays[i], arrays[i - 1], atol=1e-5))

    def test_colormaps_and_opacity(self):
        seen = set()
        for name in ("viridis", "jet", "turbo", "inferno", "cividis", "grey"):
            self.succeed("map", "photo.png", "dog", "--colormap", name, "-y", "-o", "heat.png", "--no-legend", *QUICK)
            seen.add(self.read("heat.png"))
        self.assertEqual(len(seen), 6)
        self.succeed("map", "photo.png", "dog", "-y", "-o", "heat.png", "--no-legend", *QUICK)
        self.assertIn(self.read("heat.png"), seen)
        self.succeed("map", "photo.png", "dog", "--opacity", "0", "-y", "-o", "heat.png", "--no-legend", *QUICK)
        self.assertEqual(read_png(self.read("heat.png"))[2], pattern(96, 64, 3))
        self.succeed("map", "photo.png", "dog", "--opacity", "1", "--colormap", "grey", "-y", "-o", "heat.png", "--no-legend",
                     *QUICK)
        rows = read_png(self.read("heat.png"))[2]
        self.assertTrue(all(r[0::3] == r[1::3] == r[2::3] for r in rows))
        self.assertEqual((min(map(min, rows)) < 10, max(map(max, rows)) > 245), (True, True))

    def test_precision(self):
        scores = {}
        for name in ("f32", "f16", "bf16"):
            document, _ = self.map_json("photo.png", "dog", "--precision", name, "-y", "-o", "heat.png")
            self.assertEqual((document["precision_used"], document["device"]["precision"]), (name, name))
            scores[name] = document["texts"][0]["score"]
        # The demo model's weights are halves: in f16 only what they multiply is rounded.
        for name, delta in (("f16", 0.001), ("bf16", 0.01)):
            self.assertNotEqual(scores[name], scores["f32"])
            self.assertAlmostEqual(scores[name], scores["f32"], delta=delta)
        document, _ = self.map_json("photo.png", "dog", "-y", "-o", "heat.png")
        self.assertEqual(document["precision_used"], "f32")

    def test_precision_auto_is_remembered(self):
        own = self.copy_model(os.path.basename(self.folder))  # whose name no other run remembers
        folder = os.path.join(CACHE, "clip-surgeon/precision")
        before = set(os.listdir(folder) if os.path.isdir(folder) else ())

        def used(*more):
            words = ("map", "photo.png", "dog", "--json", "-m", own, "--precision", "auto", "-o", "heat.png", *more)
            return json.loads(self.succeed(*words).stdout)["precision_used"]

        first = used()
        self.assertIn(first, ("f32", "f16", "bf16"))
        (name,) = set(os.listdir(folder)) - before

        def kept(payload):
            return record(b"CSGPREC2", name[:64], payload)

        self.assertEqual(self.read(os.path.join(folder, name)), kept(first.encode()))
        for content, names in ((kept(b"bf16"), ("bf16",)), (kept(b"f99"), ("f32", "f16", "bf16")), (b"", ("f32", "f16", "bf16"))):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(content)
            self.assertIn(used("-y"), names)

    def test_compare_writes_a_sheet(self):
        self.succeed("map", "photo.png", "dog", "--compare", "raw", "-o", "heat.png", *QUICK)
        self.assertEqual(sorted(self.listing()), ["heat.png", "photo.png"])
        self.assertGreater(read_png(self.read("heat.png"))[0], 3 * 96)

    def test_model_folder_and_name(self):
        self.copy_model("copy")
        by_path, _ = self.map_json("photo.png", "dog", "-m", "copy", "-o", "heat.png")
        self.assertEqual(by_path["model"]["name"], "copy")
        os.makedirs(os.path.join(self.home, ".local/share/clip-surgeon/models"))
        os.rename(self.path("copy"), os.path.join(self.home, ".local/share/clip-surgeon/models/mine"))
        by_name, _ = self.map_json("photo.png", "dog", "--model", "mine", "-o", "heat.png", "-y")
        self.assertEqual(by_path["model"]["sha256"], by_name["model"]["sha256"])
        self.assertEqual(by_path["texts"], by_name["texts"])

    def test_environment_twins(self):
        outcome = self.succeed("map", "photo.png", "dog", "--json", "-o", "heat.png",
                               env={"CSG_DEVICE": "reference", "CSG_TEMPLATES": "none", "CSG_METHOD": "raw", "CSG_SIZE": "64"})
        document = json.loads(outcome.stdout)
        self.assertEqual((document["device"]["name"], document["method"], document["size"]), ("reference", "raw", [64, 64]))
        outcome = self.succeed("map", "photo.png", "dog", "--json", "-o", "heat.png", "-y", "--method=arch", *QUICK,
                               env={"CSG_METHOD": "raw"})
        self.assertEqual(json.loads(outcome.stdout)["method"], "arch")

    def test_opencl_is_the_default_and_agrees_with_the_reference(self):
        outcome = self.succeed("map", "photo.png", "dog", "cat", "--json", "--npy", "cl.npy", "-o", "cl.png", "--templates", "none")
        document = json.loads(outcome.stdout)
        self.assertNotEqual(document["device"]["name"], "reference")
        self.assertIn(document["device"]["class"], ("cpu", "gpu"))
        self.succeed("map", "photo.png", "dog", "cat", "--npy", "ref.npy", "-o", "ref.png", *REFERENCE)
        cl, ref = (np.load(io.BytesIO(self.read(n))) for n in ("cl.npy", "ref.npy"))
        self.assertLess(np.abs(cl - ref).max(), 1e-4)
        self.assertTrue(any(o["event_ms"] > 0 for o in document["operators"]))

    def test_plus_combines(self):
        document, _ = self.map_json("photo.png", "dog+cat", "-o", "heat.png", "--npy", "both.npy")
        self.assertEqual((document["mode"], len(document["texts"])), ("empty", 1))
        self.succeed("map", "photo.png", "dog", "cat", "--redundant", "empty", "--npy", "each.npy", "-o", "each.png", *QUICK)
        both, each = (np.load(io.BytesIO(self.read(n))) for n in ("both.npy", "each.npy"))
        low, high = each.min((1, 2), keepdims=True), each.max((1, 2), keepdims=True)
        self.assertLess(np.abs(both[0] - ((each - low) / (high - low)).mean(0)).max(), 1e-5)
        document, _ = self.map_json("photo.png", r"dog\+cat", "-o", "heat.png", "-y")
        self.assertEqual(len(document["texts"]), 1)


if __name__ == "__main__":
    unittest.main()
