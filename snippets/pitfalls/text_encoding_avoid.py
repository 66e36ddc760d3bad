"""Keep a customer list and its audit log, alike where the locales are alike."""

import logging
from collections.abc import Iterable
from pathlib import Path


# --8<-- [start:answer]
def load(path: Path) -> list[str]:
    # expect: ruff[PLW1514]
    # expect: test[a_latin_1_locale_greets_zoe_by_another_name]
    text = path.read_text()
    return [name for name in text.split("\n") if name]


# --8<-- [end:answer]


def save(path: Path, names: Iterable[str]) -> None:
    # expect: ruff[PLW1514]
    # expect: test[a_locale_that_lacks_a_letter_cuts_the_list_off_there]
    # expect: test[what_a_latin_1_locale_saves_no_other_machine_can_read]
    with path.open("w") as file:
        file.writelines(f"{name}\n" for name in names)


def audit_log(path: Path) -> logging.Handler:
    # expect: test[a_locale_that_lacks_a_letter_drops_the_record]
    return logging.FileHandler(path)
