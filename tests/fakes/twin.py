"""A twin that does nothing by itself: it takes notes of its inputs and answers with effects that a test prepared."""

from twin.model.effects import Answered, Reply
from twin.model.terms import Gate, Registration
from twin.model.variables import Variables


class FakeTwin:
    """Stand in for `twin.model.twin.Twin` below an Exchange or a Station."""

    def __init__(self):
        self.variables = Variables(1, {}, fixed_cable=False, security_profile=0)
        self.gate = Gate.OPEN
        self.registration = Registration.ACCEPTED
        self.wants_link = True
        self.due = None
        self.parts = {"station": b"0"}
        self.transactions = {}
        self.heard = []
        self.complaints = []
        self.will = {}

    def prepare(self, kind, *effects, **changes):
        """Let the next input of this kind cause effects and change attributes."""
        self.will[kind] = (effects, changes)

    def _take(self, kind, *what):
        self.heard.append((kind, *what))
        effects, changes = self.will.pop(kind, ((), {}))
        for name, value in changes.items():
            setattr(self, name, value)
        return list(effects)

    def command(self, command, now):
        return self._take("command", command)

    def request(self, request, now):
        effects = self._take("request", request)
        return effects or [Reply(request.request_ref, Answered("Accepted"))]

    def answer(self, report, answer, now):
        return self._take("answer", report, answer)

    def link(self, event, now):
        return self._take("link", event)

    def tick(self, now):
        return self._take("tick")

    def misheard(self, description, now):
        self.complaints.append(description)
        return []

    def exhausted(self, now):
        self.complaints.append("exhausted")
        return []

    def next_deadline(self):
        return self.due

    def transaction_id(self, session_id):
        return self.transactions.get(session_id)

    def dump(self):
        return dict(self.parts)

    def answers(self):
        """Return the reports that were answered, with their answers."""
        return [(report, answer) for kind, *rest in self.heard if kind == "answer" for report, answer in [rest]]
