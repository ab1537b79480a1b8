"""Every module stands in the list with a sentence."""

import re

from docs.import_graph import modules
from docs.modules_page import sentence, text


def test_every_module_has_a_row_with_a_sentence():
    rows = re.findall(r"^\| \[`\w+`\]\(\.\./\.\./(\S+)\) \| (\S.+) \|$", text(), re.MULTILINE)
    files = {str(path).rpartition("/")[2] for path in modules().values()} - {"__init__.py"}
    assert {file.rpartition("/")[2] for file, _ in rows} == files


def test_the_first_sentence_ends_at_its_full_stop():
    assert sentence('"""Says this, e.g. that. And more."""') == "Says this, e.g. that."
    assert sentence('"""One line\nand another.\n\nMore."""') == "One line and another."
