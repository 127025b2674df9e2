#!/usr/bin/env python3
"""What `./do test --long` takes as passed already: what passed, of this very tree, within a day, and nothing else."""
import contextlib, io, os, shutil, subprocess, sys, tempfile, time, unittest

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "..")))
sys.dont_write_bytecode = True
import kept


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.calls = folder.name, 0
        self.addCleanup(os.environ.pop, "CSG_KEPT", None)
        os.environ["CSG_KEPT"] = os.path.join(self.folder, "kept")

    def once(self, *result, name="a part"):
        def work():
            self.calls += 1
            print("said")
            return result
        self.said = io.StringIO()
        with contextlib.redirect_stdout(self.said):
            return kept.once(name, work)

    def test_what_passed_is_not_run_again(self):
        self.assertEqual(self.once(3, 0, 1), (3, 0, 1))
        self.assertEqual((self.once(9, 9, 9), self.calls), ((3, 0, 1), 1))
        self.assertIn("said", self.said.getvalue())
        self.assertEqual((self.once(5, 0, 0, name="another"), self.calls), ((5, 0, 0), 2))

    def test_what_failed_is(self):
        self.once(3, 1, 1)
        self.assertEqual((self.once(4, 0, 0), self.calls), ((4, 0, 0), 2))

    def test_what_is_old_is(self):
        self.once(3, 0, 1)
        before = time.time() - kept.LIFE_S - 1
        os.utime(kept.path("a part"), (before, before))
        self.once(3, 0, 1)
        self.assertEqual(self.calls, 2)

    def test_without_a_folder_everything_is(self):
        del os.environ["CSG_KEPT"]
        self.once(3, 0, 1)
        self.once(3, 0, 1)
        self.assertEqual(self.calls, 2)

    @unittest.skipUnless(shutil.which("git"), "skipped: git is missing")
    def test_a_folder_is_of_one_tree_without_changes(self):
        def git(*words):
            subprocess.run(["git", "-C", source, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, stdout=subprocess.DEVNULL)

        def now(required=""):
            return kept.folder("place", required, source)
        source = os.path.join(self.folder, "tree")
        os.makedirs(source)
        self.assertIsNone(now())
        git("init", "-q")
        git("commit", "-q", "--allow-empty", "-m", "first")
        first = now()
        self.assertTrue(first)
        self.assertNotEqual(first, now("pocl,intel"))
        with open(os.path.join(source, "file"), "w") as f:
            f.write("a change")
        self.assertIsNone(now())
        git("add", "file")
        git("commit", "-q", "-m", "second")
        self.assertNotIn(now(), (None, first))


if __name__ == "__main__":
    unittest.main()
