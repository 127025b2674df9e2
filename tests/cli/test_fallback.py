"""A device that is lost while it works: the run ends in its sentence, or where a fallback is allowed in what the C reference gives, to the bit."""
import json, os, shutil, unittest

from support import *

TINY = os.path.join(SOURCE, "tests", "golden", "layouts", "openai")
LOST = 9
# Of kernels alone: a text that is known need not be computed.
OWN_CACHE = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "cli-fallback-cache")
NOW = {"CSG_TEST_FAIL_PICTURES": "0", "CSG_TEST_FAIL_TEXTS": "0"}
# Of a document: what the device is called, how long it took and what it was asked for.
DEVICES_OWN = ("device", "devices", "ms", "operators", "stages_ms")


def without(value):
    if isinstance(value, dict):
        return {k: without(v) for k, v in value.items() if k not in DEVICES_OWN}
    return [without(v) for v in value] if isinstance(value, list) else value


class Fallback(CliTest):
    COMMANDS = (
        ("map", "in/p0.png", "cat", "dog+a bench", "--compare", "raw", "-o", "x.png", "--npy", "x.npy"),
        ("map", "in", "cat", "--batch", "2", "-o", "maps"),
        ("points", "in/p0.png", "cat", "-o", "p.png"),
        ("embed", "--text", "cat", "dog", "--npy", "t.npy"),
        ("embed", "--image", "in/p0.png", "in/p1.png", "--npy", "i.npy"),
        ("segment", "in/p0.png", "cat", "dog", "-o", "s.png"),
        ("classify", "in/p0.png", "cat", "dog"),
        ("tokens", "in/p0.png", "a cat", "-o", "t.png"),
        ("redundancy", "in/p0.png", "cat", "dog", "-o", "r.png"),
        ("eval", "set"),
    )

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("in"))
        for i in range(5):
            self.write(f"in/p{i}.png", png(40 + 3 * i, 30 + 5 * i))
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            os.makedirs(self.path("set/" + folder))
        for i in range(3):
            self.write(f"set/JPEGImages/{i}.png", png(48, 48))
            self.write(f"set/SegmentationClass/{i}.png", png(48, 48, colour=0, rows=[bytes([8] * 24 + [0] * 24)] * 48))
        self.write("set/ImageSets/Segmentation/val.txt", "0\n1\n2\n")

    def run_tool(self, *args, env=None, **more):
        shutil.rmtree(os.path.join(OWN_CACHE, "clip-surgeon", "texts"), True)
        return super().run_tool(*args, env={"XDG_CACHE_HOME": OWN_CACHE} | (env or {}), **more)

    def given(self, words, *options, **more):
        """(the document, or the lines where there is none; the files that were made, which are removed)"""
        before = self.listing()
        as_json = () if words[0] == "points" else ("--json",)
        outcome = self.succeed(*words, "-m", TINY, "--templates", "none", *as_json, *options, **more)
        made = {name: data for name, data in self.listing().items() if name not in before}
        for name in made:
            os.remove(self.path(name))
        return outcome, json.loads(outcome.stdout), made

    def test_every_command(self):
        for words in self.COMMANDS:
            with self.subTest(words[:2]):
                _, want, files = self.given(words, "--device", "reference")
                outcome, document, made = self.given(words, "--fallback", "reference", env=NOW)
                self.assertEqual(without(document), without(want))
                self.assertEqual(sorted(made), sorted(files))
                self.assertTrue(made == files)
                warned = [line for line in outcome.lines if "CL_OUT_OF_RESOURCES" in line]
                self.assertEqual(len(warned), 1, outcome)
                self.assertIn("the C reference computes instead", warned[0])

    def test_nothing_is_allowed(self):
        for words in self.COMMANDS:
            with self.subTest(words[:2]):
                self.fail_with(LOST, *words, "-m", TINY, "--templates", "none", "-q", words=["CL_OUT_OF_RESOURCES"], env=NOW)

    def test_in_the_middle_of_a_folder(self):
        """What was done on the device stays, the rest is the reference's, and the report says why."""
        words = ("map", "in", "cat", "--batch", "1", "-o", "maps")
        _, _, device = self.given(words)
        _, _, reference = self.given(words, "--device", "reference")
        for allowed in "next", "reference":
            outcome, document, made = self.given(words, "--fallback", allowed, env={"CSG_TEST_FAIL_PICTURES": "2"})
            self.assertEqual(sorted(made), sorted(device))
            by = {name: (data == device[name], data == reference[name]) for name, data in made.items()}
            self.assertTrue(all(any(either) for either in by.values()), by)
            self.assertEqual([document["devices"][0]["name"], "CL_OUT_OF_RESOURCES" in document["devices"][0]["fallback_reason"]],
                             ["reference", True])
            self.assertEqual(sum("CL_OUT_OF_RESOURCES" in line for line in outcome.lines), 1 + outcome.stderr.count(b"goes on with"))
        self.assertIsNone(json.loads(self.succeed(*words, "-y", "-m", TINY, "--json").stdout)["devices"][0]["fallback_reason"])

    def test_no_device_at_all(self):
        none = {"OCL_ICD_VENDORS": self.path("none")}
        words = ("points", "in/p0.png", "cat")
        _, want, _ = self.given(words, "--device", "reference")
        outcome, document, _ = self.given(words, "--fallback", "next", env=none)
        self.assertEqual(without(document), without(want))
        self.assertIn("no OpenCL device was found", outcome.stderr.decode())
        self.fail_with(NO_DEVICE, *words, "-m", TINY, env=none)


if __name__ == "__main__":
    unittest.main()
