"""The systemd unit of a deployed bundle: it starts whatever slot is current and may write its state alone."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

__all__ = ["ADMIN_FILE", "UNIT_NAME", "unit_text"]

UNIT_NAME = "edgelens.service"
ADMIN_FILE = "/etc/edgelens/environment"  # where whoever keeps the device may set variables of their own
_JETSON = Path("/etc/nv_tegra_release")


def unit_text(root: str, user: str, *, python: str = sys.executable, jetson: bool | None = None) -> str:
    """The same whatever is deployed: everybody may read a unit, so options and logins stand in the slot."""
    words = " ".join(_quoted(word) for word in (python, "-I", str(PurePosixPath(root) / "launch.py")))
    # on a Jetson the camera's daemon is reached by /tmp/argus_socket, which a /tmp of one's own would hide
    private = "no" if (_JETSON.exists() if jetson is None else jetson) else "yes"
    return f"""[Unit]
Description=edgelens recognizer
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
ExecStart={words}
EnvironmentFile=-{ADMIN_FILE}
Environment=TMPDIR=%t/edgelens
WorkingDirectory=%S/edgelens
StateDirectory=edgelens
StateDirectoryMode=0700
RuntimeDirectory=edgelens
Restart=always
RestartSec=2
WatchdogSec=60
TimeoutStartSec=180
TimeoutStopSec=10
SupplementaryGroups=video
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp={private}
LogRateLimitIntervalSec=30s
LogRateLimitBurst=100
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def _quoted(word: str) -> str:
    """As systemd reads it: `%` and `$` doubled, all between quotes; what no path has is refused where it enters."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if not safe.replace("/", "").replace("-", "").replace(".", "").isalnum() else safe
