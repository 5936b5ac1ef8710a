"""What ghz has written as a table: report.json is a run of 40 requests, some refused."""

import contextlib
import copy
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import write_table

HERE = os.path.dirname(os.path.abspath(__file__))


def _report():
    with open(os.path.join(HERE, "report.json"), encoding="utf-8") as file:
        return json.load(file)


def _answered_alone():
    report = _report()
    report["details"] = [detail for detail in report["details"] if detail["status"] == "OK"]
    report["count"] = len(report["details"])
    report["statusCodeDistribution"] = {"OK": report["count"]}
    report["errorDistribution"] = {}
    return report


def _nothing_answered():
    report = _report()
    report["details"] = [detail for detail in report["details"] if detail["status"] != "OK"]
    report["count"] = len(report["details"])
    del report["statusCodeDistribution"]["OK"]
    return report


def _no_requests():
    """What ghz writes where the time was up before a request ended."""
    report = _report()
    report.update(count=0, rps=0, details=None, statusCodeDistribution={}, errorDistribution={})
    return report


class RowTest(unittest.TestCase):

    def test_counts_what_ghz_has_counted(self):
        report = _report()
        row = write_table.row_of(report)
        self.assertEqual(
            list(row), ["name", "requests", "errors", "rate", "p50", "p95", "p99"]
        )
        self.assertEqual((row["name"], row["requests"]), ("products", 40))
        self.assertEqual(row["errors"], sum(report["errorDistribution"].values()))
        self.assertGreater(row["errors"], 0)
        self.assertAlmostEqual(row["rate"], report["rps"], delta=0.01)

    def test_percentiles_are_those_that_ghz_tells(self):
        report = _report()
        row = write_table.row_of(report)
        told = {entry["percentage"]: entry["latency"] for entry in report["latencyDistribution"]}
        for percent in (50, 95, 99):
            self.assertAlmostEqual(row[f"p{percent}"], told[percent] / 1e6, delta=0.001)

    def test_requests_that_failed_have_no_latency(self):
        report = _report()
        slow = next(detail for detail in report["details"] if detail["status"] != "OK")
        slow["latency"] = 10**12
        self.assertEqual(write_table.row_of(report), write_table.row_of(_report()))

    def test_without_an_answer_there_is_no_percentile(self):
        for report in (_nothing_answered(), _no_requests()):
            row = write_table.row_of(report)
            self.assertEqual([row["p50"], row["p95"], row["p99"]], [None, None, None])


class TableTest(unittest.TestCase):

    def test_has_a_line_a_configuration_under_titles_in_columns(self):
        rows = [write_table.row_of(report) for report in (_report(), _nothing_answered())]
        lines = write_table.table_of(rows).splitlines()
        self.assertEqual(
            lines[0].split(), "name requests errors rate/s p50 ms p95 ms p99 ms".split()
        )
        self.assertEqual([line.split()[0] for line in lines[1:]], ["products", "products"])
        self.assertEqual(lines[2].split()[-3:], ["-", "-", "-"])
        self.assertEqual(len({len(line) for line in lines}), 1)


class TroublesTest(unittest.TestCase):

    def test_names_each_error_with_its_count(self):
        report = _report()
        troubles = write_table.troubles_of(report)
        self.assertEqual(len(troubles), len(report["errorDistribution"]))
        for message, count in report["errorDistribution"].items():
            self.assertIn(f"products: {count} x {message}", troubles)
        self.assertEqual(write_table.troubles_of(_answered_alone()), [])

    def test_says_what_to_do_where_the_server_was_full_or_nothing_ended(self):
        full = _report()
        full["statusCodeDistribution"]["ResourceExhausted"] = 1
        self.assertIn("--concurrency", write_table.troubles_of(full)[-1])
        self.assertIn("--duration", write_table.troubles_of(_no_requests())[0])


class MainTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def _run(self, *reports, options=()):
        """The exit status and what was printed."""
        paths = []
        for i, report in enumerate(reports):
            paths.append(os.path.join(self.folder, f"{i}.report"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump(report, file)
        arguments = ["write_table.py", *options, f"--out={self.folder}", *paths]
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(sys, "argv", arguments), self.assertRaises(SystemExit) as end:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                write_table.main()
        return end.exception.code, out.getvalue(), err.getvalue()

    def _written(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def test_ends_well_where_all_was_answered_and_writes_all_three(self):
        other = copy.deepcopy(_answered_alone())
        other["name"] = "other"
        status, out, err = self._run(_answered_alone(), other)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self._written("table.txt").decode(), out)
        self.assertEqual([row["name"] for row in json.loads(self._written("table.json"))],
                         ["products", "other"])
        self.assertTrue(self._written("latencies.png").startswith(b"\x89PNG"))

    def test_fails_where_a_request_failed_or_none_ended(self):
        for report in (_report(), _no_requests()):
            status, _, err = self._run(_answered_alone(), report)
            self.assertEqual(status, 1)
            self.assertIn("load: products: ", err)

    def test_prints_an_object_a_line(self):
        _, out, _ = self._run(_report(), _answered_alone(), options=["--json"])
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([row["requests"] for row in rows], [40, _answered_alone()["count"]])


if __name__ == "__main__":
    unittest.main()
