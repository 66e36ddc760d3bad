"""The two commands on machines that are not as they should be: one message each."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.proof.conftest import ROOT

FILES = ("Makefile", "requirements.lock", "requirements-uv.lock", ".python-version")
SET_UP = "Setting up .venv: Python 3.13 and the packages of requirements.lock\n"
TELL = '#!/bin/sh\necho "$@"\nenv\n'
# Knows that it can replace an environment, and makes one that tells what it was asked.
UV = f"""#!/bin/sh
case "$*" in
  *--help) echo "  --clear";;
  venv*) mkdir -p .venv/bin && cd .venv/bin && cat > python <<'END' && chmod +x python
{TELL}END
esac
"""
FOREIGN = (
    *("PYTHONSAFEPATH", "PYTHONPATH", "PYTHONOPTIMIZE", "PYTHONWARNINGS"),
    *("COVERAGE_FILE", "COVERAGE_RCFILE", "COV_CORE_SOURCE", "PYTEST_ADDOPTS"),
    *("PYTEST_PLUGINS", "MYPYPATH", "MYPY_CACHE_DIR", "RUFF_SELECT", "RUFF_CONFIG"),
    *("GIT_DIR", "GIT_INDEX_FILE", "UV_PYTHON", "UV_SYSTEM_PYTHON", "NODE_OPTIONS"),
    *("PYRIGHT_PYTHON_FORCE_VERSION", "HYPOTHESIS_PROFILE", "FORCE_COLOR", "PIP_USER"),
)
STAYS = ("UV_INDEX_URL", "UV_CACHE_DIR", "GIT_CONFIG_COUNT", "DATABASE_URL", "SITE_URL")


class Machine:
    """A checkout, and what is on PATH before the system's own programs.

    Attributes:
        root: The checkout: what is needed to set it up.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout of $HOME"
        self.root.mkdir()
        for name in FILES:
            shutil.copy(ROOT / name, self.root / name)
        self._programs = folder / "bin"
        self._programs.mkdir()

    def has(self, program: str, text: str) -> None:
        """Put a program on PATH."""
        self._programs.joinpath(program).write_text(text, "utf-8")
        self._programs.joinpath(program).chmod(0o755)

    def make(self, target: str, *more: str, **variables: str) -> tuple[int, str]:
        """Run make; give its exit code and all that it printed."""
        path = f"{self._programs}:/usr/bin:/bin"
        done = subprocess.run(  # noqa: S603 - a fixed command
            ["make", target, *more],  # noqa: S607 - whichever make there is
            cwd=self.root,
            env={"HOME": str(self.root), "PATH": path, **variables},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.has("uv", UV)
    return made


def test_it_is_set_up_once_whatever_stands_in_the_path(machine: Machine) -> None:
    code, said = machine.make("test")
    assert (code, said.startswith(f"{SET_UP}-m proof test\n")) == (0, True)
    code, said = machine.make("check")
    assert (code, said.startswith("-m proof check\n")) == (0, True)


def test_what_is_set_for_other_work_reaches_no_tool_and_what_the_machine_needs_does(
    machine: Machine,
) -> None:
    machine.has("uv", UV.replace("venv*)", "pip*) env;;\n  venv*)"))
    given = dict.fromkeys((*FOREIGN, *STAYS), "0")
    code, said = machine.make("test", **given)
    assert code == 0
    named = [line.partition("=")[0] for line in said.splitlines()]
    assert [name for name in FOREIGN if name in named] == []
    assert [named.count(name) for name in STAYS] == [2] * len(STAYS)  # uv, and Python


@pytest.mark.parametrize("target", ["test", "repeat"])
def test_a_folder_that_is_a_link_is_not_wiped(machine: Machine, target: str) -> None:
    other = machine.root / "other"
    other.mkdir()
    (machine.root / ".venv").symlink_to(other)
    code, said = machine.make(target)
    assert code != 0
    assert said.startswith(".venv is a link, and what it leads to is not ours to ")
    assert list(other.iterdir()) == []


def test_a_lock_from_the_future_is_set_up_once(machine: Machine) -> None:
    ahead = time.time() + 100_000
    os.utime(machine.root / "requirements.lock", (ahead, ahead))
    assert SET_UP in machine.make("test")[1]
    _, said = machine.make("test")
    assert said.startswith("-m proof test\n")  # nor does make warn of it any more


@pytest.mark.parametrize(
    ("fails", "why", "told"),
    [
        ("venv", "No space left on device", "Python 3.13 could not be set up in .venv"),
        ("pip", "Read-only file system", "The packages of requirements.lock could not"),
    ],
)
def test_what_stops_uv_is_told_in_its_own_words_and_asked_to_be_mended(
    machine: Machine, fails: str, why: str, told: str
) -> None:
    refuses = f"{fails}*) echo 'error: {why}' >&2; exit 2;;"
    machine.has("uv", UV.replace("  venv*)", f"  {refuses}\n  venv*)"))
    for _ in range(2):  # what was set up by half does not count
        code, said = machine.make("test")
        assert code != 0
        lines = said.splitlines()
        assert lines[1] == f"error: {why}"
        assert lines[2].startswith(told)
        assert "uv says why above. Mend that" in lines[2]


@pytest.mark.parametrize("uv", ["", "#!/bin/sh\necho 'error: --help' >&2\nexit 2\n"])
def test_in_the_place_of_an_uv_that_is_missing_or_too_old_one_is_brought(
    machine: Machine, uv: str
) -> None:
    machine.has("uv", uv or "#!/bin/sh\nexit 127\n")
    bring = '#!/bin/sh\n[ "$1" = -m ] || exit 1\nmkdir -p "$4/bin"\ncd "$4/bin"\n'
    machine.has(
        "python3",
        f"{bring}printf '#!/bin/sh\\n' > python\nchmod +x python\n"
        f"cat > uv <<'UV_ENDS'\n{UV}UV_ENDS\nchmod +x uv\n",
    )
    code, said = machine.make("test")
    assert (
        said.splitlines()[0] == "Setting up .uv: uv is not on PATH, or older than 0.8"
    )
    assert (code, "-m proof test\n" in said) == (0, True)


def test_where_no_uv_can_be_had_it_is_said_what_to_install(machine: Machine) -> None:
    machine.has("uv", "#!/bin/sh\nexit 127\n")
    machine.has("python3", "#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    code, said = machine.make("test")
    assert code != 0
    _, why, told, *_ = said.splitlines()
    assert why == "No module named venv"
    assert told.startswith(
        "uv could not be set up: the reason stands above. Mend that,"
    )


def test_repeat_is_told_whose_tests(machine: Machine) -> None:
    assert "-m proof repeat site\n" in machine.make("repeat", "OF=site")[1]
