from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from twin.link import wire

MAX = 1_000_000
FIRSTS = {wire.TEXT: Opcode.TEXT, wire.PING: Opcode.PING, wire.PONG: Opcode.PONG}


def served(*frames: Frame) -> bytes:
    return b"".join(frame.serialize(mask=False) for frame in frames)


@given(st.binary(max_size=300) | st.integers(65_530, 65_540).map(bytes))
def test_a_server_reads_what_is_written(data):
    server = Protocol(Side.SERVER, state=State.OPEN, max_size=None)
    short = data[:125]
    server.receive_data(wire.frame(wire.TEXT, data) + wire.frame(wire.PING, short) + wire.frame(wire.PONG, short))
    assert [(frame.opcode, frame.data) for frame in server.events_received()] == [
        (Opcode.TEXT, data),
        (Opcode.PING, short),
        (Opcode.PONG, short),
    ]
    assert server.parser_exc is None


def test_masks_differ():
    assert len({wire.frame(wire.TEXT, b"a") for _ in range(50)}) > 40


@given(st.lists(st.tuples(st.sampled_from(list(FIRSTS)), st.binary(max_size=200)), max_size=5))
def test_usual_frames_are_found_as_soon_as_they_are_whole(frames):
    data = served(
        *(Frame(FIRSTS[first], payload[:125] if first != wire.TEXT else payload) for first, payload in frames)
    )
    at, found = 0, []
    for length in range(len(data) + 1):
        while (place := wire.look(data[:length], at, MAX)) is not None:
            found.append((data[at], data[place[0] : place[1]]))
            at = place[1]
            assert at == length
    assert found == frames


@pytest.mark.parametrize(
    "data",
    [
        served(Frame(Opcode.TEXT, b"a", fin=False)),
        served(Frame(Opcode.CONT, b"a")),
        served(Frame(Opcode.BINARY, b"a")),
        served(Frame(Opcode.CLOSE, b"")),
        served(Frame(Opcode.TEXT, bytes(65_536))),
        Frame(Opcode.TEXT, b"a").serialize(mask=True),
        b"\xc1\x00",
        b"\x89\x7e\x00\x80",
        b"\x8b\x00",
        b"\x08",
        b"\x81\x7e\x0f\xff",
    ],
)
def test_all_else_is_the_librarys(data):
    with pytest.raises(wire.Unusual):
        wire.look(data, 0, 4_000)


def test_each_frame_has_a_mask_of_its_own():
    masks = {wire.frame(wire.TEXT, b"same")[2:6] for _ in range(2000)}
    assert len(masks) > 1990
