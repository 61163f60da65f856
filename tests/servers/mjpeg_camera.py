"""A live HTTP camera for tests: `mjpeg_camera.py PORT [--fps 30] [--login basic|digest] ...`; prints its port.

SIGSTOP is a stall, SIGKILL a cut, a new start on the same port its return.
"""

import argparse
import base64
import contextlib
import http.server
import re
import time

import cv2
import numpy as np
from clock_pixels import draw

USER, PASSWORD, REALM, NONCE = "viewer", "s3cret:word", "camera", "6f2a"


class Camera(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/stream?token=abc")
            self.end_headers()
            return
        if options.login and not self.let_in():
            kind = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth"' if options.login == "digest" else "Basic"
            self.send_response(401)
            self.send_header("WWW-Authenticate", kind)
            self.end_headers()
            return
        self.send_response(200)
        if options.still:
            data = picture(0)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.send_pictures()

    def send_pictures(self):
        due = time.monotonic()
        for number in range(options.count or 10**9):
            data = picture(number)
            length = b"" if options.no_length else b"Content-Length: %d\r\n" % len(data)
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + data + b"\r\n")
            due += 1 / options.fps
            if due < time.monotonic() - 1:  # was stopped: go on from now
                due = time.monotonic()
            time.sleep(max(due - time.monotonic(), 0))

    def let_in(self):
        said = self.headers.get("Authorization", "")
        if options.login == "basic":
            return said == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        from hashlib import md5

        fields = {k: q or b for k, q, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', said)}
        secret = md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
        asked = md5(f"GET:{self.path}".encode()).hexdigest()
        text = f"{secret}:{NONCE}:{fields.get('nc')}:{fields.get('cnonce')}:auth:{asked}"
        return fields.get("response") == md5(text.encode()).hexdigest()


def picture(number):
    image = np.full((options.height, options.width, 3), 90, np.uint8)
    cv2.circle(image, (40 + number * 7 % (options.width - 80), options.height * 3 // 4), 30, (40, 180, 250), -1)
    draw(image)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("--fps", type=float, default=30)
parser.add_argument("--width", type=int, default=640)
parser.add_argument("--height", type=int, default=480)
parser.add_argument("--login", choices=["basic", "digest"])
parser.add_argument("--no-length", action="store_true")
parser.add_argument("--still", action="store_true")
parser.add_argument("--count", type=int)
options = parser.parse_args()
cv2.setNumThreads(1)
http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Camera)
print(server.server_address[1], flush=True)
server.serve_forever()
