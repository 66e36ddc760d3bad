"""Refuses tests that can't fail, or that show what they did not ask."""

import ast
from collections.abc import Iterator

from proof.faults import Fault
from proof.sources.code import comments_of, of_kind, tree_of, walk
from proof.sources.comments import SWITCH
from proof.sources.project import Project, Subject

CHECKS = {"assert_type", "fail", "raises", "RaisesGroup", "warns"}
SHOWS = {"observe", "happened", "now"}
SWALLOWS = {"AssertionError", "BaseException", "Exception"}
STRICTER = ("enable-error-code", "=true")  # a switch that asks for more
FULL = (  # is true, whatever it holds
    *(ast.Dict, ast.GeneratorExp, ast.JoinedStr, ast.Lambda, ast.List, ast.Set),
    ast.Tuple,
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def claim_faults(project: Project, subject: Subject) -> Iterator[Fault]:
    """Find what a rule's test file claims without asking.

    Args:
        project: The project.
        subject: The rule or recipe.

    Yields:
        The faults; none where there is no test file, or no Python in it.
    """
    path = subject.tests
    try:
        text = project.read(path)
        tree_of(text)
    except (FileNotFoundError, SyntaxError):
        return  # told by the other checks
    yield from replacements(project, subject, path)
    yield from _switches(path, text)
    yield from _tests(path, text)
    yield from _shown(path, text)
    for node in of_kind(text, ast.Assert):
        yield from _assertion(path, text, node)
    around: list[ast.Try | ast.With | ast.AsyncWith] = [
        *of_kind(text, ast.Try),
        *of_kind(text, ast.With),
        *of_kind(text, ast.AsyncWith),
    ]
    for each in filter(_swallows, around):
        message = "what swallows an AssertionError holds an assert: move it out"
        yield Fault(path, each.lineno, message)


def replacements(project: Project, subject: Subject, path: str) -> Iterator[Fault]:
    """Refuse that a test file or a conftest replaces what is tested.

    Args:
        project: The project.
        subject: The rule or recipe that is tested.
        path: The file.

    Yields:
        A fault for each function or class of its snippet that is replaced.
    """
    try:
        text = project.read(path)
        snippets = _imported(text)
    except SyntaxError:
        return  # told by the other checks
    if subject.module.rpartition("/")[2] not in text:
        return
    for at, name in _replaced(text, snippets, _defined(project, subject)):
        message = f"replaces {name}, which it is to test: replace what that calls"
        yield Fault(path, at, message)


def _switches(path: str, text: str) -> Iterator[Fault]:
    said = comments_of(text) if SWITCH.search(text) else {}
    for at, comment in said.items():
        if SWITCH.match(comment) and not any(each in comment for each in STRICTER):
            yield Fault(path, at, "this silences a tool for more than one code")


def _tests(path: str, text: str) -> Iterator[Fault]:
    """Refuse a test that neither asserts nor calls what could raise."""
    asks = {"assert", *CHECKS, *_imported(text)}
    uses: dict[str, set[str]] = {}
    for each in tree_of(text).body:
        if isinstance(each, Function | ast.ClassDef):
            uses[each.name] = set(_used(each))
        elif isinstance(each, ast.Assign):
            uses |= {name: set(_used(each)) for name in _names(each.targets[0])}
    for each in tree_of(text).body:
        if isinstance(each, Function) and each.name.startswith("test_"):
            reached, new = set[str](), {each.name}
            while new and not reached & asks:  # through helpers and fixtures
                used = set[str]().union(*(uses.get(name, ()) for name in new))
                new = used - reached
                reached |= used
            if not reached & asks:
                message = f"{each.name} asks nothing: assert what its name says"
                yield Fault(path, each.lineno, message)


def _used(node: ast.AST) -> Iterator[str]:
    for each in walk(node):
        match each:
            case ast.Assert():
                yield "assert"
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case _:
                pass


def _assertion(path: str, text: str, node: ast.Assert) -> Iterator[Fault]:
    """Refuse an assertion that holds whatever the snippet does."""
    asked = list(walk(node.test))
    if isinstance(node.test, FULL) or not any(isinstance(e, ast.Name) for e in asked):
        message = "asserts what is so by itself: ask the snippet"
        yield Fault(path, node.lineno, message)
    for each in asked:
        if isinstance(each, ast.Compare):
            sides = [each.left, *each.comparators]
            for one, by, other in zip(sides, each.ops, sides[1:], strict=False):
                if (
                    isinstance(by, ast.Eq | ast.LtE | ast.GtE)
                    and type(one) is type(other)
                    and ast.dump(one) == ast.dump(other)
                    and "PLR0124" not in comments_of(text).get(node.lineno, "")
                ):
                    message = f"compares {ast.unparse(one)} with itself"
                    yield Fault(path, node.lineno, f"{message}: state the value")


def _swallows(node: ast.Try | ast.With | ast.AsyncWith) -> bool:
    if not any(isinstance(e, ast.Assert) for body in node.body for e in walk(body)):
        return False
    if isinstance(node, ast.Try):
        return any(
            (each.type is None or _names(each.type) & SWALLOWS)
            and not any(isinstance(e, ast.Raise) for e in walk(each))
            for each in node.handlers
        )
    return any(
        isinstance(call := item.context_expr, ast.Call)
        and _names(call.func) & {"suppress", "raises"}
        and set[str]().union(*map(_names, call.args)) & SWALLOWS
        for item in node.items
    )


def _shown(path: str, text: str) -> Iterator[Fault]:
    """Refuse to show a text of the test's own before the test has asked anything."""
    calls = of_kind(text, ast.Call)
    asked = [node.lineno for node in calls if _called(node) in CHECKS]
    asked += [node.lineno for node in of_kind(text, ast.Assert)]
    functions: list[Function] = [
        *of_kind(text, ast.FunctionDef),
        *of_kind(text, ast.AsyncFunctionDef),
    ]
    for node in calls:
        if _called(node) in SHOWS and node.args and _is_text(node.args[0]):
            around = (
                each.lineno
                for each in functions
                if each.lineno <= node.lineno <= (each.end_lineno or 0)
            )
            began = max(around, default=0)
            if not any(began < at < node.lineno for at in asked):
                message = "shows a text that nothing asserted: assert it first"
                yield Fault(path, node.lineno, message)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.JoinedStr)
        and all(isinstance(each, ast.Constant) for each in node.values)
    )


def _imported(text: str) -> dict[str, str]:
    """Give the names that a test file has of its snippets, with what they mean."""
    found: dict[str, str] = {}
    for each in of_kind(text, ast.ImportFrom):
        if (each.module or "").startswith("snippets"):
            found |= {n.asname or n.name: f"{each.module}.{n.name}" for n in each.names}
    for node in of_kind(text, ast.Import):
        found |= {
            n.asname or n.name.partition(".")[0]: n.name
            for n in node.names
            if n.name.startswith("snippets.")
        }
    for made in of_kind(text, ast.Assign):
        if isinstance(made.value, ast.Call) and _called(made.value) == "untyped":
            found |= dict.fromkeys(set[str]().union(*map(_names, made.targets)), "")
    return found


def _defined(project: Project, subject: Subject) -> set[str]:
    """Give the full names of the functions and classes of a recommended snippet."""
    found = set[str]()
    for path in project.recommended(subject):
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        try:
            body = tree_of(project.read(path)).body
        except SyntaxError:
            continue
        found |= {
            f"{module}.{each.name}"
            for each in body
            if isinstance(each, Function | ast.ClassDef)
        }
    return found


def _replaced(
    text: str, snippets: dict[str, str], defined: set[str]
) -> Iterator[tuple[int, str]]:
    """Find where a test puts something else in the place of what it tests."""
    stores = (ast.Call, ast.Assign, ast.Name)
    nodes = [node for kind in stores for node in of_kind(text, kind)]
    for node in nodes:
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setattr" | "object"),
                args=[ast.Name(id=module), ast.Constant(value=str(name)), *_],
            ) if module in snippets:
                whole = f"{snippets[module]}.{name}"
            case ast.Call(
                func=ast.Attribute(attr="setattr" | "patch") | ast.Name(id="patch"),
                args=[ast.Constant(value=str(whole)), *_],
            ):
                pass
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=module), attr=name)]
            ) if module in snippets:
                whole = f"{snippets[module]}.{name}"
            case ast.Name(id=name, ctx=ast.Store()) if name in snippets:
                whole = snippets[name]
            case _:
                continue
        if whole in defined:
            yield node.lineno, whole


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _names(node: ast.AST) -> set[str]:
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    }
