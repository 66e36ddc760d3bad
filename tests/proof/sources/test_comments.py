"""What a snippet holds besides code is read, and shown, line by line."""

from textwrap import dedent

import pytest

from proof.sources.comments import (
    Expectation,
    expectations,
    ours,
    regions,
    reveals,
    shown,
    silenced,
)
from proof.sources.docstrings import DocExample, docstring_examples, docstring_spans

MODULE = '''"""Keep carts.

>>> CART
[]
"""

CART: list[str] = []


class Cart:
    """A cart.

    Example:
        >>> for item in ("tea", "milk"):
        ...     CART.append(item)
        >>> CART
        ['tea', 'milk']

        In between:

        >>> len(CART)
        2
    """

    def pay(self) -> None:
        r"""Pay: no session here."""
'''


def read(text: str) -> list[tuple[int, str]]:
    found, faults = expectations("cart.py", text)
    assert faults == []
    return [(each.line, str(each)) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# expect: ruff[B006]\nx = 1\n", [(2, "ruff[B006]")]),
        ("x = 1\n    # expect: mypy[arg-type]\n    y = 2\n", [(3, "mypy[arg-type]")]),
        (
            "# expect: mypy[misc] x2 pyright[reportCallIssue]\nx = 1\n",
            [(2, "mypy[misc] x2"), (2, "pyright[reportCallIssue]")],
        ),
        (
            "# expect: ruff[A001]\n# expect: test[it_is_lost]\nx = 1\n",
            [(3, "ruff[A001]"), (3, "test[it_is_lost]")],
        ),
        (
            "# expect: ruff[A001]\n# --8<-- [start:x]\nx = 1\n# --8<-- [end:x]\n",
            [(3, "ruff[A001]")],
        ),
        ('"""Doc."""\n\n# expect: ruff[format]\nx=1\n', [(1, "ruff[format]")]),
        ("# expected by nobody\nx = 1\n", []),
        ("x = 1\n", []),
    ],
)
def test_an_expectation_is_about_the_line_below_it(
    text: str, expected: list[tuple[int, str]]
) -> None:
    assert read(text) == expected


def test_an_expectation_counts_once_if_it_says_nothing_else() -> None:
    (one, two) = expectations("a.py", "# expect: ruff[A001] ruff[A002] x2\nx\n")[0]
    assert one == Expectation(2, "ruff", "A001", 1)
    assert two == Expectation(2, "ruff", "A002", 2)


def test_an_expectation_that_is_refused_expects_nothing() -> None:
    for text in ("x = 1\n# expect: ruff[A001]\n", "x = 1  # expect: ruff[A001]\ny\n"):
        found, faults = expectations("cart.py", text)
        assert (found, len(faults)) == ([], 1)


@pytest.mark.parametrize(
    ("rest", "unread"),
    [
        ("ruff", "ruff"),
        ("ruff[]", "ruff[]"),
        ("ruff[A001],mypy[misc]", "ruff[A001],mypy[misc]"),
        ("ruff[A001] and more", "and more"),
        ("ruff[A001] x1", "x1"),
        ("ruff[A001]x2", "ruff[A001]x2"),
        ("pytest[A001]", "pytest[A001]"),
    ],
)
def test_an_expectation_is_read_to_its_end_or_refused(rest: str, unread: str) -> None:
    (fault,) = expectations("cart.py", f"# expect: {rest}\nx = 1\n")[1]
    assert str(fault) == (
        f"cart.py:1: can't read {unread!r}: write tool[code] or tool[code] x2, tools "
        "being ruff, mypy, pyright, test"
    )


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: B006 - the caller owns it",
        "x = 1  # type: ignore[misc]  # the stub is wrong",
        "x = 1  # type: ignore[misc]  # pyright: ignore[reportX] - the stub is wrong",
        "x = 1  # nobody asks mypy",
        "x = 1  # it is pyright that says so",
    ],
)
def test_an_ignore_of_one_code_with_a_reason_may_stand(line: str) -> None:
    assert silenced("cart.py", f"{line}\n") == []


WHOLE_FILE = "this silences a tool for more than one code"
ONE_CODE = "an ignore names one code: `# noqa: B006`, `# type: ignore[misc]`"
NO_REASON = "say behind this ignore why it must be"


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        ("# mypy: ignore-errors", [WHOLE_FILE]),
        ("#mypy:disable-error-code=misc", [WHOLE_FILE]),
        ("# pyright: basic", [WHOLE_FILE]),
        ("# pyright: reportX=false", [WHOLE_FILE]),
        ("# ruff: noqa: B006", [WHOLE_FILE]),
        ("# flake8: noqa", [WHOLE_FILE]),
        ("# fmt: off", [WHOLE_FILE]),
        ("x = 1  # fmt: skip", [WHOLE_FILE]),
        ("# yapf: disable", [WHOLE_FILE]),
        ("# isort: skip_file", [WHOLE_FILE]),
        ("x = 1  # noqa", [ONE_CODE]),
        ("x = 1  # NOQA it is so", [ONE_CODE]),
        ("x = 1  # noqa: B006, B008 - it is so", [ONE_CODE]),
        ("x = 1  # type: ignore - it is so", [ONE_CODE]),
        ("x = 1  # type: ignore[misc, arg-type]  # it is so", [ONE_CODE]),
        ("x = 1  # pyright: ignore", [ONE_CODE]),
        ("x = 1  # pyright:ignore[reportX] - it is so", [ONE_CODE]),
        ("x = 1  # noqa: B006", [NO_REASON]),
        ("x = 1  # noqa: B006 -", [NO_REASON]),
        ("x = 1  # type: ignore[misc]  # pyright: ignore[reportX]", [NO_REASON]),
    ],
)
def test_an_ignore_of_more_or_without_a_reason_is_refused(
    line: str, messages: list[str]
) -> None:
    faults = silenced("cart.py", f"\n{line}\n")
    assert [str(fault) for fault in faults] == [f"cart.py:2: {m}" for m in messages]


def test_regions_are_found_without_their_markers_and_may_overlap() -> None:
    text = dedent("""\
        a = 1
        # --8<-- [start:one]
        b = 2
            # --8<-- [start:two-b]
        c = 3
        # --8<-- [end:one]
        d = 4
            # --8<-- [end:two-b]
    """)
    assert regions("cart.py", text) == ({"one": (3, 5), "two-b": (5, 7)}, [])


def test_a_broken_region_is_not_found() -> None:
    found, faults = regions("cart.py", "# --8<-- [start:one]\na = 1\n")
    assert (found, [fault.line for fault in faults]) == ({}, [1])


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("# expect: ruff[B006]\n", True),
        ("    # expect: ruff[B006]\n", True),
        ("    # --8<-- [start:one]\n", True),
        ("# --8<-- [end:one]", True),
        ("x = 1  # expect: ruff[B006]\n", False),
        ("# expected\n", False),
        ("", False),
    ],
)
def test_only_expectations_and_markers_are_hidden(line: str, *, hidden: bool) -> None:
    assert ours(line) == (frozenset({1}) if hidden else frozenset())


@pytest.mark.parametrize(
    "line", ["# --8<-- [start:one]", "# expect: ruff[B006]", "# reveals: int"]
)
def test_what_only_looks_like_ours_within_a_string_is_shown(line: str) -> None:
    text = f'X = """\n{line}\n"""\n'
    assert shown(text) == text
    assert expectations("cart.py", text) == ([], [])
    assert reveals("cart.py", text) == ([], [])


def test_a_line_ends_where_python_ends_it() -> None:
    text = 'X = "\x1c\x85\u2028"\n# expect: ruff[B006]\ny = 1\n'
    assert read(text) == [(3, "ruff[B006]")]
    assert shown(text) == 'X = "\x1c\x85\u2028"\ny = 1\n'


def test_a_file_is_shown_byte_for_byte_but_for_our_comments() -> None:
    text = "\n# expect: ruff[B006]\nx = 1  \n\n\n# --8<-- [start:one]\n\ty = 2\n\n"
    assert shown(text) == "\nx = 1  \n\n\n\ty = 2\n\n"


def test_a_region_is_shown_dedented_and_without_empty_lines_around_it() -> None:
    text = "a\n\n    b\n\n        c\n    # expect: ruff[B006]\n    d\n\ne\n"
    assert shown(text, (2, 8)) == "b\n\n    c\nd\n"


def test_each_docstring_gives_its_sessions_with_the_lines_they_stand_in() -> None:
    assert list(docstring_examples(MODULE)) == [
        DocExample(3, "CART\n", (3,), (">>> CART\n[]",)),
        DocExample(
            14,
            'for item in ("tea", "milk"):\n    CART.append(item)\nCART\nlen(CART)\n',
            (14, 15, 16, 21),
            (
                (
                    '>>> for item in ("tea", "milk"):\n...     CART.append(item)\n'
                    ">>> CART\n['tea', 'milk']"
                ),
                ">>> len(CART)\n2",
            ),
        ),
    ]


def test_a_session_in_a_string_that_is_no_docstring_is_none() -> None:
    assert list(docstring_examples('"""Doc."""\nX = ">>> 1"\n')) == []


def test_docstrings_are_found_with_their_first_and_last_line() -> None:
    assert sorted(docstring_spans(MODULE)) == [(1, 5), (11, 23), (26, 26)]


def test_a_string_that_only_stands_there_is_no_docstring() -> None:
    assert list(docstring_spans('x = 1\n"""Not a docstring."""\n')) == []
