"""Installs the build folder's products under a folder of the caller's, and says how to build and run against them."""
import os, re, shlex, subprocess, sys, tempfile

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HEADER = os.path.join(SOURCE, "include", "clip_surgeon", "clip_surgeon.h")
BUILD, PREFIX = os.environ.get("CSG_BUILD"), os.environ.get("CSG_PREFIX", "/usr/local")


def public_names():
    with open(HEADER, encoding="utf-8") as f:
        return set(re.findall(r"CSG_API [^;]*?\b(csg_\w+)\(", f.read()))


def run(*command, fails=False, **more):
    """fails None: it may."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more)
    if fails is not None and (done.returncode != 0) != fails:
        raise AssertionError(f"{shlex.join(command)}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Installed:
    """What `meson install` puts under a folder that is not where it will be: everything has to be found relative to the prefix."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="clip-surgeon-installed-")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.folder.name)
        self.prefix = self.folder.name + PREFIX
        self.binary = os.path.join(self.prefix, "bin", "clip-surgeon")
        places = [p for p, _, names in os.walk(self.prefix) if "libclip-surgeon.so" in names]
        assert len(places) == 1, places
        self.libraries = places[0]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": self.libraries,
                            "PKG_CONFIG_PATH": os.path.join(self.libraries, "pkgconfig"),
                            "XDG_CACHE_HOME": os.path.join(BUILD, "install-test-cache")}  # kernels are compiled once
        self.environment.pop("CSG_DATA_DIR", None)

    def files(self):
        return {os.path.relpath(os.path.join(p, n), self.prefix) for p, _, names in os.walk(self.prefix) for n in names}

    def pkg_config(self, *options):
        return run("pkg-config", "--define-variable=prefix=" + self.prefix, *options, "clip-surgeon",
                   env=self.environment).stdout.split()

    def compile(self, source, program, *options, compiler="cc", static=False):
        libraries = self.pkg_config("--libs", *(["--static"] if static else []))
        if static:  # the archive itself, for the linker would take the shared one
            libraries = [os.path.join(self.libraries, "libclip-surgeon.a") if l == "-lclip-surgeon" else l for l in libraries]
        run(compiler, *options, "-Wall", "-Wextra", "-Wpedantic", "-Werror", *self.pkg_config("--cflags"), source, "-o", program, *libraries)

    def run(self, *command, fails=False, **environment):
        return run(*command, fails=fails, env={**self.environment, **environment})

    def close(self):
        self.folder.cleanup()


sys.dont_write_bytecode = True
