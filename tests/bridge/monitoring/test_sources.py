from fakes.fleet import FakeFleet
from fakes.monitored import sources


async def test_the_sizes_of_the_files_that_are_there(tmp_path):
    found = sources(FakeFleet(), tmp_path)
    assert dict(found.sizes()) == {}
    (tmp_path / "twins.db").write_bytes(b"x" * 100)
    (tmp_path / "twins.db-wal").write_bytes(b"x" * 7)
    assert dict(found.sizes()) == {"main": 100, "wal": 7}
