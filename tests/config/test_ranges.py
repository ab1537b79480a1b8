import pytest

from config.ranges import MAX_ITEMS, unrolled


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("garage", ["garage"]),
        ("a{1..3}", ["a1", "a2", "a3"]),
        ("{08..11}-b", ["08-b", "09-b", "10-b", "11-b"]),
        ("x{9..11}y", ["x9y", "x10y", "x11y"]),
        ("x{5..5}", ["x5"]),
        ("lot-{a..c}", ["lot-{a..c}"]),
    ],
)
def test_a_range_stands_for_its_names(text, names):
    assert unrolled(text) == names


@pytest.mark.parametrize("text", ["a{3..1}", "{1..2}{1..2}", f"a{{1..{MAX_ITEMS + 1}}}"])
def test_a_range_runs_upwards_and_ends(text):
    with pytest.raises(ValueError, match=r"\{"):
        unrolled(text)
