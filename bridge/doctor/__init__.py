"""`ocpp-twin doctor`: looks at everything that a daemon needs, and says what is wrong and how to mend it.

Disturbs nothing: it may run beside the daemon that it is about. Each module looks at one thing, and returns findings;
what they look like is the business of `report`.
"""
