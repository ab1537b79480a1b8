"""YAML as people write it: whatever is wrong with it is one line that says where, and what was meant."""

import pytest

from config.problems import ConfigError
from config.reading import read


@pytest.fixture
def said(tmp_path):
    def refuse(text: str | bytes) -> str:
        file = tmp_path / "a.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as caught:
            read(file)
        (line,) = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
        return line

    return refuse


@pytest.mark.parametrize(
    ("text", "where", "advice"),
    [
        ("mqtt:\n\turl: mqtt://h\n", "line 2, column 1", "indent with spaces, not with tabs"),
        ("mqtt:\n  url: mqtt://h\n\tnode: a\n", "line 3, column 1", "indent with spaces, not with tabs"),
        ("mqtt\n  url: mqtt://h\n", "line 2", "the line before lacks a colon"),
        ("mqtt:\n  url:mqtt://h\n  username: x\n", "line 3", "in the line before, the colon needs a space after it"),
        ("mqtt:\n  url: mqtt://h\n   username: a\n", "line 3", "it is not indented like the line before"),
        ("mqtt:\n    url: mqtt://h\n  username: a\n", "line 3", "it is not indented like the lines that it belongs to"),
        ("mqtt:\n  username: a: b\n", "line 2", "put quotes around a text with a colon and a space in it"),
        ("node: %x\n", "line 1, column 7", "put quotes around a text that begins with one of"),
        ("mqtt:\n  allow: [*]\n", "line 2", "put quotes around a text that begins with one of"),
        ("value: {{ value }}\n", "line 1, column 9", "put quotes around a text that begins with one of"),
        ('url: "C:\\data"\n', "line 1", "write single quotes, in which a backslash is nothing special"),
        ("node: 'main\n", "line 2", "was opened before and is not closed"),
        ("twins: [{id: a}\n", "line 2", "was opened before and is not closed"),
        ("node: !secret x\n", "line 1", "tags such as !secret and !include are not known here"),
        ("node: a\n---\nnode: b\n", "line 2", "a file holds one document: remove the line ---"),
        ("node: a\nnode: b\n", "line 2, column 1", "node stands twice"),
        ("node:main\n", "a.yaml", "a colon needs a space after it"),
        ("node main\n", "a.yaml", "a setting needs a colon after its name"),
        ("node: main".encode("utf-16"), "byte 0", "is not text in UTF-8"),
        (b"node: Z\xe4hler", "byte 7", "save it with this encoding"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_meant(said, text, where, advice):
    line = said(text)
    assert line.startswith("a.yaml: ")
    assert where in line
    assert advice in line


def test_the_line_is_cited_but_no_secret_of_it(said):
    assert "in `username: a`" in said("mqtt:\n  url: mqtt://h\n   username: a\n")
    assert "hunter2" not in said("mqtt:\n  password: hunter2: x\n")
    assert "hunter2" not in said("mqtt:\n  password hunter2\n   url: x\n")
    assert "hunter2" not in said("mqtt: {url: mqtt://me:hunter2@host: x}\n")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfnode: main\n")
    assert read(tmp_path / "a.yaml") == {"node": "main"}


def test_a_file_that_is_none(tmp_path):
    for path, why in ((tmp_path / "none", "no such file or directory"), (tmp_path, "name the file in it")):
        with pytest.raises(ConfigError, match=why):
            read(path)
