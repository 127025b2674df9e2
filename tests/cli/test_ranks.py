#!/usr/bin/env python3
"""`eval` under mpirun: whatever the number of ranks, the figures are those of one process; a rank that dies leaves a run that goes on.
Wants a tool that was built with -Dmpi=enabled."""
import glob, json, os, signal, subprocess, time, unittest

import test_eval
from support import *

MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]
OPTIONS = ("--method", "raw,feature", "--json", "-q", *REFERENCE)


class Ranks(test_eval.Eval):
    def under_mpi(self, ranks, *words):
        return subprocess.Popen([*MPIRUN, "-n", str(ranks), BINARY, "eval", *words], cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**environment(self.home), "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                                     "OMP_NUM_THREADS": "1", "PATH": os.environ["PATH"]})

    def figures(self, ranks, *words):
        process = self.under_mpi(ranks, *words)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err.decode())
        return json.loads(out)

    def test_whatever_the_number_of_ranks(self):
        whole = json.loads(self.succeed("eval", self.dataset(pictures=24), *OPTIONS).stdout)
        for n in (1, 2, 4):
            self.assertEqual(self.figures(n, "set", *OPTIONS, "--resume", f"state{n}"), whole)
            self.assertEqual(sorted(os.path.basename(p) for p in glob.glob(self.path(f"state{n}.*"))), [f"state{n}.{r}" for r in range(n)])
        # Every rank worked, and what four kept is enough for two, for one that merges, and for none at all.
        self.assertTrue(all(os.path.getsize(p) > 72 for p in glob.glob(self.path("state2.*"))))
        before = {p: self.read(p) for p in glob.glob(self.path("state4.*"))}
        self.assertEqual(self.figures(2, "set", *OPTIONS, "--resume", "state4"), whole)
        self.assertTrue(all(self.read(p) == data for p, data in before.items()))
        merged = self.succeed("eval", "set", *OPTIONS, "--merge", ",".join(f"state4.{r}" for r in range(4)))
        self.assertEqual(json.loads(merged.stdout), whole)

    def test_a_rank_that_dies(self):
        whole = json.loads(self.succeed("eval", self.dataset(pictures=16), *OPTIONS).stdout)
        run = self.under_mpi(3, "set", *OPTIONS, "--resume", "state")
        while run.poll() is None and self.size("state.1") <= 72:
            time.sleep(0.002)
        for pid in subprocess.run(["pgrep", "-P", str(run.pid)], stdout=subprocess.PIPE, text=True).stdout.split()[1:2]:
            os.kill(int(pid), signal.SIGKILL)
        run.communicate()
        self.assertNotEqual(run.returncode, 0)
        kept = sum(self.size(f"state.{r}") for r in range(3))
        self.assertEqual(self.figures(2, "set", *OPTIONS, "--resume", "state"), whole)
        self.assertGreater(sum(self.size(f"state.{r}") for r in range(3)), kept)

    def test_refused(self):
        self.dataset()
        for words in (("--resume", "a", "--shard", "1/2"), ()):
            run = self.under_mpi(2, "set", *OPTIONS, *words)
            _, err = run.communicate()
            self.assertEqual(run.returncode, 2, err)
            self.assertIn(b"wants --resume FILE", err)


def load_tests(loader, tests, pattern):
    """Not the tests that Eval brings."""
    return unittest.TestSuite(Ranks(n) for n in ("test_whatever_the_number_of_ranks", "test_a_rank_that_dies", "test_refused"))


if __name__ == "__main__":
    unittest.main()
