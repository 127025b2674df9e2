"""The public header of the installed library as cffi's declarations: nothing is declared twice.

The library is found by pkg-config (PKG_CONFIG: another command, with options). What is written is plain Python; no compiler is needed.
"""
import os
import re
import shlex
import subprocess
import sys

from cffi import FFI

sys.dont_write_bytecode = True


def ask(*what):
    command = [*shlex.split(os.environ.get("PKG_CONFIG", "pkg-config")), *what, "clip-surgeon"]
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        sys.exit("the library clip-surgeon is not installed (pkg-config does not know it); "
                 "PKG_CONFIG_PATH can name the folder of clip-surgeon.pc")


def version():
    return ask("--modversion")


def header():
    with open(os.path.join(ask("--variable=includedir"), "clip_surgeon", "clip_surgeon.h"), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", text, flags=re.M | re.S)
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    return text.replace("CSG_API ", "")


def ffi():
    made = FFI()
    major, minor = version().split(".")[:2]
    made.cdef(header() + f"\n#define CSG_BUILT_MAJOR {major}\n#define CSG_BUILT_MINOR {minor}\n")
    made.set_source("clip_surgeon._header", None)
    return made
