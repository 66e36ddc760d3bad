"""Writes what is proven of one rule or recipe as Markdown, for its page to include."""

import html
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from proof import draw
from proof.copying import bar, conditions, name_of
from proof.ledger import Claim, Diagnostic, Ledger, Unit
from proof.markup import count, definitions, details, link, message, sentence
from proof.older import NEWEST, Pythons, pythons
from proof.project import Project, Rule, Subject
from proof.runnable import examples_ran_on, module_of, runnable
from proof.source import (
    CHECKERS,
    Expectation,
    asserted,
    cut,
    docstring_examples,
    ends,
    expectations,
    is_comment_of_ours,
    regions,
    shown,
)

RECORDED = ("timeline", "measured", "attack", "evidence")  # by tests, where they do
OF_A_RULE = (
    *("rule", "do", "whole", "types", "avoid", *RECORDED, "proof"),
    "quoted",  # the counterexample, for a page that isn't the rule's
    "json",  # what rules.json says of it, likewise
)
RUNS = ("asyncio", "trio", "SQLite", "PostgreSQL")  # columns of a proof's matrix
SHORT = 60  # characters
SEVERAL = 2
PASSED = '<span class="passed">passed</span>'


def names_of(project: Project, subject: Subject) -> list[str]:
    """List every fragment that a page may include of its own, without folder."""
    return [*OF_A_RULE, *_regions(project, subject)]


def diagnostics_of(
    project: Project, ledger: Ledger, subject: Subject
) -> list[Diagnostic]:
    """List what was reported of a counterexample."""
    paths = project.counterexamples(subject)
    return [
        each
        for verdict in ledger.tools.values()
        for each in verdict.diagnostics
        if each.path in paths
    ]


def pythons_of(project: Project, ledger: Ledger, subject: Subject) -> Pythons | None:
    """Tell on which Pythons something holds; ``None`` where nobody found out yet."""
    verdict, unit = ledger.older.get(subject.tests), ledger.units.get(subject.tests)
    if verdict is None or unit is None:
        return None
    return pythons(verdict, unit, project.recommended(subject))


def proofs_of(unit: Unit) -> list[str]:
    """Name the kinds of proof, besides tests, that the tests recorded."""
    kinds = {
        "timeline": any(claim.timeline for claim in unit.tests),
        "measured": any(claim.rows or claim.growths for claim in unit.tests),
        "attack": any(claim.attack for claim in unit.tests),
        "evidence": any(claim.evidence for claim in unit.tests),
    }
    return [name for name in RECORDED if kinds[name]]


class RuleFragments:
    """The fragments of a rule or recipe that is proven.

    Attributes:
        texts: Each fragment's Markdown, by its name without folder.
        code: Every text that may stand in a code block of the site.
    """

    def __init__(
        self, project: Project, ledger: Ledger, subject: Subject, unit: Unit
    ) -> None:
        """Make them all.

        Args:
            project: The project.
            ledger: What is proven.
            subject: The rule or recipe.
            unit: What its tests proved.
        """
        self.code: set[str] = set()
        self._project = project
        self._ledger = ledger
        self._diagnostics = diagnostics_of(project, ledger, subject)
        by_checker = [each for each in self._diagnostics if each.tool in CHECKERS]
        self._about_types = bool(by_checker or project.types(subject))
        self.texts = dict(self._all(subject, unit))

    def _all(self, subject: Subject, unit: Unit) -> Iterator[tuple[str, str]]:
        read = self._project.read
        modules = self._project.recommended(subject)
        blocks = [
            self._block(subject, name_of("do", path, modules), path, shown(read(path)))
            for path in modules
        ]
        if runnable(self._project, subject):
            blocks.append(
                f'<div class="run" data-module="{module_of(subject)}"></div>\n'
            )
        found = pythons_of(self._project, self._ledger, subject)
        oldest = found.oldest if found else NEWEST
        whole = "\n".join([*blocks, conditions(self._project, subject, oldest)])
        yield "do", whole
        yield "whole", details("whole", "The whole module", whole)
        for name, (path, lines) in _regions(self._project, subject).items():
            yield name, self._block(subject, name, path, shown(read(path), lines))
        for path in modules:
            for example in docstring_examples(read(path)):
                self.code.update(example.sessions)
        if isinstance(subject, Rule):
            yield "rule", self._chips(subject)
        avoided = self._project.counterexamples(subject)
        remarked = {path: self._remarks(path, unit) for path in avoided}
        yield "avoid", "".join(self._remarked(subject, "avoid", remarked))
        yield "quoted", "".join(list(self._remarked(subject, "avoid", remarked))[1::2])
        if types := self._project.types(subject):
            inferred = {path: self._inferred(path) for path in types}
            yield "types", "".join(self._remarked(subject, "types", inferred))
        made = {
            "timeline": _timelines,
            "measured": self._measured,
            "attack": _attacks,
            "evidence": self._evidence,
        }
        yield from ((name, made[name](unit)) for name in proofs_of(unit))
        yield "proof", self._proof(subject, unit)

    def _fence(self, text: str, language: str = "python") -> str:
        """Write a code block of a proven text, in a fence that it can't close."""
        text = text.strip("\n")
        self.code.add(text)
        longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
        ticks = "`" * (longest + 1)
        return f"{ticks}{language}\n{text}\n{ticks}\n"

    def _chips(self, rule: Rule) -> str:
        codes = {(each.tool, each.code, each.url) for each in self._diagnostics}
        enforced = "".join(
            f" <li>reported by {tool} {link(code, url)}</li>"
            for tool, code, url in sorted(codes)
        )
        return (
            f'<ul class="rule" data-rule="{rule.id}">'
            f'<li class="{rule.strength}">{rule.strength}</li> '
            f"<li><code>{rule.id}</code></li>{enforced}</ul>\n"
        )

    def _block(self, subject: Subject, name: str, path: str, text: str) -> str:
        """Show code of a module in one piece."""
        return bar(name, subject.download(path), text) + self._fence(text)

    def _inferred(self, path: str) -> dict[int, list[str]]:
        """Tell for each line what the checkers infer there."""
        remarks = self._revealed(path)
        text = self._project.read(path)
        lines = text.splitlines()
        agreed = [at for at in asserted(text) if at not in remarks]
        for at in agreed:
            rest = itertools.dropwhile(is_comment_of_ours, lines[at:])
            if "assert_type(" not in next(rest, ""):  # else said once below the last
                remarks[at] = ['<li class="type"><b>mypy, pyright</b> agree</li>']
        return remarks

    def _remarked(
        self, subject: Subject, kind: str, modules: dict[str, dict[int, list[str]]]
    ) -> Iterator[str]:
        """Show modules, cut below each line on which there is something to say.

        Args:
            subject: The rule or recipe.
            kind: What the modules are to it.
            modules: What there is to say in each, by line.

        Yields:
            Of each module its bar, then its code.
        """
        for path, remarks in modules.items():
            text = self._project.read(path)
            parts: list[str] = []
            starts: list[int] = []
            kept = 0
            for block, said in _pieces(text, remarks):
                blank = sum(1 for _ in itertools.takewhile("\n".__eq__, block))
                starts.append(kept + blank + 1)
                kept += len(block)
                parts.append(self._fence("".join(block)))
                if said:
                    listed = "".join(said)
                    parts.append(
                        f'<ul class="remarks" aria-label="At this line">{listed}</ul>\n'
                    )
            name = name_of(kind, path, list(modules))
            yield bar(name, subject.download(path), shown(text), starts)
            body = "\n".join(parts)
            yield f'<div class="{kind}" markdown>\n\n{body}\n</div>\n\n'

    def _revealed(self, path: str) -> dict[int, list[str]]:
        """Tell for each line what each checker reveals there."""
        said: dict[int, dict[str, str]] = {}
        for verdict in self._ledger.tools.values():
            for each in verdict.revealed:
                if each.path == path:
                    said.setdefault(each.line, {})[each.tool] = each.type
        remarks: dict[int, list[str]] = {}
        for at, types in sorted(said.items()):
            for type_ in dict.fromkeys(types.values()):
                tools = ", ".join(tool for tool in types if types[tool] == type_)
                remarks.setdefault(at, []).append(
                    f'<li class="type"><b>{tools}</b> '
                    f"<code>{html.escape(type_)}</code></li>"
                )
        return remarks

    def _remarks(self, path: str, unit: Unit) -> dict[int, list[str]]:
        remarks = self._revealed(path)
        refused: defaultdict[int, set[str]] = defaultdict(set)
        for each in self._diagnostics:
            if each.path == path:
                refused[each.line].add(each.tool)
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
            refused[failure.line].add("run")
        for at, by in refused.items():
            silent = [tool for tool in CHECKERS if tool not in by]
            if self._about_types and silent and by != {"ruff"}:
                accept = "accept" if len(silent) > 1 else "accepts"
                said = f"<b>{' and '.join(silent)}</b> {accept} this line."
                remarks[at].append(f'<li class="silent">{said}</li>')
        return remarks

    def _measured(self, unit: Unit) -> str:
        machine = self._ledger.machine
        rows = [row for claim in unit.tests for row in claim.rows]
        growths = [each for claim in unit.tests for each in claim.growths]
        shown_as = [draw.table(rows), *map(draw.growth, growths)]
        note = f'<p class="on">Measured on {machine.python}, {machine.system}.</p>\n'
        return "\n".join([*shown_as, note])

    def _evidence(self, unit: Unit) -> str:
        """Quote what servers and tools said."""
        parts: list[str] = []
        for claim in unit.tests:
            if claim.evidence:
                parts.append(f'<p class="evidence">{sentence(claim.name)}</p>\n')
            for each in claim.evidence:
                title = f'<p class="exhibit">{html.escape(each.title)}</p>\n'
                parts += [title, self._fence(each.text, "text")]
        return "\n".join(parts)

    def _proof(self, subject: Subject, unit: Unit) -> str:
        parts = cut(self._project.read(subject.tests))
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
        facts = definitions("facts", self._facts(subject, unit))
        return "\n".join([facts, self._checkers(subject), _runs(unit), tests])

    def _checkers(self, subject: Subject) -> str:
        """Tell what each checker said of each file, where that is part of the proof."""
        if not self._about_types:
            return ""
        found = self._diagnostics
        revealed = [each for v in self._ledger.tools.values() for each in v.revealed]
        rows: dict[str, list[str]] = {}
        for path in self._project.snippets(subject):
            row: list[str] = []
            for tool in CHECKERS:
                said = {
                    "refuses": sum((e.path, e.tool) == (path, tool) for e in found),
                    "reveals": sum((e.path, e.tool) == (path, tool) for e in revealed),
                }
                told = [f"{what} {number}" for what, number in said.items() if number]
                row.append(", ".join(told) or "accepts")
            rows[f"<code>{Path(path).name}</code>"] = row
        return draw.matrix("What each checker says", CHECKERS, rows)

    def _facts(self, subject: Subject, unit: Unit) -> dict[str, str]:
        files = [*self._project.recommended(subject), *self._project.types(subject)]
        ran = [unit.snippets[path] for path in files]
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
        avoided = self._project.counterexamples(subject)
        failures = sum(len(_failures(at, self._project.read(at))) for at in avoided)
        machine = self._ledger.machine
        servers = sorted({each for claim in unit.tests for each in claim.servers})
        facts = {
            "Executed": f"{executed}, by {by}",
            "Accepted by": f"{versions}; both type checkers in strict mode",
        }
        if avoided:
            facts["Counterexample"] = (
                f"{count(len(self._diagnostics), 'diagnostic')} demanded and reported, "
                f"{count(failures, 'failure')} shown by tests"
            )
        facts["Ran on"] = ", ".join([machine.python, machine.system, *servers])
        if also := examples_ran_on(self._project, self._ledger, subject):
            facts["Examples also ran on"] = also
        if found := pythons_of(self._project, self._ledger, subject):
            facts |= _on_older(found)
        return facts


def _on_older(found: Pythons) -> dict[str, str]:
    """Tell apart what the checkers and what older interpreters say of a snippet."""
    accepted = f"for Python {found.accepted} and newer"
    if found.refused:
        version, _, why = found.refused.partition(": ")
        accepted += f"; on {version}: {message(why)}"
    facts = {"Both checkers accept it": accepted}
    if found.passed:
        facts["Tests passed on"] = ", ".join(f"CPython {each}" for each in found.passed)
    for title, told in (
        ("Tests fail on", found.failed.items()),
        ("Tests can't run on", found.unfit.items()),
        (
            "Python differs on",
            ((full, "; ".join(names)) for full, names in found.differs.items()),
        ),
    ):
        if said := [f"CPython {full}: {message(what)}" for full, what in told]:
            facts[title] = "<br>".join(said)
    return facts


def _pieces(
    text: str, remarks: dict[int, list[str]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Cut what is shown of a module below each line with remarks; give both.

    What is said of a line that begins a statement stands below its end.
    """
    last = ends(text)
    below: defaultdict[int, list[str]] = defaultdict(list)
    for at, said in sorted(remarks.items()):
        below[last.get(at, at)] += said
    piece: list[str] = []
    for at, line in enumerate(text.splitlines(keepends=True), start=1):
        if is_comment_of_ours(line):
            continue
        piece.append(line)
        if at in below:
            yield piece, below[at]
            piece = []
    if "".join(piece).strip():
        yield piece, []


def _cases(claim: Claim) -> str:
    """Tell of a test that ran several times how often, and on what if that is short."""
    if claim.cases == 1:
        return ""
    ids = html.escape(", ".join(claim.ids))
    on = f": {ids}" if len(ids) <= SHORT else ""
    return f" <small>{claim.cases} cases{on}</small>"


def _runs(unit: Unit) -> str:
    """Tell which tests ran on what, where some ran on several."""
    ran = {claim.name: {*"-".join(claim.ids).split("-")} for claim in unit.tests}
    columns = [run for run in RUNS if any(run in on for on in ran.values())]
    if len(columns) < SEVERAL:
        return ""
    rows = {
        html.escape(sentence(name)): [PASSED if run in on else "" for run in columns]
        for name, on in ran.items()
        if on.intersection(columns)
    }
    return draw.matrix("What the tests ran on", columns, rows)


def _attacks(unit: Unit) -> str:
    return "\n".join(
        draw.attack(sentence(claim.name), claim.attack)
        for claim in unit.tests
        if claim.attack
    )


def _timelines(unit: Unit) -> str:
    return "\n".join(
        draw.timeline(sentence(claim.name), claim.timeline)
        for claim in unit.tests
        if claim.timeline
    )


def _regions(
    project: Project, subject: Subject
) -> dict[str, tuple[str, tuple[int, int]]]:
    return {
        name: (path, lines)
        for path in project.recommended(subject)
        for name, lines in regions(path, project.read(path))[0].items()
    }


def _failures(path: str, text: str) -> list[Expectation]:
    """List what the tests must show of a counterexample."""
    return [each for each in expectations(path, text)[0] if each.tool == "test"]
