"""Writes what is proven as Markdown, for the pages to include."""

import itertools
from operator import itemgetter

from proof.fragments.changelog import changelog, told
from proof.fragments.configuration import configuration, selection
from proof.fragments.entry import entry, fields
from proof.fragments.facts import facts, site_address
from proof.fragments.in_browser import ran_on
from proof.fragments.known import diagnostics_of, proofs_of, pythons_of
from proof.fragments.markup import definitions, message
from proof.fragments.pythons import versions_from
from proof.fragments.rule_fragments import RuleFragments
from proof.ground.files import write
from proof.ledger.records import Diagnostic, Ledger
from proof.sources.changes import changes
from proof.sources.includes import (
    ALL_RULES,
    BY_CHAPTER,
    CHANGELOG,
    CONFIGURATION,
    FIGURES,
    MACHINE,
    RULES_JSON,
    names_of,
)
from proof.sources.project import Project, Rule, Subject
from proof.verdicts.interpreters import NEWEST
from proof.verdicts.proven import why_unproven

FOLDER = ".proof/fragments"
NOT_PROVEN = "not proven since the last edit"


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


def _note(subject: Subject) -> str:
    return f'<p class="unproven" role="note">{subject.id}: {NOT_PROVEN}</p>\n'
