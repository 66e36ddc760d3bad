"""Tools get what the pages say: as Markdown, as lists and as a skill."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from proof.exports.export import export
from proof.exports.material import Material
from proof.exports.pack import pack
from proof.exports.skill import brief, skill
from proof.fragments.facts import facts
from proof.fragments.project_fragments import Fragments
from proof.site.provenance import check_site
from proof.sources.blocks import blocks
from tests.proof.conftest import AVOID, CHAPTER, PAGE, SNIPPET, TITLE, Planted
from tests.proof.site.test_build import ledger
from tests.proof.skills import skill_faults

ADDRESS = "https://example.org/guide/"
TWIN = "cart/add-item/index.md"
SKILL = "skill/python-expert"
SMALL = 20_000  # characters, about the 5,000 tokens that the format recommends
REFERENCE = f"{SKILL}/references/cart.md"
TOML = """\
```toml
# [a link](index.md), <b>bold</b>
name = "<dl>"
```
"""


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", ADDRESS)


def exported(planted: Planted) -> Path:
    """Export a site without its HTML, and hold it to what is proven."""
    site = planted.root / ".proof/site"
    site.mkdir(parents=True, exist_ok=True)
    assert faults(planted) == []
    return site


def faults(
    planted: Planted, changes: dict[str, tuple[str, str]] | None = None
) -> list[str]:
    """Say what the check finds in the exports, after some of them are changed."""
    site = planted.root / ".proof/site"
    made = Fragments(planted.project, ledger(planted))
    known = export(planted.project, ledger(planted), made, site)
    for name, (old, new) in (changes or {}).items():
        data = (site / name).read_bytes()
        assert old.encode() in data
        (site / name).write_bytes(data.replace(old.encode(), new.encode()))
    found = check_site(planted.project, site, made.code | known)
    return [each.path for each in found]


def read(site: Path, name: str) -> str:
    return (site / name).read_text("utf-8")


def code(text: str) -> list[str]:
    return [each.text for each in blocks("", text)]


def test_a_twin_is_the_page_with_its_fragments_in_place(planted: Planted) -> None:
    text = read(exported(planted), TWIN)
    assert text.startswith(
        f"# {TITLE}\n\n<{ADDRESS}cart/add-item/>\n\n"
        "must · `cart-add-item` · reported by "
    )
    assert f"\n\n## Do\n\n```python\n{planted.read(SNIPPET)}```\n\n## Avoid\n" in text
    assert (
        "def add_item_for_all(item: str, cart: list[str] = []) -> list[str]:\n```\n\n"
        "> ruff format B006: No\n>\n> ruff format B008: No\n"
    ) in text
    assert (
        "\n**A given cart grows**\n\n```python\ndef test_a_given_cart_grows() " in text
    )
    assert "--8<--" not in text
    assert "<ul" not in text


def test_fences_stay_as_they_are_whatever_they_hold(planted: Planted) -> None:
    planted.append(
        PAGE, f"\n{TOML}\n- in a list\n\n    {TOML.replace('\n', '\n    ')}\n"
    )
    text = read(exported(planted), TWIN)
    assert f"\n\n{TOML}\n- in a list\n" in text
    assert code(text)[-2:] == [TOML.partition("\n")[2].removesuffix("```\n")] * 2
    assert "    ```toml\n    # [a link](index.md), <b>bold</b>\n" in text


def test_what_a_fence_includes_is_in_it(planted: Planted) -> None:
    planted.write(
        "some.toml", "# --8<-- [start:one]\na = 1\n# --8<-- [end:one]\nb = 2\n"
    )
    planted.append(PAGE, '\n```toml\n--8<-- "some.toml:one"\n```\n')
    assert code(read(exported(planted), TWIN))[-1] == "a = 1\n"


@pytest.mark.parametrize(
    ("written", "absolute"),
    [
        ("[x](index.md)", f"[x]({ADDRESS}cart/)"),
        ("[x](index.md#add)", f"[x]({ADDRESS}cart/#add)"),
        ("[x](#do)", f"[x]({ADDRESS}cart/add-item/#do)"),
        ("[x\ny](../configuration.md)", f"[x\ny]({ADDRESS}configuration/)"),
        ("[`x`](../index.md)", f"[`x`]({ADDRESS})"),
        ("![x](../assets/mark.svg)", f"![x]({ADDRESS}assets/mark.svg)"),
        ("[x]: index.md", f"[x]: {ADDRESS}cart/"),
        ('<a href="../../llms.txt">x</a>', f"[x]({ADDRESS}llms.txt)"),
        ("[x](https://peps.python.org/)", "[x](https://peps.python.org/)"),
        ("[x](//example.net/)", "[x](//example.net/)"),
        ("[x](mailto:ada@example.org)", "[x](mailto:ada@example.org)"),
        ("`[x](index.md)`", "`[x](index.md)`"),
        ("``a` [x](index.md)``", "``a` [x](index.md)``"),
        ("a lone ` and [x](#do)", f"a lone ` and [x]({ADDRESS}cart/add-item/#do)"),
    ],
)
def test_a_link_is_absolute_and_code_is_no_link(
    planted: Planted, written: str, absolute: str
) -> None:
    planted.append(PAGE, f"\n{written}\n")
    assert read(exported(planted), TWIN).endswith(f"- None\n\n{absolute}\n")


def test_every_page_has_its_twin_where_its_html_is(planted: Planted) -> None:
    site = exported(planted)
    found = {each.relative_to(site).as_posix() for each in site.glob("**/index.md")}
    assert found == {
        "index.md",
        "cart/index.md",
        TWIN,
        "changes/index.md",
        "configuration/index.md",
        "desk/index.md",
        "how-it-is-proven/index.md",
        "reference/cart/index.md",
        "rules/index.md",
        "rules-json/index.md",
    }


def test_front_matter_and_heading_marks_are_left_out(planted: Planted) -> None:
    planted.write(CHAPTER, "---\nhide: [toc]\n---\n\n# Cart { .big }\n\n## A {#b}\n")
    text = read(exported(planted), "cart/index.md")
    assert text == f"# Cart\n\n<{ADDRESS}cart/>\n\n## A\n"


def test_a_reference_gives_the_modules_with_their_docstrings(planted: Planted) -> None:
    text = read(exported(planted), "reference/cart/index.md")
    assert text == (
        f"# Reference: cart\n\n<{ADDRESS}reference/cart/>\n\n"
        f"## [{TITLE}]({ADDRESS}cart/add-item/)\n\n"
        f"```python\n{planted.read(SNIPPET)}```\n"
    )


def test_the_list_for_models_names_each_page_once(planted: Planted) -> None:
    lines = read(exported(planted), "llms.txt").splitlines()
    assert lines[0] == "# Proven Python"
    assert lines[2].startswith("> An expert's guide")
    assert (
        f"- [{TITLE}]({ADDRESS}{TWIN}): cart-add-item, must, reported by "
        "mypy `ARG001`, `B006`, `B008` and pyright `ARG001`, `B006`, `B008` and ruff "
    ) in "\n".join(lines)
    assert [line for line in lines if line.startswith("## ")] == [
        "## Cart",
        "## Optional",
    ]
    links = re.findall(r"\]\((\S+)\)", "\n".join(lines))
    assert len(links) == len(set(links))
    assert f"{ADDRESS}index.md" not in links  # it says what the list says


def test_every_file_that_the_list_names_is_there(planted: Planted) -> None:
    site = exported(planted)
    for link in re.findall(r"\]\((\S+)\)", read(site, "llms.txt")):
        assert (site / link.removeprefix(ADDRESS)).is_file(), link


def test_the_whole_has_each_page_but_no_proof_and_nothing_twice(
    planted: Planted,
) -> None:
    text = read(exported(planted), "llms-full.txt")
    titles = [line for line in text.splitlines() if line.startswith("# ")]
    assert titles == [
        "# Carts",
        "# Cart",
        f"# {TITLE}",
        "# What changed",
        "# One configuration",
        "# The desk",
        "# How it is proven",
        "# The rules as data",
    ]
    assert "## Proof" not in text
    assert "def test_" not in text
    assert "\n## References\n" in text


def test_the_skill_keeps_to_the_format(planted: Planted) -> None:
    assert skill_faults(exported(planted) / SKILL) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("SKILL.md", "---\nname", "name", "SKILL.md doesn't begin with front matter"),
        ("SKILL.md", '"python-expert"', '"Python"', "'Python' is no name"),
        ("SKILL.md", '"python-expert"', '"a--b"', "'a--b' is no name"),
        (
            "SKILL.md",
            '"python-expert"',
            '"python"',
            "the name isn't that of the folder",
        ),
        ("SKILL.md", "Rules for", "R" * 1024, "description is longer than 1024"),
        ("SKILL.md", "description:", "about:", "description is missing"),
        ("SKILL.md", "license:", "licence:", "licence is no field"),
        ("SKILL.md", "\n# Python", "\n" * 500 + "# Python", "the body has 500 lines"),
        ("SKILL.md", "references/cart.md", "cart.md", "cart.md isn't in the skill"),
        (
            "references/cart.md",
            "# Cart",
            "[x](y.md)",
            "references/cart.md leads on to y",
        ),
    ],
)
def test_what_the_format_forbids_is_found(
    planted: Planted, name: str, old: str, new: str, fault: str
) -> None:
    path = exported(planted) / SKILL / name
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    assert any(
        each.startswith(fault) for each in skill_faults(path.parents[name.count("/")])
    )


def test_however_many_rules_there_are_the_skill_keeps_to_the_format(
    planted: Planted,
) -> None:
    site = planted.root / "site"
    known = ledger(planted)
    made = Fragments(planted.project, known)
    rule = facts(planted.project, known, planted.project.rules[0])
    rules = [
        rule.model_copy(update={"id": f"cart-a-rule-of-a-long-name-{number}"})
        for number in range(250)
    ]
    for name, content in skill(
        Material(planted.project, known, made, rules, ADDRESS, site)
    ):
        if isinstance(content, str):
            planted.write(f"site/{name}", content)
    assert skill_faults(site / SKILL) == []
    text = read(site, f"{SKILL}/SKILL.md")
    assert len(text) < SMALL
    assert "Topics: cart, a rule of a long name 0, a rule of a long name 1, " in text
    assert at_their_lines(site) == [each.id for each in rules]


def test_an_entry_of_the_skill_says_what_the_rule_says(planted: Planted) -> None:
    planted.replace(PAGE, "## Proof", "## When not\n\nIt only reads.\n\n## Proof")
    planted.replace(PAGE, "made once.", "made once: [a cart](index.md).")
    planted.replace(PAGE, "## Do\n", "## Do\n\nLook.\n")
    text = read(exported(planted), REFERENCE)
    head, _, entry = text.partition("\n## ")
    assert entry.startswith(f"cart-add-item\n\n**{TITLE}** (must, reported by mypy `A")
    assert (
        f"\n\n<{ADDRESS}cart/add-item/>\n\n"
        f"A default is made once: [a cart]({ADDRESS}cart/).\n\n### Do\n\n```python\n"
    ) in entry
    assert code(entry)[0] == planted.read(SNIPPET)
    avoided = "".join(code(entry)[1:])
    assert avoided.replace("\n", "") == "".join(
        line
        for line in planted.read(AVOID).splitlines()
        if not line.strip().startswith("# expect")
    )
    assert entry.endswith("\n\n### When not\n\n- It only reads.\n")
    assert head.startswith("# Cart\n\n- line 5: `cart-add-item`, must, reported by ")


def test_each_rule_is_at_the_line_that_the_list_tells(planted: Planted) -> None:
    assert at_their_lines(exported(planted)) == ["cart-add-item"]


def at_their_lines(site: Path) -> list[str]:
    """List what the reference's list names, all of which must be where it says."""
    lines = read(site, REFERENCE).splitlines()
    listed = re.findall(r"^- line (\d+): `([\w-]+)`", "\n".join(lines), re.MULTILINE)
    assert [lines[int(at) - 1] for at, _ in listed] == [
        f"## {each}" for _, each in listed
    ]
    return [each for _, each in listed]


def test_the_archive_is_the_folder(planted: Planted) -> None:
    site = exported(planted)
    with zipfile.ZipFile(site / f"{SKILL}.zip") as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    folder = site / "skill"
    assert held == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.glob("*/**/*")
        if path.is_file()
    }


def test_the_same_texts_are_packed_to_the_same_bytes() -> None:
    packed = pack({"b.md": "é", "a/c.md": ""})
    assert pack({"a/c.md": "", "b.md": "é"}) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as whole:
        assert [
            (each.filename, each.date_time[0], each.create_system, each.external_attr)
            for each in whole.infolist()
        ] == [(name, 1980, 3, 0o644 << 16) for name in ("a/c.md", "b.md")]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (TWIN, TWIN),
        ("llms-full.txt", "llms-full.txt"),
        (REFERENCE, REFERENCE),
    ],
)
def test_a_block_that_is_not_proven_is_refused_in_each_of_them(
    planted: Planted, name: str, place: str
) -> None:
    exported(planted)
    assert faults(planted, {name: ("    if cart is None:", "    if cart == []:")}) == [
        place
    ]


def test_a_block_that_is_not_proven_is_refused_in_an_archive(planted: Planted) -> None:
    site = exported(planted)
    text = read(site, REFERENCE).replace("if cart is None:", "if cart == []:")
    (site / f"{SKILL}.zip").write_bytes(pack({"a/cart.md": text}))
    made = Fragments(planted.project, ledger(planted))
    found = check_site(planted.project, site, made.code)
    assert f"{SKILL}.zip/a/cart.md" in {each.path for each in found}


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (
            "## When not\n\n**It reads.** Then it is safe and as short as can be. No\n",
            ["**It reads.** Then it is safe and as short as can be."],
        ),
        (
            "**It is.** So. See `a. b` and [c. d](https://e.org), it says so. More.\n",
            ["**It is.** So. See `a. b` and [c. d](https://e.org), it says so."],
        ),
        (
            '**"It is slow."** It isn\'t. It was measured, the page says how. No.\n',
            ['**"It is slow."** It isn\'t. It was measured, the page says how. No.'],
        ),
        (
            '"One exit is enough for every function." No. More.\n',
            ['"One exit is enough for every function." No. More.'],
        ),
        (
            "**This is bold for more than the bound.** So. It goes on after that. No",
            ["**This is bold for more than the bound.** So. It goes on after that. No"],
        ),
        ("Some are known:\n\n- a\n- b\n\n```toml\na = 1\n```\n", ["Some are known."]),
        ("One\nline.\n\nAnother.\n", ["One line.", "Another."]),
        ("", []),
    ],
)
def test_an_exception_is_shortened_and_an_objection_keeps_its_answer(
    section: str, told: list[str]
) -> None:
    assert list(brief(section)) == told


def test_a_rule_whose_matter_is_no_module_is_given_as_its_page_has_it(
    planted: Planted,
) -> None:
    planted.replace(PAGE, "## Do\n", f"## Do\n\nName it:\n\n{TOML}\n")
    known = ledger(planted)
    made = Fragments(planted.project, known)
    made.texts["cart/add-item/do.md"] = ""
    rule = facts(planted.project, known, planted.project.rules[0])
    source = Material(planted.project, known, made, [rule], ADDRESS, planted.root)
    text = str(dict(skill(source))[REFERENCE])
    assert f"\n### Do\n\nName it:\n\n{TOML}\n### Avoid\n" in text
