"""A fleet's listener that writes everything down, in order."""

from __future__ import annotations


class RecordingListener:
    """`heard` holds tuples, the first element being the method's name."""

    def __init__(self, *, traced: tuple[str, ...] = ()) -> None:
        self.heard: list[tuple] = []
        self.traced = traced

    def changed(self, twin_id, parts):
        self.heard.append(("changed", twin_id, frozenset(parts)))

    def noted(self, twin_id, note):
        self.heard.append(("noted", twin_id, note.name, note.fields))

    def frame(self, twin_id, direction, frame, at):
        self.heard.append(("frame", twin_id, direction, frame))

    def traces(self, twin_id):
        return twin_id in self.traced

    def failed(self, error):
        self.heard.append(("failed", str(error)))

    def notes(self, name=None):
        """Return (name, fields) of all notes, or of those of one name."""
        told = [(what[2], what[3]) for what in self.heard if what[0] == "noted"]
        return [note for note in told if name in (None, note[0])]
