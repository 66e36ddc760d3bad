"""No block gets into the built site but a proven one."""

import json
from html import escape
from zipfile import ZipFile

import pytest

from proof.fragments.project_fragments import Fragments
from proof.ledger.records import Ledger, Machine
from proof.site.provenance import check_site
from proof.sources.blocks import PARSERS
from tests.proof.conftest import CHAPTER, PAGE, SNIPPET, Planted

KNOWN = "import os\n\nos.getcwd()"
FOREIGN = "import os\nos.abort()"
PROVEN_PAGE = "cart/add-item/index.html"
LANGUAGES = ", ".join(PARSERS)


def told(first: str) -> str:
    return (
        f"this block is not proven: {first!r}. Make it a snippet of a rule, or a fence "
        f"spelled ```python or one of {LANGUAGES}"
    )


def faults(planted: Planted, files: dict[str, str]) -> list[str]:
    """Check a site of these files, in which only KNOWN is proven."""
    for name, text in files.items():
        planted.write(f".proof/site/{name}", text)
    site = planted.root / ".proof/site"
    return [str(each) for each in check_site(planted.project, site, {KNOWN})]


@pytest.mark.parametrize(
    "markup",
    [
        f"<pre><code>{KNOWN}\n</code></pre>",
        f"<pre>\n{KNOWN}\n\n</pre>",
        "<pre><span>import</span> os\n\n<a id='x'></a>os.getcwd()\n</pre>",
        "<p>Call <code>os.abort()</code> or <kbd>Ctrl-C</kbd>.</p>",
        "<p>Call <code>os.\nabort()</code>.</p>",
        "<script>os.abort()</script><p>No code.</p>",
    ],
    ids=["code", "pre", "highlighted", "in a sentence", "wrapped", "script"],
)
def test_proven_blocks_and_code_in_a_sentence_may_stand(
    planted: Planted, markup: str
) -> None:
    assert faults(planted, {PROVEN_PAGE: markup}) == []


@pytest.mark.parametrize(
    ("markup", "first"),
    [
        (f"<pre>{FOREIGN}</pre>", "import os"),
        (f"<pre><code>{FOREIGN}</code></pre>", "import os"),
        (f"<table><td><div><pre><code>{FOREIGN}</code></pre></table>", "import os"),
        (f"<ul><li><pre>{FOREIGN}</pre></li></ul>", "import os"),
        ("<pre>os.abort()</pre>", "os.abort()"),
        (f"<pre>{KNOWN}\nos.abort()</pre>", "import os"),
        ("<pre>import os\n\n os.getcwd()</pre>", "import os"),
        (f"<pre>  {KNOWN}</pre>", "import os"),
        ("<pre></pre>", ""),
        (f"<textarea>{FOREIGN}</textarea>", "import os"),
        (f"<listing>{FOREIGN}</listing>", "import os"),
        (f"<xmp>{FOREIGN}</xmp>", "import os"),
        (f"<plaintext>{FOREIGN}", "import os"),
        (f"<div style='white-space: pre'>{FOREIGN}</div>", "import os"),
        ("<code>import os<br>os.abort()</code>", "import osos.abort()"),
        (f"<noscript><pre>{FOREIGN}</pre></noscript>", "import os"),
        (
            f"<svg><foreignObject><pre>{FOREIGN}</pre></foreignObject></svg>",
            "import os",
        ),
        ("<iframe srcdoc='x'></iframe>", '<iframe srcdoc="x"></iframe>'),
        ("<object data='x.txt'></object>", '<object data="x.txt"></object>'),
        ("<embed src='x.txt'>", '<embed src="x.txt">'),
    ],
)
def test_a_block_that_nobody_proved_is_refused_in_whatever_element(
    planted: Planted, markup: str, first: str
) -> None:
    [fault] = faults(planted, {"404.html": f"<p>Lost?</p>{markup}"})
    assert fault.startswith(f"404.html: this block is not proven: '{first}")


def test_a_fault_names_the_line_of_the_pages_source(planted: Planted) -> None:
    at = planted.append(PAGE, f"\n<pre>\n{FOREIGN}\n</pre>\n") + 2
    page = f"<h1>x</h1><pre>\n{FOREIGN}\n</pre>"
    assert faults(planted, {PROVEN_PAGE: page}) == [f"{PAGE}:{at}: {told('import os')}"]


def test_a_fault_of_a_chapters_page_names_that_page(planted: Planted) -> None:
    at = planted.append(CHAPTER, "    os.abort()\n")
    page = "<pre><code>os.abort()\n</code></pre>"
    assert faults(planted, {"cart/index.html": page}) == [
        f"{CHAPTER}:{at}: {told('os.abort()')}"
    ]


def test_a_fault_of_the_home_page_names_that_page(planted: Planted) -> None:
    assert faults(planted, {"index.html": "<pre>os.abort()</pre>"}) == [
        f"docs/index.md: {told('os.abort()')}"
    ]


def test_the_search_index_is_held_to_the_same(planted: Planted) -> None:
    def entry(location: str, code: str) -> dict[str, str]:
        text = f"<p>Call</p> <pre><code>{escape(code)}\n</code></pre>"
        return {"location": location, "title": "Call", "text": text}

    docs = [entry("cart/add-item/#do", KNOWN), entry("cart/add-item/#why", FOREIGN)]
    index = json.dumps({"config": {}, "docs": docs})
    assert faults(planted, {"search/search_index.json": index}) == [
        f"{PAGE}: {told('import os')}"
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cart.md", "```python\nos.abort()\n```\n"),
        ("llms.txt", "# Cart\n\n~~~\nos.abort()\n~~~\n"),
        ("add_item.py", "os.abort()\n"),
        ("rules.json", "os.abort()\n"),
        ("run.sh", "os.abort()\n"),
        ("NOTES", "os.abort()\n"),
    ],
)
def test_an_export_or_a_file_of_an_unknown_kind_is_held_to_the_same(
    planted: Planted, name: str, text: str
) -> None:
    assert faults(planted, {name: text}) == [f"{name}: {told('os.abort()')}"]


def test_a_file_that_is_not_even_text_is_refused(planted: Planted) -> None:
    planted.write(".proof/site/run.bin", "")
    (planted.root / ".proof/site/run.bin").write_bytes(b"\xff\n")
    assert faults(planted, {}) == [f"run.bin: {told('\ufffd')}"]


def test_an_archive_is_opened_and_held_to_the_same(planted: Planted) -> None:
    site = planted.root / ".proof/site"
    site.mkdir(parents=True)
    with ZipFile(site / "all.zip", "w") as archive:
        archive.writestr("a.py", f"{KNOWN}\n")
        archive.writestr("b.py", FOREIGN)
        archive.writestr("c.md", f"Text\n\n```python\n{FOREIGN}\n```\n")
    assert faults(planted, {}) == [
        f"all.zip/b.py: {told('import os')}",
        f"all.zip/c.md: {told('import os')}",
    ]


def test_exports_of_proven_code_and_plain_assets_may_stand(planted: Planted) -> None:
    files = {
        "add_item.py": f"{KNOWN}\n",
        "cart/add-item.md": f"# Cart\n\n```python\n{KNOWN}\n```\n",
        "licence.txt": "Nobody owes anybody anything.\n",
        "assets/x.css": "pre { color: red }",
        ".nojekyll": "",
    }
    assert faults(planted, files) == []


def test_a_file_that_docs_publishes_is_named_as_it_lies_there(planted: Planted) -> None:
    planted.write("docs/assets/run.py", "os.abort()\n")
    assert faults(planted, {"assets/run.py": "os.abort()\n"}) == [
        f"docs/assets/run.py: {told('os.abort()')}"
    ]


def test_blocks_that_other_steps_run_or_parse_may_stand(planted: Planted) -> None:
    planted.append(PAGE, "\n```python\nprint(1)\n#> 1\n```\n\n```toml\nage = 3\n```\n")
    page = "<pre>print(1)\n#> 1\n</pre><pre>age = 3\n</pre>"
    assert faults(planted, {PROVEN_PAGE: page}) == []


def test_a_snippet_changed_after_it_was_proven_is_known_no_more(
    planted: Planted,
) -> None:
    made = Fragments(planted.project, Ledger(machine=Machine.here()))
    assert planted.read(SNIPPET).strip("\n") not in made.code
    planted.write(
        f".proof/site/{PROVEN_PAGE}", f"<pre>{escape(planted.read(SNIPPET))}</pre>"
    )
    site = planted.root / ".proof/site"
    first = planted.read(SNIPPET).partition("\n")[0]
    assert [str(each) for each in check_site(planted.project, site, made.code)] == [
        f"{PAGE}: {told(first)}"
    ]
