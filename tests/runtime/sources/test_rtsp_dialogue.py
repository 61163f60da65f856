"""Requests reach the camera with its address and a log-in; its answers come back as the program expects them."""

import base64
import hashlib
import re

import pytest

from edgelens.runtime.sources.credentials import Address
from edgelens.runtime.sources.rtsp_dialogue import RtspDialogue

OWN = "rtsp://127.0.0.1:5000/secret"
CAMERA = Address("rtsp://cam:8554/live?x=1", "joe", "hush")
DIGEST = 'Digest realm="cam", nonce="abc"'


def asked(method="DESCRIBE", target=f"{OWN}/live?x=1", number=7):
    return f"{method} {target} RTSP/1.0\r\nAccept: application/sdp\r\nCSeq: {number}\r\n\r\n".encode()


def answer(status="200 OK", number=1, *headers, body=""):
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{lines}\r\n{body}".encode()


def challenge(number, *kinds):
    return answer("401 Unauthorized", number, *(f"WWW-Authenticate: {kind}" for kind in kinds))


def login_of(request: bytes) -> str:
    return re.search(r"\r\nAuthorization: (.*?)\r\n", request.decode())[1]


def digest_is_right(login: str, method: str, target: str) -> bool:
    fields = dict(re.findall(r'(\w+)="?([^",]+)', login))
    secret, said = (hashlib.md5(text.encode()).hexdigest() for text in ("joe:cam:hush", f"{method}:{target}"))
    parts = [fields["nc"], fields["cnonce"], "auth"] if "qop" in fields else []
    return fields["response"] == hashlib.md5(":".join([secret, "abc", *parts, said]).encode()).hexdigest()


def test_the_cameras_own_address_is_asked():
    dialogue = RtspDialogue(CAMERA, OWN)
    assert dialogue.request(asked()).startswith(b"DESCRIBE rtsp://cam:8554/live?x=1 RTSP/1.0\r\nAccept:")
    assert dialogue.request(asked("SETUP", "rtsp://cam:8554/live/track1")).startswith(b"SETUP rtsp://cam:8554/live/t")


def test_a_program_that_does_not_know_the_address_is_turned_away():
    with pytest.raises(ValueError, match="does not know"):
        RtspDialogue(CAMERA, OWN).request(asked(target="rtsp://127.0.0.1:5000/live"))


@pytest.mark.parametrize("kind", [DIGEST, DIGEST + ', qop="auth"', DIGEST + ', algorithm=MD5, qop="auth,auth-int"'])
def test_a_digest_login_is_answered_here_and_kept(kind):
    dialogue = RtspDialogue(CAMERA, OWN)
    dialogue.request(asked())
    on, back = dialogue.answer(challenge(1, 'Basic realm="cam"', kind))
    assert on == b""
    assert b"\r\nCSeq: 2\r\n" in back
    assert digest_is_right(login_of(back), "DESCRIBE", "rtsp://cam:8554/live?x=1")
    assert dialogue.answer(answer(number=2, body="v=0\r\n")) == (answer(number=7, body="v=0\r\n"), b"")
    assert dialogue.description == "v=0\r\n"
    play = dialogue.request(asked("PLAY", "rtsp://cam:8554/live/", 8))
    assert digest_is_right(login_of(play), "PLAY", "rtsp://cam:8554/live/")
    assert ("nc=00000002" in login_of(play)) == ("nc=" in login_of(back))


def test_a_basic_login():
    dialogue = RtspDialogue(CAMERA, OWN)
    dialogue.request(asked())
    _, back = dialogue.answer(challenge(1, 'Basic realm="cam"'))
    assert base64.b64decode(login_of(back).removeprefix("Basic ")) == b"joe:hush"


def test_a_stale_nonce_is_replaced_once():
    dialogue = RtspDialogue(CAMERA, OWN)
    dialogue.request(asked())
    dialogue.answer(challenge(1, DIGEST))
    assert dialogue.answer(challenge(2, DIGEST + ", stale=true"))[1]
    assert not dialogue.refused
    assert dialogue.answer(challenge(3, DIGEST + ", stale=true"))[0]
    assert dialogue.refused


@pytest.mark.parametrize(
    ("camera", "kind"), [(CAMERA, "Bearer x"), (Address("rtsp://cam:8554/live?x=1", "", ""), DIGEST)]
)
def test_a_challenge_that_cannot_be_answered_goes_on(camera, kind):
    dialogue = RtspDialogue(camera, OWN)
    dialogue.request(asked())
    on, back = dialogue.answer(challenge(1, kind))
    assert on.startswith(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 7\r\n")
    assert back == b""
    assert dialogue.refused


def test_a_wrong_password_is_tried_once():
    dialogue = RtspDialogue(CAMERA, OWN)
    dialogue.request(asked())
    dialogue.answer(challenge(1, DIGEST))
    on, back = dialogue.answer(challenge(2, DIGEST))
    assert on.startswith(b"RTSP/1.0 401")
    assert back == b""


def test_an_answer_finds_its_request_though_others_were_not_answered():
    dialogue = RtspDialogue(CAMERA, OWN)
    for number in range(100, 150):
        dialogue.request(asked("GET_PARAMETER", number=number))
    assert dialogue.answer(answer(number=50)) == (answer(number=149), b"")
    assert dialogue.answer(answer(number=2)) == (answer(number=2), b"")  # forgotten


def test_a_camera_that_sends_its_viewers_elsewhere_is_not_for_a_third_one():
    dialogue = RtspDialogue(CAMERA, OWN)
    dialogue.request(asked())
    assert dialogue.answer(answer("302 Moved", 1, "Location: rtsp://b/c")) == (b"", b"")
    assert dialogue.unfit


def test_what_the_camera_says_unasked_goes_on_as_it_came():
    dialogue = RtspDialogue(CAMERA, OWN)
    for said in (b"SET_PARAMETER rtsp://cam RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"\r\n", answer()):
        assert dialogue.answer(said) == (said, b"")
    assert not dialogue.answered
