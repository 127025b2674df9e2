"""Every mistake ends with its exit code, one sentence, an empty stdout and no file."""
import json, os, struct, unittest

from support import *


class Usage(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(48, 32))

    def test_commands(self):
        self.fail_with(USAGE)
        self.fail_with(USAGE, "")
        self.fail_with(USAGE, "mapp", "photo.png", "dog", words=["mapp"])
        self.fail_with(USAGE, "--nonsense")
        self.fail_with(USAGE, "devices", "extra", words=["extra"])

    def test_missing_words(self):
        self.fail_with(USAGE, "map")
        self.fail_with(USAGE, "map", "photo.png")
        self.fail_with(USAGE, "map", "photo.png", "--json", *REFERENCE)
        self.fail_with(USAGE, "points", "photo.png")

    def test_options(self):
        for words in (["--nonsense"], ["-x"], ["--method"], ["--json=yes"], ["--threshold", "0.5"], ["-yq"]):
            self.fail_with(USAGE, "map", "photo.png", "dog", *words)
        self.fail_with(USAGE, "points", "photo.png", "dog", "--npy", "x.npy")
        self.fail_with(USAGE, "devices", "--model", "x")

    def test_values(self):
        for option, *values in (["--method", "nope", "Surgery"], ["--fit", "crop", ""], ["--redundant", "none", ""],
                                ["--precision", "f64", "F16", ""], ["--colormap", "rainbow", ""],
                                ["--opacity", "1.01", "-0.1", "nan", "half", "", "0.5x"],
                                ["--size", "100", "0", "-16", "16.5", "abc", "", "1e9", "99999999999999999999", "nan", "inf"],
                                ["--first-block", "0", str(DEMO_BLOCKS + 1), "-1", "1.5", "x"]):
            for value in values:
                with self.subTest(option=option, value=value):
                    self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "x.png", f"{option}={value}", *REFERENCE)
        for value in ("1.5", "-1", "nan", "x"):
            self.fail_with(USAGE, "points", "photo.png", "dog", f"--threshold={value}", *REFERENCE)

    def test_too_many_patches(self):
        self.fail_with(USAGE, "map", "photo.png", "dog", "--size", "16000", "-o", "x.png", *REFERENCE)
        self.write("thin.png", png(20000, 1))
        self.fail_with(USAGE, "map", "thin.png", "dog", "--fit", "aspect", "-o", "x.png", *REFERENCE)

    def test_a_sentence_names_what_there_is(self):
        outcome = self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "x.png", "--method", "nope", *REFERENCE)
        for name in ("nope", "surgery", "arch", "raw"):
            self.assertIn(name, outcome.lines[-1])
        outcome = self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "x.png", "--size", "100", *REFERENCE)
        for word in ("100", "16"):
            self.assertIn(word, outcome.lines[-1])


class Files(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(48, 32))

    def test_missing_files(self):
        os.makedirs(self.path("folder"))
        for picture in ("missing.png", "folder", ""):
            self.fail_with(INPUT, "map", picture, "dog", "-o", "x.png", *REFERENCE)
        self.fail_with(INPUT, "map", "-", "dog", "-o", "x.png", *REFERENCE, stdin=b"")
        for option in ("--labels", "--templates"):
            for file in ("missing.txt", "folder"):
                self.fail_with(INPUT, "map", "photo.png", "dog", "-o", "x.png", "--device", "reference", option, file, words=[file])
        for model in ("missing", "photo.png", "folder", "/nonexistent/model"):
            self.fail_with(MODEL, "map", "photo.png", "dog", "-o", "x.png", "-m", model, *REFERENCE, words=[model])

    def test_label_and_template_files(self):
        self.write("not-utf8.txt", b"dog\n\xff\xfe\n")
        self.write("no-place.txt", "a photo\n")
        self.write("two-places.txt", "a {} of a {}\n")
        self.write("empty.txt", "")
        self.write("comments.txt", "# nothing\n\n")
        self.write("huge.txt", b"x\n" * 2_000_000)
        for file in ("not-utf8.txt", "no-place.txt", "two-places.txt", "empty.txt", "huge.txt"):
            self.fail_with(INPUT, "map", "photo.png", "dog", "-o", "x.png", "--device", "reference", "--templates", file, words=[file])
        for file in ("not-utf8.txt", "empty.txt", "comments.txt", "huge.txt"):
            self.fail_with(INPUT, "map", "photo.png", "dog", "-o", "x.png", *REFERENCE, "--labels", file, words=[file])

    def test_texts_that_are_not_utf8(self):
        for text in (b"\xff", b"dog \xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"):
            self.fail_with(INPUT, "map", "photo.png", text, "-o", "x.png", *REFERENCE)
            self.fail_with(INPUT, "points", "photo.png", text, *REFERENCE)
            self.fail_with(INPUT, "embed", "--text", text, "--npy", "x.npy", *REFERENCE)

    def test_a_name_with_control_characters_does_not_reach_the_terminal(self):
        self.fail_with(INPUT, "map", "miss\x1b[31ming\n.png", "dog", "-o", "x.png", *REFERENCE)
        self.fail_with(MODEL, "map", "photo.png", "dog", "-o", "x.png", "-m", "\x1b[2J", *REFERENCE)
        self.fail_with(USAGE, "map", "photo.png", "dog", "-o", "x.png", "--method", "\x07bell", *REFERENCE)
        self.fail_with(USAGE, "\x1b[31m")
        self.fail_with(USAGE, "map", "photo.png", "dog", "--\x1b[31m")

    def test_device_memory(self):
        """PoCL tells a device of 1 GiB, of which one buffer may hold a quarter: a layer's output does not fit."""
        self.copy_model("wide", skip=(WEIGHTS, CONFIG))
        config, tensors = wide_model()
        self.write("wide/" + CONFIG, json.dumps(config))
        self.write("wide/" + WEIGHTS, safetensors(tensors))
        self.succeed("map", "photo.png", "dog", "-m", "wide", "--size", "32", "-o", "ok.png", "--templates", "none")
        outcome = self.fail_with(MEMORY, "map", "photo.png", "dog", "-m", "wide", "--size", "512", "-o", "x.png", "--templates", "none",
                                 env={"POCL_MEMORY_LIMIT": "1"})
        self.assertTrue(outcome)


def wide_model():
    """One block whose MLP is much wider than the rest."""
    w, mlp, patch, grid, context, vocab = 64, 4096, 2, 4, 32, DEMO_CONFIG["text_cfg"]["vocab_size"]
    config = {"model_cfg": {"embed_dim": w, "quick_gelu": True,
                            "vision_cfg": {"image_size": patch * grid, "layers": 1, "width": w, "patch_size": patch, "mlp_ratio": mlp / w},
                            "text_cfg": {"context_length": context, "vocab_size": vocab, "width": w, "heads": 1, "layers": 1}}}

    def block(prefix, inner):
        return {prefix + "ln_1.weight": [w], prefix + "ln_1.bias": [w], prefix + "ln_2.weight": [w], prefix + "ln_2.bias": [w],
                prefix + "attn.in_proj_weight": [3 * w, w], prefix + "attn.in_proj_bias": [3 * w],
                prefix + "attn.out_proj.weight": [w, w], prefix + "attn.out_proj.bias": [w],
                prefix + "mlp.c_fc.weight": [inner, w], prefix + "mlp.c_fc.bias": [inner],
                prefix + "mlp.c_proj.weight": [w, inner], prefix + "mlp.c_proj.bias": [w]}
    shapes = {"visual.class_embedding": [w], "visual.positional_embedding": [grid * grid + 1, w], "visual.proj": [w, w],
              "visual.conv1.weight": [w, 3, patch, patch], "positional_embedding": [context, w], "text_projection": [w, w],
              "token_embedding.weight": [vocab, w]}
    for name in ("visual.ln_pre", "visual.ln_post", "ln_final"):
        shapes |= {name + ".weight": [w], name + ".bias": [w]}
    shapes |= block("visual.transformer.resblocks.0.", mlp) | block("transformer.resblocks.0.", 4 * w)
    return config, shapes


def safetensors(shapes):
    """Small numbers that differ, as float32."""
    head, data = {}, b""
    for name, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        values = struct.pack(f"<{count}f", *(((i * 2654435761) % 1000 - 500) / 5000 for i in range(count)))
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


if __name__ == "__main__":
    unittest.main()
