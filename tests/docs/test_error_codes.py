"""Every code is explained, with what to do, in the order in which they are looked for."""

import re

from bridge.arguments import FAILED, FINE, WRONG
from bridge.refusals import PUBLIC, Code
from docs import error_codes


def test_every_code_has_a_row_in_its_order():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (yes)? ?\|$", error_codes.text(), re.MULTILINE)
    assert [row[0] for row in rows] == [str(code) for code in Code]
    assert {row[0] for row in rows if row[3]} == {str(code) for code in PUBLIC}


def test_every_exit_code_has_a_row():
    assert re.findall(r"^\| (\d) \|", error_codes.exits(), re.MULTILINE) == [
        str(code) for code in (FINE, FAILED, WRONG)
    ]
