"""The systemd unit that keeps a deployed bundle running, and the launcher that starts whatever slot is current."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

__all__ = ["LAUNCHER", "UNIT_NAME", "unit_text"]

UNIT_NAME = "edgelens.service"

# Stands beside the slots and is of no kit's version: it starts the current slot's bundle in the current slot's kit.
LAUNCHER = '''"""Start the bundle of the current slot in the environment of the current slot."""
import json, os, sys

root = os.path.dirname(os.path.abspath(__file__))
slot = os.path.join(root, "slots", os.path.basename(os.readlink(os.path.join(root, "current"))))
with open(os.path.join(slot, "slot.json"), encoding="utf-8") as stream:
    record = json.load(stream)
site = [os.path.join(root, "site", layer) for layer in record["layers"]]
environment = dict(os.environ, PYTHONPATH=os.pathsep.join(site), PYTHONNOUSERSITE="1")
words = ["--engine", record["engine"]] + (["--precision", record["precision"]] if record["precision"] else [])
argv = [sys.executable, "-m", "edgelens", "run", os.path.join(slot, "bundle.edge")] + words + sys.argv[1:]
os.execve(sys.executable, argv, environment)
'''


def unit_text(root: str, user: str, arguments: Sequence[str] = ()) -> str:
    """A unit that may use the camera and the network, write its own folder, and do little else."""
    words = " ".join(_quoted(word) for word in ("/usr/bin/python3", str(PurePosixPath(root) / "launch.py"), *arguments))
    return f"""[Unit]
Description=edgelens recognizer
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
ExecStart={words}
WorkingDirectory={root}
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
ReadWritePaths={root}
RuntimeDirectory=edgelens
StateDirectory=edgelens
LogRateLimitIntervalSec=30s
LogRateLimitBurst=100
PrivateTmp=yes
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
    """As systemd reads it: `%` and `$` doubled, blanks inside quotes."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"' if any(character.isspace() for character in safe) or not safe else safe
