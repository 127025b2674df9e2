"""`segment`, `classify`, `tokens`, and every method by name."""
import json, math, os, shutil, struct, unittest, zlib
from support import *

# Methods that are not for the demo model, in the order of the table, and what is said of them.
CANNOT = {"eclip": "visual.proj_explain", "surgery_paper": "for a ViT", "arch_paper": "for a ViT"}


def read_palette_png(data):
    """(width, height, indices, palette) of an 8-bit palette PNG without filters worth undoing: libpng filters palettes with none."""
    at, packed, head, palette = 8, b"", None, None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        head = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else head
        palette = body if kind == b"PLTE" else palette
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, bits, colour = head[:4]
    assert (bits, colour) == (8, 3), head
    raw = zlib.decompress(packed)
    rows = [raw[y * (width + 1):(y + 1) * (width + 1)] for y in range(height)]
    assert all(r[0] == 0 for r in rows)
    return width, height, [list(r[1:]) for r in rows], palette


class Tasks(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(60, 44))

    def document(self, *args):
        return json.loads(self.succeed(*args, "--json", *QUICK).stdout)

    def test_segment(self):
        document = self.document("segment", "photo.png", "dog", "cat", "grass", "--background", "0.4", "-o", "classes.png")
        width, height, index, palette = read_palette_png(self.read("classes.png"))
        self.assertEqual((width, height), (60, 44))
        self.assertEqual(palette[:12], bytes([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]))
        self.assertEqual(sum(c["pixels"] for c in document["classes"]), 60 * 44)
        for c in document["classes"]:
            self.assertEqual(c["pixels"], sum(row.count(c["index"]) for row in index))
            self.assertEqual(c["rle"]["size"], [44, 60])
            pixels, value = [], 0
            for run in c["rle"]["counts"]:
                pixels += [value] * run
                value = 1 - value
            self.assertEqual(pixels, [int(index[y][x] == c["index"]) for x in range(60) for y in range(44)])
        none = self.document("segment", "photo.png", "dog", "cat", "--background", "0", "-o", "other.png")
        self.assertNotIn("background", [c["label"] for c in none["classes"]])

    def test_classify(self):
        document = self.document("classify", "photo.png", "dog", "cat", "horse", "--top", "2")
        self.assertEqual(len(document["labels"]), 2)
        every = self.document("classify", "photo.png", "dog", "cat", "horse")["labels"]
        self.assertAlmostEqual(sum(l["score"] for l in every), 1, places=5)
        plain = self.document("classify", "photo.png", "dog", "cat", "horse", "--plain")["labels"]
        self.assertEqual([l["cosine"] for l in plain], sorted((l["cosine"] for l in plain), reverse=True))
        scale = json.loads(self.succeed("model", "info", DEMO_MODEL, "--json").stdout)["logit_scale"]
        self.assertAlmostEqual(scale, 21.72, places=2)
        top = max(l["cosine"] for l in plain)
        total = sum(math.exp(scale * (l["cosine"] - top)) for l in plain)
        for l in plain:
            self.assertAlmostEqual(l["score"], math.exp(scale * (l["cosine"] - top)) / total, places=4)
        larger = self.document("classify", "photo.png", "dog", "cat", "horse", "--plain", "--size", "48")["labels"]
        by_name = [{l["label"]: l["cosine"] for l in labels} for labels in (plain, larger)]
        self.assertGreater(max(abs(by_name[0][name] - by_name[1][name]) for name in by_name[0]), 1e-3)
        self.fail_with(USAGE, "classify", "photo.png", "dog", "cat", "--size", "50", words=("multiple", "16"))
        self.assertEqual(len(self.document("classify", "photo.png", "--labels", "voc20", "--top", "99")["labels"]), 20)

    def test_a_checkpoint_says_how_cosines_are_scaled(self):
        layout = os.path.join(SOURCE, "tests", "golden", "layouts", "open-clip")
        shutil.copytree(layout, self.path("model"))
        with open(os.path.join(layout, "open_clip_model.safetensors"), "rb") as f:
            weights = f.read()
        length = struct.unpack("<Q", weights[:8])[0]
        at = 8 + length + json.loads(weights[8:8 + length])["logit_scale"]["data_offsets"][0]
        for logarithm, scale in ((math.log(30), 30), (0, 1), (-2, math.exp(-2))):
            self.write("model/open_clip_model.safetensors", weights[:at] + struct.pack("<f", logarithm) + weights[at + 4:])
            said = json.loads(self.succeed("model", "info", "model", "--json").stdout)
            self.assertAlmostEqual(said["logit_scale"], scale, delta=1e-5 * scale)
        for wrong in (math.nan, math.inf, 11):
            self.write("model/open_clip_model.safetensors", weights[:at] + struct.pack("<f", wrong) + weights[at + 4:])
            self.fail_with(MODEL, "model", "info", "model", words=("logit_scale",))
        self.write("model/open_clip_model.safetensors", weights.replace(b'"logit_scale"', b'"attn_mask"  ', 1))
        self.assertEqual(json.loads(self.succeed("model", "info", "model", "--json").stdout)["logit_scale"], 100)

    def test_tokens(self):
        document = self.document("tokens", "photo.png", "a dog and a dog", "-o", "tokens.png")
        tokens = sorted(document["tokens"], key=lambda t: t["index"])
        self.assertEqual([t["token"] for t in tokens], ["[start]", "a", "dog", "and", "a", "dog", "[end]"])
        read_png(self.read("tokens.png"))
        # The last token is what the sentence itself is to CLIP.
        whole, _ = self.map_json("photo.png", "a dog and a dog", "--method", "arch", "-o", "whole.png")
        self.assertAlmostEqual(tokens[-1]["score"], whole["texts"][0]["score"], places=5)
        self.assertNotEqual(tokens[2]["score"], tokens[5]["score"])

    def test_tokens_over_many(self):
        os.mkdir(self.path("in"))
        for i, side in enumerate((40, 64, 90)):
            self.write(f"in/p{i}.png", png(side, 48))
        self.write("in/bad.png", b"no picture")
        outcome = self.succeed("tokens", "in", "a dog and a zebra", "--size", "64", "--json", "-o", "sheet.png", *QUICK)
        self.assertIn("never taught: zebra", outcome.stderr.decode())
        report = json.loads(outcome.stdout)
        self.assertEqual([p["picture"] for p in report["pictures"]], ["in/p0.png", "in/p1.png", "in/p2.png"])
        self.assertEqual([u["picture"] for u in report["unreadable"]], ["in/bad.png"])
        self.assertEqual(report["file"], "sheet.png")
        read_png(self.read("sheet.png"))
        n = len(report["tokens"])
        self.assertEqual(sorted(t["index"] for t in report["tokens"]), list(range(n)))
        self.assertEqual([t["mean_rank"] for t in report["tokens"]], sorted(t["mean_rank"] for t in report["tokens"]))
        for t in report["tokens"]:
            at = [[ranked["index"] for ranked in p["tokens"]].index(t["index"]) for p in report["pictures"]]
            cosines = [p["tokens"][a]["cosine"] for p, a in zip(report["pictures"], at)]
            self.assertEqual(t["first"], at.count(0))
            self.assertAlmostEqual(t["mean_rank"], 1 + sum(at) / 3)
            self.assertAlmostEqual(t["mean_cosine"], sum(cosines) / 3, places=6)
            self.assertEqual((t["highest_cosine"], t["highest_in"]),
                             max(zip(cosines, (p["picture"] for p in report["pictures"])), key=lambda pair: pair[0]))
        # One picture alone says the same of it; without -o nothing is written over many.
        alone = self.document("tokens", "in/p1.png", "a dog and a zebra", "--size", "64", "-o", "alone.png")["tokens"]
        self.assertEqual(alone, report["pictures"][1]["tokens"])
        before = sorted(self.listing())
        lines = self.succeed("tokens", "in/p*", "dog", "--size", "64", "-q", *QUICK).stdout.decode().splitlines()
        self.assertEqual((len(lines), sorted(self.listing())), (4, before))
        self.assertTrue(lines[0].startswith("token"))
        both = json.loads(self.succeed("tokens", "in", "a dog and a zebra", "--size", "64", "--json", "-q", "--templates", "none", "--batch", "1",
                                       "--device", "0,reference").stdout)
        self.assertEqual(len(both["devices"]), 2)
        for a, b in zip(both["pictures"], report["pictures"]):
            for x, y in zip(sorted(a["tokens"], key=lambda t: t["index"]), sorted(b["tokens"], key=lambda t: t["index"])):
                self.assertAlmostEqual(x["cosine"], y["cosine"], places=4)
        self.fail_with(ERROR, "tokens", "in", "dog", "-o", "sheet.png", *QUICK, words=("sheet.png",))
        self.fail_with(USAGE, "tokens", "in", "dog", "-y", "-o", "in/p1.png", *QUICK, words=("in/p1.png",))
        os.mkdir(self.path("none"))
        os.rename(self.path("in/bad.png"), self.path("none/bad.png"))
        self.fail_with(INPUT, "tokens", "none", "dog", "-q", *QUICK, words=("none of 1",))

    def test_redundancy(self):
        document = self.document("redundancy", "photo.png", "dog", "cat", "--npy", "l1.npy", "-o", "l1.png")
        read_png(self.read("l1.png"))
        matrix = struct.unpack("<9f", self.read("l1.npy")[-36:])
        self.assertTrue(all(matrix[i] == 0 for i in (0, 4, 8)))
        self.assertEqual(matrix[1], matrix[3])
        self.assertAlmostEqual(document["labels"][0]["to_empty"], matrix[3], places=6)
        self.assertAlmostEqual(document["labels"][1]["to_others"], matrix[5], places=6)
        self.succeed("embed", "--text", "dog", "cat", "--npy", "t.npy", *QUICK)
        self.succeed("embed", "--image", "photo.png", "--npy", "i.npy", *QUICK)
        width = (len(self.read("i.npy")) - 128) // 4
        image = struct.unpack(f"<{width}f", self.read("i.npy")[-4 * width:])
        texts = struct.unpack(f"<{2 * width}f", self.read("t.npy")[-8 * width:])
        want = sum(abs(image[c] * (texts[c] - texts[width + c])) for c in range(width))
        self.assertAlmostEqual(matrix[5], want, places=5)

    def test_points_are_drawn(self):
        texts = self.document_of_points("dog", "cat", "-o", "points.png")
        read_png(self.read("points.png"))
        self.assertEqual(texts, self.document_of_points("dog", "cat"))
        [text] = self.document_of_points("dog", "-o", "one.png")
        _, _, rows = read_png(self.read("one.png"))
        for (x, y), label in zip(text["point_coords"], text["point_labels"], strict=True):
            self.assertEqual(tuple(rows[y][3 * x:3 * x + 3]), (46, 160, 67) if label else (207, 52, 46))
        self.fail_with(ERROR, "points", "photo.png", "dog", "-o", "one.png", *QUICK, words=("one.png",))

    def document_of_points(self, *words):
        return json.loads(self.succeed("points", "photo.png", *words, *QUICK).stdout)["texts"]

    def test_refinement_and_windows(self):
        self.succeed("map", "photo.png", "dog", "--refine", "pamr", "--size", "128", "--npy", "pixels.npy", "-o", "pixels.png", *QUICK)
        self.assertIn(b"'shape': (1, 128, 128)", self.read("pixels.npy")[:128])
        self.succeed("map", "photo.png", "dog", "--size", "192", "--window", "128", "--npy", "cells.npy", "-o", "cells.png", *QUICK)
        self.assertIn(b"'shape': (1, 12, 12)", self.read("cells.npy")[:128])
        # One window is the picture as a whole.
        self.succeed("map", "photo.png", "dog", "--size", "128", "--npy", "whole.npy", "-o", "whole.png", *QUICK)
        self.succeed("map", "photo.png", "dog", "--size", "128", "--window", "160", "--npy", "window.npy", "-o", "window.png", *QUICK)
        whole, window = (struct.unpack("<64f", self.read(n)[-256:]) for n in ("whole.npy", "window.npy"))
        self.assertLess(max(abs(a - b) for a, b in zip(whole, window)), 1e-6)
        self.document("segment", "photo.png", "dog", "cat", "--refine", "pamr", "--size", "192", "--window", "128", "-o", "s.png")
        for says, words in (("pamr", ["--refine", "nope"]), ("multiples", ["--window", "100"]), ("without windows", ["--stride", "32"]),
                            ("at most the first", ["--window", "32", "--stride", "48"]), ("cannot do windows", ["--window", "64", "--method", "gradcam"])):
            self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "no.png", *words, *QUICK, words=(says,))

    def test_pyramid(self):
        # On the grid of --size, whatever its levels are; one picture after the other the same as a folder of them.
        pyramid = ("dog", "cat", "--size", "256", "--fit", "aspect", "--pyramid", "3", *QUICK)
        self.succeed("map", "photo.png", *pyramid, "--npy", "one.npy", "-o", "one.png")
        self.succeed("map", "photo.png", *[w if w != "3" else "2" for w in pyramid], "--npy", "two.npy", "-o", "two.png")
        self.succeed("map", "photo.png", *[w if w != "3" else "1" for w in pyramid], "--npy", "last.npy", "-o", "last.png")
        self.succeed("map", "photo.png", *pyramid[:-4], *QUICK, "--npy", "whole.npy", "-o", "whole.png")
        arrays = {name: self.read(name + ".npy") for name in ("one", "two", "last", "whole")}
        self.assertEqual(len({a[:128] for a in arrays.values()}), 1)
        self.assertEqual(arrays["last"], arrays["whole"])
        self.assertEqual(len(set(arrays.values())), 3)
        os.mkdir(self.path("folder"))
        for name in ("a.png", "b.png"):
            shutil.copy(self.path("photo.png"), self.path("folder/" + name))
        self.succeed("map", "folder", *pyramid, "-o", "maps")
        self.assertEqual({self.read("maps/" + name) for name in ("a_map.png", "b_map.png")}, {self.read("one.png")})
        for words in (("points",), ("segment", "-o", "s.png"), ("map", "--refine", "pamr", "--window", "192", "-o", "r.png")):
            self.succeed(words[0], "photo.png", *words[1:], *pyramid)
        self.succeed("tokens", "photo.png", "a dog", "--size", "208", "--pyramid", "2", "-o", "t.png", *QUICK)
        for says, words in (("there are 5 sizes", ["--size", "256", "--pyramid", "6"]), ("there are 1 sizes", ["--pyramid", "2"]),
                            ("there are 0 sizes", ["--size", "128", "--pyramid", "2"]),
                            ("--pyramid", ["--pyramid", "x"]), ("cannot do pyramids", ["--size", "256", "--pyramid", "2", "--method", "gradcam"])):
            self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "no.png", *words, *QUICK, words=(says,))

    def test_every_method(self):
        # gscorecam encodes a picture 192 times: small ones, and not on the reference.
        small = ("--size", "32", "--templates", "none")
        listed = self.succeed("map", "--help").stdout.decode().split("Methods:\n")[1]
        for line in listed.strip().splitlines():
            method = line.split()[0]
            if method in CANNOT:
                self.fail_with(USAGE, "map", "photo.png", "dog", "--method", method, "-o", "no.png", *QUICK, words=(CANNOT[method],))
                continue
            done = self.succeed("map", "photo.png", "dog", "cat", "--method", method, *small, "--json", "-o", f"{method}.png")
            document = json.loads(done.stdout)
            self.assertEqual(document["method"], method)
        document, _ = self.map_json("photo.png", "dog", "--method", "bimodal", "--blocks", "all", "-o", "through.png")
        self.assertEqual(document["method"], "bimodal_all")
        self.fail_with(USAGE, "map", "photo.png", "dog", "--blocks", "all", "-o", "no.png", *QUICK, words=("bimodal",))
        done = self.succeed("map", "photo.png", "dog", "--compare", "all", *small, "-o", "all.png")
        self.assertIn("left out, as the model cannot do them: " + ", ".join(CANNOT), done.stderr.decode())
        # Seven cells a text in rows of three: the next text begins a row.
        heights = []
        for texts in (["dog"], ["dog", "cat"]):
            self.succeed("map", "photo.png", *texts, "--compare", "raw,arch,gem,single,rclip", "-y", "-o", "some.png", "--size", "32", *QUICK)
            heights.append(read_png(self.read("some.png"))[1])
        self.assertEqual(2 * heights[0] - heights[1], 16)  # the margin
        self.fail_with(USAGE, "map", "photo.png", "dog", "--compare", "raw,nope", "-o", "no.png", *QUICK, words=("nope",))

    def test_eclip(self):
        # The projection of the patches is the other one negated: so are the cosines, to the bit, while the score is CLIP's own.
        self.copy_model("explained")
        weights = self.read("explained/" + WEIGHTS)
        (length,) = struct.unpack("<Q", weights[:8])
        head, data = json.loads(weights[8:8 + length]), weights[8 + length:]
        begin, end = head["visual.proj"]["data_offsets"]
        head["visual.proj_explain"] = {**head["visual.proj"], "data_offsets": [len(data), len(data) + end - begin]}
        negated = bytes(b ^ 0x80 if i % 2 else b for i, b in enumerate(data[begin:end]))
        head = json.dumps(head).encode()
        self.write("explained/" + WEIGHTS, struct.pack("<Q", len(head)) + head + data + negated)
        small = ("-m", "explained", "--size", "32", "--json", *QUICK)
        eclip, rclip = (json.loads(self.succeed("map", "photo.png", "dog", "cat", "--method", m, "--npy", m + ".npy", "-o", m + ".png", *small).stdout)
                        for m in ("eclip", "rclip"))
        self.assertEqual(self.read("eclip.npy"), self.read("rclip.npy"))
        self.assertEqual([t["score"] for t in eclip["texts"]], [t["score"] for t in rclip["texts"]])
        self.document("segment", "photo.png", "dog", "cat", "--method", "eclip", "-o", "s.png", "-m", "explained")

    def test_unknown_words(self):
        for words in (["segment", "photo.png", "dog", "zebra", "-o", "s.png"], ["classify", "photo.png", "dog", "zebra"],
                      ["points", "photo.png", "zebra"], ["tokens", "photo.png", "a zebra", "-o", "t.png"],
                      ["redundancy", "photo.png", "dog", "zebra", "-o", "r.png"], ["embed", "--text", "zebra", "--npy", "e.npy"]):
            said = self.succeed(*words, *QUICK).stderr.decode()
            self.assertEqual(said.count("never taught: zebra"), 1, said)
        self.assertEqual(self.succeed("classify", "photo.png", "dog", "zebra", "-q", *QUICK).stderr, b"")

    def test_refused(self):
        self.fail_with(USAGE, "segment", *QUICK, words=("picture",))
        self.fail_with(USAGE, "segment", "photo.png", "dog", "--labels", "voc20", *QUICK, words=("not both",))
        self.fail_with(USAGE, "segment", "photo.png", "--labels", "imagenet1000", *QUICK, words=("255",))
        self.fail_with(USAGE, "segment", "photo.png", "dog", "--background", "2", *QUICK, words=("--background",))
        self.fail_with(INPUT, "segment", "missing.png", "dog", *QUICK, words=("missing.png",))
        self.fail_with(USAGE, "classify", "photo.png", "dog", *QUICK, words=("two labels",))
        self.fail_with(INPUT, "classify", "photo.png", "--labels", "no-such", *QUICK, words=("no-such",))
        self.fail_with(USAGE, "tokens", "photo.png", *QUICK, words=("sentence",))
        self.fail_with(USAGE, "tokens", "photo.png", "a", "b", *QUICK, words=("sentence",))
        self.write("photo_classes.png", b"mine")
        self.fail_with(ERROR, "segment", "photo.png", "dog", "cat", *QUICK, words=("photo_classes.png",))


if __name__ == "__main__":
    unittest.main()
