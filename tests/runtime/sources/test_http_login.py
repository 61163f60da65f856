import hashlib
import re

import pytest

from edgelens.runtime.sources.http_login import authorization, challenges


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], []),
        (['Basic realm="a, Digest b=c"'], ['Basic realm="a, Digest b=c"']),
        (['Basic realm="a", Digest realm="a", nonce="b"'], ['Digest realm="a", nonce="b"', 'Basic realm="a"']),
        (["Negotiate", "Basic realm=a", "Digest nonce=b"], ["Digest nonce=b", "Negotiate", "Basic realm=a"]),
        (["Negotiate, Basic realm=a"], ["Negotiate", "Basic realm=a"]),
        (['Digest realm="a", nonce="b" , qop="auth,auth-int"'], ['Digest realm="a", nonce="b" , qop="auth,auth-int"']),
        (["Basic"], ["Basic"]),
        (["Bearer abc", "Negotiate abc==, Digest nonce = b"], ["Digest nonce = b", "Bearer abc", "Negotiate abc=="]),
        (["", " , ", "=", 'nonce="b"'], []),
    ],
)
def test_every_scheme_is_found_digest_first(headers, found):
    assert challenges(headers) == found


def test_names_and_words_are_reckoned_with_in_the_bytes_that_a_camera_has():
    login = authorization('Digest realm="T\xc3\xbcr", nonce="n"', "jö", "geheim€", "/stream")
    secret, asked = (hashlib.md5(text.encode()).hexdigest() for text in ("jö:Tür:geheim€", "GET:/stream"))
    said = re.search(r'response="(\w+)"', login)
    assert said[1] == hashlib.md5(f"{secret}:n:{asked}".encode()).hexdigest()
    sent = login.encode("latin-1")  # as http.client and RTSP send it
    assert 'username="jö", realm="Tür"'.encode() in sent
