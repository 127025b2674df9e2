"""The memory that a model takes, and what is said where there is too little of it. The models are as large as published ones, but
their files are hollow: a header, and a hole that reads as zeros."""
import json, os, struct, subprocess, unittest

from support import BINARY, CONFIG, CliTest, MEMORY, SANITIZED, WEIGHTS, environment, png

VOCAB, CONTEXT = 49408, 77
#        embed  image  patch  width  layers  heads  MLP  text: width  layers  heads
SIZES = {"L-14": (768, 224, 14, 1024, 24, 64, 4096, 768, 12, 12),
         "H-14": (1024, 224, 14, 1280, 32, 80, 5120, 1024, 24, 16), "g-14": (1024, 224, 14, 1408, 40, 88, 6144, 1024, 24, 16)}


def shapes(name):
    embed, image, patch, width, layers, _, mlp, text_width, text_layers, _ = SIZES[name]
    found = {"visual.class_embedding": [width], "visual.positional_embedding": [(image // patch) ** 2 + 1, width],
             "visual.proj": [width, embed], "visual.conv1.weight": [width, 3, patch, patch], "text_projection": [text_width, embed],
             "positional_embedding": [CONTEXT, text_width], "token_embedding.weight": [VOCAB, text_width], "logit_scale": []}
    for norm, w in (("visual.ln_pre", width), ("visual.ln_post", width), ("ln_final", text_width)):
        found |= {norm + ".weight": [w], norm + ".bias": [w]}
    for tower, w, inner, count in (("visual.transformer", width, mlp, layers), ("transformer", text_width, 4 * text_width, text_layers)):
        for block in (f"{tower}.resblocks.{i}." for i in range(count)):
            for part, shape in (("ln_1", [w]), ("ln_2", [w]), ("attn.in_proj", [3 * w, w]), ("attn.out_proj", [w, w]),
                                ("mlp.c_fc", [inner, w]), ("mlp.c_proj", [w, inner])):
                dot = "_" if part == "attn.in_proj" else "."
                found |= {f"{block}{part}{dot}weight": shape, f"{block}{part}{dot}bias": shape[:1]}
    return found


def count(shape):
    n = 1
    for side in shape:
        n *= side
    return n


def hollow(folder, name):
    """The bytes that the weights take in half precision."""
    embed, image, patch, width, layers, head, mlp, text_width, text_layers, heads = SIZES[name]
    config = {"model_cfg": {"embed_dim": embed, "vision_cfg": {"image_size": image, "layers": layers, "width": width, "patch_size": patch,
                                                               "head_width": head, "mlp_ratio": mlp / width},
                            "text_cfg": {"context_length": CONTEXT, "vocab_size": VOCAB, "width": text_width, "heads": heads,
                                         "layers": text_layers}}}
    head, at = {}, 0
    for tensor, shape in shapes(name).items():
        head[tensor] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + 2 * count(shape)]}
        at += 2 * count(shape)
    os.makedirs(folder)
    with open(os.path.join(folder, CONFIG), "w") as f:
        json.dump(config, f)
    text = json.dumps(head).encode()
    with open(os.path.join(folder, WEIGHTS), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + at)
    return at


# Where tests fill what malloc gives, memory that is never used counts as resident.
UNTOUCHED = {"MALLOC_PERTURB_": None}


class Memory(CliTest):
    def setUp(self):
        super().setUp()
        self.write("photo.png", png(48, 32))

    def one_gib(self):
        """The options and the environment for an OpenCL device of 1 GiB: PoCL can be told that it has no more."""
        limit = {"POCL_MEMORY_LIMIT": "1", **UNTOUCHED}
        devices = json.loads(self.succeed("devices", "--json", env=limit).stdout)["devices"]
        small = [d for d in devices if d["usable"] and d["global_memory_bytes"] == 1 << 30]
        if not small:
            self.skipTest("skipped: no device here can be told to be small")
        return ["--device", str(small[0]["index"])], limit

    def hollow(self, name):
        """Outside the folder that is watched for changes, which would read all of it."""
        path = os.path.join(self.folder, name)
        return path, hollow(path, name)

    def test_what_is_missing_and_what_would_fit(self):
        device, limit = self.one_gib()
        for name, *words in (("L-14", "has 1073 MB, the weights of L-14 need 1710 MB in f32: 637 MB are missing",
                              "in f16 it would fit, with 932 MB"),
                             ("H-14", "need 3944 MB in f32: 2871 MB are missing", "no precision of this model fits"),
                             ("g-14", "need 5466 MB in f32: 4393 MB are missing", "no precision of this model fits")):
            self.fail_with(MEMORY, "map", "photo.png", "dog", "-o", "x.png", *device, "-m", self.hollow(name)[0], env=limit, words=words)

    def peak_mb(self, model, *args, env=None):
        """The most resident memory of a process. The second run has its kernels, but neither the text nor the file's hash."""
        self.succeed("map", "photo.png", "dog", "-m", model, *args, env=env)
        os.utime(os.path.join(model, WEIGHTS))
        command = [BINARY, "map", "photo.png", os.path.basename(self.folder), "-m", model, *args]
        process = subprocess.Popen(command, cwd=self.work, env=environment(self.home, env), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        self.assertEqual(process.returncode, 0, said)
        return usage.ru_maxrss * 1024 / 1e6

    @unittest.skipIf(SANITIZED, "skipped: a sanitizer takes memory of its own")
    def test_weights_are_in_memory_once(self):
        """PoCL's device memory is that of the process. What fits the small device, as said above, and how much f16 saves on it."""
        device, limit = self.one_gib()
        model, weights_bytes = self.hollow("L-14")
        arguments = ("-o", "x.png", "-y", "--templates", "none", "--size", "28", *device, "--precision")
        half_mb = self.peak_mb(model, *arguments, "f16", env=limit)
        single_mb = self.peak_mb(model, *arguments, "f32", env=UNTOUCHED)
        print("ViT-L/14, %.0f MB: peak %.0f MB in f16, %.0f MB in f32" % (weights_bytes / 1e6, half_mb, single_mb))
        self.assertLess(half_mb, 1.2 * weights_bytes / 1e6 + 200)
        self.assertLess(single_mb, 1.2 * 1710 + 200)
        self.assertGreater(single_mb - half_mb, 0.9 * (1710 - 932))


if __name__ == "__main__":
    unittest.main()
