"""`embed`, `points`, `devices`, the help and the version."""
import io, json, os, unittest

import numpy as np
from support import *


class Commands(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(96, 64))

    # ------------------------------------------------------------------------------------------------ embed

    def test_embed_texts(self):
        outcome = self.succeed("embed", "--text", "dog", "cat", "dog", "--npy", "e.npy", *QUICK)
        self.assertEqual(outcome.stdout, b"")
        e = np.load(io.BytesIO(self.read("e.npy")))
        self.assertEqual((e.dtype, e.shape), (np.dtype("<f4"), (3, 192)))
        self.assertLess(np.abs(np.linalg.norm(e, axis=1) - 1).max(), 1e-5)
        self.assertTrue(np.array_equal(e[0], e[2]))
        self.assertFalse(np.allclose(e[0], e[1], atol=1e-3))

    def test_embed_pictures(self):
        self.write("other.png", png(40, 90, rows=[bytes([250, 10, 30]) * 40] * 90))
        self.succeed("embed", "--image", "photo.png", "other.png", "--npy", "e.npy", *QUICK)
        e = np.load(io.BytesIO(self.read("e.npy")))
        self.assertEqual(e.shape, (2, 192))
        self.assertLess(np.abs(np.linalg.norm(e, axis=1) - 1).max(), 1e-5)
        self.succeed("embed", "--text", "dog", "--npy", "t.npy", *QUICK)
        text = np.load(io.BytesIO(self.read("t.npy")))
        outcome = self.succeed("map", "photo.png", "dog", "--json", "-o", "heat.png", *QUICK)
        self.assertAlmostEqual(float(e[0] @ text[0]), json.loads(outcome.stdout)["texts"][0]["score"], 5)

    def test_embed_usage(self):
        self.fail_with(USAGE, "embed", "dog", "--npy", "e.npy")
        self.fail_with(USAGE, "embed", "--text", "--image", "dog", "--npy", "e.npy")
        self.fail_with(USAGE, "embed", "--text", "--npy", "e.npy")
        self.fail_with(USAGE, "embed", "--text", "dog")
        self.fail_with(INPUT, "embed", "--image", "photo.png", "missing.png", "--npy", "e.npy", *QUICK, words=["missing.png"])

    def test_embed_overwrites_only_with_y(self):
        self.write("e.npy", b"mine")
        self.fail_with(ERROR, "embed", "--text", "dog", "--npy", "e.npy", *QUICK, words=["e.npy"])
        self.succeed("embed", "--text", "dog", "--npy", "e.npy", "-y", *QUICK)
        self.assertEqual(np.load(io.BytesIO(self.read("e.npy"))).shape, (1, 192))

    # ------------------------------------------------------------------------------------------------ points

    def test_points(self):
        outcome = self.succeed("points", "photo.png", "dog", "cat", "--size", "192", *QUICK)
        document = json.loads(outcome.stdout)
        self.assertEqual([t["text"] for t in document["texts"]], ["dog", "cat"])
        for text in document["texts"]:
            labels, coords = text["point_labels"], text["point_coords"]
            self.assertEqual(set(text), {"text", "point_coords", "point_labels"})
            self.assertEqual(len(labels), len(coords))
            half = len(labels) // 2
            self.assertEqual(labels, [1] * half + [0] * half)
            self.assertTrue(half >= 1)
            self.assertTrue(all(0 <= x < 96 and 0 <= y < 64 and isinstance(x, int) for x, y in coords))
        self.assertEqual(sorted(self.listing()), ["photo.png"])

    def test_threshold(self):
        counts = []
        for t in ("0.1", "0.8", "1"):
            document = json.loads(self.succeed("points", "photo.png", "dog", "--size", "192", "--threshold", t, *QUICK).stdout)
            counts.append(len(document["texts"][0]["point_labels"]))
        self.assertEqual(counts[2], 2)
        self.assertTrue(counts[0] > counts[2] and counts[0] >= counts[1] >= counts[2], counts)

    def test_points_of_a_combination_begin_with_negatives(self):
        document = json.loads(self.succeed("points", "photo.png", "dog+cat", "--size", "192", *QUICK).stdout)
        labels = document["texts"][0]["point_labels"]
        self.assertEqual(labels, sorted(labels))
        self.assertEqual(set(labels), {0, 1})

    def test_a_single_patch_has_no_points(self):
        outcome = self.succeed("points", "photo.png", "dog", "--size", "16", *QUICK)
        self.assertEqual(json.loads(outcome.stdout)["texts"][0], {"text": "dog", "point_coords": [], "point_labels": []})
        self.assertIn("dog", outcome.lines[-1])

    # ------------------------------------------------------------------------------------------------ devices

    def test_devices(self):
        document = json.loads(self.succeed("devices", "--json").stdout)
        devices = document["devices"]
        self.assertTrue(devices)
        self.assertEqual([d["index"] for d in devices], list(range(len(devices))))
        self.assertEqual(sum(d["chosen"] for d in devices), 1)
        for d in devices:
            self.assertLessEqual({"name", "platform", "driver", "type", "compute_units", "global_memory_bytes", "fp16", "subgroups",
                                  "usable", "verdict"}, set(d))
            self.assertTrue(d["verdict"])
            self.assertEqual(sorted(d["precisions"]), ["bf16", "f16", "f32"])
            self.assertTrue(all(p["available"] == d["usable"] and p["why"] for p in d["precisions"].values()))
        verbose = self.succeed("devices", "-v").stdout.decode()
        self.assertRegex(verbose, "f16 +weights and what they multiply in half precision")
        for trait in ("kernels", "arithmetic", "matrix units", "bf16 pairs", "bf16 tiles", "CLBlast", "faults", "tuned"):
            self.assertRegex(verbose, f"(?m)^ +{trait} +[^ ]")
        text = self.succeed("devices").stdout.decode()
        for d in devices:
            self.assertIn(d["name"], text)

    def test_devices_by_index_and_part_of_a_name(self):
        chosen = [d for d in json.loads(self.succeed("devices", "--json").stdout)["devices"] if d["chosen"]][0]
        for spec in (str(chosen["index"]), chosen["name"], chosen["name"][1:6].upper()):
            outcome = self.succeed("map", "photo.png", "dog", "--json", "-y", "-o", "h.png", "--templates", "none", "--device", spec)
            self.assertEqual(json.loads(outcome.stdout)["device"]["name"], chosen["name"])

    def test_no_device_at_all(self):
        os.makedirs(self.path("vendors"))
        for vendors in ("/nonexistent", self.path("vendors")):
            env = {"OCL_ICD_VENDORS": vendors}
            outcome = self.fail_with(NO_DEVICE, "map", "photo.png", "dog", "--templates", "none", env=env)
            self.assertIn("pocl-opencl-icd", outcome.lines[-1])
            self.assertEqual(json.loads(self.succeed("devices", "--json", env=env).stdout), {"devices": []})
            self.assertIn(b"pocl-opencl-icd", self.succeed("devices", env=env).stdout)
            self.succeed("map", "photo.png", "dog", "-y", "-o", "heat.png", *REFERENCE, env=env)
            read_png(self.read("heat.png"))

    def test_a_device_that_is_not_there(self):
        for spec in ("nonsense", "99", "-1", "0x0"):
            outcome = self.fail_with(NO_DEVICE, "map", "photo.png", "dog", "--templates", "none", f"--device={spec}")
            self.assertIn(spec, outcome.lines[-1])
        self.fail_with(NO_DEVICE, "points", "photo.png", "dog", "--device", "nonsense")
        self.fail_with(NO_DEVICE, "embed", "--text", "dog", "--npy", "e.npy", "--device", "nonsense")

    # ------------------------------------------------------------------------------------------------ help

    def test_help(self):
        whole = self.succeed("--help")
        self.assertEqual(whole.stderr, b"")
        self.assertEqual(self.succeed("-h").stdout, whole.stdout)
        for command in ("map", "points", "embed", "devices"):
            self.assertIn(f"clip-surgeon {command}".encode(), whole.stdout)
            one = self.succeed(command, "--help")
            self.assertEqual(one.stderr, b"")
            self.assertIn(b"--quiet", one.stdout)
            self.assertTrue(all(len(l) <= 130 for l in one.stdout.decode().splitlines()))
        options = self.succeed("map", "--help").stdout.decode()
        for option in ("--model", "--method", "--size", "--fit", "--labels", "--redundant", "--first-block", "--templates", "--device",
                       "--precision", "--colormap", "--opacity", "--output", "--npy", "--json", "-y", "CSG_DEVICE"):
            self.assertIn(option, options)
        for code in range(10):
            self.assertRegex(whole.stdout.decode(), rf"\b{code} ")

    def test_version(self):
        outcome = self.succeed("--version")
        self.assertRegex(outcome.stdout, rb"^clip-surgeon \d+\.\d+\.\d+\n$")
        self.assertEqual(self.succeed("map", "--version").stdout, outcome.stdout)


if __name__ == "__main__":
    unittest.main()
