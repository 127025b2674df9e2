"""Files made to harm: pictures and models that lie, are cut, or never end. Each ends with its exit code and one sentence, soon."""
import json, os, random, resource, struct, time, unittest, zlib

from support import *

MEMORY_LIMIT = 8 << 30


def limited():
    """No lie in a file may cost more address space than this."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


# A sanitizer reserves address space by the terabyte.
LIMIT = {} if os.environ.get("CSG_SANITIZED") else {"preexec_fn": limited}


class Hostile(CliTest):
    def refused(self, code, *args, **more):
        start = time.monotonic()
        outcome = self.fail_with(code, *args, **more, **LIMIT)
        self.assertLess(time.monotonic() - start, 60, outcome)
        return outcome


class Pictures(Hostile):
    def test_what_is_no_picture(self):
        generator = random.Random(1)
        whole = png(64, 64)
        cases = {
            "empty": b"", "text": b"this is no picture\n" * 50, "zeros": bytes(5000), "one byte": b"\x89",
            "random": generator.randbytes(5000), "signature alone": whole[:8], "signature and noise": whole[:8] + generator.randbytes(3000),
            "cut in half": whole[:len(whole) // 2], "without its end": whole[:-30], "header alone": whole[:33],
            "zero width": b"\x89PNG\r\n\x1a\n" + ihdr(0, 10) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b""),
            "zero height": b"\x89PNG\r\n\x1a\n" + ihdr(10, 0) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
            "2^31 - 1 pixels wide": b"\x89PNG\r\n\x1a\n" + ihdr(0x7FFFFFFF, 1) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
            "more than 2^28 pixels": b"\x89PNG\r\n\x1a\n" + ihdr(16385, 16384) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
            "fewer bytes than it says": b"\x89PNG\r\n\x1a\n" + ihdr(500, 500) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
            "chunk longer than the file": whole[:33] + struct.pack(">I", 0x7FFFFFF0) + b"IDAT" + bytes(50),
            "unknown colour type": b"\x89PNG\r\n\x1a\n" + ihdr(8, 8, 8, 5) + chunk(b"IDAT", zlib.compress(bytes(300))) + chunk(b"IEND", b""),
            "pnm too large": b"P6\n99999 99999\n255\n" + bytes(100), "pnm cut": ppm(40, 40)[:1000], "pnm zero": b"P6\n0 5\n255\n",
            "pnm overflow": b"P6\n99999999999999999999 1\n255\n" + bytes(30), "bmp cut": bmp(40, 40)[:500],
            "bmp too large": bmp(4, 4)[:18] + struct.pack("<ii", 0x7FFFFFFF, 0x7FFFFFFF) + bmp(4, 4)[26:],
            "bmp negative": bmp(4, 4)[:18] + struct.pack("<ii", -4, 4) + bmp(4, 4)[26:],
            "gif of nothing": b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + b";", "jpeg cut": b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1" + bytes(9),
            "psd cut": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3) + bytes(12),
        }
        for name, data in cases.items():
            with self.subTest(name):
                self.write("x.img", data)
                self.refused(INPUT, "map", "x.img", "dog", "-o", "out.png", *REFERENCE, words=["x.img"])

    def test_jpeg_cut_anywhere_is_refused_or_read(self):
        with open(os.path.join(os.path.dirname(__file__), "data", "cmyk.jpg"), "rb") as f:
            whole = f.read()
        for length in (2, 20, 150, len(whole) // 3, len(whole) // 2):
            self.write("x.jpg", whole[:length])
            self.refused(INPUT, "map", "x.jpg", "dog", "-o", "out.png", *REFERENCE)

    def test_png_bomb(self):
        """A small file that would unpack into far more rows than its header says."""
        packer = zlib.compressobj(9)
        data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
        self.write("bomb.png", b"\x89PNG\r\n\x1a\n" + ihdr(8, 8) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
        outcome = self.run_tool("map", "bomb.png", "dog", "-o", "out.png", *REFERENCE, **LIMIT)
        self.assertIn(outcome.code, (OK, INPUT), outcome)


class Models(Hostile):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(32, 32))
        with open(os.path.join(DEMO_MODEL, WEIGHTS), "rb") as f:
            self.weights = f.read()
        self.head_bytes = struct.unpack("<Q", self.weights[:8])[0]
        self.head = json.loads(self.weights[8:8 + self.head_bytes])
        self.body = self.weights[8 + self.head_bytes:]
        with open(os.path.join(DEMO_MODEL, CONFIG)) as f:
            self.config = json.load(f)
        self.copy_model("m", skip=(WEIGHTS, CONFIG))
        self.write("m/" + CONFIG, json.dumps(self.config))
        self.write("m/" + WEIGHTS, self.weights)

    def model_refused(self, **more):
        return self.refused(MODEL, "map", "photo.png", "dog", "-m", "m", "-o", "x.png", *REFERENCE, **more)

    def write_head(self, head, body=None, length=None):
        text = head if isinstance(head, bytes) else json.dumps(head).encode()
        self.write("m/" + WEIGHTS, struct.pack("<Q", len(text) if length is None else length) + text + (self.body if body is None else body))

    def without(self, name):
        """Header and data of the checkpoint less one tensor, without a gap where it was."""
        start, end = self.head[name]["data_offsets"]
        head = {}
        for key, entry in self.head.items():
            if key != name and key != "__metadata__":
                moved = end - start if entry["data_offsets"][0] >= end else 0
                head[key] = entry | {"data_offsets": [at - moved for at in entry["data_offsets"]]}
        return head, self.body[:start] + self.body[end:]

    def changed(self, name, **entry):
        return self.head | {name: self.head[name] | entry}

    def test_the_copy_itself_is_fine(self):
        self.write_head(self.head)
        self.succeed("map", "photo.png", "dog", "-m", "m", "-o", "x.png", *REFERENCE)

    def test_missing_files(self):
        os.remove(self.path("m/" + CONFIG))
        self.model_refused(words=[CONFIG])
        self.write("m/" + CONFIG, json.dumps(self.config))
        os.remove(self.path("m/" + WEIGHTS))
        self.model_refused(words=["safetensors"])

    def test_cut_weights(self):
        for length in (0, 1, 7, 8, 9, 1000, 8 + self.head_bytes, 8 + self.head_bytes + 1, len(self.weights) // 2, len(self.weights) - 1):
            with self.subTest(length):
                self.write("m/" + WEIGHTS, self.weights[:length])
                self.model_refused()

    def test_lying_header_lengths(self):
        for length in (0, 1, 2, self.head_bytes - 1, len(self.weights), 1 << 30, 1 << 62, (1 << 63) - 1, (1 << 64) - 9, (1 << 64) - 1):
            with self.subTest(length):
                self.write("m/" + WEIGHTS, struct.pack("<Q", length) + self.weights[8:])
                self.model_refused()

    def test_lying_tensors(self):
        name = "visual.proj"
        start, end = self.head[name]["data_offsets"]
        other = self.head["visual.conv1.weight"]["data_offsets"][0]
        shape = self.head[name]["shape"]
        entries = [
            {"data_offsets": [start, end + 2]}, {"data_offsets": [end, start]}, {"data_offsets": [-2, end]},
            {"data_offsets": [len(self.body), len(self.body) + end - start]}, {"data_offsets": [2**63 - 1, 2**63 - 1]},
            {"data_offsets": [other, other + end - start]}, {"data_offsets": [start]}, {"data_offsets": "all"}, {"data_offsets": [0.5, 2]},
            {"shape": [shape[0], shape[1] + 1]}, {"shape": [2**32, 2**32]}, {"shape": [2**62, 4]}, {"shape": [-192, -192]}, {"shape": []},
            {"shape": [shape[0] * shape[1]]}, {"shape": [0, 0]}, {"shape": [1] * 1000}, {"shape": 5}, {"shape": ["192", "192"]},
            {"dtype": "F32"}, {"dtype": "I64"}, {"dtype": "F8_E4M3"}, {"dtype": ""}, {"dtype": 7}, {"dtype": "f16"},
        ]
        for entry in entries:
            with self.subTest(entry):
                self.write_head(self.changed(name, **entry))
                self.model_refused()

    def test_headers_that_are_no_headers(self):
        text = json.dumps(self.head).encode()
        cases = [b"", b"{", b"[]", b"null", b"1", b'"x"', text[:-1], text + text, text + b"x", b"\xff" * 100, text.replace(b"visual", b"vis\xffual", 1),
                 text.replace(b'"visual.proj"', b'"visual.conv1.weight"', 1), b"[" * 2_000_000, b'{"a":' * 1_000_000, b" " * 3_000_000,
                 b'{"__metadata__":' + b'{"a":' * 100_000 + b"}" * 100_001, text[:-1] + b',"n":1e999999}',
                 b"{" + b",".join(b'"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(300_000)) + b"}"]
        for i, head in enumerate(cases):
            with self.subTest(i):
                self.write_head(head)
                self.model_refused()

    def test_missing_and_misshapen_tensors_are_named(self):
        for name in ("visual.proj", "token_embedding.weight", "visual.transformer.resblocks.3.attn.in_proj_weight", "ln_final.bias"):
            self.write_head(*self.without(name))
            self.model_refused(words=[name])
        swapped = self.head["visual.conv1.weight"]["shape"][::-1]
        self.write_head(self.changed("visual.conv1.weight", shape=swapped))
        self.model_refused(words=["visual.conv1.weight"])

    def test_gaps_are_refused(self):
        head, _ = self.without("visual.proj")
        self.write_head(head)
        self.model_refused(words=["end at byte"])
        self.write_head({k: v for k, v in self.head.items() if k != "visual.proj"})
        self.model_refused(words=["belong to none"])

    def test_surplus_tensors_are_told(self):
        at = len(self.body)
        self.write_head(self.head | {"something.else": {"dtype": "F32", "shape": [2], "data_offsets": [at, at + 8]}}, self.body + bytes(8))
        outcome = self.succeed("map", "photo.png", "dog", "-m", "m", "-o", "x.png", *REFERENCE)
        self.assertIn("something.else", "".join(outcome.lines))

    def test_configurations(self):
        def with_value(path, value):
            copy = json.loads(json.dumps(self.config))
            at = copy
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            return json.dumps(copy)
        vision, text = ["model_cfg", "vision_cfg"], ["model_cfg", "text_cfg"]
        cases = ["", "{", "[]", "null", "[" * 1_000_000, '{"model_cfg":' * 500_000, "x" * 100_000, '{"model_cfg": {}}', '{"model_cfg": 3}',
                 json.dumps(self.config)[:-20], with_value(vision, {}), with_value(text, None), with_value(vision + ["layers"], [3, 4, 6, 3])]
        for path in (vision + ["width"], vision + ["layers"], vision + ["patch_size"], vision + ["image_size"], text + ["width"], text + ["heads"],
                     text + ["layers"], text + ["vocab_size"], text + ["context_length"], ["model_cfg", "embed_dim"]):
            cases += [with_value(path, v) for v in (0, -1, 2**31, 2**63 - 1, 1.5, "128", [], 7)]
        for case in cases:
            with self.subTest(case[:300]):
                self.write("m/" + CONFIG, case)
                self.model_refused()

    def test_random_damage(self):
        """Whatever a flipped bit in the header does, the tool ends by itself with one of the documented codes."""
        generator = random.Random(7)
        for i in range(25):
            damaged = bytearray(self.weights[:8 + self.head_bytes])
            for _ in range(generator.choice((1, 3, 20))):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            self.write("m/" + WEIGHTS, bytes(damaged) + self.body)
            outcome = self.run_tool("map", "photo.png", "dog", "-m", "m", "-o", f"x{i}.png", *REFERENCE, **LIMIT)
            self.assertIn(outcome.code, (OK, MODEL), outcome)

    def test_vocabularies(self):
        with open(os.path.join(DEMO_MODEL, "vocab.json"), "rb") as f:
            vocabulary = f.read()
        for name, cases in (("vocab.json", [b"", b"[]", b"{", vocabulary[:-100], b"[" * 1_000_000, b'{"a": 99999999}', b'{"a": -1}', b'{"a": "b"}',
                                            vocabulary.replace(b": 5,", b": 5000,", 1)]),
                            ("merges.txt", [b"\xff\xfe" * 1000, b"a b c\n" * 10])):
            with open(os.path.join(DEMO_MODEL, name), "rb") as f:
                original = f.read()
            for case in cases:
                with self.subTest(name=name, case=case[:40]):
                    self.write("m/" + name, case)
                    self.model_refused()
            self.write("m/" + name, original)

    def test_weights_that_are_not_finite(self):
        """Nothing may be drawn of them."""
        start, end = self.head["visual.ln_post.weight"]["data_offsets"]
        body = bytearray(self.body)
        body[start:end] = b"\xff\x7f" * ((end - start) // 2)
        self.write_head(self.head, bytes(body))
        self.model_refused(words=["finite"])


if __name__ == "__main__":
    unittest.main()
