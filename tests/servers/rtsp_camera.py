"""A live RTSP camera for tests: `rtsp_camera.py PORT [FPS] [CODEC] [LOGIN]`; run with the Python that has python3-gi.

The clock of `clock_pixels` is drawn into every picture, without numpy, which that Python need not have. CODEC is one
of ENCODERS, LOGIN "basic" or "digest" (joe, hush). Prints "ready"; the stream is at /cam.
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PORT, FPS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 15
KEY_EVERY = FPS if FPS > 10 else 4  # pictures; tests that open often take a slow camera
CODEC, LOGIN = [*sys.argv[3:], *["h264", ""][len(sys.argv[3:]) :]]
WIDTH, HEIGHT = 640, 480
GRAY = b"\x5a" * (WIDTH * HEIGHT) + b"\x80" * (WIDTH * HEIGHT // 2)


def give(source, state={"number": 0}):  # noqa: B006
    picture = bytearray(GRAY)
    x = state["number"] * 7 % (WIDTH - 80)
    for y in range(HEIGHT - 120, HEIGHT - 60):
        picture[y * WIDTH + x : y * WIDTH + x + 60] = b"\xdc" * 60
    state["number"] += 1
    moment = int(time.monotonic() * 1e6)
    for y in range(32):
        bits = range(32) if y < 16 else range(32, 64)
        picture[y * WIDTH : y * WIDTH + 512] = b"".join((b"\xff" if moment >> bit & 1 else b"\0") * 16 for bit in bits)
    source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(picture)))
    return True


def configure(_factory, media):
    source = media.get_element().get_by_name_recurse_up("clock")
    timer = GLib.timeout_add(1000 // FPS, give, source)
    media.connect("unprepared", lambda _media: GLib.source_remove(timer))


def ask_for_login(server, factory):
    Method = GstRtspServer.RTSPAuth
    auth, token = Method(), GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    if LOGIN == "basic":
        auth.add_basic(Method.make_basic("joe", "hush"), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("joe", "hush", token)
    server.set_auth(auth)
    role = "viewer,media.factory.access=(boolean)true,media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.from_string(role)[0])


H264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max="
ENCODERS = {
    "h264": f"{H264}{KEY_EVERY} ! rtph264pay",
    "h264-audio": f"{H264}{KEY_EVERY} ! rtph264pay",
    "h264-rare-keys": f"{H264}{4 * FPS} ! rtph264pay",
    "h264-slices": f"{H264}{KEY_EVERY} option-string=slices=4 ! rtph264pay mtu=600",
    "h264-b": f"x264enc bframes=2 b-adapt=false rc-lookahead=0 sync-lookahead=0 speed-preset=ultrafast "
    f"key-int-max={KEY_EVERY} ! video/x-h264,profile=main ! rtph264pay",
    "h265": f"x265enc tune=zerolatency speed-preset=ultrafast key-int-max={KEY_EVERY} ! rtph265pay",
    "mjpeg": "jpegenc ! rtpjpegpay",
}
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(PORT)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( appsrc name=clock is-live=true do-timestamp=true format=time "
    f"caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1 "
    f"! {ENCODERS[CODEC]} name=pay0 pt={26 if CODEC == 'mjpeg' else 96} "
    f"{'audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1' if CODEC == 'h264-audio' else ''} )"
)
factory.set_shared(True)
factory.connect("media-configure", configure)
if LOGIN:
    ask_for_login(server, factory)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
