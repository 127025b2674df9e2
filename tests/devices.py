"""The OpenCL implementations that tests can run on: one row each, how it is found, and what it runs.

Each is tried alone, in processes whose ICD loader sees nothing else: two compilers in one process can upset each other, and a result
belongs to one implementation.
"""
import glob
import json
import os
import shutil
import subprocess
import sys

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
SYSTEM_VENDORS = "/etc/OpenCL/vendors"
GIB = 1 << 30


class Row:
    """cases: "all", or "small" for what is much slower. forced: also with the limits and quirks that other devices have.
    goldens: the sets of golden cases. slow: {class: (operator, text)} of which only cases with the text in their description run, but for
    --long. command: put before the program's name. long: only with --long. alone: it covers every kernel where there is nothing else."""

    def __init__(self, name, library, cases="all", forced=False, goldens=(), environment=None, command=(), options=(), long=False,
                 classes=("cpu", "gpu"), slow=None, alone=False, note=""):
        self.name, self.library, self.cases, self.forced, self.goldens = name, library, cases, forced, goldens
        self.environment, self.command, self.options, self.long, self.classes = environment or {}, list(command), list(options), long, classes
        self.slow, self.alone, self.note = slow or {}, alone, note


MINI = ("mini-112", "mini-176")
ROWS = [
    Row("pocl", "libpocl", forced=True, goldens=MINI, alone=True),  # its b16 is a test of meson's
    Row("intel", "libintelocl", forced=True, goldens=MINI + ("b16-224",)),
    # llvmpipe runs the one work-item of a group of one in a vector of eight, and its compiler takes two minutes for the register tiles
    # of heads of 32 channels, which a user meets only by forcing the class.
    Row("rusticl", "libRusticlOpenCL", cases="small", goldens=MINI, environment={"RUSTICL_ENABLE": "llvmpipe"},
        slow={"cpu": ("attention", "heads of 64")}),
    # A thousand times slower. CLBlast's own kernels would be most of the time: what is checked are ours.
    # --uninitialized knows nothing of LLVM's freeze, which its own optimiser puts in.
    Row("oclgrind", None, cases="small", goldens=MINI[:1], command=["oclgrind", "--data-races", "--global-mem-size", str(GIB)],
        options=["--tight", "--quirks", "no-clblast"], long=True),
]


def intel_folder():
    done = subprocess.run([sys.executable, os.path.join(SOURCE, "tools", "intel_runtime.py"), "--where"], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def icd_files():
    """{path: library named in it} of the system's, and of Intel's where it was installed for tests."""
    found = {}
    for path in sorted(glob.glob(os.path.join(SYSTEM_VENDORS, "*.icd")) + glob.glob(os.path.join(intel_folder(), "vendors", "*.icd"))):
        with open(path, encoding="utf-8", errors="replace") as f:
            found[path] = f.readline().strip()
    return found


def rows():
    """The table, and a row for every other driver of the system, a graphics card's for example, that has a device."""
    others = [(path, library) for path, library in icd_files().items()
              if not any(r.library and r.library in os.path.basename(library) for r in ROWS)]
    return ROWS + [Row(os.path.splitext(os.path.basename(path))[0], os.path.basename(library), forced=True, goldens=MINI + ("b16-224",),
                       note="other") for path, library in others]


# Mesa's older OpenCL, Clover, has no device here, but loads and unloads its drivers whenever devices are listed. What such a driver kept
# (on some processors a list of caches) is a leak from an unloaded library, whose name no suppression of a leak checker can match.
UNLOADS = ("libMesaOpenCL",)


def without_unloading(work):
    """A folder for OCL_ICD_VENDORS with every driver of the system but those."""
    vendors = os.path.join(work, "vendors-without-unloading")
    shutil.rmtree(vendors, ignore_errors=True)
    os.makedirs(vendors)
    for path, library in icd_files().items():
        if path.startswith(SYSTEM_VENDORS) and not os.path.basename(library).startswith(UNLOADS):
            shutil.copy(path, vendors)
    return vendors


def environment(row, work):
    """The environment for this row's processes, or None and why there is none."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CSG_") and k not in ("LD_LIBRARY_PATH", "OCL_ICD_FILENAMES")}
    env.update(row.environment)
    vendors = os.path.join(work, "vendors-" + row.name)
    shutil.rmtree(vendors, ignore_errors=True)
    os.makedirs(vendors)
    env["OCL_ICD_VENDORS"] = vendors
    if row.library is None:  # a tool that is an implementation by itself
        if not shutil.which(row.command[0]):
            return None, f"{row.command[0]} is not installed"
        del env["OCL_ICD_VENDORS"]
        return env, ""
    for path, library in icd_files().items():
        if row.library in os.path.basename(library):
            shutil.copy(path, vendors)
            if path.startswith(intel_folder()):
                env["LD_LIBRARY_PATH"] = os.path.join(intel_folder(), "lib")
            return env, ""
    return None, f"no .icd file names {row.library}"


def together(names, work):
    """The environment for processes that see these rows' implementations beside each other, or None and why there is none."""
    found = [environment(row, work) for row in ROWS if row.name in names]
    if not all(env for env, _ in found):
        return None, "; ".join(why for _, why in found if why)
    vendors, merged = os.path.join(work, "vendors-" + "-".join(names)), {}
    shutil.rmtree(vendors, ignore_errors=True)
    os.makedirs(vendors)
    for env, _ in found:
        merged |= env
        for name in os.listdir(env["OCL_ICD_VENDORS"]):
            shutil.copy(os.path.join(env["OCL_ICD_VENDORS"], name), vendors)
    return merged | {"OCL_ICD_VENDORS": vendors}, ""


def usable(row, env, build):
    """Why the driver, though installed, has no device that can be used; or an empty string."""
    done = subprocess.run(row.command + [os.path.join(build, "clip-surgeon"), "devices", "--json"], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        devices = json.loads(done.stdout)["devices"]
    except ValueError:
        return f"listing its devices failed (exit {done.returncode}): " + done.stderr.strip()[-300:]
    if any(d["usable"] for d in devices):
        return ""
    said = " ".join((done.stderr or "").split())[-300:]
    return "; ".join(d["verdict"] for d in devices) or "it has no device" + (": " + said if said else "")
