"""Every subcommand with a ResNet: a tiny one of random weights in OpenAI's layout."""
import json, os, struct, unittest
from support import *

MODEL_ARGS = ("-m", os.path.join(SOURCE, "tests", "golden", "layouts", "openai-resnet"), "--templates", "none", *REFERENCE)
CAN = ["surgery", "arch", "raw", "feature", "single", "rclip", "maskclip", "sclip", "clearclip", "naclip", "surgery_paper", "arch_paper"]


class ResNet(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(100, 70))

    def document(self, *args):
        return json.loads(self.succeed(*args, "--json", *MODEL_ARGS).stdout)

    def test_info(self):
        info = json.loads(self.succeed("model", "info", MODEL_ARGS[1], "--json").stdout)
        self.assertEqual((info["architecture"], info["stages"], info["heads"], info["width"], info["patch_px"]),
                         ("ResNet", [1, 2, 1, 2], 2, 128, 32))
        self.assertIn(b"ResNet of 1, 2, 1 and 2 blocks", self.succeed("model", "info", MODEL_ARGS[1]).stdout)
        listed = json.loads(self.succeed("model", "list", "--json").stdout)["models"]
        self.assertEqual([m["image_size_px"] for m in listed if m["name"].startswith("RN")], [224, 224, 288, 384, 448])

    def test_map(self):
        document = self.document("map", "photo.png", "dog", "two cats", "--size", "64", "--fit", "aspect", "-o", "map.png", "--compare", "all")
        self.assertEqual((document["grid"], document["size"]), ([3, 2], [96, 64]))
        read_png(self.read("map.png"))
        every = {m["method"]: m for m in (self.document("map", "photo.png", "dog", "cat", "--method", m, "-o", f"{m}.png") for m in CAN)}
        score = {m: [t["score"] for t in d["texts"]] for m, d in every.items()}
        # CLS is CLIP's own but where the published code takes it from the changed attention.
        for m in ("feature", "rclip", "maskclip", "sclip", "clearclip", "naclip", "surgery_paper", "arch_paper"):
            for a, b in zip(score[m], score["raw"]):
                self.assertAlmostEqual(a, b, places=5)
        self.assertEqual(score["surgery"], score["arch"])
        self.assertEqual(score["arch"], score["single"])
        self.assertNotAlmostEqual(score["arch"][0], score["raw"][0], places=3)

    def test_bench(self):
        self.write("labels.txt", "dog\ncat\n")
        document = self.document("bench", "--runs", "1", "--labels", "labels.txt")
        self.assertEqual((document["tokens"], document["error"]), (10, 0))
        stem, side, channels, products = 4, 48, 4, 0
        products += side ** 2 * 9 * (3 * stem // 2 + stem // 2 * stem // 2 + stem // 2 * stem)
        side //= 2
        for stage, blocks in enumerate((1, 2, 1, 2)):
            planes, shrinks = stem << stage, stage > 0
            for block in range(blocks):
                products += side ** 2 * (channels * planes + 9 * planes ** 2)
                side //= 2 if shrinks and block == 0 else 1
                products += side ** 2 * 4 * planes * (planes + (channels if block == 0 else 0))
                channels = 4 * planes
        products += 10 * channels * (3 * channels + 24) + 10 * 2 * 10 * channels  # q, k, v, projection; scores and sums of the values
        self.assertAlmostEqual(document["encode_gflop"], 2e-9 * products, 9)
        self.fail_with(USAGE, "bench", "--batch", "2", *MODEL_ARGS, words=("one by one",))

    def test_refused(self):
        for method in ("gem", "gradcam", "bimodal", "bimodal_all", "gradeclip"):
            self.fail_with(USAGE, "map", "photo.png", "dog", "--method", method, "-o", "no.png", *MODEL_ARGS,
                           words=(method, "for a ResNet; there are " + ", ".join(CAN)))
        self.fail_with(USAGE, "map", "photo.png", "dog", "--size", "80", "-o", "no.png", *MODEL_ARGS, words=("32",))
        self.fail_with(USAGE, "map", "photo.png", "dog", "--first-block", "2", "-o", "no.png", *MODEL_ARGS, words=("1 block",))

    def test_tasks(self):
        self.assertTrue(json.loads(self.succeed("points", "photo.png", "dog", "--size", "128", *MODEL_ARGS).stdout)["texts"])
        classes = self.document("segment", "photo.png", "dog", "cat", "-o", "classes.png")["classes"]
        self.assertEqual(sum(c["pixels"] for c in classes), 100 * 70)
        labels = self.document("classify", "photo.png", "dog", "cat", "bench", "--plain")["labels"]
        self.assertEqual(len(labels), 3)
        tokens = self.document("tokens", "photo.png", "a dog", "-o", "tokens.png")["tokens"]
        self.assertEqual(len(tokens), 4)
        self.succeed("embed", "--image", "photo.png", "--npy", "i.npy", *MODEL_ARGS)
        feature = struct.unpack("<24f", self.read("i.npy")[-96:])
        self.assertAlmostEqual(sum(v * v for v in feature), 1, places=5)
        # The embedding is CLIP's own, and so is the raw map's score.
        self.succeed("embed", "--text", "dog", "--npy", "t.npy", *MODEL_ARGS)
        text = struct.unpack("<24f", self.read("t.npy")[-96:])
        raw = self.document("map", "photo.png", "dog", "--method", "raw", "-o", "raw.png")["texts"][0]["score"]
        self.assertAlmostEqual(sum(a * b for a, b in zip(feature, text)), raw, places=5)

    def test_eval(self):
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            os.makedirs(self.path(f"set/{folder}"))
        self.write("set/JPEGImages/a.png", png(48, 48))
        self.write("set/SegmentationClass/a.png", png(48, 48, colour=3, rows=[bytes([8] * 24 + [12] * 24)] * 48))
        self.write("set/ImageSets/Segmentation/val.txt", b"a\n")
        document = json.loads(self.succeed("eval", "set", "--method", "all", "--json", "-q", *MODEL_ARGS).stdout)
        self.assertEqual([m["method"] for m in document["methods"]], CAN)


if __name__ == "__main__":
    unittest.main()
