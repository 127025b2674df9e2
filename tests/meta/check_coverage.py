#!/usr/bin/env python3
"""The judge of coverage would pass everything if it were blind: each kind of gap must be found."""
import os, sys, unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests"))
import coverage, devices, implementations


def record(**changes):
    return {"device": "d", "class": "cpu", "op": "gemm", "kernel": "gemm_packed", "options": "-DA=1 -DB=2", "launches": 3} | changes


def variant(**changes):
    return {"class": "cpu", "op": "gemm", "kernel": None, "needs": "-DA=1", "limit": "x=1", "quirk": ""} | changes


SOURCES = {("gemm", "gemm_packed")}


class Emulated(unittest.TestCase):
    """Tiles are emulated in vain where other kernels run."""

    def judge(self, *records):
        outcome = implementations.Outcome(devices.ROWS[0])
        outcome.records = [record(kernel=kernel, op=op, options=options, launches=launches) for op, kernel, options, launches in records]
        implementations.judge_emulated(outcome)
        return outcome.failed

    def test_judge(self):
        pairs, gemm = ("gemm", "gemm_pairs", "", 1), ("gemm", "gemm_amx", "", 1)
        attention = ("attention", "attention_pairs", "-DCSG_AMX=1", 1)
        self.assertEqual(self.judge(), 0)  # a processor without pairs
        self.assertEqual(self.judge(pairs, gemm, attention), 0)
        self.assertEqual([self.judge(pairs), self.judge(pairs, gemm), self.judge(pairs, attention), self.judge(pairs, gemm[:3] + (0,), attention),
                          self.judge(pairs, gemm, attention[:3] + (0,))], [1] * 5)


class Coverage(unittest.TestCase):
    def judge(self, records, variants, source=SOURCES):
        return coverage.check(records, variants, source)

    def test_whole(self):
        self.assertEqual(self.judge([record()], [variant()]), (2, 2, [], []))

    def test_a_kernel_that_was_never_launched(self):
        built, launched, missing, _ = self.judge([record(launches=0)], [])
        self.assertEqual((built, launched, len(missing)), (1, 0, 1))

    def test_a_kernel_that_no_program_holds(self):
        self.assertIn("gemm_other", self.judge([record()], [], SOURCES | {("gemm", "gemm_other")})[2][0])

    def test_a_variant_that_was_never_built(self):
        self.assertEqual(len(self.judge([record()], [variant(needs="-DA=2")])[2]), 1)

    def test_a_variant_that_was_built_and_not_launched(self):
        self.assertEqual(len(self.judge([record(), record(options="-DA=2", launches=0)], [variant(needs="-DA=2")])[2]), 1)

    def test_every_kernel_of_a_class_must_have_the_variant(self):
        other = record(op="mean", kernel="mean", options="-DB=2")
        self.assertEqual(len(self.judge([record(), other], [variant(op=None)], SOURCES | {("mean", "mean")})[2]), 1)

    def test_another_class_is_no_excuse(self):
        self.assertTrue(self.judge([record(), record(**{"class": "gpu", "options": "-DA=2"})], [variant(needs="-DA=2")])[2])

    def test_what_is_up_to_the_device_is_told(self):
        built, launched, missing, absent = self.judge([record()], [variant(needs="-DA=2", limit="")])
        self.assertEqual((missing, len(absent)), ([], 1))

    def test_a_kernel_that_only_some_device_takes_is_told(self):
        extra = variant(needs="-DA=2", limit="", kernel="gemm_other")
        built, launched, missing, absent = self.judge([record()], [extra], SOURCES | {("gemm", "gemm_other")})
        self.assertEqual((missing, len(absent)), ([], 1))

    def test_a_kernel_that_only_some_device_takes_has_the_variants_that_name_it(self):
        some, wide = record(kernel="gemm_other", options="-DB=2"), variant(op=None)
        self.assertEqual(self.judge([record(), some], [wide, variant(needs="-DB=2", limit="", kernel="gemm_other")])[2], [])
        self.assertEqual(len(self.judge([record(), some], [wide, variant(needs="-DB=2", kernel="gemm_other")])[2]), 1)

    def test_options_that_must_be_missing(self):
        self.assertEqual(len(self.judge([record()], [variant(needs="!-DA=1")])[2]), 1)

    def test_sources(self):
        found = coverage.kernels_in(os.path.join(SOURCE, "cl"))
        files = [n[:-3] for n in os.listdir(os.path.join(SOURCE, "cl")) if n.endswith(".cl")]
        self.assertEqual({op for op, _ in found}, {n.split("_")[0] for n in files})
        self.assertIn(("gemm", "gemm_half"), found)

    def test_a_failing_pass_covers_nothing(self):
        outcome = implementations.Outcome(devices.ROWS[0])
        document = {"passed": 1, "failed": 0, "skipped": 0, "failures": [],
                    "devices": [{"name": "", "platform": "", "driver": "", "note": "", "device_class": "cpu", "ops": [], "kernels": [record()]}]}
        one = implementations.Pass("title", [])
        outcome.take(one, document, "", 1)
        self.assertEqual((outcome.records, outcome.failed), ([], 1))
        outcome.take(one, None, "crashed", 139)
        self.assertEqual(outcome.failed, 2)
        outcome.take(one, document, "", 0)
        self.assertEqual(len(outcome.records), 1)

    def test_what_oclgrind_reports_fails(self):
        row = next(r for r in devices.ROWS if r.name == "oclgrind")
        empty = {"passed": 1, "failed": 0, "skipped": 0, "failures": [], "devices": []}
        for said in ("Invalid read of size 4 at global memory address 0x1000000000008", "Read-write data race at local memory address 0x10",
                     "Invalid write of size 4 at local memory address 0x1", "Work-group divergence detected (barrier):"):
            outcome = implementations.Outcome(row)
            outcome.take(implementations.Pass("title", []), empty, "\n" + said + "\n\tKernel: mean\n", 0)
            self.assertEqual(outcome.failed, 1, said)

    def test_four_times_the_worst_error_warns_and_does_not_fail(self):
        outcome = implementations.Outcome(devices.ROWS[0])
        outcome.worst = {("cpu", "gemm"): 0.41, ("cpu", "mean"): 0.39}
        implementations.warn_of_drift(outcome, {"d": {"cpu": {"gemm": 0.1, "mean": 0.1}}})
        self.assertEqual((len(outcome.lines), outcome.failed), (1, 0))


if __name__ == "__main__":
    unittest.main()
