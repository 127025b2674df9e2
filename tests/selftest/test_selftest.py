"""`clip-surgeon selftest`: what it says, how long it takes, what it remembers, and that a wrong device is seen and refused."""
import json, os, re, resource, shutil, socket, time, unittest

import support
from support import *

SELF_TEST = 8
FAULTY = os.environ["CSG_FAULTY_BINARY"]
with open(os.path.join(SOURCE, "host", "ops", "op_list.h"), encoding="utf-8") as f:
    OPERATORS = set(re.findall(r"^CSG_OP\((\w+)\)", f.read(), re.M))


class SelfTest(CliTest):
    def faulty(self, fault, *args, **more):
        support.BINARY = FAULTY
        try:
            return self.run_tool(*args, env={"CSG_TEST_FAULT": fault} | more.pop("env", {}), **more)
        finally:
            support.BINARY = BINARY

    @unittest.skipIf(SANITIZED, "skipped: the run with --json takes the same way")
    def test_a_line_for_each_operator(self):
        outcome = self.succeed("selftest")
        lines = outcome.stdout.decode().splitlines()
        self.assertEqual({l.split()[0] for l in lines[2:-1]}, OPERATORS)
        self.assertRegex(lines[-1], r"^passed: \d+ cases in [\d.]+ s$")

    def test_quick_is_quick_with_a_warm_cache(self):
        if SANITIZED:
            self.skipTest("skipped: what a sanitizer build takes tells nothing")
        self.succeed("selftest", "-q")
        def work():
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime
        start, before = time.monotonic(), work()
        self.succeed("selftest", "--quick", "-q")
        # On a machine that others use too, the work tells, not the clock.
        seconds = min(time.monotonic() - start, (work() - before) / len(os.sched_getaffinity(0)))
        self.assertLess(seconds, 10)

    def test_json_and_report_say_the_same_and_nothing_personal(self):
        document = json.loads(self.succeed("selftest", "--json", "--report", "report.json").stdout)
        with open(self.path("report.json"), encoding="utf-8") as f:
            text = f.read()
        report = json.loads(text)
        self.assertEqual({o["op"] for o in document["operators"]}, OPERATORS)
        for d in (document, report):
            self.assertTrue(d["passed"])
            self.assertLessEqual({"name", "platform", "driver", "version", "fp16", "subgroups", "max_allocation_bytes"}, set(d["device"]))
            for o in d["operators"]:
                self.assertEqual(o["failed"], 0)
                self.assertLessEqual(o["error"], o["bound"])
        self.assertEqual(document["fingerprint"], report["fingerprint"])
        for personal in {self.home, self.work, socket.gethostname(), os.path.expanduser("~"), os.environ.get("USER") or "/home/"}:
            if len(personal) > 4:
                self.assertNotIn(personal, text)

    def test_a_report_is_not_overwritten(self):
        self.write("mine", b"mine")
        self.fail_with(ERROR, "selftest", "--report", "mine", words=["mine"])
        self.assertEqual(self.read("mine"), b"mine")

    def test_usage(self):
        self.fail_with(USAGE, "selftest", "word")
        self.fail_with(USAGE, "selftest", "--quick", "--full")
        self.fail_with(USAGE, "selftest", "--device", "reference")
        self.fail_with(NO_DEVICE, "selftest", "--device", "nonsense")
        self.fail_with(USAGE, "selftest", "--device-class", "nonsense")

    @unittest.skipIf(SANITIZED, "skipped: conformance-gpu runs those kernels")
    def test_the_other_class_of_kernels(self):
        self.assertEqual(json.loads(self.succeed("selftest", "--json", "--device-class", "gpu").stdout)["device_class"], "gpu")

    def test_a_wrong_device_fails_and_is_refused_until_it_passes(self):
        # What it remembers is its own; the compiled kernels are everybody's.
        self.succeed("selftest", "-q")
        shutil.copytree(CACHE, self.path("cache"), ignore=shutil.ignore_patterns("self-test"))
        own = {"XDG_CACHE_HOME": self.path("cache")}
        self.write("photo.png", png(96, 64))
        outcome = self.faulty("minmax", "selftest", env=own)
        self.assertEqual(outcome.code, SELF_TEST, outcome)
        self.assertRegex(outcome.stdout.decode(), r"(?m)^minmax .*FAILED case \d+: ")
        self.assertIn("fails", outcome.lines[-1])
        # the right binary, the same device, driver and kernels
        command = ("map", "photo.png", "dog", "--templates", "none", "-y", "-o", "heat.png")
        outcome = self.run_tool(*command, env=own)
        self.assertEqual(outcome.code, SELF_TEST, outcome)
        self.assertIn("failed its self-test", outcome.lines[-1])
        self.assertFalse(os.path.exists(self.path("heat.png")))
        outcome = self.run_tool(*command, "--json", "--fallback", "reference", env=own)
        self.assertEqual(outcome.code, OK, outcome)
        self.assertEqual(json.loads(outcome.stdout)["device"]["name"], "reference")
        self.assertIn("warning", outcome.stderr.decode())
        self.assertEqual(self.run_tool("selftest", env=own).code, OK)
        self.assertEqual(self.run_tool(*command, env=own).code, OK)

    def test_known_answers_see_a_wrong_device_at_every_start(self):
        self.write("photo.png", png(96, 64))
        for fault in ("gemm", "attention", "layernorm"):
            outcome = self.faulty(fault, "map", "photo.png", "dog", "--templates", "none", "-o", "heat.png")
            self.assertEqual(outcome.code, SELF_TEST, outcome)
            self.assertIn(fault, outcome.lines[-1])
        # and without a fault the same binary is as good as the other
        self.assertEqual(self.faulty("none", "map", "photo.png", "dog", "--templates", "none", "-o", "heat.png").code, OK)


if __name__ == "__main__":
    unittest.main()
