#!/usr/bin/env python3
"""The speed of clip-surgeon beside PyTorch, ONNX Runtime and OpenVINO on this machine; `./do bench` runs it.

    bench.py [--quick] [--work DIR [--part NAME...]] [--published DIR] [--wrap COMMAND] [--doc FILE]

All compute the same network, a ViT-B/16 of random weights with the second path on the last six blocks, with as many threads, in turn; a
time is the least of all. The rows, with the shares that are aimed at, are ROWS. What is not there - a precision, a runtime - is said.
--published DIR is a checkout of xmed-lab/CLIP_Surgery, which is then run beside the peers written here. --wrap runs every measurement
of ours behind a command, as `nice`. Needs torch, onnx, onnxscript, onnxruntime, openvino, numpy, Pillow and matplotlib.
"""
import argparse, datetime, json, os, platform, re, shlex, shutil, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import bench_report  # noqa: E402
import make_model  # noqa: E402

THREADS = os.cpu_count() or 1
ARCH, SEED = "b16", 1
LABELS, TEMPLATES, MAP_SIZE = 59, 85, (480, 640)
GROWTH_TEMPLATES = 5  # what grows is seen with few
DEMO = os.path.join(ROOT, "assets", "demo-model")


def watch_memory(pid, most):
    """Of a process, until it ends: what wait4 tells of it counts the process that it was made by as well."""
    try:
        while True:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
                found = re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.M)
            if not found:
                return
            most[0] = max(most[0], 1024 * int(found.group(1)))
            time.sleep(0.005)
    except OSError:
        pass


class Ours:
    """clip-surgeon, as a process of its own each time."""

    def __init__(self, binary, model, folder, wrap):
        self.binary, self.model, self.wrap = binary, model, shlex.split(wrap or "")
        self.environment = os.environ | {"XDG_CACHE_HOME": os.path.join(folder, "cache")}
        self.folder = folder

    def run(self, *words, model=None):
        """(document, seconds, peak memory in bytes), or a sentence where it fails."""
        start = time.perf_counter()
        child = subprocess.Popen([*self.wrap, self.binary, *words, "-m", model or self.model, "--json"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.environment)
        most = [0]
        watch = threading.Thread(target=watch_memory, args=(child.pid, most))
        watch.start()
        out, err = child.communicate()
        seconds = time.perf_counter() - start
        watch.join()
        if child.returncode:
            lines = err.decode(errors="replace").strip().splitlines()
            return (lines[-1].removeprefix("clip-surgeon: ") if lines else f"it ended with {child.returncode}"), seconds, 0
        return json.loads(out), seconds, most[0]

    def devices(self):
        out = subprocess.run([self.binary, "devices", "--json"], stdout=subprocess.PIPE, env=self.environment, check=True).stdout
        return json.loads(out)["devices"]

    def encode(self, size, precision="f32", runs=3, *more):
        return self.run("bench", "--size", str(size), "--precision", precision, "--runs", str(runs), "--no-texts", "--no-reference",
                        *more)[0]


def least(function, runs):
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


class Peers:
    """The encoders of the others: name -> a function of a picture."""

    def __init__(self, folder, state):
        import torch
        import peer_models
        self.torch, self.models, self.state, self.folder = torch, peer_models, state, folder
        torch.set_num_threads(THREADS)
        self.versions = {"PyTorch": torch.__version__}
        self.towers = {}

    def tower(self, size):
        if size not in self.towers:
            self.towers[size] = self.models.ImageTower(self.state, ARCH, size).eval()
        return self.towers[size]

    def check(self, size):
        """The network is the published one: the goldens' tokens come out."""
        import numpy as np
        golden = os.path.join(ROOT, "tests", "golden", f"b16-{size}")
        want = np.load(os.path.join(golden, "surgery_tokens.npy"))
        with open(os.path.join(golden, "golden.json"), encoding="utf-8") as f:
            step = json.load(f)["token_step"]
        with self.torch.no_grad():
            got = self.tower(size)(self.models.picture_tensor(os.path.join(golden, "resized.png"), size))[0, ::step].numpy()
        error = float(abs(got - want).max())
        if not error < 1e-5:
            sys.exit(f"the peers' network differs from the goldens at {size} px by {error:.1e}")
        return error

    def exported(self, size):
        path = os.path.join(self.folder, f"b16-{size}.onnx")
        if not os.path.exists(path):
            self.torch.onnx.export(self.tower(size), (self.torch.zeros(1, 3, size, size),), path, input_names=["picture"],
                                   output_names=["tokens"], dynamo=True, external_data=False, verbose=False)
        return path

    def encoders(self, size, precision):
        """name -> function without arguments that encodes another picture each time; or a sentence where it is not there."""
        torch, made = self.torch, {}
        pictures = [torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(i)) for i in range(4)]
        turn = [0]

        def picture():
            turn[0] += 1
            return pictures[turn[0] % len(pictures)]
        if precision == "f32":
            tower = self.tower(size)

            def pytorch():
                with torch.no_grad():
                    tower(picture())
            made["PyTorch"] = pytorch
            try:
                import onnxruntime
                self.versions["ONNX Runtime"] = onnxruntime.__version__
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = THREADS
                session = onnxruntime.InferenceSession(self.exported(size), options, providers=["CPUExecutionProvider"])
                made["ONNX Runtime"] = lambda: session.run(None, {"picture": picture().numpy()})
            except Exception as e:  # whatever keeps a peer from running leaves its cell empty
                made["ONNX Runtime"] = f"not there: {str(e).splitlines()[0][:200]}"
        try:
            import openvino
            self.versions["OpenVINO"] = openvino.__version__
            core = openvino.Core()
            able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            if precision != "f32" and precision.upper() not in able:
                made["OpenVINO"] = f"not there: this processor has no {precision} for it"
                return made
            compiled = core.compile_model(core.read_model(self.exported(size)), "CPU",
                                          {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY",
                                           "INFERENCE_PRECISION_HINT": {"f32": "f32", "bf16": "bf16"}[precision]})
            request = compiled.create_infer_request()
            made["OpenVINO"] = lambda: request.infer({0: picture().numpy()})
        except Exception as e:
            made["OpenVINO"] = f"not there: {str(e).splitlines()[0][:200]}"
        return made


def encode_rows(ours, peers, size, precision, rounds, runs, log):
    """Interleaved: (our document or a sentence, name -> ms or a sentence)."""
    encoders, best, times = peers.encoders(size, precision), None, {}
    for name, encode in encoders.items():
        if not isinstance(encode, str):
            encode()
    for turn in range(rounds):
        document = ours.encode(size, precision, runs)
        if isinstance(document, str):
            best = best or document
        elif not isinstance(best, dict) or document["encode_ms"]["min"] < best["encode_ms"]["min"]:
            best = document
        for name, encode in encoders.items():
            times[name] = encode if isinstance(encode, str) else min(times.get(name, float("inf")), least(encode, runs))
        log(f"{precision} {size} px, round {turn + 1}: " + ", ".join(
            f"{n} {v:.1f}" if not isinstance(v, str) else f"{n} -" for n, v in
            [("ours", best["encode_ms"]["min"] if isinstance(best, dict) else best), *times.items()]))
    return best, times


def prompts(torch, texts):
    """As long as the published prompts are, which the padded tower does not see: it computes 77 tokens of each."""
    made = []
    for t in range(texts):
        ids = torch.zeros(TEMPLATES, 77, dtype=torch.long)
        ids[:, :11] = torch.randint(1, 40000, (TEMPLATES, 11), generator=torch.Generator().manual_seed(t))
        ids[:, 11] = make_model.VOCAB - 1
        made.append(ids)
    return made


def published_functions(folder):
    """The published code itself, as it is."""
    import types
    import packaging.version
    sys.modules.setdefault("pkg_resources", types.SimpleNamespace(packaging=packaging))
    sys.path.insert(0, folder)
    import clip
    import clip.build_model as build
    return clip, build


def method_peers(peers, a, log, steps):
    """These steps of the method, in milliseconds: ours in PyTorch, and the published code's where it is there."""
    torch, m, quick = peers.torch, peers.models, a.quick
    texts = 1 if quick else 3
    tower, tokens = m.TextTower(peers.state, ARCH).eval() if "text" in steps else None, torch.nn.functional.normalize(torch.randn(1, 197, 512), dim=-1)
    features = torch.nn.functional.normalize(torch.randn(LABELS, 512), dim=-1)
    out = {}
    with torch.no_grad():
        if tower:
            m.ensemble(tower, prompts(torch, 1))
        similarity = m.feature_surgery(tokens, features)
        work = {"text": (lambda: m.ensemble(tower, prompts(torch, texts)), 1), "surgery": (lambda: m.feature_surgery(tokens, features), 9),
                "maps": (lambda: m.finished_maps(similarity[:, 1:], *MAP_SIZE), 9)}
        theirs = {}
        if a.published:
            clip, build = published_functions(a.published)
            names, picture = [f"label {i}" for i in range(texts)], torch.randn(1, 3, 224, 224)
            if tower:
                model = build.build_model("CS-ViT", dict(peers.state)).float().eval()
                model.encode_image(picture)
                clip.encode_text_with_prompt_ensemble(model, names[:1], "cpu")
            work["encoder"] = (lambda: peers.tower(224)(picture), 5)
            theirs = {"text": lambda: clip.encode_text_with_prompt_ensemble(model, names, "cpu"),
                      "surgery": lambda: clip.clip_feature_surgery(tokens, features),
                      "maps": lambda: clip.get_similarity_map(similarity[:, 1:], MAP_SIZE), "encoder": lambda: model.encode_image(picture)}
        for name, (own, runs) in work.items():
            if name not in steps:
                continue
            scale, best = LABELS / texts if name == "text" else 1.0, [float("inf"), float("inf")]
            for _ in range(runs):  # in turn, for what is in memory decides much
                best[0] = min(best[0], least(own, 1) * scale)
                if name in theirs:
                    best[1] = min(best[1], least(theirs[name], 1) * scale)
            out[name] = best[0]
            if name in theirs:
                out.setdefault("published", {})[name] = best[1]
    log(", ".join(f"{k} {v:.1f} ms" for k, v in out.items() if k != "published"))
    return out


def method_ours(ours, folder, quick, log):
    """Text, maps, the cache and the start, in milliseconds."""
    picture, out = os.path.join(ROOT, "tests", "golden", "bench.png"), {}
    bench = [ours.run("bench", "--size", "224", "--runs", "1", "--no-reference")[0] for _ in range(1 if quick else 2)]
    out["text"], out["map"] = min(b["text_ms"] for b in bench), min(b["map_ms"] for b in bench)

    def heat(model, *more):
        document, seconds, _ = ours.run("map", picture, "bench", "-q", "-y", "-o", os.path.join(folder, "heat.png"), *more, model=model)
        return document["stages_ms"]["text"], seconds * 1e3
    heat(ours.model, "--labels", "pascal59")
    out["cached"] = min(heat(ours.model, "--labels", "pascal59")[0] for _ in range(3))
    half = os.path.join(folder, "b16-f16")
    while time.time() - os.stat(os.path.join(half, "open_clip_model.safetensors")).st_mtime < 5:
        time.sleep(1)  # the hash of a file that has just been written is not kept
    heat(half)
    out["first"] = min(heat(half)[1] for _ in range(2 if quick else 4))
    log(", ".join(f"{k} {v:.1f} ms" for k, v in out.items()))
    return out


def growth(ours, folder, quick, log):
    """Time and memory over tokens and over texts."""
    tokens, texts = [], []
    for size in (112, 224, 512) if quick else (112, 160, 224, 320, 448, 512, 768, 1024):
        document, _, memory = ours.run("bench", "--size", str(size), "--runs", "1" if size > 512 else "3", "--no-texts", "--no-reference")
        tokens.append((document["tokens"], document["encode_ms"]["min"], memory))
        log(f"{document['tokens']} tokens: {tokens[-1][1]:.1f} ms, {memory / 1e6:.0f} MB")
    with open(os.path.join(ROOT, "assets", "labels", "imagenet1000.txt"), encoding="utf-8") as f:
        names = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    templates = os.path.join(folder, "templates.txt")
    with open(os.path.join(ROOT, "assets", "templates.txt"), encoding="utf-8") as f:
        few = [line for line in f if "{}" in line][:GROWTH_TEMPLATES]
    with open(templates, "w", encoding="utf-8") as f:
        f.writelines(few)
    for count in (1, 10, 59) if quick else (1, 3, 10, 30, 100, 300, 1000):
        path = os.path.join(folder, f"{count}.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(names[:count]) + "\n")
        document, _, memory = ours.run("bench", "--labels", path, "--templates", templates, "--runs", "1", "--no-reference")
        texts.append((count, document["text_ms"], document["map_ms"], memory))
        log(f"{count} texts: {texts[-1][1]:.0f} ms, maps {texts[-1][2]:.1f} ms, {memory / 1e6:.0f} MB")
    return {"tokens": tokens, "texts": texts}


def batches(ours, quick, log):
    """Pictures that go through the encoder of the demo model together: (how many, ms of each, memory)."""
    made = []
    for count in (1, 4, 32) if quick else (1, 2, 4, 8, 16, 32):
        words = ("bench", "--batch", str(count), "--runs", "20", "--no-texts", "--no-reference")
        ours.run(*words, model=DEMO)  # compiles, which takes memory as well
        document, _, memory = ours.run(*words, model=DEMO)
        made.append((count, document["encode_ms"]["min"] / count, memory))
        log(f"{count} together: {made[-1][1]:.2f} ms a picture, {memory / 1e6:.0f} MB")
    return made


def devices_growth(ours, folder, quick, log):
    """A folder of pictures through the demo model on each OpenCL platform that the tests know, and on all in one process: (platforms,
    pictures a second, pictures that each took)."""
    sys.path.insert(0, os.path.join(ROOT, "tests"))
    import devices
    pictures = os.path.join(folder, "pictures")
    shutil.rmtree(pictures, ignore_errors=True)
    os.makedirs(pictures)
    own = Ours(ours.binary, DEMO, folder, shlex.join(ours.wrap))
    there = [name for name in ("pocl", "intel") if devices.together((name,), folder)[0]]
    own.environment |= devices.together(there, folder)[0] | {"XDG_CACHE_HOME": os.path.join(folder, "cache-together")}
    for i in range(12 if quick else 96):
        shutil.copy(os.path.join(ROOT, "tests", "golden", "bench.jpg"), os.path.join(pictures, f"{i:03}.jpg"))

    def run(device):
        return own.run("map", pictures, "bench", "--device", device, "-q", "-y", "-o", os.path.join(folder, "maps"))[0]
    alone, made = [str(d["index"]) for d in own.devices() if d["usable"]], []
    for spec in alone + (["all"] if len(alone) > 1 else []):
        run(spec)  # compiles
        document = min((run(spec) for _ in range(1 if quick else 3)), key=lambda d: d["ms"])
        made.append((" + ".join(d["platform"] for d in document["devices"]), 1e3 * len(document["pictures"]) / document["ms"],
                     [d["pictures"] for d in document["devices"]]))
        log(f"{made[-1][0]}: {made[-1][1]:.1f} pictures a second, {made[-1][2]}")
    return made


def machine():
    about = {"processor": platform.processor() or platform.machine(), "threads": THREADS, "system": platform.platform()}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            lines = f.read().splitlines()
        about["processor"] = next(l.split(":", 1)[1].strip() for l in lines if l.startswith("model name"))
        flags = next(l for l in lines if l.startswith("flags")).split()
        about["flags"] = [f for f in ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16") if f in flags]
    except (OSError, StopIteration):
        about["flags"] = []
    return about


def prepare(a):
    """Model and exported networks in the working folder, so that what follows is measuring alone."""
    if not a.model:
        a.model = os.path.join(a.work, "b16")
    for folder, dtype in ((a.model, "f32"), (os.path.join(a.work, "b16-f16"), "f16")):
        if not os.path.exists(os.path.join(folder, "open_clip_config.json")):
            subprocess.run([sys.executable, os.path.join(HERE, "make_model.py"), ARCH, folder, "--seed", str(SEED), "--dtype", dtype],
                           check=True, stdout=subprocess.DEVNULL)
    import peer_models
    import torch
    kept = os.path.join(a.work, "state.pt")
    if not os.path.exists(kept):
        torch.save(peer_models.state_of(ARCH, SEED), kept)
    return Ours(a.binary, a.model, a.work, a.wrap), Peers(a.work, torch.load(kept, mmap=True))


def encode_part(precision, size):
    def measure(ours, peers, a):
        rounds, runs = (2, 2) if a.quick else (a.rounds, a.runs)
        best, times = encode_rows(ours, peers, size, precision, rounds, runs, log)
        return {"ours": best, "peers": times}
    return measure


def error_part(ours, peers, a):
    """precision -> how far tokens and maps at 224 px are from the reference's in single precision, or a sentence."""
    import numpy as np
    picture, out = os.path.join(ROOT, "tests", "golden", "bench.png"), {}

    def maps(*more):
        path = os.path.join(a.work, "maps.npy")
        document = ours.run("map", picture, "bench", "person", "dog", "grass", "sky", "--size", "224", "-q", "-y", "--npy", path, "-o",
                            os.path.join(a.work, "heat.png"), *more)[0]
        return document if isinstance(document, str) else np.load(path).astype(np.float64).reshape(5, -1)
    want = maps("--device", "reference")
    for precision in ("f32", "f16", "bf16"):
        document, got = ours.run("bench", "--size", "224", "--runs", "1", "--no-texts", "--precision", precision)[0], maps("--precision", precision)
        if isinstance(document, str) or isinstance(got, str):
            out[precision] = document if isinstance(document, str) else got
            continue
        out[precision] = {"tokens": document["error"], "share": max(float(np.abs(g - w).max() / np.ptp(w)) for g, w in zip(got, want)),
                          "apart": max(1.0 - float(np.corrcoef(g, w)[0, 1]) for g, w in zip(got, want))}
        log(f"{precision}: {out[precision]}")
    return out


def intel_part(ours, peers, a):
    """On Intel's OpenCL runtime for CPUs, which is found, and is alone, as the tests have it."""
    sys.path.insert(0, os.path.join(ROOT, "tests"))
    import devices
    env, _ = devices.environment(next(row for row in devices.ROWS if row.name == "intel"), a.work)
    if env is None:
        return "Intel's runtime is not there: `./do setup --all-devices` fetches it"
    alone = Ours(a.binary, a.model, a.work, a.wrap)
    alone.environment = env | {"XDG_CACHE_HOME": os.path.join(a.work, "cache-intel")}
    alone.encode(224, "f32", 1)  # compiles
    return alone.encode(224, "f32", a.runs)


PARTS = {
    "check": lambda ours, peers, a: max(peers.check(size) for size in SIZES),
    "f32-224": encode_part("f32", 224),
    "f32-512": encode_part("f32", 512),
    "bf16-224": encode_part("bf16", 224),
    "bf16-512": encode_part("bf16", 512),
    "intel": intel_part,
    "error": error_part,
    "peers": lambda ours, peers, a: method_peers(peers, a, log, ("text", "surgery", "maps", "encoder")),
    "maps": lambda ours, peers, a: method_peers(peers, a, log, ("surgery", "maps")),
    "ours": lambda ours, peers, a: method_ours(ours, a.work, a.quick, log),
    "growth": lambda ours, peers, a: growth(ours, a.work, a.quick, log),
    "batch": lambda ours, peers, a: batches(ours, a.quick, log),
    "devices": lambda ours, peers, a: devices_growth(ours, a.work, a.quick, log),
}
OPTIONAL = ("growth", "batch", "devices")
SIZES = (224, 512)


def log(line):
    print(line, file=sys.stderr, flush=True)


def least_of(old, new):
    """Times that were measured again: the least counts, for ours and theirs."""
    if isinstance(new, dict) and isinstance(old, dict):
        return old | {k: least_of(old.get(k), v) for k, v in new.items()}
    return min(old, new) if isinstance(old, float) and isinstance(new, float) else new


def kept_figures(work):
    path = os.path.join(work, "figures.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def measure(a, part):
    """In a process of its own: a peer's libraries change how the others get memory."""
    ours, peers = prepare(a)
    ours.run("map", os.path.join(ROOT, "tests", "golden", "bench.png"), "bench", "-q", "-y", "-o", os.path.join(a.work, "heat.png"))
    figures = kept_figures(a.work)
    figures[part] = least_of(figures.get(part) if part in ("ours", "peers") else None, PARTS[part](ours, peers, a))
    figures |= {"machine": machine(), "date": datetime.date.today().isoformat(), "versions": figures.get("versions", {}) | peers.versions}
    with open(os.path.join(a.work, "figures.json"), "w", encoding="utf-8") as f:
        json.dump(figures, f, indent=1)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--binary", default=os.path.join(ROOT, "build", "clip-surgeon"))
    ap.add_argument("--model", help="the checkpoint of `make_model.py b16`, where it is there")
    ap.add_argument("--rounds", type=int, default=4)
    ap.add_argument("--runs", type=int, default=4, help="of each in a round")
    ap.add_argument("--quick", action="store_true", help="two rounds, fewer points: to see that it works")
    ap.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="with --work: these alone, beside what was measured before")
    ap.add_argument("--work", help="a folder that keeps models, exported networks and figures")
    ap.add_argument("--published", help="a checkout of the published code, to be measured beside")
    ap.add_argument("--wrap", help="a command that ours runs behind")
    ap.add_argument("--doc", default=os.path.join(ROOT, "docs", "benchmarks.md"))
    a = ap.parse_args()
    own = None if a.work else tempfile.mkdtemp(prefix="clip-surgeon-bench-")
    a.work = a.work or own
    try:
        os.makedirs(a.work, exist_ok=True)
        if len(a.part) == 1:
            measure(a, a.part[0])
        for part in a.part if len(a.part) > 1 else ():
            words = [w for name in ("binary", "model", "rounds", "runs", "published", "wrap", "doc") if getattr(a, name) is not None
                     for w in ("--" + name, str(getattr(a, name)))]
            subprocess.run([sys.executable, __file__, *words, *["--quick"] * a.quick, "--work", a.work, "--part", part], check=True,
                           stdout=subprocess.DEVNULL)
        figures = kept_figures(a.work)
        missing = [p for p in PARTS if p not in figures and p not in OPTIONAL]
        print(f"not measured yet: {', '.join(missing)}" if missing else bench_report.write(figures, a.doc))
    finally:
        if own:
            shutil.rmtree(own, ignore_errors=True)


if __name__ == "__main__":
    main()
