"""The recipes work with what the site really publishes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from proof.sources.rendered import texts

ROOT = Path(__file__).parents[2]
RULE = "pitfalls/mutable_defaults"


def test_the_published_script_links_each_finding_to_a_published_page(
    site: Path,
) -> None:
    known = json.loads((site / "rules.json").read_text("utf-8"))["rules"]
    report = subprocess.run(  # noqa: S603 - a fixed command
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--select=B006"),
            *("--output-format=json", f"snippets/{RULE}_avoid.py"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    script = site / "recipes/annotate/recipes-annotate.py"
    done = subprocess.run(  # noqa: S603 - the recipe itself
        [sys.executable, str(script), str(site / "rules.json")],
        env={**os.environ, "GITHUB_WORKSPACE": str(ROOT)},
        input=report.stdout,
        check=False,
        capture_output=True,
    )
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, len(lines)) == (1, len(json.loads(report.stdout)))
    (rule,) = [each for each in known if each["id"] == "pitfalls-mutable-defaults"]
    home = rule["link"].removesuffix("pitfalls/mutable-defaults/")
    for line in lines:
        assert line.startswith(f"::error file=snippets/{RULE}_avoid.py,line=")
        assert line.endswith(f"%0A{rule['title']}: {rule['link']}")
        link = line.rpartition(" ")[2]
        assert (site / link.removeprefix(home) / "index.html").is_file()


def test_every_file_beside_a_recipe_is_shown_by_its_page_to_the_byte(
    site: Path,
) -> None:
    shown = {
        each
        for path in site.glob("recipes/*/index.html")
        for each in texts(path.read_text("utf-8"))
    }
    beside = sorted((ROOT / "snippets/recipes").glob("*.y*ml"))
    assert len(beside) > 1
    assert [path for path in beside if path.read_text("utf-8") not in shown] == []
