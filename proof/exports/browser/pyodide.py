"""Brings the Python that runs in a reader's browser, and adds it to the site."""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from proof.children import Children
from proof.exports.material import Material
from proof.site.npm import UnavailableError, fetch, install, once
from proof.sources.requirements import pins
from proof.sources.runnable import PACKAGES

SPECIFIED = "proof/exports/browser"  # package.json and package-lock.json
CACHE = ".proof/pyodide"
WHY = f"{CACHE}.txt"  # what npm or pip said where they failed
ASSETS = "assets/pyodide"
PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
COUNTED = (".wasm", ".zip")  # what is fetched in steps that a reader sees
WHEELS = ("pydantic-core", *PACKAGES)
FACTS = "run.json"
NOTICE = """\
Python in the browser is Pyodide {version}, under the Mozilla Public License 2.0;
its source is the release {version} of https://github.com/pyodide/pyodide.
It contains CPython {python}, under the Python Software Foundation License.
The wheels are unchanged, and carry their own licences.
"""


def version(root: Path) -> str:
    """Tell which Pyodide is locked."""
    lock = json.loads((root / SPECIFIED / "package-lock.json").read_bytes())
    return str(lock["packages"]["node_modules/pyodide"]["version"])


def provide(root: Path, children: Children) -> Path:
    """Bring all that runs in the browser, unless it is there.

    Args:
        root: The project's root.
        children: What runs npm and pip.

    Returns:
        The folder that holds it, ignored by git.

    Raises:
        UnavailableError: If it isn't there and can't be fetched.
    """
    wanted = pins(root, WHEELS.__contains__)
    npm = [root / SPECIFIED / name for name in ("package.json", "package-lock.json")]
    parts = [wanted.encode(), *(each.read_bytes() for each in [*npm, Path(__file__)])]

    def make(half: Path) -> Path:
        new = half / "new"
        new.mkdir()
        installed = install(children, root, root / SPECIFIED, half, WHY) / "pyodide"
        for name in PARTS:
            shutil.copy(installed / name, new)
        lock = json.loads((installed / "pyodide-lock.json").read_bytes())
        (half / "pins.txt").write_text(wanted, encoding="utf-8")
        fetch(children, root, half, _pip(lock["info"]), WHY)
        _write_facts(root, new, lock["info"])
        return new

    return once(root / CACHE, parts, make)


def pyodide(source: Material) -> Iterable[tuple[str, str | bytes]]:
    """Add the Python for the browser to the site, where it can be had.

    Where not, its tests are recorded as not proven here, and no site is published.

    Args:
        source: What exports are made of.

    Yields:
        The files.
    """
    root = source.project.root
    if not (root / SPECIFIED).is_dir():
        return
    try:
        with Children() as children:
            folder = provide(root, children)
    except UnavailableError:
        return
    for path in sorted(folder.iterdir()):
        text = path.suffix in {".json", ".txt"}
        content = path.read_text("utf-8") if text else path.read_bytes()
        yield f"{ASSETS}/{path.name}", content
    session = Path(__file__).with_name("session.py")
    yield f"{ASSETS}/{session.name}", session.read_text("utf-8")


def _pip(info: dict[str, str]) -> list[str]:
    """Fetch wheels for the browser's platform, which uv knows no name of."""
    tag = "cp" + "".join(info["python"].split(".")[:2])
    platform = f"py{info['platform'].partition('_')[0]}_{info['abi_version']}"
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--retries=1"),
        *("--disable-pip-version-check", "--require-hashes", "--only-binary=:all:"),
        *(f"--platform={platform}_{info['arch']}", f"--python-version={tag[2:]}"),
        *("--implementation=cp", f"--abi={tag}", "--dest=new", "-r", "pins.txt"),
    ]


def _write_facts(root: Path, folder: Path, info: dict[str, str]) -> None:
    """Write what the page's script needs to know, and whose work it is."""
    wheels = {
        path.name.split("-")[0].replace("_", "-"): path
        for path in sorted(folder.glob("*.whl"))
    }
    packages = {name: _package(name, path, [*wheels]) for name, path in wheels.items()}
    counted = [path for path in folder.iterdir() if path.suffix in COUNTED]
    facts = {
        "pyodide": version(root),
        "python": info["python"],
        "bytes": sum(path.stat().st_size for path in counted),
        "lock": {"info": info, "packages": packages},
    }
    text = json.dumps(facts, indent=1, sort_keys=True)
    (folder / FACTS).write_text(f"{text}\n", encoding="utf-8")
    notice = NOTICE.format(version=facts["pyodide"], python=info["python"])
    (folder / "NOTICE.txt").write_text(notice, encoding="utf-8")


def _package(name: str, wheel: Path, known: list[str]) -> dict[str, object]:
    """Describe a wheel as Pyodide's lock does; Pyodide checks the digest itself."""
    try:
        needs = {re.split(r"[^\w.-]", each)[0] for each in requires(name) or ()}
    except PackageNotFoundError:
        needs = set[str]()
    with wheel.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "depends": sorted(needs.intersection(known)),
        "file_name": wheel.name,
        "imports": [name.replace("-", "_")],
        "install_dir": "site",
        "name": name,
        "package_type": "package",
        "sha256": digest,
        "unvendored_tests": False,
        "version": wheel.name.split("-")[1],
    }
