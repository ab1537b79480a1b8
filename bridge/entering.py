"""How a client of aiomqtt enters a broker, and how it learns why it cannot: aiomqtt keeps only a text, or a time-out.

Knows what goes wrong before the CONNACK; nothing of what is said afterwards.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiomqtt

from bridge.broker import HungUp, Silent


class Entrant(aiomqtt.Client):
    """Be an MQTT client that tells why it cannot come in; `cause` is the OSError behind that, if there is one."""

    cause: OSError | None = None
    _given_up = False
    _entering = False
    _ended: aiomqtt.MqttError | None = None

    async def enter(self) -> None:
        """Connect. Raises MqttError, from the OSError where there was one; nothing is left open then."""
        try:
            await self._come_in()
        except aiomqtt.MqttError as error:
            answered = isinstance(error, aiomqtt.MqttCodeError | HungUp)
            silent = self.cause is None and not answered and self._client.socket() is not None
            self.abort()
            if silent:
                raise Silent("the broker does not answer") from None
            if self.cause is None or answered:
                raise
            raise error from self.cause
        except asyncio.CancelledError:
            self.abort()
            raise

    async def _come_in(self) -> None:
        self._entering = True
        try:
            await self.__aenter__()
        finally:
            self._entering = False
        if self._ended is not None:
            raise self._ended

    def abort(self) -> None:
        """Close the socket at once."""
        self._given_up = True
        # Nobody asks any more why the connection ended, and asyncio would complain of that.
        self._disconnected.add_done_callback(_heard)
        self._client._sock_close()  # noqa: SLF001 - aiomqtt leaves it open when a connect fails

    def _client_connect(self) -> None:
        try:
            super()._client_connect()
        except OSError as error:
            self.cause = error
            raise
        # aiomqtt connects in a thread, which goes on when the one who waits for it is cancelled.
        if self._given_up:
            self.abort()

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        # A broker that knows only MQTT 3.1.1 may hang up on the CONNECT without a word; aiomqtt would wait for an
        # answer until its time-out.
        if not self._connected.done():
            self._connected.set_exception(HungUp("the broker hung up"))
        elif self._entering:  # aiomqtt forgets an end that comes together with the welcome
            self._ended = aiomqtt.MqttCodeError(reason_code, "Unexpected disconnection")
        else:
            super()._on_disconnect(client, userdata, flags, reason_code, properties)


def _heard(ended: asyncio.Future[None]) -> None:
    if not ended.cancelled():
        ended.exception()
