"""The desk, on what the installed tools really print."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypedDict

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

SECOND = 1000  # milliseconds
NAME = "new orders.py"  # an address writes the space otherwise
CODE = """import os


def add(item: str, basket: list[str] = []) -> list[str]:
    try:
        basket.append(item)
    except:
        return []
    return basket


add(3)
print(totals)
"""
BROKEN = "total =\n"
CHECK = ("check", "--isolated", "--no-cache", "--exit-zero", "--select=B006,E722,F401")
STRICT = ("--strict", "--python-version=3.13", "--cache-dir=.cache")
FORMATS = ("full", "concise", "json", "json-lines", "github", "sarif")

type Tool = Literal["ruff", "mypy", "pyright"]
type Command = tuple[Tool, tuple[str, ...]]

RUFF: list[Command] = [
    ("ruff", (*CHECK, f"--output-format={each}", *more))
    for each in FORMATS
    for more in ((), ("--preview",))
]
MYPY: list[Command] = [
    ("mypy", (*STRICT, *more)) for more in ((), ("--pretty",), ("--output=json",))
]
PYRIGHT: list[Command] = [("pyright", more) for more in ((), ("--outputjson",))]
COMMANDS = [*RUFF, *MYPY, *PYRIGHT]
CONCISE, PREVIEW = RUFF[2], RUFF[3]
JSON, WHOLE = RUFF[4], RUFF[0]
NAMES = {
    "F401": "unused-import",
    "B006": "mutable-argument-default",
    "E722": "bare-except",
}
FOUND: dict[Tool, list[tuple[str, str, int]]] = {
    "ruff": [
        ("invalid-syntax", "broken.py", 1),
        ("F401", NAME, 1),
        ("B006", NAME, 4),
        ("E722", NAME, 7),
    ],
    "mypy": [("arg-type", NAME, 12), ("name-defined", NAME, 13)],
    "pyright": [
        ("", "broken.py", 1),
        ("reportArgumentType", NAME, 12),
        ("reportUndefinedVariable", NAME, 13),
    ],
}
READ = """async ([text, readers]) => (await import(readers)).read(text)"""
# Pastes a report of four findings 2,500 times over; gives the time to the next frame.
PASTE = """async (one) => {
    const text = one.startsWith("[")
        ? JSON.stringify(Array(2500).fill(JSON.parse(one)).flat(), null, 2)
        : one.replace(/\\nFound[^]*/, "\\n").repeat(2500)
    const field = document.getElementById("desk-text")
    const clipboardData = new DataTransfer()
    clipboardData.setData("text/plain", text)
    const began = performance.now()
    const paste = {clipboardData, bubbles: true, cancelable: true}
    field.dispatchEvent(new ClipboardEvent("paste", paste))
    while (!document.querySelector(".desk-report h2"))
        await new Promise((done) => setTimeout(done, 1))
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    return performance.now() - began
}"""
RESERVED = """(form) =>
    form.offsetHeight === Math.round(parseFloat(getComputedStyle(form).minHeight))"""


class Finding(TypedDict):
    """What the desk takes from a report."""

    tool: str
    code: str
    file: str
    line: int
    message: str


class Unread(TypedDict):
    """What the desk did not understand, and where."""

    at: str
    what: str


class Report(TypedDict):
    """What a reader returns."""

    findings: list[Finding]
    unread: list[Unread]


class Desk(TypedDict):
    """What the desk knows of the rules."""

    rules: list[dict[str, str]]
    codes: dict[str, dict[str, list[str]]]
    names: dict[str, str]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[Command, str]:
    """Have each tool check a small project in each format, from its folder."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "src").mkdir()
    (folder / "src" / NAME).write_text(CODE, "utf-8")
    (folder / "src/broken.py").write_text(BROKEN, "utf-8")

    def run(command: Command) -> str:
        tool, arguments = command
        target = f"src/{NAME}" if tool == "mypy" else "src"  # it stops at broken syntax
        output = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-m", tool, *arguments, target],
            cwd=folder,
            capture_output=True,
            check=False,
            text=True,
        )
        return output.stdout

    def run_all(commands: Sequence[Command]) -> list[str]:
        return [run(each) for each in commands]  # mypy reads what its first run kept

    groups = [RUFF, MYPY, PYRIGHT]
    with ThreadPoolExecutor() as pool:
        texts = [text for each in pool.map(run_all, groups) for text in each]
    return dict(zip(COMMANDS, texts, strict=True))


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a context that may use the clipboard."""
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture(scope="module")
def opened(context: BrowserContext, address: str) -> Page:
    """Open the desk once for all that need no page of their own."""
    page = context.new_page()
    page.goto(f"{address}desk/")
    page.locator("#desk-text").wait_for()
    return page


@pytest.fixture
def desk(opened: Page) -> Page:
    """Clear the desk."""
    opened.locator("#desk-text").fill("-")
    opened.locator("#desk-text").fill("")
    opened.locator(".desk-report").wait_for(state="hidden")
    return opened


@pytest.fixture(scope="module")
def known(site: Path) -> Desk:
    """Load what the desk knows of the rules."""
    loaded: Desk = json.loads((site / "desk.json").read_text("utf-8"))
    return loaded


def read(page: Page, address: str, text: str) -> Report:
    report: Report = page.evaluate(READ, [text, f"{address}assets/desk-readers.js"])
    return report


def copied(page: Page) -> str:
    """Copy the report by keyboard, and give what the clipboard holds."""
    page.get_by_role("button", name="Copy as Markdown").press("Enter")
    expect(page.get_by_role("status").first).to_have_text(
        "Copied to the clipboard, as Markdown"
    )
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def named(known: Desk, rule: str) -> dict[str, str]:
    (found,) = [each for each in known["rules"] if each["id"] == rule]
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: " ".join(each[1][-2:]))
def test_what_a_tool_prints_is_read_whole(
    desk: Page, address: str, printed: dict[Command, str], command: Command
) -> None:
    tool, arguments = command
    report = read(desk, address, printed[command])
    by_name = "--preview" in arguments and not any("json" in each for each in arguments)
    wanted = [
        (tool, NAMES.get(code, code) if by_name else code, file, line)
        for code, file, line in FOUND[tool]
    ]
    assert report["unread"] == []
    assert [
        (each["tool"], each["code"], Path(each["file"]).name, each["line"])
        for each in report["findings"]
    ] == wanted
    assert all(each["message"] for each in report["findings"])


@pytest.mark.parametrize("commands", [RUFF[:2], RUFF[2:4], MYPY, PYRIGHT])
def test_a_finding_reads_the_same_in_each_format(
    desk: Page, address: str, printed: dict[Command, str], commands: list[Command]
) -> None:
    said = {
        tuple(
            each["message"]
            for each in read(desk, address, printed[command])["findings"]
        )
        for command in commands
    }
    assert len(said) == 1


def test_the_reports_of_all_tools_may_be_mixed_as_in_a_log(
    desk: Page, address: str, printed: dict[Command, str]
) -> None:
    texts = [printed[each] for each in (WHOLE, MYPY[1], PYRIGHT[0], CONCISE)]
    lines = "\n".join(texts).splitlines()
    log = "".join(
        f"2026-11-21T15:36:01.1234567Z \x1b[1m{each}\x1b[0m\r\n" for each in lines
    )
    report = read(desk, address, log)
    assert report["unread"] == []
    found = [*FOUND["ruff"], *FOUND["mypy"], *FOUND["pyright"], *FOUND["ruff"]]
    assert [each["code"] for each in report["findings"]] == [each[0] for each in found]


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("Traceback (most recent call last):", "Line 1", "Traceback (most recent"),
        ("src/a.py:1:8: F401 unused\n\nDone?\n", "Line 3", "Done?"),
        ("F401 unused\n", "Line 1", "F401 unused"),
        ('[\n  {"code": "F401",\n  "filename": "a.py"', "Line 3", "the JSON ends"),
        ('[\n  {"code": F401}\n]', "Line 2", "this is not JSON"),
        ('[{"code": "F401"}]', "Item 1", '{"code":"F401"}'),
        ('{"errors": []}', "The whole", '{"errors":[]}'),
        ('{"runs": [{"results": [{}]}]}', "Run 1, result 1", "{}"),
        (
            '{"generalDiagnostics": [{"rule": "x"}]}',
            "generalDiagnostics, item 1",
            '{"rule":"x"}',
        ),
        ("::error file=a.py,line=1::no tool", "Line 1", "::error"),
        (
            '{"file": "a.py", "line": 1, "severity": "error", "message": "x"}\nx',
            "Line 2",
            "x",
        ),
        ("a.py:1: error: No code\na foreign line\n", "Line 2", "a foreign line"),
        ("null", "Line 1", "null"),
        ('["x"]', "Line 1", '["x"]'),
        ('[\n  {"x": 1}\n]\nFound 1 error.', "Line 4", "this is not JSON: Found"),
        ('[\n  {"x": "cut of', "Line 2", "the JSON ends"),
        ('$ ruff check\nwarning: x\n[\n  {"x": 1},\n', "Line 4", "the JSON ends"),
        ("\x00\x01", "Line 1", ""),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(
    desk: Page, address: str, text: str, at: str, what: str
) -> None:
    (unread,) = read(desk, address, text)["unread"]
    assert unread["at"] == at
    assert unread["what"].startswith(what)


def test_each_code_that_was_proven_to_report_a_rule_leads_to_it(
    site: Path, known: Desk
) -> None:
    rules = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    proven = {
        (tool, code, rule["id"])
        for rule in rules
        for kind in ("codes", "related")
        for tool, codes in rule[kind].items()
        for code in codes
    }
    listed = {
        (tool, code, rule)
        for tool, codes in known["codes"].items()
        for code, ids in codes.items()
        for rule in ids
    }
    assert listed == proven
    assert len(proven) > 0
    assert known["names"]["mutable-argument-default"] == "B006"
    assert known["names"].keys() >= {"banned-api", "none-comparison"}  # related alone


def test_a_report_becomes_markdown_for_the_review(
    desk: Page, known: Desk, printed: dict[Command, str]
) -> None:
    desk.locator("#desk-text").fill(printed[PREVIEW])
    site = desk.locator("link[rel=canonical]").get_attribute("href")
    assert site is not None
    links = [
        f"**[{rule}: {title.replace('`', '')}]({site.removesuffix('desk/')}{address})**"
        for rule, title, address in (
            (rule, named(known, rule)["title"], named(known, rule)["address"])
            for rule in ("pitfalls-mutable-defaults", "pitfalls-bare-except")
        )
    ]
    shown = desk.get_by_role("link", name="Default to None, then test identity")
    expect(shown).to_have_attribute(
        "href", desk.url.replace("desk/", "pitfalls/mutable-defaults/")
    )
    text = copied(desk)
    lines = [line for line in text.splitlines() if line]
    others = ["1 ruff `invalid-syntax`", "1 ruff `unused-import`"]
    argument = "Do not use mutable data structures for argument defaults"
    assert sorted(lines) == sorted(
        [
            links[0],
            f"- `src/{NAME}:4` ruff `B006`: `{argument}`",
            links[1],
            f"- `src/{NAME}:7` ruff `E722`: `` Do not use bare `except` ``",
            f"2 findings that no rule covers: {', '.join(others)}",
        ]
    )
    assert lines[lines.index(links[0]) + 1].endswith(f"`{argument}`")
    rows = desk.locator("table.desk-others tbody tr").all_inner_texts()
    assert [each.split("\t") for each in rows] == [
        ["ruff", "invalid-syntax", "1"],
        ["ruff", "unused-import", "1"],
    ]


def test_of_several_rules_for_a_code_all_are_offered_and_one_can_be_chosen(
    desk: Page, known: Desk, printed: dict[Command, str]
) -> None:
    rules = known["codes"]["mypy"]["arg-type"]
    assert len(rules) > 1
    desk.locator("#desk-text").fill(printed[MYPY[0]])
    expect(desk.locator(".desk-rules li")).to_have_count(len(rules))
    all_of_them = copied(desk)
    assert all(f"[{rule}: " in all_of_them for rule in rules)
    desk.get_by_role("combobox", name="In the Markdown").select_option(rules[1])
    one = copied(desk)
    assert [rule for rule in rules if f"[{rule}: " in one] == [rules[1]]
    assert f"`src/{NAME}:12` mypy `arg-type`" in one


def test_paths_of_a_machine_are_shortened_to_those_of_the_project(
    desk: Page, printed: dict[Command, str]
) -> None:
    text = printed[MYPY[0]] + printed[PYRIGHT[0]]  # relative ones, and whole ones
    desk.locator("#desk-text").fill(text)
    places = desk.locator(".desk-findings li > code:first-child")
    expect(places).to_have_text([f"src/{NAME}:12"] * 2)


def test_findings_of_a_rule_stand_in_order_of_their_place(desk: Page) -> None:
    places = ["b.py:1", "a.py:10", "a.py:9"]
    text = "".join(f"{each}:1: B006 No\n" for each in places)
    desk.locator("#desk-text").fill(text)
    shown = desk.locator(".desk-findings li > code:first-child")
    expect(shown).to_have_text(["a.py:9", "a.py:10", "b.py:1"])


def test_a_chosen_file_is_read_also_as_windows_writes_it(
    desk: Page, printed: dict[Command, str]
) -> None:
    files = desk.get_by_label("Or files, chosen or dropped here")
    text = printed[CONCISE]
    for encoding in ("utf-8", "utf-16"):
        desk.locator("#desk-text").fill("-")
        files.set_input_files(
            {"name": "a.txt", "mimeType": "", "buffer": text.encode(encoding)}
        )
        expect(desk.locator(".desk-report > p").first).to_have_text(
            "4 findings, 2 of them covered by a rule."
        )
    files.set_input_files({"name": "b.json", "mimeType": "", "buffer": b'[\n{"a": 1'})
    expect(desk.locator(".desk-unread li")).to_contain_text("b.json, Line 2: the JSON")
    desk.locator("#desk-text").fill("[]")
    expect(desk.get_by_role("status").first).to_have_text(
        "The report is clean: it has no finding."
    )


def test_a_dropped_file_is_read(desk: Page, printed: dict[Command, str]) -> None:
    desk.evaluate(
        """(text) => {
            const dataTransfer = new DataTransfer()
            dataTransfer.items.add(new File([text], "ruff.json"))
            const drop = {dataTransfer, bubbles: true, cancelable: true}
            document.body.dispatchEvent(new DragEvent("drop", drop))
        }""",
        printed[JSON],
    )
    expect(desk.locator(".desk-report > p").first).to_contain_text("4 findings, 2")


@pytest.mark.parametrize("command", [JSON, WHOLE], ids=["json", "full"])
def test_ten_thousand_findings_are_read_within_a_second(
    desk: Page, printed: dict[Command, str], command: Command
) -> None:
    took: float = desk.evaluate(PASTE, printed[command])
    expect(desk.locator(".desk-report > p").first).to_contain_text("10,000 findings")
    assert desk.locator("#desk-text").input_value() == ""
    assert took < SECOND
    more = desk.get_by_role("button", name="Show all 2,500 findings").first
    more.press("Enter")
    shown = desk.locator(".desk-findings").first
    expect(shown).to_be_focused()
    expect(shown.locator("li")).to_have_count(2500)


def test_a_tools_words_are_no_markup_in_the_markdown(desk: Page) -> None:
    said = "a.py:1:1: B006 <img src=x> [x](y) @octocat ``two`` `one\n"
    desk.locator("#desk-text").fill(said)
    assert "```<img src=x> [x](y) @octocat ``two`` `one```" in copied(desk)
    assert desk.locator(".desk-report img").count() == 0


def test_the_form_takes_the_room_that_was_kept_for_it(desk: Page) -> None:
    assert desk.locator("#desk").evaluate(RESERVED)


def test_nothing_leaves_the_browser(
    context: BrowserContext, address: str, printed: dict[Command, str]
) -> None:
    page = context.new_page()
    page.goto(f"{address}desk/")
    page.locator("#desk-text").wait_for()
    page.wait_for_load_state("networkidle")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.locator("#desk-text").fill(printed[JSON])
    copied(page)
    page.close()
    assert [url for url in asked if "/assets/fonts/" not in url] == []


def test_without_scripts_the_desk_says_what_it_needs(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}desk/")
    assert page.locator(".desk-needs").is_visible()
    assert not page.locator("#desk").is_visible()
    page.locator(".desk-needs a").click()
    assert page.url == f"{address}rules/"
    context.close()


def test_the_desk_stands_in_the_menu_after_all_rules(desk: Page) -> None:
    menu = desk.get_by_role("navigation", name="Chapters")
    names = [each.strip() for each in menu.get_by_role("link").all_inner_texts()]
    assert names[names.index("All rules") + 1] == "The desk"
