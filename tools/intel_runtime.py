#!/usr/bin/env python3
"""Install Intel's OpenCL runtime for CPUs where only this project's tests find it.

    intel_runtime.py          install, if it is not there, and print its folder
    intel_runtime.py --where  print the folder that it is, or would be, in

Its libraries upset other OpenCL implementations, so nothing is put into the system: the folder is FOLDER/lib, with an .icd file in
FOLDER/vendors; a process that is to use it has OCL_ICD_VENDORS=FOLDER/vendors and LD_LIBRARY_PATH=FOLDER/lib. Three wheels of pinned
versions and digests are fetched by Debian's pip and unpacked; 300 MB to fetch, 700 MB on disk.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION = "2026.2.0"
WHEELS = {  # requirement: (SHA-256 of its wheel, the libraries that are needed of it)
    "intel-opencl-rt==2026.2.0": ("6b6215a420598b4999ee01caca6d5cbe106aa4155c46c52377619c5aafce9f67", r"(?!libOpenCL)[^/]+"),
    "intel-cmplr-lib-rt==2026.2.0": ("9f713083073a820d2496a6da8e8d4f3482aba6640f74521d25ea48dcebe72748", r"lib(imf|svml|irng)\.so|libintlc\.so\.5"),
    "tbb==2023.2.0": ("7d80615b6e970f11671fa05b6eaa9483ac864fbfe525ac280271a78b37870b7c", r"libtbb\.so\.12"),
}
PYTHON = "/usr/bin/python3"  # Debian's: another one that comes first in PATH may have no pip


def folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "clip-surgeon-devices", "intel-" + VERSION)


def download(into):
    requirements = os.path.join(into, "requirements.txt")
    with open(requirements, "w") as f:
        f.writelines(f"{name} --hash=sha256:{digest}\n" for name, (digest, _) in WHEELS.items())
    command = [PYTHON, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes", "-d", into, "-r", requirements]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("Intel's OpenCL runtime could not be fetched:\n" + done.stdout[-2000:])
    return sorted(os.path.join(into, n) for n in os.listdir(into) if n.endswith(".whl"))


def unpack(wheel, into):
    name = os.path.basename(wheel).split("-")[0].replace("_", "-")
    wanted = next(pattern for requirement, (_, pattern) in WHEELS.items() if requirement.split("==")[0] == name)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            found = re.fullmatch(r"[^/]+\.data/data/lib/(" + wanted + ")", entry)
            if found:
                with archive.open(entry) as source, open(os.path.join(into, found.group(1)), "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)


def install(place):
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(place)) as part:
        new, wheels = os.path.join(part, "new"), os.path.join(part, "wheels")
        for name in ("lib", "vendors"):
            os.makedirs(os.path.join(new, name))
        os.makedirs(wheels)
        for wheel in download(wheels):
            unpack(wheel, os.path.join(new, "lib"))
        with open(os.path.join(new, "vendors", "intel.icd"), "w") as f:
            f.write(os.path.join(place, "lib", "libintelocl.so") + "\n")
        if not os.path.exists(os.path.join(new, "lib", "libintelocl.so")):
            sys.exit("Intel's wheels do not hold libintelocl.so where it was expected")
        os.rename(new, place)


def main():
    if sys.argv[1:] not in ([], ["--where"]):
        sys.exit(__doc__)
    place = folder()
    if not sys.argv[1:] and not os.path.isdir(place):
        if platform.machine() not in ("x86_64", "AMD64"):
            print(f"Intel's OpenCL runtime is for x86-64, not for {platform.machine()}: left out", file=sys.stderr)
            return
        install(place)
    print(place)


if __name__ == "__main__":
    main()
