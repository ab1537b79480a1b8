"""The same memory with TLS: twins at wss:// beside bare connections with the same root, on uvloop both."""

from __future__ import annotations

import time
from pathlib import Path

import trustme

from benchmarks.fleet import configure, running, until
from benchmarks.processes import Scripted, mosquitto
from benchmarks.scene import Figures, Load
from benchmarks.watch import Watch


def tls(count: int, load: Load, folder: Path) -> Figures:
    """Measure the memory of connections and of twins with TLS, at rest, and how long they take to connect."""
    authority = trustme.CA()
    root, certificate = folder / "root.pem", folder / "central.pem"
    authority.cert_pem.write_to_path(root)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    with Scripted("benchmarks.central", folder, str(certificate)) as central:
        url = f"wss://127.0.0.1:{central.hello['port']}"
        return _bare(url, count, load, folder, root) | _daemon(url, count, load, folder, root, central)


def _bare(url: str, count: int, load: Load, folder: Path, root: Path) -> Figures:
    with Scripted("benchmarks.bare", folder) as client:
        empty = client.rss()
        took = client.ask("connect", url, count, root)["seconds"]
        time.sleep(load.settle_s)
        return {"bare_tls_kib_each": (client.rss() - empty) / count / 1024, "bare_tls_connect_s": took}


def _daemon(url: str, count: int, load: Load, folder: Path, root: Path, central: Scripted) -> Figures:
    with mosquitto(folder) as broker, Watch(broker) as watch:
        with running(configure(folder / "empty", broker, 0)) as process:
            until(watch.health, process, 30)
            time.sleep(load.settle_s)
            empty = process.rss()
        watch.forget()
        fleet = configure(folder / "fleet", broker, count, csms={"url": f"{url}/ocpp", "ca_file": str(root)})
        with running(fleet) as process:
            until(lambda: central.ask("counts")["accepted"] >= count, process, 60 + count / 20)
            took = central.ask("counts")["accepted_at"] - process.started_at
            time.sleep(2 * load.settle_s)
            return {"tls_kib_each": (process.rss() - empty) / count / 1024, "tls_boot_s": took}
