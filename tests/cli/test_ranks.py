#!/usr/bin/env python3
"""Under mpirun: whatever the number of ranks, what comes out is what one process makes; a rank that dies leaves a run that goes on.
Wants a tool with MPI (CSG_RANKS=mpi)."""
import glob, json, os, shutil, signal, subprocess, sys, time, unittest

import test_eval
from support import *

MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]
OPTIONS = ("--method", "raw,feature", "--size", "48", "--json", "-q", *REFERENCE)
MPI_ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}


class UnderMpi(CliTest):
    def under_mpi(self, ranks, *words, **more):
        return subprocess.Popen([*MPIRUN, "-n", str(ranks), BINARY, *words], cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, env=environment(self.home, MPI_ENVIRONMENT), **more)

    def run_ranks(self, ranks, *words, code=OK):
        process = self.under_mpi(ranks, *words)
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, code, err.decode())
        return out, err.decode()

    def on_hosts(self, hosts, *words):
        """A rank on each of as many hosts, which have nothing but the files together."""
        done = subprocess.run([sys.executable, os.path.join(SOURCE, "tools", "mpi_hosts.py"), "--hosts", str(hosts), BINARY, *words],
                              cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                              env=environment(self.home, MPI_ENVIRONMENT))
        if done.returncode == 77:
            print(done.stderr.decode().strip())
            self.skipTest(done.stderr.decode().strip())
        self.assertEqual(done.returncode, OK, done.stderr.decode())
        return done.stdout

    @staticmethod
    def kill_one(run):
        """The second rank, as the kernel does where memory is short."""
        pids = subprocess.run(["pgrep", "-P", str(run.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        os.kill(int(pids[1]), signal.SIGKILL)


class Maps(UnderMpi):
    QUICK = ("--size", "32", *REFERENCE)

    def pictures(self, count):
        os.makedirs(self.path("in"), exist_ok=True)
        for i in range(count):
            rows = pattern(40 + i % 3, 30, 3)
            self.write(f"in/p{i:02}.png", png(40 + i % 3, 30, rows=[bytes((v * (i + 2)) & 255 for v in r) for r in rows]))

    def made(self, folder):
        return {n.removeprefix(folder + "/"): d for n, d in self.listing().items() if n.startswith(folder + "/")}

    @staticmethod
    def figures(document, folder):
        """Without what differs from run to run: times, and which device computed a picture."""
        document = json.loads(document.replace(folder.encode() + b"/", b"out/"))
        document.pop("ms")
        devices = document.pop("devices")
        for picture in document["pictures"]:
            picture.pop("ms"), picture.pop("device"), picture.pop("stages_ms", None)
        return document, devices

    def test_whatever_the_number_of_ranks(self):
        """All files and the report, with a text and with --json; a picture that cannot be read, a file of a run before."""
        self.pictures(12)
        self.write("in/p03.png", b"no picture")
        words = ("map", "in", "dog", "cat", "--batch", "2", *self.QUICK)
        document = self.succeed(*words, "-o", "one", "--npy", "one", "--json").stdout
        whole, _ = self.figures(document, "one")
        lines = self.succeed(*words, "-o", "one-lines").stdout.replace(b"one-lines/", b"out/")
        files = self.made("one")
        self.assertEqual((len(files), len(whole["pictures"]), len(whole["unreadable"])), (4 * 11, 11, 1))
        for n in (1, 2, 4):
            folder = f"ranks{n}"
            out, err = self.run_ranks(n, *words, "-o", folder, "--npy", folder, "--json")
            document, devices = self.figures(out, folder)
            self.assertEqual(document, whole)
            self.assertEqual(self.made(folder), files)
            self.assertEqual(len(devices), n)
            self.assertEqual(sum(d["pictures"] for d in devices), 11)
            self.assertTrue(n > 2 or all(d["pictures"] for d in devices), devices)
            self.assertEqual(err.count("left out: "), 1, err)
            self.assertIn("12 of 12 pictures", err)
        out, _ = self.run_ranks(2, *words, "-o", "ranks-lines")
        self.assertEqual(out.replace(b"ranks-lines/", b"out/"), lines)
        self.assertEqual(self.made("ranks-lines"), {k: v for k, v in files.items() if k.endswith(".png")})

    def test_hosts_that_share_files_alone(self):
        self.pictures(8)
        words = ("map", "in", "dog", "--json", "-q", "--batch", "1", *self.QUICK)
        whole = self.figures(self.succeed(*words, "-o", "one").stdout, "one")[0]
        out, devices = self.figures(self.on_hosts(3, *words, "-o", "hosts"), "hosts")
        self.assertEqual((out, self.made("hosts"), len(devices)), (whole, self.made("one"), 3))

    def test_other_commands(self):
        self.pictures(3)
        for words in (("points", "in", "dog"), ("segment", "in", "dog", "cat", "--json", "-o", "out"), ("classify", "in", "dog", "cat", "--json"),
                      ("classify", "in", "dog", "cat")):
            size = REFERENCE if words[0] == "classify" else self.QUICK
            alone = self.succeed(*words, *size).stdout
            files = self.made("out")
            shutil.rmtree(self.path("out"), True)
            out, _ = self.run_ranks(2, *words, *size)
            if words[-1] == "dog" or "--json" in words:
                out, alone = self.figures(out, "out")[0], self.figures(alone, "out")[0]
            self.assertEqual(out, alone)
            self.assertEqual(self.made("out"), files)
            shutil.rmtree(self.path("out"), True)
        # One picture is one rank's work; an array of all pictures is one process's.
        self.run_ranks(2, "map", "in/p00.png", "dog", "-o", "alone.png", *self.QUICK)
        self.assertTrue(os.path.exists(self.path("alone.png")))
        _, err = self.run_ranks(2, "embed", "--image", "in", "--npy", "e.npy", *REFERENCE, code=USAGE)
        self.assertEqual(err.count("takes one process"), 1, err)

    def test_a_rank_that_dies(self):
        self.pictures(24)
        words = ("map", "in", "dog", "--batch", "1", "--size", "64", *REFERENCE)
        self.succeed(*words, "-o", "one")
        whole = self.made("one")
        run = self.under_mpi(3, *words, "-o", "out")
        while run.poll() is None and not self.finished():
            time.sleep(0.005)
        self.kill_one(run)
        run.communicate()
        self.assertNotEqual(run.returncode, 0)
        kept = self.finished()
        self.assertTrue(0 < len(kept) < 24, kept)
        stamps = {n: os.stat(self.path("out/" + n)).st_mtime_ns for n in kept}
        out, err = self.run_ranks(2, *words, "-o", "out", "--json")
        self.assertIn(f"{len(kept)} of 24 pictures have their outputs already", err)
        self.assertEqual(err.count("have their outputs already"), 1)
        document = json.loads(out)
        self.assertEqual((len(document["pictures"]), len(document["skipped"])), (24 - len(kept), len(kept)))
        self.assertEqual({n: d for n, d in self.made("out").items() if n.endswith(".png")}, whole)
        self.assertEqual({n: os.stat(self.path("out/" + n)).st_mtime_ns for n in kept}, stamps)
        # A run that has nothing left to do.
        out, _ = self.run_ranks(2, *words, "-o", "out", "--json", "-q")
        self.assertEqual((json.loads(out)["pictures"], len(json.loads(out)["skipped"])), ([], 24))

    def finished(self):
        return [os.path.basename(p) for p in glob.glob(self.path("out/*.png"))]

    def test_failures_are_told_once(self):
        self.pictures(4)
        for i in range(4):
            self.write(f"in/p{i:02}.png", b"no picture")
        _, err = self.run_ranks(2, "map", "in", "dog", "-o", "out", *self.QUICK, code=INPUT)
        self.assertEqual(err.count("none of 4 pictures could be read: "), 1, err)
        _, err = self.run_ranks(2, "map", "nowhere*", "dog", "-o", "out", *self.QUICK, code=INPUT)
        self.assertEqual(err.count("clip-surgeon: "), 1, err)
        _, err = self.run_ranks(2, "map", "in", "dog", "-o", "out", "--templates", "none", "--device", "nonsense", code=NO_DEVICE)
        self.assertEqual(err.count("clip-surgeon: "), 1, err)


class Ranks(UnderMpi):
    dataset, size = test_eval.Eval.dataset, test_eval.Eval.size

    def figures(self, ranks, *words):
        return json.loads(self.run_ranks(ranks, "eval", *words)[0])

    def test_whatever_the_number_of_ranks(self):
        whole = json.loads(self.succeed("eval", self.dataset(pictures=12), *OPTIONS).stdout)
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
        run = self.under_mpi(3, "eval", "set", *OPTIONS, "--resume", "state")
        while run.poll() is None and self.size("state.1") <= 72:
            time.sleep(0.002)
        self.kill_one(run)
        run.communicate()
        self.assertNotEqual(run.returncode, 0)
        kept = sum(self.size(f"state.{r}") for r in range(3))
        self.assertEqual(self.figures(2, "set", *OPTIONS, "--resume", "state"), whole)
        self.assertGreater(sum(self.size(f"state.{r}") for r in range(3)), kept)

    def test_hosts_that_share_files_alone(self):
        whole = json.loads(self.succeed("eval", self.dataset(pictures=8), *OPTIONS).stdout)
        self.assertEqual(json.loads(self.on_hosts(4, "eval", "set", *OPTIONS, "--resume", "state")), whole)
        self.assertEqual(len(glob.glob(self.path("state.*"))), 4)

    def test_refused(self):
        self.dataset()
        for words in (("--resume", "a", "--shard", "1/2"), ()):
            _, err = self.run_ranks(2, "eval", "set", *OPTIONS, *words, code=USAGE)
            self.assertEqual(err.count("wants --resume FILE"), 1, err)


if __name__ == "__main__":
    why = ("this build has no MPI: libopenmpi-dev was not there" if os.environ.get("CSG_RANKS") != "mpi" else
           "mpirun is not installed (openmpi-bin)" if not shutil.which("mpirun") else
           "a sanitizer finds what Open MPI does with memory" if SANITIZED else "")
    if why:
        print("skipped: " + why)
        sys.exit(77)
    unittest.main()
