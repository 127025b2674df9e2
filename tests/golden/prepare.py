#!/usr/bin/env python3
"""Write the models that golden cases need, then run a test on them.

    prepare.py MODELS GOLDEN_ROOT CASE... -- COMMAND...

Models are generated with tools/make_model.py into the folder MODELS once, whatever runs at the same time, and the SHA-256 of the weights
is held against golden.json at every start. COMMAND replaces this process.
"""
import fcntl, hashlib, json, os, shutil, subprocess, sys

MAKE_MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "make_model.py")


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def model_name(about):
    width = about.get("head_width", 64)
    return (f"{about['arch']}-seed-{about['seed']}" + ("-gelu" if about.get("exact_gelu") else "")
            + (f"-head-{width}" if width != 64 else "") + ("-explain" if about.get("explain") else ""))


def prepare(models, about):
    folder = os.path.join(models, model_name(about))
    if not os.path.isdir(folder):
        part = folder + ".part"
        shutil.rmtree(part, ignore_errors=True)
        command = [sys.executable, MAKE_MODEL, about["arch"], part, "--seed", str(about["seed"]),
                   "--head-width", str(about.get("head_width", 64))]
        command += [option for key, option in (("exact_gelu", "--exact-gelu"), ("explain", "--explain")) if about.get(key)]
        subprocess.run(command, check=True)
        os.rename(part, folder)
    found = sha256(os.path.join(folder, "open_clip_model.safetensors"))
    if found != about["model_sha256"]:
        sys.exit(f"{folder}: the weights have SHA-256 {found}, but {about['model_sha256']} was expected; delete the folder")


def main():
    models, root, *rest = sys.argv[1:]
    at = rest.index("--")
    cases, command = rest[:at], rest[at + 1:]
    os.makedirs(models, exist_ok=True)
    with open(os.path.join(models, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        seen = set()
        for case in cases:
            with open(os.path.join(root, case, "golden.json"), encoding="utf-8") as f:
                about = json.load(f)
            if model_name(about) not in seen:
                prepare(models, about)
                seen.add(model_name(about))
    sys.stdout.flush()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
