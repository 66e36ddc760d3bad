"""Writes what is proven as Markdown, for the pages to include."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from proof import draw
from proof.diagnose import TOOLS
from proof.ledger import Claim, Diagnostic, Ledger, Unit, sha256, write
from proof.markup import count, definitions, details, link, message, sentence
from proof.project import Project, Rule
from proof.source import (
    Expectation,
    cut,
    docstring_examples,
    expectations,
    is_comment_of_ours,
    regions,
    shown,
)

FOLDER = ".proof/fragments"
OF_A_RULE = ("rule", "do", "whole", "avoid", "timeline", "measured", "proof")
OF_A_CHAPTER = ("rules", "reference")
FIGURES = "figures.md"
MACHINE = "machine.md"
SHORT = 60  # characters
NOT_PROVEN = "not proven since the last edit"


def names(project: Project) -> Iterator[str]:
    """List every fragment that a page may include, proven or not."""
    for rule in project.rules:
        for name in (*OF_A_RULE, *_regions(project, rule)):
            yield f"{rule.fragments}/{name}.md"
    for chapter in project.chapters:
        for name in OF_A_CHAPTER:
            yield f"{chapter}/{name}.md"
    yield FIGURES
    yield MACHINE


class Fragments:
    """The fragments of a ledger.

    Attributes:
        texts: Each fragment's Markdown, by its name below the folder.
        code: Every text of a snippet that may stand in a code block of the site.
        unproven: The rules without a proof on their present bytes, with the reason.
            Their fragments say so and hold no code.
    """

    def __init__(self, project: Project, ledger: Ledger) -> None:
        """Make them all.

        Args:
            project: The project.
            ledger: What is proven.
        """
        self.texts: dict[str, str] = {}
        self.code: set[str] = set()
        self.unproven: dict[str, str] = {}
        self._project = project
        self._ledger = ledger
        for rule in project.rules:
            self._add_rule(rule)
        for chapter in project.chapters:
            self.texts[f"{chapter}/rules.md"] = self._table(chapter)
            self.texts[f"{chapter}/reference.md"] = self._reference(chapter)
        self.texts[FIGURES] = self._figures()
        self.texts[MACHINE] = self._machine()

    def write(self) -> None:
        """Bring the folder to exactly these; one that is the same is not touched."""
        folder = self._project.root / FOLDER
        for path in folder.glob("**/*.md"):
            if path.relative_to(folder).as_posix() not in self.texts:
                path.unlink()
        for name, text in self.texts.items():
            path = folder / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write(path, text)

    def _add_rule(self, rule: Rule) -> None:
        unit = self._ledger.units.get(rule.tests)
        why = why_unproven(self._project, self._ledger, rule)
        if unit is None or why:
            self.unproven[rule.id] = why
            wanted = [*OF_A_RULE, *_regions(self._project, rule)]
            texts = dict.fromkeys(wanted, _note(rule))
        else:
            texts = dict(self._of_rule(rule, unit))
        for name, text in texts.items():
            self.texts[f"{rule.fragments}/{name}.md"] = text

    def _of_rule(self, rule: Rule, unit: Unit) -> Iterator[tuple[str, str]]:
        read = self._project.read
        modules = self._project.recommended(rule)
        whole = "\n".join(self._fence(shown(read(path))) for path in modules)
        yield "do", whole
        yield "whole", details("whole", "The whole module", whole)
        for name, (path, lines) in _regions(self._project, rule).items():
            yield name, self._fence(shown(read(path), lines))
        for path in modules:
            for example in docstring_examples(read(path)):
                self.code.update(example.sessions)
        yield "rule", self._chips(rule)
        avoided = self._project.counterexamples(rule)
        yield "avoid", "\n".join(self._counterexample(path, unit) for path in avoided)
        if any(claim.timeline for claim in unit.tests):
            yield "timeline", _timelines(unit)
        if any(claim.rows or claim.growths for claim in unit.tests):
            yield "measured", self._measured(unit)
        yield "proof", self._proof(rule, unit)

    def _fence(self, text: str) -> str:
        """Write a code block of a proven text, in a fence that it can't close."""
        text = text.strip("\n")
        self.code.add(text)
        longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
        ticks = "`" * (longest + 1)
        return f"{ticks}python\n{text}\n{ticks}\n"

    def _chips(self, rule: Rule) -> str:
        codes = {(each.tool, each.code, each.url) for each in self._diagnostics(rule)}
        enforced = "".join(
            f" <li>reported by {tool} {link(code, url)}</li>"
            for tool, code, url in sorted(codes)
        )
        return (
            f'<ul class="rule"><li class="{rule.strength}">{rule.strength}</li> '
            f"<li><code>{rule.id}</code></li>{enforced}</ul>\n"
        )

    def _counterexample(self, path: str, unit: Unit) -> str:
        """Show a counterexample with, below each line, what was found there."""
        text = self._project.read(path)
        remarks = self._remarks(path, unit)
        parts: list[str] = []
        block: list[str] = []
        for at, line in enumerate(text.splitlines(keepends=True), start=1):
            if is_comment_of_ours(line):
                continue
            block.append(line)
            if at in remarks:
                parts.append(self._fence("".join(block)))
                listed = "".join(remarks[at])
                parts.append(
                    f'<ul class="remarks" aria-label="At this line">{listed}</ul>\n'
                )
                block = []
        if "".join(block).strip():
            parts.append(self._fence("".join(block)))
        return '<div class="avoid" markdown>\n\n' + "\n".join(parts) + "\n</div>\n"

    def _remarks(self, path: str, unit: Unit) -> dict[int, list[str]]:
        remarks: dict[int, list[str]] = {}
        for each in self._all_diagnostics():
            if each.path == path:
                remarks.setdefault(each.line, []).append(
                    f'<li class="tool"><b>{each.tool} {link(each.code, each.url)}</b> '
                    f"{message(each.message)}</li>"
                )
        claims = {claim.name: claim for claim in unit.tests}
        for failure in _failures(path, self._project.read(path)):
            claim = claims[f"test_{failure.code}"]
            seen = "".join(
                f" <samp>{html.escape(what)}</samp>" for what in claim.observed
            )
            remarks.setdefault(failure.line, []).append(
                f'<li class="harm"><b>run</b> {sentence(claim.name)}.{seen}</li>'
            )
        return remarks

    def _measured(self, unit: Unit) -> str:
        machine = self._ledger.machine
        rows = [row for claim in unit.tests for row in claim.rows]
        growths = [each for claim in unit.tests for each in claim.growths]
        shown_as = [draw.table(rows), *map(draw.growth, growths)]
        note = f'<p class="on">Measured on {machine.python}, {machine.system}.</p>\n'
        return "\n".join([*shown_as, note])

    def _proof(self, rule: Rule, unit: Unit) -> str:
        parts = cut(self._project.read(rule.tests))
        tests = "\n".join(
            details(
                "test",
                sentence(claim.name) + _cases(claim),
                self._fence(parts.tests[claim.name]),
            )
            for claim in unit.tests
        )
        if parts.helpers:
            summary = "What these tests lean on"
            tests += "\n" + details("test helpers", summary, self._fence(parts.helpers))
        return definitions("facts", self._facts(rule, unit)) + "\n" + tests

    def _facts(self, rule: Rule, unit: Unit) -> dict[str, str]:
        ran = [unit.snippets[path] for path in self._project.recommended(rule)]
        statements = sum(each.statements for each in ran)
        branches = sum(each.branches for each in ran)
        executed = f"{statements:,} of {count(statements, 'line')}"
        if branches:
            executed += f", {branches:,} of {count(branches, 'branch')}"
        by = count(len(unit.tests), "test")
        if unit.examples:
            by += f" and {count(unit.examples, 'docstring step')}"
        versions = ", ".join(
            f"{name} {verdict.version}" for name, verdict in self._ledger.tools.items()
        )
        avoided = self._project.counterexamples(rule)
        failures = sum(len(_failures(at, self._project.read(at))) for at in avoided)
        machine = self._ledger.machine
        return {
            "Executed": f"{executed}, by {by}",
            "Accepted by": f"{versions}; both type checkers in strict mode",
            "Counterexample": f"{count(len(self._diagnostics(rule)), 'diagnostic')} "
            f"demanded and reported, {count(failures, 'failure')} shown by tests",
            "Ran on": f"{machine.python}, {machine.system}",
        }

    def _table(self, chapter: str) -> str:
        lines = ["| Rule | Weight | Reported by | Tests |", "|---|---|---|---|"]
        for rule in self._project.of_chapter(chapter):
            codes = {f"{each.tool} `{each.code}`" for each in self._diagnostics(rule)}
            unit = self._ledger.units.get(rule.tests)
            cells = [
                f"[{rule.title}]({rule.name}.md)",
                rule.strength,
                ", ".join(sorted(codes)) or "its tests",
                str(len(unit.tests)) if unit and rule.id not in self.unproven else "—",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _reference(self, chapter: str) -> str:
        parts: list[str] = []
        for rule in self._project.of_chapter(chapter):
            page = f"../{chapter}/{rule.name}.md"
            parts.append(f"## [{rule.title}]({page}) {{#{rule.name}}}\n")
            if rule.id in self.unproven:
                parts.append(_note(rule))
                continue
            parts += [
                f"::: {path.removesuffix('.py').replace('/', '.')}\n"
                for path in self._project.recommended(rule)
            ]
        return "\n".join(parts)

    def _figures(self) -> str:
        units = [
            self._ledger.units[rule.tests]
            for rule in self._project.rules
            if rule.id not in self.unproven
        ]
        executed = [each for unit in units for each in unit.snippets.values()]
        figures = {
            "rules": len(units),
            "snippets": len(executed),
            "tests": sum(claim.cases for unit in units for claim in unit.tests),
            "lines executed": sum(each.statements for each in executed),
            "diagnostics verified": len(self._all_diagnostics()),
            "skipped": sum(len(unit.missing) for unit in units),
        }
        return definitions("figures", {name: f"{n:,}" for name, n in figures.items()})

    def _machine(self) -> str:
        machine, tools = self._ledger.machine, self._ledger.tools
        facts = {"Interpreter": machine.python, "System": machine.system}
        facts |= {name: verdict.version for name, verdict in tools.items()}
        return definitions("facts", facts)

    def _all_diagnostics(self) -> list[Diagnostic]:
        return [
            each
            for verdict in self._ledger.tools.values()
            for each in verdict.diagnostics
        ]

    def _diagnostics(self, rule: Rule) -> list[Diagnostic]:
        paths = self._project.counterexamples(rule)
        return [each for each in self._all_diagnostics() if each.path in paths]


def why_unproven(project: Project, ledger: Ledger, rule: Rule) -> str:
    """Tell what is missing to a rule's proof.

    Args:
        project: The project.
        ledger: What is proven.
        rule: The rule.

    Returns:
        The first reason, with the file's name; empty if the rule is proven on
        exactly the bytes that its files have now.
    """
    unit = ledger.units.get(rule.tests)
    if unit is None:
        return f"{rule.tests} has not passed since its last change"
    if unit.missing:
        return f"not proven here: {', '.join(unit.missing)}"
    if not _same(project.root, rule.tests, unit.sha256):
        return f"{rule.tests} was changed after it was proven"
    for path in project.snippets(rule):
        executed = unit.snippets.get(path)
        if executed is None or not _same(project.root, path, executed.sha256):
            return f"{path} was changed after it was proven"
        for tool in TOOLS:
            verdict = ledger.tools.get(tool.name)
            if verdict is None or verdict.files.get(path) != executed.sha256:
                return f"{path} is not accepted by {tool.name} as it is now"
    return ""


def _cases(claim: Claim) -> str:
    """Tell of a test that ran several times how often, and on what if that is short."""
    if claim.cases == 1:
        return ""
    ids = html.escape(", ".join(claim.ids))
    on = f": {ids}" if len(ids) <= SHORT else ""
    return f" <small>{claim.cases} cases{on}</small>"


def _timelines(unit: Unit) -> str:
    return "\n".join(
        draw.timeline(sentence(claim.name), claim.timeline)
        for claim in unit.tests
        if claim.timeline
    )


def _same(root: Path, path: str, digest: str) -> bool:
    return (root / path).is_file() and sha256(root, path) == digest


def _note(rule: Rule) -> str:
    return f'<p class="unproven" role="note">{rule.id}: {NOT_PROVEN}</p>\n'


def _regions(project: Project, rule: Rule) -> dict[str, tuple[str, tuple[int, int]]]:
    return {
        name: (path, lines)
        for path in project.recommended(rule)
        for name, lines in regions(path, project.read(path))[0].items()
    }


def _failures(path: str, text: str) -> list[Expectation]:
    """List what the tests must show of a counterexample."""
    return [each for each in expectations(path, text)[0] if each.tool == "test"]
