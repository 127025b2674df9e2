#!/usr/bin/env python3
"""What is installed: the names it offers, where it finds its data, and that C11 and C++ programs can be built with it."""
import os, re, shutil, tempfile, unittest, xml.etree.ElementTree

from installed import HEADER, Installed, public_names, run

PROGRAM = """
#include <clip_surgeon/clip_surgeon.h>
#include <stdio.h>

int main(void)
{
    char path[4096];
    struct csg_error err = {CSG_OK, ""};
    if (csg_data_dir(path, sizeof path, &err))
        return fprintf(stderr, "%s\\n", err.sentence), 1;
    printf("%s %s\\n", csg_version(), path);
    return 0;
}
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installed = Installed()
        cls.work = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.installed.close()
        cls.work.cleanup()

    def place(self, name):
        return os.path.join(self.work.name, name)

    def program(self, name, text=PROGRAM):
        with open(self.place(name), "w") as f:
            f.write(text)
        return self.place(name)

    def test_shared_library_offers_the_header_and_nothing_else(self):
        library = os.path.join(self.installed.libraries, "libclip-surgeon.so")
        names = [l.split() for l in run("nm", "-D", "--defined-only", library).stdout.splitlines()]
        self.assertEqual({n[2].split("@")[0] for n in names if n[1] != "A"}, public_names())
        self.assertGreater(len(public_names()), 50)
        self.assertRegex(run("readelf", "-d", library).stdout, r"SONAME.*\[libclip-surgeon\.so\.[\d.]+\]")
        self.assertNotRegex(run("readelf", "-d", library, self.installed.binary).stdout, r"R(UN)?PATH")

    def test_static_library_has_two_prefixes(self):
        names = run("nm", "-g", "--defined-only", os.path.join(self.installed.libraries, "libclip-surgeon.a")).stdout
        self.assertEqual([n for n in re.findall(r"^\S* *[A-Z] (\S+)$", names, re.M) if not n.startswith(("csg_", "conf_"))], [])
        self.assertIn("csg_version", names)

    def test_no_path_of_the_build_is_in_it(self):
        for name in ("libclip-surgeon.so", "libclip-surgeon.a"):
            with open(os.path.join(self.installed.libraries, name), "rb") as f:
                self.assertNotIn(os.path.dirname(os.path.dirname(os.path.dirname(HEADER))).encode(), f.read(), name)

    def test_c11_and_cpp_against_both_libraries(self):
        version = re.search(r"^clip-surgeon (\S+)", self.installed.run(self.installed.binary, "--version").stdout).group(1)
        data = os.path.join(self.installed.prefix, "share", "clip-surgeon")
        languages = [("cc", "p.c", ["-std=c11"])]
        if shutil.which("c++"):
            languages += [("c++", "p.cpp", ["-std=c++11"]), ("c++", "p.cpp", ["-std=c++20"])]
        for compiler, name, options in languages:
            for static in (False, True):
                with self.subTest(compiler=compiler, options=options, static=static):
                    program = self.place("program")
                    self.installed.compile(self.program(name), program, *options, compiler=compiler, static=static)
                    if static:  # it lies elsewhere and knows no library's place
                        said = run(program, env={"CSG_DATA_DIR": data}).stdout
                    else:
                        said = self.installed.run(program).stdout
                    self.assertEqual(said, f"{version} {data}\n")

    def test_data(self):
        binary, moved = self.installed.binary, self.place("moved")
        shutil.copytree(self.installed.prefix, moved, symlinks=True)
        picture = os.path.join(moved, "share", "clip-surgeon", "pictures", "dog.jpg")
        at = {"LD_LIBRARY_PATH": self.installed.libraries.replace(self.installed.prefix, moved)}
        said = self.installed.run(os.path.join(moved, "bin", "clip-surgeon"), "points", picture, "dog", **at).stdout
        self.assertIn("point_coords", said)
        # A folder that is named is the only one.
        told = self.installed.run(binary, "points", picture, "dog", fails=True, CSG_DATA_DIR=self.work.name)
        self.assertEqual(told.returncode, 4, told.stderr)
        elsewhere = self.place("elsewhere")
        os.rename(os.path.join(moved, "share", "clip-surgeon"), elsewhere)
        self.installed.run(os.path.join(moved, "bin", "clip-surgeon"), "points", os.path.join(elsewhere, "pictures", "dog.jpg"), "dog",
                           CSG_DATA_DIR=elsewhere, **at)

    def test_desktop(self):
        """The viewer's entry, its icon and its description, as the validators of freedesktop.org see them."""
        if "built without the viewer" in self.installed.run(self.installed.binary, "view", "--cameras", fails=None).stderr:
            self.skipTest("this build has no viewer")
        share = os.path.join(self.installed.prefix, "share")
        name = "org.clip_surgeon.viewer"
        entry, told = os.path.join(share, "applications", name + ".desktop"), os.path.join(share, "metainfo", name + ".metainfo.xml")
        icon = xml.etree.ElementTree.parse(os.path.join(share, "icons/hicolor/scalable/apps/clip-surgeon.svg")).getroot()
        self.assertEqual((icon.tag.split("}")[1], icon.get("viewBox")), ("svg", "0 0 128 128"))
        tree = xml.etree.ElementTree.parse(told)
        self.assertEqual([r.get("version") for r in tree.iter("release")][:1],
                         [self.installed.run(self.installed.binary, "--version").stdout.split()[1]])
        for command in (["desktop-file-validate", entry], ["appstreamcli", "validate", "--no-net", "--pedantic", told]):
            if not shutil.which(command[0]):
                self.skipTest(command[0] + " is not installed")
            self.assertNotRegex(run(*command).stdout, "error|warning|hint")

    def test_files(self):
        files = self.installed.files()
        for wanted in ("bin/clip-surgeon", "include/clip_surgeon/clip_surgeon.h", "share/clip-surgeon/demo-model/open_clip_model.safetensors",
                       "share/clip-surgeon/SOURCES.md", "share/man/man1/clip-surgeon.1", "share/bash-completion/completions/clip-surgeon",
                       "share/zsh/site-functions/_clip-surgeon", "share/fish/vendor_completions.d/clip-surgeon.fish"):
            self.assertIn(wanted, files)
        self.assertEqual(len([f for f in files if f.startswith(("bin/", "include/"))]), 2)


if __name__ == "__main__":
    unittest.main()
