"""The amqtt broker as a process of its own: `python -m bridge.demo.amqtt_broker PORT`.

Runs until SIGTERM or SIGINT. Only `broker` starts it, and only where Mosquitto is not installed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.plugins.base import BaseAuthPlugin  # type: ignore[import-untyped]
from amqtt.session import Session  # type: ignore[import-untyped]

from bridge.demo.ports import HOST


class Anyone(BaseAuthPlugin):  # type: ignore[misc]
    """Let everybody in, as Mosquitto does here.

    Not amqtt's own AnonymousAuthPlugin: that one makes the broker forget what it should keep for a client that is away.
    """

    async def authenticate(self, *, session: Session) -> bool | None:
        """Accept the client."""
        del session
        return True


async def serve(port: int) -> None:
    """Run the broker on the loopback interface until a signal ends it; raises BrokerError if it cannot listen."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {f"{Anyone.__module__}.{Anyone.__qualname__}": {}},
        }
    )
    await broker.start()
    print("amqtt is running", flush=True)
    await ended.wait()
    await broker.shutdown()


def main() -> None:
    """Run the broker on the port named on the command line, and keep it quiet."""
    logging.basicConfig(level=logging.CRITICAL)
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
