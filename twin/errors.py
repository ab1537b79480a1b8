"""The errors of the twin, and whose fault each of them is.

TwinError
├── Rejected            the user's: a command that the box cannot carry out now (R1)
├── ProtocolError       the Central System's: a frame or payload that breaks OCPP
├── LinkError           the network's or the peer's: a connection that cannot be had
├── CertificateError    whoever handed over a certificate: it cannot be read
├── TransferError       the network's or the peer's: a file that cannot be fetched or uploaded
├── StoreError          the machine's: the database cannot be read or written
└── SnapshotError       the database's: a stored state that this program cannot read
"""

from __future__ import annotations


class TwinError(Exception):
    """Be the root of everything that this package raises on purpose."""


class Rejected(TwinError):
    """Refuse a command before anything has changed.

    `code` is one of the MQTT contract's result codes (`state_conflict`, `unknown_evse`, …),
    `detail` a sentence for a person.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class ProtocolError(TwinError):
    """Say what is wrong with something that the Central System sent.

    `code` is an OCPP-J error code as it stands on the wire (OCPP-J 1.6 §4.2.3, Table 7),
    `message_id` the id of the offending CALL where one could be read.
    """

    def __init__(self, code: str, description: str, message_id: str | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.message_id = message_id


class LinkError(TwinError):
    """Say why the Central System could not be reached; the link retries by itself.

    `problem` is one of `LinkProblem`: the kind, as far as the security events of OCPP 1.6 tell kinds apart.
    """

    def __init__(self, sentence: str, problem: str = "other") -> None:
        super().__init__(sentence)
        self.problem = problem


class CertificateError(TwinError):
    """Say why a certificate cannot be read, as a part of a sentence for a person."""


class TransferError(TwinError):
    """Say why a file could not be fetched or uploaded.

    `problem` is one of `twin.model.terms.TransferProblem`, `detail` a sentence for a person, without secrets.
    """

    def __init__(self, problem: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


class StoreError(TwinError):
    """Say why the store cannot be used, and what the operator can do."""


class SnapshotError(TwinError):
    """Say that a stored snapshot is damaged or newer than this program."""
