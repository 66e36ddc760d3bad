"""What pytest reports of one test: written by the plugin, read by ``execute``.

The plugin runs on older Pythons as well: so does this module.
"""

from typing import TypedDict

from typing_extensions import NotRequired  # noqa: UP035 - Python 3.10 has none


class Outcome(TypedDict):
    """What became of one test.

    Attributes:
        outcome: passed, failed, skipped, missing (a part of the machine) or xfailed.
        line: Where the test begins, from 1.
        detail: Why, where it did not pass.
        observed: What it kept for the page.
        seconds: How long all its phases took.
        recorded: Its timeline, figures and so on, by the fields of a claim.
        ran: The lines of its file that ran now and not in an earlier test.
        failed: The lines of its file that raised an AssertionError.
    """

    outcome: str
    line: int
    detail: str
    observed: list[str]
    seconds: float
    recorded: NotRequired[dict[str, object]]
    ran: NotRequired[list[int]]
    failed: NotRequired[list[int]]
