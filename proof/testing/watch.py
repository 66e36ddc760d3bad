"""Sees which lines of a test file run, and which of them raise an AssertionError.

The interpreter tells it (``sys.monitoring``), once of each line, so that nothing gets
slower. It does not stop where coverage's tracer is stopped.
"""

import sys
from collections import defaultdict
from collections.abc import Generator, Iterator
from types import CodeType

import pytest

TOOL = 4  # a number that no debugger, profiler or coverage takes


class Watch:
    """Watches the modules that pytest collects, and tells of each test what it ran."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._files = set[str]()
        self._ran = defaultdict[str, set[int]](set)
        self._failed = defaultdict[str, set[int]](set)
        monitoring = sys.monitoring
        events = monitoring.events
        monitoring.use_tool_id(TOOL, "proof")
        monitoring.register_callback(TOOL, events.PY_START, self._starts)
        monitoring.register_callback(TOOL, events.LINE, self._runs)
        monitoring.register_callback(TOOL, events.RAISE, self._raises)
        monitoring.set_events(TOOL, events.RAISE)

    def pytest_unconfigure(self) -> None:
        """Leave the interpreter as it was."""
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.free_tool_id(TOOL)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Watch all code of a module of tests, which is imported now."""
        events = sys.monitoring.events
        if isinstance(collector, pytest.Module):
            self._files.add(str(collector.path))
            sys.monitoring.set_events(TOOL, events.RAISE | events.PY_START)
        try:
            return (yield)
        finally:
            sys.monitoring.set_events(TOOL, events.RAISE)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        """Tell what was seen of the test's file since the test before it."""
        yield
        for name, lines in (("ran", self._ran), ("failed", self._failed)):
            item.user_properties.append((name, sorted(lines.pop(str(item.path), ()))))

    def _starts(self, code: CodeType, _offset: int) -> object:
        if code.co_filename in self._files and code.co_name == "<module>":
            for each in _all(code):
                sys.monitoring.set_local_events(TOOL, each, sys.monitoring.events.LINE)
        return sys.monitoring.DISABLE

    def _runs(self, code: CodeType, line: int) -> object:
        self._ran[code.co_filename].add(line)
        return sys.monitoring.DISABLE

    def _raises(self, code: CodeType, offset: int, error: BaseException) -> None:
        if isinstance(error, AssertionError) and code.co_filename in self._files:
            self._failed[code.co_filename].add(_line(code, offset))


def _all(code: CodeType) -> Iterator[CodeType]:
    """Give a module's code with all code in it."""
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _all(each)


def _line(code: CodeType, offset: int) -> int:
    """Find the line of an instruction."""
    found = (line for first, end, line in code.co_lines() if first <= offset < end)
    return next(found, None) or 0
