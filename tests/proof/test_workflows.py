"""The workflows in .github: linted, valid, pinned, and no other commands than ours."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, Field, TypeAdapter

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.y*ml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)

PINNED = re.compile(r"\buses: (\S+@[0-9a-f]{40}) # v\d+\.\d+\.\d+$", re.MULTILINE)

# What a check must notice: in which file of .github which text becomes which.
FAULTS = {
    "unpinned-uses": ("workflows/ci.yml", r"checkout@.*", "checkout@v7"),
    "template-injection": (
        "workflows/ci.yml",
        r"(run: bash .*)",
        r"\1 ${{ github.event.pull_request.title }}",
    ),
    "artipacked": ("workflows/newest.yml", " +persist-credentials: false\n", ""),
    "excessive-permissions": (
        "workflows/newest.yml",
        r"permissions: \{\}",
        "permissions: write-all",
    ),
    "dependabot-cooldown": ("dependabot.yml", r" +cooldown:\n.*\n", ""),
}
SCHEMA_FAULTS = {
    "vendor.github-workflows": ("workflows/ci.yml", "runs-on:", "run-on:"),
    "vendor.dependabot": ("dependabot.yml", "weekly", "fortnightly"),
}


class Step(BaseModel):
    uses: str | None = None
    run: str = ""


class Job(BaseModel):
    condition: str | None = Field(None, alias="if")
    permissions: dict[str, str]
    steps: list[Step]
    timeout: int = Field(alias="timeout-minutes")


class Workflow(BaseModel):
    permissions: dict[str, str]
    jobs: dict[str, Job]

    @property
    def steps(self) -> list[Step]:
        return [step for job in self.jobs.values() for step in job.steps]


class Finding(BaseModel):
    """What zizmor has against a workflow."""

    ident: str


class SchemaError(BaseModel):
    """Where a file breaks its schema."""

    filename: str
    message: str


class SchemaReport(BaseModel):
    """What check-jsonschema prints."""

    status: str
    errors: list[SchemaError] = []
    parse_errors: list[SchemaError] = []


def parsed(text: str) -> Workflow:
    return Workflow.model_validate(yaml.safe_load(text))


def zizmor(folder: Path) -> set[str]:
    """Name the audits of zizmor that found something."""
    run = subprocess.run(  # noqa: S603 - a fixed command
        [
            str(Path(sys.executable).with_name("zizmor")),
            *("--offline", "--pedantic", "--strict-collection"),
            *("--no-config", "--no-ignores", "--no-exit-codes"),
            *("--quiet", "--format", "json", str(folder)),
        ],
        check=True,
        capture_output=True,
    )
    findings = TypeAdapter(list[Finding]).validate_json(run.stdout)
    return {finding.ident for finding in findings}


def schema_errors(schema: str, *files: Path) -> list[SchemaError]:
    """Hold files to a schema that check-jsonschema brings along."""
    run = subprocess.run(  # noqa: S603 - a fixed command
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema),
            *("--output-format", "json", *map(str, files)),
        ],
        check=False,
        capture_output=True,
    )
    report = SchemaReport.model_validate_json(run.stdout)
    assert (run.returncode == 0) == (report.status == "ok")
    return report.errors + report.parse_errors


def actions(text: str) -> list[str]:
    return [step.uses for step in parsed(text).steps if step.uses]


def commands_without_mention(text: str, readme: str) -> list[str]:
    """Name the commands of a workflow that the README doesn't."""
    commands = [
        line.removeprefix("bash ")
        for step in parsed(text).steps
        for line in step.run.splitlines()
    ]
    return [
        command
        for command in commands
        if not re.search(rf"(?<![\w./-]){re.escape(command)}(?![\w-])", readme)
    ]


def planted(folder: Path, file: str, old: str, new: str) -> Path:
    """Copy .github with one fault, so that a check can show that it would notice."""
    copy = folder / ".github"
    shutil.copytree(GITHUB, copy)
    text, count = re.subn(old, new, (copy / file).read_text("utf-8"))
    assert count
    (copy / file).write_text(text, "utf-8")
    return copy


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    assert zizmor(GITHUB) == set()


@pytest.mark.parametrize("audit", FAULTS)
def test_zizmor_notices_a_planted_fault(tmp_path: Path, audit: str) -> None:
    assert audit in zizmor(planted(tmp_path, *FAULTS[audit]))


def test_workflows_and_dependabot_keep_their_schemas() -> None:
    assert schema_errors("vendor.github-workflows", *WORKFLOWS) == []
    assert schema_errors("vendor.dependabot", GITHUB / "dependabot.yml") == []


@pytest.mark.parametrize("schema", SCHEMA_FAULTS)
def test_the_schemas_notice_a_planted_fault(tmp_path: Path, schema: str) -> None:
    file, old, new = SCHEMA_FAULTS[schema]
    broken = planted(tmp_path, file, old, new) / file
    assert {error.filename for error in schema_errors(schema, broken)} == {str(broken)}


@each_workflow
def test_every_action_is_pinned_by_a_commit_that_names_its_version(path: Path) -> None:
    text = path.read_text("utf-8")
    assert actions(text) == PINNED.findall(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"checkout@.*", "checkout@v7.0.1"),
        (r"(checkout@\w{40}).*", r"\1"),
        (r"(checkout@\w{40}).*", r"\1 # v7"),
        (r"uses: (actions/checkout)@(\w{7}).*", r'"uses": \1@\2'),
    ],
    ids=["a tag", "no version", "half a version", "half a commit"],
)
def test_a_pin_that_is_less_than_that_is_noticed(
    tmp_path: Path, old: str, new: str
) -> None:
    file = "workflows/ci.yml"
    text = (planted(tmp_path, file, old, new) / file).read_text("utf-8")
    assert actions(text) != PINNED.findall(text)


@each_workflow
def test_workflows_run_only_commands_that_the_readme_names(path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert commands_without_mention(path.read_text("utf-8"), readme) == []


def test_a_command_that_the_readme_does_not_name_is_noticed() -> None:
    text = (GITHUB / "workflows/newest.yml").read_text("utf-8")
    readme = "`make lock` renews the lock, `FRESH=1 make test-all` proves everything."
    missing = ["make pythons", "FRESH=1 make test"]
    assert commands_without_mention(text, readme) == missing


@each_workflow
def test_every_job_has_a_time_limit_and_names_its_permissions(path: Path) -> None:
    workflow = parsed(path.read_text("utf-8"))
    assert workflow.permissions == {}
    assert all(job.permissions and job.timeout <= 60 for job in workflow.jobs.values())


def test_only_the_publishing_of_main_may_write() -> None:
    writing = {
        (path.name, name): (job.condition, job.permissions)
        for path in WORKFLOWS
        for name, job in parsed(path.read_text("utf-8")).jobs.items()
        if set(job.permissions.values()) - {"read", "none"}
    }
    assert writing == {
        ("ci.yml", "publish"): (
            "github.event_name == 'push'",
            {"pages": "write", "id-token": "write"},
        )
    }
