#!/usr/bin/env python3
"""What stands at the top of the tree, and what a version is called everywhere."""
import glob, os, re, subprocess, unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TOP = {"host", "cl", "include", "assets", "viewer", "tests", "docs", "tools", "do", "meson.build", "meson_options.txt", "README.md",
       "CONTRIBUTING.md", "NEWS.md", "LICENSE"}


def read(*names):
    with open(os.path.join(SOURCE, *names), encoding="utf-8") as f:
        return f.read()


class House(unittest.TestCase):
    def test_top(self):
        listed = subprocess.run(["git", "ls-files"], cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if listed.returncode:
            self.skipTest("this is no git checkout")
        self.assertEqual({p.split("/")[0] for p in listed.stdout.splitlines() if not p.startswith(".")}, TOP)

    def test_version(self):
        version = re.search(r"^  version: '(.*?)'", read("meson.build"), re.M).group(1)
        self.assertEqual(re.search(r"^## (\S+)", read("NEWS.md"), re.M).group(1), version)
        self.assertEqual(re.search(r'<release version="(.*?)"', read("tools", "install", "org.clip_surgeon.viewer.metainfo.xml")).group(1), version)
        soname = ".".join(version.split(".")[:2]) if version.startswith("0.") else version.split(".")[0]
        self.assertIn(f"Package: libclip-surgeon{soname}\n", read("tools", "debian", "control"))

    def test_forms_ask_for_the_report(self):
        forms = [os.path.basename(p) for p in glob.glob(os.path.join(SOURCE, ".github", "ISSUE_TEMPLATE", "*.yml"))]
        asking = [f for f in forms if "clip-surgeon selftest" in read(".github", "ISSUE_TEMPLATE", f) and "--report" in read(".github", "ISSUE_TEMPLATE", f)]
        self.assertEqual(sorted(asking), ["device.yml", "wrong.yml"])

    def test_no_program_is_started(self):
        for path in glob.glob(os.path.join(SOURCE, "host", "*", "*.c")) + glob.glob(os.path.join(SOURCE, "viewer", "*.c*")):
            self.assertIsNone(re.search(r"\b(system|popen|fork|vfork|posix_spawnp?|exec[lv]p?e?)\(", read(path)), path)

    def test_every_call_of_opencl_can_be_made_to_fail(self):
        table = re.findall(r"X\((cl\w+), ", read("tests", "faults", "opencl.h"))
        called = {name for path in glob.glob(os.path.join(SOURCE, "host", "ocl", "*.c")) for name in re.findall(r"\b(cl[A-Z]\w+)\(", read(path))}
        self.assertEqual(sorted(table), sorted(called))


if __name__ == "__main__":
    unittest.main()
