"""The page of a service: no camera, a picture that somebody brings."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
import pytest
from page_in_browser import DESKTOP, until

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService
from edgelens.runtime.loop.control import Control, LoopStatus, ModelStatus, Settings

pytestmark = pytest.mark.browser


def test_a_service_is_neither_paused_nor_at_no_frames_a_second(colour_bundle: Any, chromium: Any) -> None:
    control, started = Control((), Settings()), time.time()
    control.attach(lambda: LoopStatus(ModelStatus("colour"), started), lambda model, source: None)
    picture = bytes(cv2.imencode(".png", np.full((40, 60, 3), (0, 0, 255), np.uint8))[1])
    with (
        RecognizeService(colour_bundle) as service,
        LivePreview(control, port=0, service=service, say=lambda line: None) as preview,
    ):
        page = chromium.new_page(viewport=DESKTOP)
        try:
            page.goto(preview.link)
            until(page, lambda: page.text_content("#link") == "serving")
            page.set_input_files("#try-file", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
            until(page, lambda: page.text_content(".stage .label") == "red")
            until(page, lambda: page.text_content('#numbers [data-name="answered"] dd') == "1")
            assert page.text_content("#link") == "serving"
            named = page.eval_on_selector_all("#numbers div", "all => all.map((d) => d.dataset.name)")
            assert named == ["answered", "refused", "under way", "a request"]
        finally:
            page.close()
