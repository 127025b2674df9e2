"""Input that is unusual but right."""
import json, os, unittest

from support import *


class Unusual(CliTest):
    def mapped(self, name, data, *texts, width=None, height=None, options=()):
        self.write(name, data)
        outcome = self.succeed("map", name, *(texts or ["dog"]), "--json", "--no-legend", "-y", "-o", "out.png", *QUICK, *options)
        wide, high, rows = read_png(self.read("out.png"))
        if width:
            self.assertEqual((wide, high), (width, height))
        return json.loads(outcome.stdout), rows

    def test_kinds_of_png(self):
        for colour, bits in ((0, 8), (0, 16), (2, 8), (2, 16), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)):
            with self.subTest(colour=colour, bits=bits):
                document, _ = self.mapped("x.png", png(50, 40, colour, bits), width=50, height=40)
                self.assertFalse(document["texts"][0]["constant"])

    def test_equal_pixels_give_equal_maps(self):
        """Grey as RGB, 16 bits of doubled bytes, PNM and BMP hold the same picture."""
        grey = pattern(50, 40, 1)
        tripled = [bytes(v for b in row for v in (b, b, b)) for row in grey]
        maps = []
        for name, data in (("grey.png", png(50, 40, 0)), ("rgb.png", png(50, 40, rows=tripled)), ("deep.png", png(50, 40, 0, 16)),
                           ("grey.pgm", b"P5\n50 40\n255\n" + b"".join(grey))):
            document, rows = self.mapped(name, data)
            maps.append((document["texts"], rows))
            with self.subTest(name):
                self.assertTrue(maps[-1] == maps[0])
        maps = [self.mapped(n, d)[1] for n, d in (("x.png", png(51, 40)), ("x.ppm", ppm(51, 40)), ("x.bmp", bmp(51, 40)))]
        self.assertTrue(all(m == maps[0] for m in maps))

    def test_one_pixel(self):
        self.mapped("x.png", png(1, 1), width=1, height=1)

    def test_extreme_shapes(self):
        self.mapped("wide.png", png(20000, 3), width=20000, height=3)
        self.mapped("tall.png", png(2, 5000), width=2, height=5000)
        self.write("wide.png", png(20000, 3))
        self.succeed("map", "wide.png", "dog", "cat", "-o", "sheet.png", *QUICK)

    def test_cmyk_jpeg(self):
        with open(os.path.join(os.path.dirname(__file__), "data", "cmyk.jpg"), "rb") as f:
            self.mapped("x.jpg", f.read(), width=48, height=36)

    def test_no_text(self):
        document, _ = self.mapped("x.png", png(50, 40), "")
        self.assertTrue(document["texts"][0]["constant"])  # nothing is left of the empty text without the empty text
        document, _ = self.mapped("x.png", png(50, 40), "", options=["--method", "raw"])
        self.assertFalse(document["texts"][0]["constant"])
        self.mapped("x.png", png(50, 40), " \t ", "+", "\\+", "dog", "...")

    def test_a_long_text_is_cut_with_a_warning(self):
        for text in ("dog " * 2500, "x" * 10000, "\u20ac" * 3400):
            self.write("x.png", png(50, 40))
            outcome = self.succeed("map", "x.png", text, "-y", "-o", "out.png", *QUICK)
            self.assertTrue(any(l.startswith("clip-surgeon: warning: ") and "cut" in l for l in outcome.lines), outcome)

    def test_scripts_and_emoji(self):
        for text in ("H\u00fcnd\u00ebn stra\u00dfe", "\u72ac", "\U0001F469\u200d\U0001F680", "\u05db\u05dc\u05d1", "a\u0301", "&amp;lt;", "\ufb01sh"):
            self.mapped("x.png", png(50, 40), text)

    def test_the_same_text_twice(self):
        self.write("x.png", png(50, 40))
        outcome = self.succeed("map", "x.png", "dog", "dog", "cat", "--json", "-o", "out.png", *QUICK)
        first, second, _ = json.loads(outcome.stdout)["texts"]
        self.assertEqual(first, second)
        self.assertIn("out_dog-2.png", self.listing())

    def test_a_uniform_picture(self):
        self.mapped("x.png", png(64, 64, rows=[bytes(192)] * 64))

    def test_smallest_and_large_inputs(self):
        document, rows = self.mapped("x.png", png(50, 40), options=["--size", "16"])
        self.assertTrue(document["texts"][0]["constant"])
        self.assertEqual(document["grid"], [1, 1])
        document, _ = self.mapped("x.png", png(50, 40), options=["--size", "384"])
        self.assertEqual(document["grid"], [24, 24])

    def test_two_runs_are_equal(self):
        for device in (REFERENCE, ("--templates", "none")):
            self.write("x.png", png(50, 40))
            seen = set()
            for _ in range(2):
                self.succeed("map", "x.png", "dog", "--npy", "v.npy", "-y", "-o", "out.png", *device)
                seen.add(self.read("v.npy") + self.read("out.png"))
            self.assertEqual(len(seen), 1)


if __name__ == "__main__":
    unittest.main()
