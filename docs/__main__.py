"""Bring the README up to date: `make docs`."""

from __future__ import annotations

from docs.readme import README, updated


def main() -> None:
    """Write the parts anew and say whether anything changed."""
    before = README.read_text(encoding="utf-8")
    after = updated(before)
    README.write_text(after, encoding="utf-8")
    print("README.md was up to date" if after == before else "README.md is new")


main()
