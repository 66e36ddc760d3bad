"""Writes what is proven as Markdown, for the pages to include."""

import itertools
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from proof.changes import changelog, changes, told
from proof.configuration import configuration, selection
from proof.diagnose import TOOLS
from proof.facts import facts, site_address
from proof.ledger import Diagnostic, Ledger, sha256, write
from proof.markup import definitions, message
from proof.older import NEWEST, versions_from
from proof.project import Project, Rule, Subject
from proof.rule_fragments import (
    RuleFragments,
    diagnostics_of,
    names_of,
    proofs_of,
    pythons_of,
)
from proof.rules_json import entry, fields
from proof.runnable import ran_on

FOLDER = ".proof/fragments"
OF_A_CHAPTER = ("rules", "reference")
CHANGELOG = "changes.md"
CONFIGURATION = "configuration.md"
BY_CHAPTER = "configuration-by-chapter.md"
ALL_RULES = "all-rules.md"
FIGURES = "figures.md"
MACHINE = "machine.md"
RULES_JSON = "rules-json.md"
NOT_PROVEN = "not proven since the last edit"


def names(project: Project) -> Iterator[str]:
    """List every fragment that a page may include, proven or not."""
    for subject in project.subjects:
        for name in names_of(project, subject):
            yield f"{subject.fragments}/{name}.md"
    for chapter in project.chapters:
        for name in OF_A_CHAPTER:
            yield f"{chapter}/{name}.md"
    yield from (ALL_RULES, CHANGELOG, CONFIGURATION, BY_CHAPTER, FIGURES, MACHINE)
    yield RULES_JSON


class Fragments:
    """The fragments of a ledger.

    Attributes:
        texts: Each fragment's Markdown, by its name below the folder.
        code: Every text of a snippet that may stand in a code block of the site.
        unproven: The rules and recipes without a proof on their present bytes, with
            the reason. Their fragments say so and hold no code.
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
        found = changes(project)
        self._last = {each.rule.id: each for each in reversed(found)}
        for subject in project.subjects:
            self._add(subject)
        for chapter in project.chapters:
            self.texts[f"{chapter}/rules.md"] = self._table(chapter)
            self.texts[f"{chapter}/reference.md"] = self._reference(chapter)
        self.texts[CHANGELOG] = changelog(project, found)
        self.texts[ALL_RULES] = self._all_rules()
        whole = configuration(project, project.rules)
        self.texts[CONFIGURATION] = self._fence("toml", whole)
        self.texts[BY_CHAPTER] = "\n".join(
            f"### {chapter.capitalize()}\n\n"
            + self._fence("toml", selection(project, project.of_chapter(chapter)))
            for chapter in project.chapters
        )
        self.texts[FIGURES] = self._figures()
        self.texts[MACHINE] = self._machine()
        self.texts[RULES_JSON] = fields()

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

    def _add(self, subject: Subject) -> None:
        unit = self._ledger.units.get(subject.tests)
        why = why_unproven(self._project, self._ledger, subject)
        if unit is None or why:
            self.unproven[subject.id] = why
            texts = dict.fromkeys(names_of(self._project, subject), _note(subject))
        else:
            made = RuleFragments(self._project, self._ledger, subject, unit)
            texts = made.texts
            self.code |= made.code
            if isinstance(subject, Rule):
                self._add_to_rule(subject, texts)
        for name, text in texts.items():
            self.texts[f"{subject.fragments}/{name}.md"] = text

    def _add_to_rule(self, rule: Rule, texts: dict[str, str]) -> None:
        known = facts(self._project, self._ledger, rule)
        listed = entry(known, site_address()).model_dump_json(indent=2)
        texts["json"] = self._fence("json", listed)
        if rule.replaced:
            texts["rule"] = self._replaced(rule) + texts["rule"]
        if rule.id in self._last:
            texts["rule"] += told(self._last[rule.id])

    def _replaced(self, rule: Rule) -> str:
        """Say below the title of a rule that was turned round what to follow now."""
        rules = {each.id: each for each in self._project.rules}
        if instead := rules.get(rule.replaced):
            page = f"../{instead.chapter}/{instead.name}.md"
            said = f"Follow [{instead.title}]({page}) instead."
        else:
            said = rule.replaced
        return (
            '<div class="replaced" role="note" markdown="span">'
            f"**This rule was turned round.** {said}</div>\n\n"
        )

    def _fence(self, language: str, text: str) -> str:
        """Write a code block of a text that was derived."""
        text = text.strip("\n")
        self.code.add(text)
        return f"```{language}\n{text}\n```\n"

    def _table(self, chapter: str) -> str:
        lines = ["| Rule | Weight | Reported by | Tests |", "|---|---|---|---|"]
        for rule in self._project.of_chapter(chapter):
            reported = diagnostics_of(self._project, self._ledger, rule)
            codes = {f"{each.tool} `{each.code}`" for each in reported}
            unit = self._ledger.units.get(rule.tests)
            cells = [
                f"[{rule.title}]({rule.name}.md)",
                rule.strength,
                ", ".join(sorted(codes)) or "its tests",
                str(len(unit.tests)) if unit and rule.id not in self.unproven else "—",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _all_rules(self) -> str:
        """List all rules in one table, whose rows say what a reader filters by."""
        rows: list[str] = []
        for rule in self._project.rules:
            reported = diagnostics_of(self._project, self._ledger, rule)
            codes = sorted({(each.tool, each.code) for each in reported})
            unit = self._ledger.units.get(rule.tests)
            proofs = proofs_of(unit) if unit else []
            told = "; ".join(
                f"{tool} {', '.join(f'<code>{code}</code>' for _, code in of_tool)}"
                for tool, of_tool in itertools.groupby(codes, key=itemgetter(0))
            )
            found = pythons_of(self._project, self._ledger, rule)
            oldest = found.oldest if found else NEWEST
            rows.append(
                f'<tr data-chapter="{rule.chapter}" data-weight="{rule.strength}"'
                f' data-tool="{" ".join(sorted({tool for tool, _ in codes}))}"'
                f' data-proof="{" ".join(proofs)}"'
                f' data-python="{" ".join(versions_from(oldest))}"><th scope="row">'
                f'<a href="../{rule.address}">{message(rule.title)}</a> '
                f"<code>{rule.id}</code></th><td>{rule.strength}</td>"
                f"<td>{told or 'its tests'}</td><td>{', '.join(proofs)}</td>"
                f"<td>{oldest}</td></tr>"
            )
        heads = ("Rule", "Weight", "Reported by", "Shown by", "Python")
        head = "".join(f'<th scope="col">{each}</th>' for each in heads)
        return (
            '<form class="filters" aria-label="Filters"></form>\n'
            f'<table class="rules"><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>\n"
        )

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
        if told := ran_on(self._ledger):
            facts["In the browser"] = told
        return definitions("facts", facts)

    def _all_diagnostics(self) -> list[Diagnostic]:
        return [
            each
            for verdict in self._ledger.tools.values()
            for each in verdict.diagnostics
        ]


def unproven(project: Project, ledger: Ledger) -> dict[str, str]:
    """Tell which rules and recipes lack a proof on their present bytes.

    Args:
        project: The project.
        ledger: What is proven.

    Returns:
        The reason, by id.
    """
    reasons = {
        each.id: why_unproven(project, ledger, each) for each in project.subjects
    }
    return {id_: why for id_, why in reasons.items() if why}


def why_unproven(project: Project, ledger: Ledger, subject: Subject) -> str:
    """Tell what is missing to the proof of a rule or recipe.

    Args:
        project: The project.
        ledger: What is proven.
        subject: The rule or recipe.

    Returns:
        The first reason, with the file's name; empty if it is proven on exactly the
        bytes that its files have now.
    """
    unit = ledger.units.get(subject.tests)
    if unit is None:
        return f"{subject.tests} has not passed since its last change"
    if unit.missing:
        return f"not proven here: {', '.join(unit.missing)}"
    if not _same(project.root, subject.tests, unit.sha256):
        return f"{subject.tests} was changed after it was proven"
    for path in project.snippets(subject):
        executed = unit.snippets.get(path)
        if executed is None or not _same(project.root, path, executed.sha256):
            return f"{path} was changed after it was proven"
        for tool in TOOLS:
            verdict = ledger.tools.get(tool.name)
            if verdict is None or verdict.files.get(path) != executed.sha256:
                return f"{path} is not accepted by {tool.name} as it is now"
    return ""


def _same(root: Path, path: str, digest: str) -> bool:
    return (root / path).is_file() and sha256(root, path) == digest


def _note(subject: Subject) -> str:
    return f'<p class="unproven" role="note">{subject.id}: {NOT_PROVEN}</p>\n'
