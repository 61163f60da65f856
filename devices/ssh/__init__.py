"""Reaching a device: one OpenSSH command, whose stdin carries everything; bench/ and deploy/ say what is done there."""
