import stat

import pytest
import structlog

from twin.fleet.files import Files


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_for_its_owner_only(tmp_path):
    root = tmp_path / "store" / "main.files"
    folder = Files(root).make("garage", "firmware")
    assert folder == root / "garage" / "firmware"
    assert {mode(path) for path in (root, root / "garage", folder)} == {0o700}
    assert Files(root).make("garage", "firmware") == folder


def test_looking_makes_nothing(tmp_path):
    files = Files(tmp_path / "files")
    assert files.keys("garage") == tmp_path / "files" / "garage" / "keys"
    files.forget("garage")
    assert list(tmp_path.iterdir()) == []


def test_what_is_forgotten_is_gone_and_nothing_else(tmp_path):
    files = Files(tmp_path)
    (files.make("garage", "keys") / "key.pem").touch()
    kept = files.make("office", "keys")
    files.forget("garage")
    assert [path.name for path in tmp_path.iterdir()] == ["office"]
    assert kept.exists()


def test_what_cannot_be_removed_is_told(tmp_path):
    (tmp_path / "garage").touch()
    with structlog.testing.capture_logs() as lines:
        Files(tmp_path).forget("garage")
    assert [(line["event"], line["twin"]) for line in lines] == [("files_not_removed", "garage")]


@pytest.mark.parametrize("twin_id", ["", ".", "..", "../other", "a/b", "/etc", "a\x00b"])
def test_an_id_never_leads_out_of_the_root(tmp_path, twin_id):
    with pytest.raises(ValueError, match="is no name of a folder"):
        Files(tmp_path).folder(twin_id)
