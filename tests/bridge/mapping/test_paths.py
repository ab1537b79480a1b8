import pytest

from bridge.mapping.paths import MISSING, compiled, found

TREE = {"power": 7.5, "emeters": [{"power": 1}, {"power": 2}], "em:0": {"a.b": None}, "7": "seven"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("power", 7.5),
        ("emeters[1].power", 2),
        ('["em:0"]["a.b"]', None),
        ("em:0['a.b']", None),
        ("[7]", "seven"),
        ("emeters[2].power", MISSING),
        ("power.x", MISSING),
        ("emeters.power", MISSING),
        ("nothing", MISSING),
    ],
)
def test_what_is_found(path, value):
    assert found(TREE, compiled(path)) is value or found(TREE, compiled(path)) == value


def test_a_list_at_the_top():
    assert found([1, [2, 3]], compiled("[1][0]")) == 2
    assert found(MISSING, compiled("a")) is MISSING


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a.", "a[", "a[x]", "a.[0]", "[0]a", "a]"])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match="a path such as"):
        compiled(path)
