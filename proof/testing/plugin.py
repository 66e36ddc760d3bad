"""The pytest plugin that records what the tests showed.

Loaded for every run; it writes its report where PROOF_REPORT says so. It runs on older
Pythons as well (see ``older.py``): so do all modules that it and the tests import.
"""

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from proof.testing.basics import NOT_PROVEN_HERE, Observe, as_text
from proof.testing.watch import Watch
from proof.verdicts.outcome import Outcome

RECORDED = {"attack", "evidence", "growths", "rows", "timeline"}
pytest_plugins = ["proof.testing.record", "proof.testing.servers.places"]


class Report:
    """Gathers outcomes; under xdist the controller's instance sees them all."""

    def __init__(self, path: Path) -> None:
        """Begin an empty report.

        Args:
            path: Where it is written in the end.
        """
        self._path = path
        self._tests: dict[str, Outcome] = {}
        self._errors: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test; the first phase that isn't passed decides."""
        begins = report.location[1] or 0
        new = Outcome(
            outcome="passed", line=begins + 1, detail="", observed=[], seconds=0
        )
        test = self._tests.setdefault(report.nodeid, new)
        test["seconds"] += report.duration
        if report.when == "teardown":
            told: dict[str, Any] = dict(report.user_properties)
            test["ran"], test["failed"] = told.get("ran", []), told.get("failed", [])
        if report.when == "call":
            properties = report.user_properties
            test["observed"] = [
                str(value) for name, value in properties if name == "observed"
            ]
            test["recorded"] = {
                name: value for name, value in properties if name in RECORDED
            } | {"servers": [str(of) for name, of in properties if name == "server"]}
        if test["outcome"] == "passed" and (
            report.outcome != "passed" or hasattr(report, "wasxfail")
        ):
            test["outcome"], test["detail"] = _why(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what can't be collected."""
        if report.failed:
            self._errors.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Write the report once everything else is done."""
        yield
        whole = {"tests": self._tests, "errors": self._errors}
        self._path.write_text(json.dumps(whole), encoding="utf-8")


def _why(report: pytest.TestReport) -> tuple[str, str]:
    if hasattr(report, "wasxfail"):
        return "xfailed", str(report.wasxfail)
    if not report.skipped:
        return "failed", report.longreprtext
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    reason = reason.removeprefix("Skipped: ")
    if reason.startswith(NOT_PROVEN_HERE):
        return "missing", reason.removeprefix(NOT_PROVEN_HERE)
    return "skipped", reason


def pytest_configure(config: pytest.Config) -> None:
    """Report from the controller alone, and only where a report is asked for."""
    path = os.environ.pop("PROOF_REPORT", None)  # no child writes it as well
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(Path(path)), "proof-report")
    if sys.version_info >= (3, 12) and (path or hasattr(config, "workerinput")):
        config.pluginmanager.register(Watch(), "proof-watch")


@pytest.fixture
def observe(request: pytest.FixtureRequest) -> Observe:
    """Keep what a counterexample did, to be shown on its page."""
    node: pytest.Item = request.node

    def keep(value: object) -> None:
        node.user_properties.append(("observed", as_text(value)))

    return keep
