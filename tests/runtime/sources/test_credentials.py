import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.sources.credentials import masked, parse_address


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("rtsp://joe:pa%40ss@10.0.0.5:554/h264?channel=1", "rtsp://10.0.0.5:554/h264?channel=1"),
        ("rtsp://joe:p@ss@10.0.0.5/x", "rtsp://10.0.0.5/x"),
        ("rtsp://joe:p/a#s?s@cam:554/x", "rtsp://cam:554/x"),
        ("http://cam:8080/a@b", "http://***@b"),  # 8080/a could be a password as well
        ("rtsp://joe:p w/@#x@cam:554/x", "rtsp://cam:554/x"),
        ("rtsp://joe hill:p w@cam/x", "rtsp://cam/x"),
        ("rtsp://joe:1234/56@cam/x", "rtsp://***@cam/x"),
        ("rtsp:/joe:hush@cam/x", "rtsp:/***@cam/x"),
        ("joe:hush@cam/x", "***@cam/x"),
        ("://joe:hush@cam/x", "://***@cam/x"),
        ("joe:hush@cam://x", "***@cam://x"),
        ("rtsp://joe:@554/hush@cam/x", "rtsp://***@cam/x"),
        (
            "rtsp://cam:554/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
            "rtsp://cam:554/user=***_password=***_channel=1_stream=0.sdp?real_stream",
        ),
        ("rtsp://cam/user=admin&password=a/b#c&d&channel=1", "rtsp://cam/user=***&password=***&channel=1"),
        ("http://cam/x?pwd=/hush=?y=&size=2", "http://cam/x?pwd=***&size=2"),
        ("rtsp://cam/user=joe_password=/hush=?_channel=1", "rtsp://cam/user=***_password=***?_channel=1"),
        ("rtsp://cam/live.sdp?loginuse=admin&loginpas=x y", "rtsp://cam/live.sdp?loginuse=***&loginpas=***"),
        ("http://cam/x?pwd=a?b;size=2#pass=3", "http://cam/x?pwd=***;size=2#pass=***"),
        ("http://cam/\x1b]0;evil\x07?x=1", "http://cam/\ufffd]0;evil\ufffd?x=1"),
        ("http://joe:hush@cam/x?mail=a@b", "http://***@b"),
        ("http://cam/mjpg?user=joe&pwd=secret&size=2", "http://cam/mjpg?user=***&pwd=***&size=2"),
        ("http://cam/video?Token=abc", "http://cam/video?Token=***"),
        ("http://cam/x?pw=hush&size=2", "http://cam/x?pw=***&size=2"),
        ("http://cam/x?pass%77ord=hush&%70wd=hush", "http://cam/x?pass%77ord=***&%70wd=***"),
        ("http://cam/x?size=a%20b", "http://cam/x?size=a%20b"),
        ("http://cam/a@b", "http://cam/a@b"),
        ("/dev/video0", "/dev/video0"),
        ("photos/a@b.jpg", "photos/a@b.jpg"),
    ],
)
def test_no_login_is_shown(spec, shown):
    assert masked(spec) == shown


def test_a_login_is_taken_out_of_the_address_and_decoded():
    address = parse_address("rtsp://joe:p%40ss%3Aword@cam:8554/live")
    assert (address.url, address.user, address.password) == ("rtsp://cam:8554/live", "joe", "p@ss:word")
    assert address.with_login == "rtsp://joe:p%40ss%3Aword@cam:8554/live"
    assert "p@ss" not in repr(address)


def test_an_at_sign_in_a_secret_of_the_query_begins_no_host():
    address = parse_address("rtsp://cam:554/live?user=joe&password=a@b/c")
    assert (address.url, address.user) == ("rtsp://cam:554/live?user=joe&password=a@b/c", "")
    with pytest.raises(UsageError, match="port must be a number"):
        parse_address("rtsp://cam:x?user=joe&password=@hush/=&channel=1")


def test_a_password_may_hold_what_divides_addresses():
    address = parse_address("rtsp://joe:p/a#s?1%25@cam:554/x?y=1")
    assert (address.url, address.user, address.password) == ("rtsp://cam:554/x?y=1", "joe", "p/a#s?1%")
    assert address.with_login == "rtsp://joe:p%2Fa%23s%3F1%25@cam:554/x?y=1"


def test_the_environment_fills_in_names_and_missing_logins(monkeypatch):
    monkeypatch.setenv("CAM_PASSWORD", "a/b@c")
    assert parse_address("rtsp://joe:${CAM_PASSWORD}@cam/x").password == "a/b@c"
    monkeypatch.setenv("EDGELENS_SOURCE_USER", "viewer")
    monkeypatch.setenv("EDGELENS_SOURCE_PASSWORD", "secret")
    assert parse_address("http://cam/x").user == "viewer"
    assert parse_address("http://other:own@cam/x").user == "other"


def test_a_missing_variable_is_said_without_the_rest():
    with pytest.raises(UsageError, match="no variable NOT_THERE") as error:
        parse_address("rtsp://joe:hush@${NOT_THERE}/x")
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("spec", ["http://[::1", "http://joe:hush@cam:x/", "http://joe:hush@cam:99999/", "http://",
                                  "rtsp://joe:hush@/x", "http://joe:hush@a b/x", "http://joe:hush@\x00/"])  # fmt: skip
def test_what_is_no_address_is_one_line(spec):
    with pytest.raises(UsageError) as error:
        parse_address(spec)
    assert "hush" not in str(error.value)
    assert str(error.value).isprintable()
