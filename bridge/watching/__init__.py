"""What people watch twins with, at a terminal: `ocpp-twin watch` and `ocpp-twin trace`.

Both are clients of the broker only: they see what every other client sees, and run on any machine.
"""
