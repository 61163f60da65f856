"""Reaching a device: one OpenSSH command, whose stdin carries everything."""
