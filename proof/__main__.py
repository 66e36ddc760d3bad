"""The command line: ``python -m proof COMMAND``, called by the Makefile."""

import argparse
import errno
import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

try:
    from proof.children import Children
    from proof.faults import Fault, FaultsError
    from proof.ground.alone import alone
    from proof.ground.files import replace, write
    from proof.ledger.store import LEDGER
    from proof.order import build_site, prove
    from proof.serve import serve
    from proof.site.addresses import publish, unlisted
    from proof.site.build import BUILT, SITE
    from proof.site.lighthouse import measure
    from proof.sources.history import unknown_past
    from proof.sources.lint import lint
    from proof.sources.new import lay_out
    from proof.sources.project import Project
    from proof.sources.published import PUBLISHED
    from proof.verdicts.proven import unproven
    from proof.verdicts.repeat import RULES, RUNS, repeat
    from proof.verdicts.run import Run
except ImportError as error:
    if str(error.name).startswith("proof"):
        raise
    sys.exit(f".venv is broken ({error}): remove it, and have make set it up anew")

SHOWN_LINES = 40
ALL_FAULTS = ".proof/faults.txt"
OF_PAGES = "tests"  # what lies right there is about what pages of all rules say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command in the project that is the current folder.

    Args:
        arguments: The command and its arguments; those of the process if ``None``.

    Returns:
        The exit code: 0 where all is well, 1 where something is at fault, 130 where
        the user interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, says) in COMMANDS.items():
        command = commands.add_parser(name, help=says)
        if name == "new":
            command.add_argument("rule", help="the rule's id: CHAPTER-NAME")
        if name == "repeat":
            command.add_argument("of", nargs="?", choices=RUNS, default=RULES)
    options = parser.parse_args(arguments)
    for each in (signal.SIGINT, signal.SIGTERM):  # SIGINT may be ignored from outside
        signal.signal(each, _stop)
    root = Path.cwd()
    try:
        return _obey(root, options)
    except OSError as error:
        print(_unwritable(root, error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was proven until now is kept.", file=sys.stderr)
        return 130


def _obey(root: Path, options: argparse.Namespace) -> int:
    try:
        with Children() as children:
            return COMMANDS[options.command][0](root, children, options)
    except FaultsError as error:
        return report(root, error.faults)


def _unwritable(root: Path, error: OSError) -> str:
    """Say what to do where nothing can be written; any other error is a defect."""
    path = Path(os.path.relpath(error.filename or root, root))
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"{path}: the disk is full: make room and try again"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return f"{path}: can't be written: make it this user's, and writable"
        case errno.ENOENT if error.filename is None:  # tempfile's own words
            return f"{error.strerror}: make room there, or let TMPDIR name another"
        case _:
            raise error


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def report(root: Path, faults: Sequence[Fault]) -> int:
    """Print what is at fault: one screen of it, and where the rest is.

    Args:
        root: The project's root.
        faults: At least one.

    Returns:
        The exit code for it.
    """
    faults = sorted(set(faults))
    lines = "\n".join(map(str, faults)).splitlines()
    write(root / ALL_FAULTS, "\n".join(lines) + "\n")
    print(f"\nNot proven: {len(faults)} to mend.\n", file=sys.stderr)
    print("\n".join(lines[:SHOWN_LINES]), file=sys.stderr)
    if len(lines) > SHOWN_LINES:
        print(f"… and more: all of it is in {ALL_FAULTS}", file=sys.stderr)
    return 1


def check(root: Path, _children: Children, _options: argparse.Namespace) -> int:
    """List all faults of the sources."""
    gc.disable()  # all that is parsed is kept to the end, which is near
    project = Project(root)
    if faults := lint(project):
        return report(root, faults)
    print(f"The sources of {len(project.rules)} rules are in order.")
    for part in unknown_past(root):
        print(f"Not checked here: {part}")
    return 0


def test(root: Path, children: Children, _options: argparse.Namespace) -> int:
    """Prove everything, and test the site built from it."""
    began = time.monotonic()
    print("Proving what has changed since it was proven:")
    with alone(root):
        run = prove(root, children)
    if run.faults:
        return report(root, run.faults)
    _summarise(run, began)
    return 0


def site(root: Path, children: Children, _options: argparse.Namespace) -> int:
    """Write the proven site to site/."""
    began = time.monotonic()
    print("Building the site from what is proven:")
    with alone(root):
        run = prove(root, children)
        if faults := run.faults or _unproven(run) or _unpublished(run):
            return report(root, faults)
        half = root / f"{SITE}.half"
        shutil.copytree(root / BUILT, half)
        replace(half, root / SITE)
    _summarise(run, began)
    print(f"The site is in {SITE}/: any web server can serve it.")
    return 0


def _publish(root: Path, children: Children, _options: argparse.Namespace) -> int:
    """Build the site, and add its addresses to the list of those that hold."""
    print("Building the site from what is proven:")
    with alone(root):
        run = prove(root, children, site=False)
        if faults := run.faults or _unproven(run):
            return report(root, faults)
        build_site(run)
        lines = publish(run.project, root / BUILT)
    print(*(f"  {line}" for line in lines), sep="\n")
    print(f"{len(lines)} new in {PUBLISHED}: commit it, and their links hold.")
    return 0


def _lighthouse(root: Path, children: Children, _options: argparse.Namespace) -> int:
    print("Measuring site/ with Lighthouse:")
    measure(Project(root), children)
    return 0


def new(root: Path, _children: Children, options: argparse.Namespace) -> int:
    """Lay out the files of a new rule."""
    for path in lay_out(Project(root), options.rule):
        print(f"  {path}")
    print("Fill them, then run `make test`.")
    return 0


def again(root: Path, children: Children, options: argparse.Namespace) -> int:
    """Run the tests of the rules, or of the site, many times in random order."""
    with alone(root):
        if options.of != RULES and not (root / BUILT / "index.html").is_file():
            raise FaultsError([Fault(BUILT, 0, "isn't built: run `make test`")])
        print(f"Running the tests of the {options.of} in random orders, two at a time:")
        repeat(Project(root), children, options.of)
    return 0


def _serve(root: Path, children: Children, _options: argparse.Namespace) -> int:
    return serve(root, children)


def _unproven(run: Run) -> list[Fault]:
    """Refuse the pages of what this machine could not prove."""
    pages = {each.id: each.page for each in run.project.subjects}
    why = {
        pages[id_]: why for id_, why in unproven(run.project, run.ledger).items()
    } | {
        name: f"not proven here: {', '.join(unit.missing)}"
        for name, unit in run.ledger.units.items()
        if unit.missing and Path(name).parent == Path(OF_PAGES)
    }
    return [
        Fault(path, 0, f"{each}: install it, or build where it is")
        for path, each in why.items()
    ]


def _unpublished(run: Run) -> list[Fault]:
    """Refuse to publish an address that nothing would hold."""
    lines = unlisted(run.project, run.project.root / BUILT)
    said = "is not in the list: run `make publish`, and commit it"
    return [Fault(PUBLISHED, 0, f"{line} {said}") for line in lines]


def _summarise(run: Run, began: float) -> None:
    rules = run.project.rules
    lacking = unproven(run.project, run.ledger)
    proven = sum(rule.id not in lacking for rule in rules)
    units = run.ledger.units.values()
    passed = sum(claim.cases for unit in units for claim in unit.tests)
    passed += sum(unit.examples for unit in units)
    missing = {part for unit in run.ledger.units.values() for part in unit.missing}
    print(
        f"\nProven: {proven} of {len(rules)} rules, "
        f"in {time.monotonic() - began:.1f} s. The ledger is {LEDGER}.\n"
        f"{passed} passed, 0 failed"
    )
    for part in [*sorted(missing), *unknown_past(run.project.root)]:
        print(f"Not proven here: {part}")
    for id_, why in lacking.items():
        print(f"  {id_}: {why}")


type Command = Callable[[Path, Children, argparse.Namespace], int]

COMMANDS: dict[str, tuple[Command, str]] = {
    "serve": (_serve, "prove, then serve the site with live reload"),
    "test": (test, "prove everything"),
    "site": (site, "write the proven site to site/"),
    "publish": (_publish, "list the site's addresses as published: they must hold"),
    "lighthouse": (_lighthouse, "measure what is in site/ with Lighthouse"),
    "check": (check, "list all faults of the sources"),
    "repeat": (again, "run the tests of rules or site many times in random order"),
    "new": (new, "lay out the files of a new rule"),
}

if __name__ == "__main__":
    sys.exit(main())
