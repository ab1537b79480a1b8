"""A pydantic model for every request that a node takes on `bridge/<node>/request/…`. Shapes only."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field

from bridge.intake import EVSE, STATION, Shape

_Id = Annotated[str, Field(min_length=1, strict=True)]
_Ids: TypeAlias = _Id | Annotated[list[_Id], Field(min_length=1, max_length=100_000)]

LEVELS = sorted({name.removeprefix("set/") for name in (*EVSE, *STATION) if name.startswith("set/")})
COMMANDS = sorted({name.removeprefix("cmd/") for name in (*EVSE, *STATION) if name.startswith("cmd/")})


class Request(Shape):
    """Carry what any request to a node may carry."""

    request_id: Annotated[str, Field(max_length=64, strict=True)] | None = None


class ListTwins(Request):
    """List twins, in the order of their ids."""

    offset: Annotated[int, Field(ge=0, strict=True)] = 0
    limit: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 100
    ids: Annotated[str, Field(strict=True)] = "*"


class AddTwin(Request):
    """Add a twin; it is there again after a restart."""

    twin: dict[str, Any]


class RemoveTwin(Request):
    """Remove a twin, and with `forget` what is stored of it."""

    id: _Id
    forget: Annotated[bool, Field(strict=True)] = False


class RestartTwin(Request):
    """Restart a twin."""

    id: _Id


class Many(Request):
    """Say something to many twins: the fields beside these are those of the level or command itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    ids: _Ids
    evse: Annotated[int, Field(ge=1, strict=True)] | None = None

    def body(self) -> dict[str, Any]:
        """Return the payload that each twin is sent."""
        return {**(self.model_extra or {})} | ({} if self.request_id is None else {"request_id": self.request_id})


class SetMany(Many):
    """Set a level of many twins."""

    level: Literal[tuple(LEVELS)]  # type: ignore[valid-type]

    @property
    def name(self) -> str:
        """Return what each is sent, such as `set/plugged`."""
        return f"set/{self.level}"


class CmdMany(Many):
    """Send a command to many twins."""

    command: Literal[tuple(COMMANDS)]  # type: ignore[valid-type]

    @property
    def name(self) -> str:
        """Return what each is sent, such as `cmd/swipe`."""
        return f"cmd/{self.command}"


class Reload(Request):
    """Read the configuration again, and change what changed in it."""


class Trace(Request):
    """Publish the OCPP frames of twins for a while, beside those of `mqtt.trace`; 0 seconds ends it."""

    ids: _Ids
    for_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False, strict=True)] = 600.0


class SetClockRate(Request):
    """Let time run faster or slower."""

    rate: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]


REQUESTS: dict[str, type[Request]] = {
    "list_twins": ListTwins,
    "add_twin": AddTwin,
    "remove_twin": RemoveTwin,
    "restart_twin": RestartTwin,
    "set_many": SetMany,
    "cmd_many": CmdMany,
    "reload": Reload,
    "set_clock_rate": SetClockRate,
    "trace": Trace,
}
"""What a node takes, by verb."""
