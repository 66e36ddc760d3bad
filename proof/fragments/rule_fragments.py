"""Writes what is proven of one rule or recipe as Markdown, for its page to include."""

import html
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator

from proof.fragments import draw
from proof.fragments.copying import bar, conditions, name_of
from proof.fragments.in_browser import examples_ran_on
from proof.fragments.known import diagnostics_of, failures, proofs_of, pythons_of
from proof.fragments.markup import (
    anchor,
    count,
    definitions,
    details,
    link,
    message,
    sentence,
)
from proof.fragments.proofs import attacks, cases, checkers, on_older, runs, timelines
from proof.fragments.remarks import asserted, pieces
from proof.ledger.records import Ledger, Unit
from proof.sources.code import lines_of
from proof.sources.comments import CHECKERS, ours, shown
from proof.sources.cut import cut
from proof.sources.docstrings import docstring_examples
from proof.sources.includes import regions_of
from proof.sources.project import Project, Rule, Subject
from proof.sources.runnable import module_of, runnable
from proof.verdicts.interpreters import NEWEST


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
        for name, (path, lines) in regions_of(self._project, subject).items():
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
            "timeline": timelines,
            "measured": self._measured,
            "attack": attacks,
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
        hidden = ours(text)
        lines = {
            at: line
            for at, line in enumerate(lines_of(text), start=1)
            if at not in hidden
        }
        agreed = [at for at in asserted(text) if at not in remarks]
        for at in agreed:
            below = next((line for n, line in lines.items() if n > at), "")
            if "assert_type(" not in below:  # else said once below the last
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
            for block, said in pieces(text, remarks):
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
        for failure in failures(path, self._project.read(path)):
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
                sentence(claim.name) + cases(claim),
                self._fence(parts.tests[claim.name]),
                anchor(claim.name),
            )
            for claim in unit.tests
        )
        if parts.helpers:
            summary = "What these tests lean on"
            tests += "\n" + details("test helpers", summary, self._fence(parts.helpers))
        facts = definitions("facts", self._facts(subject, unit))
        return "\n".join([facts, self._said_by_checkers(subject), runs(unit), tests])

    def _said_by_checkers(self, subject: Subject) -> str:
        if not self._about_types:
            return ""
        paths = self._project.snippets(subject)
        return checkers(paths, self._diagnostics, self._ledger)

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
        shown_by_tests = sum(
            len(failures(at, self._project.read(at))) for at in avoided
        )
        machine = self._ledger.machine
        servers = sorted({each for claim in unit.tests for each in claim.servers})
        facts = {
            "Executed": f"{executed}, by {by}",
            "Accepted by": f"{versions}; both type checkers in strict mode",
        }
        if avoided:
            facts["Counterexample"] = (
                f"{count(len(self._diagnostics), 'diagnostic')} demanded and reported, "
                f"{count(shown_by_tests, 'failure')} shown by tests"
            )
        facts["Ran on"] = ", ".join([machine.python, machine.system, *servers])
        if also := examples_ran_on(self._project, self._ledger, subject):
            facts["Examples also ran on"] = also
        if found := pythons_of(self._project, self._ledger, subject):
            facts |= on_older(found)
        return facts
