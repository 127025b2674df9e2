"""`bench`, `tune`, `cache`, and what is kept on disk."""
import json, os, stat, unittest

from support import *


class Bench(CliTest):
    def bench(self, *more, **env):
        self.write("labels.txt", "dog\ncat\n")
        outcome = self.succeed("bench", "--size", "64", "--runs", "3", "--labels", "labels.txt", *more, **env)
        return outcome.stdout

    def test_json(self):
        document = json.loads(self.bench("--json", "--precision", "f32"))
        self.assertEqual(set(document["encode_ms"]), {"min", "median"})
        self.assertGreater(document["encode_ms"]["min"], 0)
        self.assertGreaterEqual(document["encode_ms"]["median"], document["encode_ms"]["min"])
        for name in ("text_ms", "map_ms", "gflops"):
            self.assertGreater(document[name], 0, name)
        self.assertEqual((document["precision_used"], document["peak_of"]), ("f32", "f32"))
        self.assertTrue(document["device"])
        self.assertLess(document["error"], 1e-4)
        self.assertEqual((document["tokens"], document["runs"], document["texts"], document["templates"]), (17, 3, 2, 85))
        self.assertAlmostEqual(document["gflops"], document["encode_gflop"] / document["encode_ms"]["min"] * 1e3, delta=1e-3 * document["gflops"])
        ops = {s["op"]: s for s in document["stages"]}
        self.assertTrue({"gemm", "attention", "layernorm"} <= set(ops))
        self.assertAlmostEqual(sum(s["gflops"] * s["ms"] for s in ops.values() if s["gflops"]), 1e3 * document["encode_gflop"], delta=1e-3)
        # ln_pre, ln_1 and ln_2 of every block and ln_post, 17 tokens each; of the last ln_2 CLS alone. Read and written once.
        rows = 17 * (2 * DEMO_BLOCKS + 1) + 1
        self.assertAlmostEqual(ops["layernorm"]["gbytes"] * ops["layernorm"]["ms"] * 1e6, 8 * DEMO_CONFIG["vision_cfg"]["width"] * rows, delta=1)
        for op, unit in (("gemm", "gflops"), ("attention", "gflops"), ("layernorm", "gbytes"), ("patches", "gbytes")):
            self.assertAlmostEqual(ops[op]["share_of_peak"] * document["peak_" + unit] / ops[op][unit], 1.0, 6, op)
        self.assertLess(sum(s["ms"] for s in document["stages"]), 1.05 * document["encode_ms"]["min"] + 0.5)

    def test_bytes_of_bf16(self):
        document = json.loads(self.bench("--json", "--no-texts", "--no-reference", "--precision", "bf16"))
        norm = next(s for s in document["stages"] if s["op"] == "layernorm")
        # Where a processor multiplies pairs, all norms but ln_pre write 16 bits for the products behind them, and the peak is that of pairs.
        rows, width = 17 * 2 * DEMO_BLOCKS + 1, DEMO_CONFIG["vision_cfg"]["width"]
        moved = {"f32": 8, "bf16": 6}[document["peak_of"]]
        self.assertEqual(round(norm["gbytes"] * norm["ms"] * 1e6), width * (8 * 17 + moved * rows))

    def test_table(self):
        table = self.bench("--no-reference").decode()
        for word in ("encode", "GFLOP/s", "frames a second", "of the measured peak", "gaps", "text", "map"):
            self.assertIn(word, table)
        self.assertNotIn("error", table)

    def test_a_batch(self):
        one = json.loads(self.bench("--json", "--no-texts", "--no-reference"))
        three = json.loads(self.bench("--json", "--no-texts", "--batch", "3"))
        self.assertEqual((one["batch"], three["batch"], three["tokens"]), (1, 3, 17))
        self.assertAlmostEqual(three["encode_gflop"], 3 * one["encode_gflop"], 6)
        self.assertAlmostEqual(three["frames_per_second"], 3e3 / three["encode_ms"]["min"], 3)
        self.assertLess(three["error"], 1e-4)

    def test_on_the_reference_nothing_is_off(self):
        document = json.loads(self.bench("--json", "--no-texts", *REFERENCE))
        self.assertEqual((document["device"], document["error"], document["peak_gflops"], document["peak_of"], document["text_ms"]),
                         ("reference", 0, None, None, None))

    def test_profile(self):
        self.bench("--no-reference", "--profile", "trace.json")
        events = json.loads(self.read("trace.json"))["traceEvents"]
        complete = [e for e in events if e["ph"] == "X"]
        self.assertEqual({e["cat"] for e in complete}, {"encode", "text", "map"})
        self.assertTrue(all(e["dur"] > 0 and e["ts"] >= 0 for e in complete))
        self.fail_with(ERROR, "bench", "--profile", "trace.json", words=["trace.json"])

    def test_usage(self):
        self.fail_with(USAGE, "bench", "word")
        self.fail_with(USAGE, "bench", "--precision", "f7", words=["f7"])
        self.fail_with(USAGE, "bench", "--size", "65", *REFERENCE, words=["65"])
        self.fail_with(USAGE, "bench", "--runs", "0")
        self.fail_with(USAGE, "bench", "--runs", "1.5")
        self.fail_with(USAGE, "bench", "--batch", "1.5")
        self.fail_with(INPUT, "bench", "--labels", "missing.txt", *REFERENCE, words=["missing.txt"])


class Tune(CliTest):
    def setUp(self):
        super().setUp()
        self.env = {"XDG_CACHE_HOME": os.path.join(self.folder, "cache"), "POCL_CACHE_DIR": POCL_CACHE}

    def tune(self, *more, seconds="600"):
        outcome = self.succeed("tune", "--size", "64", "--seconds", seconds, "--templates", "none", "--json", *more, env=self.env)
        return json.loads(outcome.stdout)

    def tuned_launches(self):
        stdout = self.succeed("bench", "--size", "64", "--runs", "2", "--no-texts", "--json", env=self.env).stdout
        document = json.loads(stdout)
        self.assertLess(document["error"], 1e-4)
        return document["tuned_launches"]

    def told(self):
        """What `devices -v` says of the device that is taken by default."""
        document = json.loads(self.succeed("devices", "-v", "--json", env=self.env).stdout)
        return next(d for d in document["devices"] if d["chosen"])["traits"]["tuned"]

    def test_is_remembered_and_used(self):
        self.assertEqual(self.tuned_launches(), 0)
        self.assertTrue(self.told().startswith("no: "))
        document = self.tune()
        self.assertTrue(document["kept"])
        self.assertTrue(document["complete"])
        self.assertGreater(document["encode_after_ms"], 0)
        shapes = document["shapes"]
        self.assertEqual({s["op"] for s in shapes}, {"gemm", "attention"})
        for shape in shapes:
            forms = shape["forms"]
            self.assertEqual([sum(f[k] for f in forms) for k in ("default", "chosen")], [1, 1], shape)
            self.assertEqual(shape["precision"], "f32")
            chosen = next(f for f in forms if f["chosen"])
            self.assertTrue(chosen["default"] or chosen["state"] == "timed" and chosen["ms"] < next(f["ms"] for f in forms if f["default"]))
        self.assertGreater(self.tuned_launches(), 0)
        self.assertEqual(self.told(), f"for {len(shapes)} sizes")
        (record,) = os.listdir(os.path.join(self.env["XDG_CACHE_HOME"], "clip-surgeon", "tuned"))
        path = os.path.join(self.env["XDG_CACHE_HOME"], "clip-surgeon", "tuned", record)
        with open(path, "rb") as f:
            data = bytearray(f.read())
        data[-3] ^= 1
        with open(path, "wb") as f:
            f.write(data)
        self.assertEqual(self.tuned_launches(), 0)
        data[-3] ^= 1
        with open(path, "wb") as f:
            f.write(data)
        self.assertGreater(self.tuned_launches(), 0)
        self.succeed("cache", "clear", "tuned", env=self.env)
        self.assertEqual(self.tuned_launches(), 0)

    def test_without_time_nothing_changes(self):
        document = self.tune("--cache", "off", seconds="0.001")
        self.assertEqual((document["complete"], document["kept"]), (False, False))
        self.assertTrue(all(f["chosen"] == f["default"] for s in document["shapes"] for f in s["forms"]))

    def test_table(self):
        outcome = self.succeed("tune", "--size", "64", "--seconds", "600", "--templates", "none", "--cache", "off", env=self.env)
        for word in (b"GFLOP/s", b"default", b"go another way than the default", b"not remembered"):
            self.assertIn(word, outcome.stdout)

    def test_usage(self):
        self.fail_with(USAGE, "tune", *REFERENCE, words=["reference"])
        self.fail_with(USAGE, "tune", "word")
        self.fail_with(USAGE, "tune", "--seconds", "0", words=["--seconds"])


class Cache(CliTest):
    def setUp(self):
        super().setUp()
        self.cache = os.path.join(self.folder, "cache")
        # PoCL's own cache is that of all tests: what is compiled does not matter here. The reference keeps no texts.
        self.env = {"XDG_CACHE_HOME": self.cache, "POCL_CACHE_DIR": POCL_CACHE}
        self.texts = os.path.join(self.cache, "clip-surgeon", "texts")

    def embed(self, *more, **env):
        self.succeed("embed", "--text", "dog", "cat", "--npy", "e.npy", "-y", "--templates", "none", *more, env=self.env | env)
        return self.read("e.npy")

    def rows(self):
        document = json.loads(self.succeed("cache", "list", "--json", env=self.env).stdout)
        return {r["name"]: r for r in document["cache"]}

    def test_features_are_kept_and_taken(self):
        first = self.embed()
        names = sorted(os.listdir(self.texts))
        self.assertEqual(len(names), 2)
        self.assertEqual(stat.S_IMODE(os.stat(self.texts).st_mode), 0o700)
        stamps = [os.stat(os.path.join(self.texts, n)).st_mtime_ns for n in names]
        self.assertEqual(self.embed(), first)
        self.assertEqual([os.stat(os.path.join(self.texts, n)).st_mtime_ns for n in names], stamps)
        row = self.rows()["texts"]
        self.assertEqual((row["files"], row["path"]), (2, self.texts))
        self.assertGreater(row["bytes"], 2 * 192 * 4)

    def test_other_templates_are_other_features(self):
        first = self.embed()
        self.write("templates.txt", "the {}\n")
        self.assertTrue(self.embed("--templates", "templates.txt") != first)
        self.assertEqual(len(os.listdir(self.texts)), 4)

    def test_damage_is_computed_again(self):
        first = self.embed()
        names = sorted(os.listdir(self.texts))
        for how in ("flipped", "cut", "empty", "long", "folder of others"):
            for name in names:
                path = os.path.join(self.texts, name)
                with open(path, "rb") as f:
                    data = bytearray(f.read())
                with open(path, "wb") as f:
                    if how == "flipped":
                        data[-5] ^= 64
                    f.write({"cut": data[:-100], "empty": b"", "long": data + b"0"}.get(how, data))
            if how == "folder of others":  # each under the other's name
                a, b = (os.path.join(self.texts, n) for n in names)
                os.rename(a, a + ".x"), os.rename(b, a), os.rename(a + ".x", b)
            self.assertEqual(self.embed(), first, how)
            for name in names:
                with open(os.path.join(self.texts, name), "rb") as f:
                    self.assertTrue(f.read().startswith(b"CSGTEXT1" + name[:64].encode()), how)

    def test_without(self):
        for more, env in ((["--no-cache"], {}), (["--cache", "off"], {}), ([], {"CSG_CACHE": "off"})):
            self.embed(*more, **env)
            self.assertFalse(os.path.exists(os.path.join(self.cache, "clip-surgeon")))
        self.fail_with(USAGE, "embed", "--text", "dog", "--npy", "f.npy", "--cache", "perhaps", *REFERENCE, words=["perhaps"])

    def test_a_text_that_is_cut_says_so_every_time(self):
        long = "dog " * 100
        for _ in range(2):
            outcome = self.succeed("embed", "--text", long, "--npy", "e.npy", "-y", *REFERENCE, env=self.env)
            self.assertIn("is cut after", outcome.stderr.decode())

    def test_a_folder_that_cannot_be_written_does_not_matter(self):
        with open(self.cache, "wb") as f:
            f.write(b"a file")
        self.embed()

    def test_clear(self):
        self.embed()
        compiled = self.rows()["programs"]["files"]
        self.assertGreater(compiled, 0)
        self.succeed("cache", "clear", "texts", env=self.env)
        self.assertEqual((self.rows()["texts"]["files"], self.rows()["programs"]["files"]), (0, compiled))
        self.succeed("cache", "clear", env=self.env)
        self.assertEqual({r["files"] for r in self.rows().values()}, {0})
        self.succeed("cache", "clear", env=self.env)

    def test_list_is_a_table_too(self):
        self.embed()
        table = self.succeed("cache", "list", env=self.env).stdout.decode()
        for word in ("programs", "texts", "hashes", "self-test", self.texts):
            self.assertIn(word, table)

    def test_usage(self):
        self.fail_with(USAGE, "cache", env=self.env)
        self.fail_with(USAGE, "cache", "forget", env=self.env)
        self.fail_with(USAGE, "cache", "clear", "everything", env=self.env, words=["everything", "programs"])


if __name__ == "__main__":
    unittest.main()
