"""The packet that ends a picture gets a delimiter; every other goes on as it came."""

import struct

import pytest

from edgelens.runtime.sources.picture_ends import CLOCK, KEPT, Arrivals, PictureEnds

H264, H265 = b"\x09\xf0", b"\x46\x01\x50"
START = b"\0\0\0\1"
AUDIO = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000\r\n"


def description(codec: str) -> str:
    return f"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\n{AUDIO}m=video 0 RTP/AVP 96\r\na=rtpmap:96 {codec}/90000\r\na=x:1\r\n"


def packet(payload, *, stamp=9000, marked=True, kind=96, channel=0, first=0x80, extras=b"", padding=b""):
    rtp = struct.pack(">BBHII", first, marked << 7 | kind, 7, stamp, 1) + extras + payload + padding
    return memoryview(b"$" + bytes([channel]) + len(rtp).to_bytes(2, "big") + rtp)


def ends_of(codec: str) -> PictureEnds:
    ends = PictureEnds()
    ends.learn(description(codec))
    return ends


@pytest.mark.parametrize(
    ("codec", "payload", "end"),
    [
        ("H264", b"\x41\x9a\x01\x02\x03", START + H264),
        ("H264", b"\x65\x88\x84\x02\x03\x04", START + H264),
        ("H264", b"\x7c\x45\x01\x02\x03", START + H264),  # last fragment of a key picture's slice
        ("H264", b"\x18\x00\x02\x41\x9a\x00\x02\x41\x9a", b"\x00\x02" + H264),
        ("H265", b"\x02\x01\xd0\x02\x03", START + H265),
        ("H265", b"\x62\x01\x53\x02\x03", START + H265),
        ("H265", b"\x60\x01\x00\x03\x02\x01\xd0", b"\x00\x03" + H265),
        ("h264", b"\x41\x9a\x01\x02\x03", START + H264),
    ],
)
def test_the_end_is_said_in_the_units_own_way(codec, payload, end):
    whole = packet(payload)
    marked = ends_of(codec).marked(whole, 1.0)
    assert marked[4:] == bytes(whole[4:]) + end
    assert marked[:2] == b"$\x00"
    assert int.from_bytes(marked[2:4], "big") == len(marked) - 4


@pytest.mark.parametrize(
    "untouched",
    [
        packet(b"\x41\x9a\x01\x02\x03", marked=False),
        packet(b"\x7c\x05\x01\x02\x03"),  # a fragment that is not the last
        packet(b"\x19\x00\x00\x02\x41\x9a"),  # a kind that FFmpeg does not know either
        packet(b"\x41\x9a\x01\x02\x03", kind=97),
        packet(b"\x41\x9a" * 32760),
        packet(b"\x41"),
        packet(b"\x41\x9a\x01\x02\x03", first=0xA0, padding=b"\xff"),
        packet(b"\x41\x9a\x01\x02\x03", first=0x9F),
        memoryview(b"$\x01\x00\x04\x80\xe0\x00\x01"),
    ],
)
def test_everything_else_goes_on_as_it_came(untouched):
    ends = ends_of("H264")
    assert ends.marked(untouched, 1.0) is None
    assert ends.arrivals.find(0.0) is None


@pytest.mark.parametrize("text", ["", "m=video 0 RTP/AVP 26\r\n", description("JPEG"), description("VP8"), AUDIO])
def test_other_streams_are_left_alone(text):
    ends = PictureEnds()
    ends.learn(text)
    assert ends.marked(packet(b"\x41\x9a\x01\x02\x03", kind=26), 1.0) is None
    assert ends.marked(packet(b"\x41\x9a\x01\x02\x03"), 1.0) is None


def test_only_the_first_channel_of_the_video_is_marked():
    ends = ends_of("H264")
    assert ends.marked(packet(b"\x41\x9a\x01\x02\x03", channel=2), 1.0)
    assert ends.marked(packet(b"\x41\x9a\x01\x02\x03", channel=4), 1.0) is None


def test_padding_goes_and_sources_and_extension_stay():
    extras = b"\0\0\0\5" + b"\xbe\xde\0\1" + b"abcd"
    payload = b"\x41\x9a\x01\x02\x03"
    marked = ends_of("H264").marked(packet(payload, first=0xB1, extras=extras, padding=b"\0\0\3"), 1.0)
    assert marked[4] == 0x91
    assert marked[16:] == extras + payload + START + H264
    assert int.from_bytes(marked[2:4], "big") == len(marked) - 4


def test_marks_within_a_picture_are_noticed():
    ends = ends_of("H264")
    ends.marked(packet(b"\x67\x42\x00\x1f\x03", stamp=5), 1.0)  # some cameras mark parameter sets, which does no harm
    ends.marked(packet(b"\x65\x88\x84\x02\x03", stamp=5), 1.0)
    ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=8), 1.1)
    assert not ends.unfit
    ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=8), 1.1)
    assert ends.unfit == "marks ends within its pictures"


@pytest.mark.parametrize(("back", "unfit"), [(3000, True), (CLOCK * 5, False)])
def test_pictures_out_of_order_are_noticed_and_a_clock_that_was_set_is_not_taken_for_that(back, unfit):
    ends = ends_of("H264")
    ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=CLOCK * 9), 1.0)
    ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=CLOCK * 9 - back), 1.1)
    assert ("another order" in ends.unfit) == unfit


def test_one_slip_in_a_long_run_is_forgiven_and_three_are_not():
    ends = ends_of("H264")
    for i in range(2000):
        slip = 4500 if i in (700, 1300, 1900, 1910, 1920) else 0
        ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=3000 * i - slip), 1.0)
        assert bool(ends.unfit) == (i >= 1920)


def test_time_stamps_go_on_beyond_32_bits():
    ends = ends_of("H264")
    for i, stamp in enumerate([0xFFFFFF00, 0x00000100, 0x00000500]):
        ends.marked(packet(b"\x41\x9a\x01\x02\x03", stamp=stamp), float(i))
    assert ends.arrivals.find(1.0) == (2.0, (0x100000500) / CLOCK)


def test_a_picture_is_found_by_the_stamp_of_the_one_before():
    arrivals = Arrivals()
    for i in range(6):
        arrivals.note(9000 * i + 70000, 10 + i / 10)
    assert arrivals.find(3.4) == (10.5, pytest.approx(0.5 + 7 / 9))  # the newest, on FFmpeg's own count
    for i in range(6, 10):
        arrivals.note(9000 * i + 70000, 10 + i / 10)
    assert arrivals.find(3.5) == (10.6, pytest.approx(0.6 + 7 / 9))  # one that waited
    assert arrivals.find(3.8)[0] == 10.9


def test_a_jump_of_the_count_is_followed():
    arrivals = Arrivals()
    for i in range(2 * KEPT):
        arrivals.note(3000 * i, i / 30)
        if i > 1:
            assert arrivals.find((i + (1e5 if i > 900 else 0)) / 30)[0] == i / 30


def test_a_picture_in_parts_came_with_its_last_part():
    arrivals = Arrivals()
    for stamp, arrived in [(0, 1.0), (3000, 2.0), (3000, 2.5)]:
        arrivals.note(stamp, arrived)
    assert arrivals.find(7.0) == (2.5, 3000 / CLOCK)
