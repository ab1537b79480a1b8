"""OCPP 1.6: its messages, and what they mean to a twin."""
