"""Docstring examples of the snippets, run by Sybil."""

import importlib
from pathlib import Path
from typing import override

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.example import Example, NotEvaluated
from sybil.parsers.doctest import DocTestParser

ROOT = Path(__file__).parent


class Docstrings(PythonDocStringDocument):
    """The docstrings of a module, evaluated in the module's own namespace."""

    @override
    def import_document(self, example: Example) -> None:
        """Import by the dotted name from the root: no ``__init__.py`` marks a package.

        Raises:
            NotEvaluated: Always; it hands the example on to its own evaluator.
        """
        name = ".".join(Path(self.path).relative_to(ROOT).with_suffix("").parts)
        self.namespace.update(vars(importlib.import_module(name)))
        self.pop_evaluator(self.import_document)
        raise NotEvaluated


pytest_collect_file = Sybil(
    parsers=[DocTestParser()],
    patterns=["snippets/**/*.py"],
    path=str(ROOT),
    document_types={".py": Docstrings},
).pytest()
