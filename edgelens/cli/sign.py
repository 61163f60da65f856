"""`edgelens sign`: a bundle's maker, provable."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("sign")
@click.argument("bundle")
@click.option("--key", required=True, metavar="FILE", help="Your SSH key, or the .pub of one in your agent.")
def command(bundle: str, key: str) -> None:
    """Sign BUNDLE's manifest with an SSH key, which `deploy --accept-key` makes a device insist on."""
    from edgelens.devices.deploy.signing import sign_bundle

    sign_bundle(bundle, key)
    click.echo(f"{bundle}: signed with {key}")
