"""Builds that are not the everyday one: with parts left out, by other compilers, and twice, to see that they are bit-identical. Minutes."""
import filecmp
import os
import shutil
import subprocess
import tempfile

SOURCE = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
PICTURE = os.path.join(SOURCE, "assets", "pictures", "dog.jpg")


def call(*command, code=0, **environment):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env={**os.environ, **environment})
    if done.returncode != code:
        raise AssertionError(f"{' '.join(command)}\nended with {done.returncode}, not {code}\n{done.stdout[-3000:]}")
    return done.stdout


def build(folder, *options, source=SOURCE, **environment):
    call("meson", "setup", folder, source, "-Dtests=disabled", "--werror", *options, **environment)
    call("ninja", "-C", folder)
    return os.path.join(folder, "clip-surgeon")


def libraries(folder):
    return "".join(call("ldd", os.path.join(folder, n)) for n in ("clip-surgeon", "libclip-surgeon.so"))


def maps(binary, *options):
    said = call(binary, "points", PICTURE, "dog", *options)
    assert "point_coords" in said, said


def without(feature, library, what_is_told=None):
    """Such a build has not the library, makes points all the same, and says what it cannot do."""
    def check(folder):
        binary = build(folder, f"-D{feature}=disabled")
        assert library not in libraries(folder), library
        maps(binary)
        if what_is_told:
            command, code, words = what_is_told
            said = call(binary, *command, code=code)
            assert words in said, said
    return check


def compilers(c, cpp):
    def check(folder):
        if not shutil.which(c) or not shutil.which(cpp):
            return f"{c} or {cpp} is not installed"
        maps(build(folder, CC=c, CXX=cpp), "--device=reference", "--size=96")
    return check


def ranks(folder):
    if not shutil.which("mpirun"):
        return "mpirun is not installed (libopenmpi-dev, openmpi-bin)"
    binary = build(folder, "-Dmpi=enabled")
    call("python3", os.path.join(SOURCE, "tests", "cli", "test_ranks.py"), CSG_BINARY=binary, CSG_RANKS="mpi")
    maps(binary)  # without mpirun, MPI is not started


def reproducible(folder):
    products = []
    for place in ("one", "another-place"):
        tree = os.path.join(folder, place)
        shutil.copytree(SOURCE, tree, ignore=shutil.ignore_patterns("build*", ".git", "demo-output", "__pycache__"))
        build(os.path.join(tree, "build"), source=tree)
        products.append(os.path.join(tree, "build"))
    for name in ("clip-surgeon", "libclip-surgeon.so", "libclip-surgeon.a"):
        assert filecmp.cmp(os.path.join(products[0], name), os.path.join(products[1], name), shallow=False), f"{name} differs"


# (name, check): a check gets an empty folder, raises where something is wrong, and returns why it could not be done, or None.
ROWS = [
    ("without the viewer", without("viewer", "libglfw", (["view"], 2, "built without the viewer"))),
    ("without libav", without("libav", "libav")),
    ("without libcurl", without("libcurl", "libcurl", (["model", "pull", "ViT-B-16"], 1, "built without libcurl"))),
    ("without CLBlast", without("clblast", "libclblast")),
    ("with MPI", ranks),
    ("gcc", compilers("gcc", "g++")),
    ("clang", compilers("clang", "clang++")),
    ("clang, and g++ for the viewer", compilers("clang", "g++")),
    ("two builds are bit-identical", reproducible),
]


def run(names=()):
    """(passed, failed, skipped): a build is a case."""
    total = [0, 0, 0]
    print("\nbuilds")
    for name, check in ROWS:
        if names and not any(n in name for n in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                why = check(os.path.join(folder, "b"))
            except AssertionError as wrong:
                total[1] += 1
                print(f"  {name}: FAILED: {wrong}", flush=True)
                continue
        total[2 if why else 0] += 1
        print(f"  {name}: " + ("skipped: " + why if why else "ok"), flush=True)
    return tuple(total)


if __name__ == "__main__":
    import sys
    passed, failed, skipped = run(sys.argv[1:])
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)
