"""The reference of the metrics: every one with its type, labels and meaning, as the endpoint itself describes it."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.monitoring.catalogue import SECTIONS, SINGLE, Kind

_HEAD = """\
# Metrics

This page is written by `make docs` from the descriptions that `/metrics` serves. How to turn it on and what to do with
it says [Monitoring](../how-to/monitoring.md).

| page | |
| --- | --- |
| `/metrics` | all of this, for Prometheus; as OpenMetrics where the scraper accepts it |
| `/healthz` | 200 while the event loop turns and the store can be written, else 503 |
| `/readyz` | 200 while the twins are loaded and the broker is connected, else 503 |

`/healthz` and `/readyz` answer in JSON: `status`, and where it is not well `reasons` or `missing`. Pages are read with
GET or HEAD. No page shows idTags, passwords or addresses.

Names that end in `_total` are counters: they only grow, and begin with 0 at each start. A histogram `x_seconds` is
queried as `x_seconds_bucket`, `x_seconds_sum` and `x_seconds_count`. No label names the daemon:
Prometheus adds `instance`.
"""
_SINGLE_NOTE = (
    "Only of twins that `http.twin_metrics` names. Each EVSE brings up to five series: choose some, not thousands.\n"
)
_PROCESS_NOTE = (
    "These come with Prometheus' client for Python and are the same for every program that uses it; on Linux only.\n"
)
PROCESS = (
    Kind(
        "process_cpu_seconds_total", "counter", "Processor time; a rate of 1 is one core, and the most that it can use."
    ),
    Kind("process_resident_memory_bytes", "gauge", "Memory in use."),
    Kind("process_virtual_memory_bytes", "gauge", "Memory that is mapped; far more than is in use."),
    Kind("process_open_fds", "gauge", "Open file descriptors; each connection is one."),
    Kind("process_max_fds", "gauge", "How many there may be."),
    Kind("process_start_time_seconds", "gauge", "When the process started (Unix time)."),
    Kind("python_info", "gauge", "1; the labels say which Python.", ("implementation", "version")),
    Kind("python_gc_collections_total", "counter", "Runs of the garbage collector.", ("generation",)),
    Kind("python_gc_objects_collected_total", "counter", "Objects that it found.", ("generation",)),
    Kind("python_gc_objects_uncollectable_total", "counter", "Objects that it could not free.", ("generation",)),
)
"""Those of Prometheus' client, which differ from system to system; here are those of Linux."""

_TABLE = ("| metric | type | labels | |", "| --- | --- | --- | --- |")


def text() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_ours(), *_process()])


def _ours() -> Iterator[str]:
    for title, kinds in SECTIONS.items():
        yield f"## {title}\n"
        if kinds is SINGLE:
            yield _SINGLE_NOTE
        yield from _TABLE
        yield from map(_row, kinds)
        yield ""


def _row(kind: Kind) -> str:
    labels = ", ".join(f"`{label}`" for label in kind.labels)
    return f"| `{kind.name}` | {kind.type} | {labels} | {_cell(kind.help)} |"


def _process() -> Iterator[str]:
    yield "## The process\n"
    yield _PROCESS_NOTE
    yield from _TABLE
    yield from map(_row, PROCESS)
    yield ""


def _cell(words: str) -> str:
    return words.replace("<", "&lt;").replace("|", "\\|")
