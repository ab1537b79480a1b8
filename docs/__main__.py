"""Bring what is written by a program up to date: `make docs`."""

from __future__ import annotations

from docs.pages import ROOT, pages


def main() -> None:
    """Write everything anew and say whether anything changed."""
    for file, after in pages():
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(after, encoding="utf-8")
        print(f"{file.relative_to(ROOT)} {'was up to date' if after == before else 'is new'}")


main()
