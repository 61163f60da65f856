"""A sink that fails is seen on the page at once."""

from __future__ import annotations

from typing import Any

import pytest
from page_in_browser import opened, until

from edgelens.runtime.loop.control import SinkStatus

pytestmark = pytest.mark.browser


def test_a_sink_that_fails_stands_among_the_numbers(staged: Any, chromium: Any) -> None:
    loop = staged()
    loop.sinks = (SinkStatus("mqtt"), SinkStatus("json", lost=12, error="results: No space left on device"))
    with opened(chromium, loop.preview.link) as page:
        row = page.wait_for_selector("#numbers [data-name=json]")
        assert row.text_content() == "jsonresults: No space left on device"
        assert page.query_selector("#numbers [data-name=mqtt]") is None
        loop.sinks = (SinkStatus("json", lost=12),)
        until(page, lambda: page.text_content("#numbers [data-name=json]") == "json12 lost")
