"""`edgelens verify FILE`: golden frames through every model file, exit code 1 outside the manifest's limits."""

from __future__ import annotations

import math

import click

from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import engine_options, json_option, model_argument, on_option
from edgelens.cli.output import print_table, write_json

__all__ = ["command"]


@click.command("verify", cls=OnDevice, inputs=("model",), parts=model_engines)
@model_argument()
@engine_options
@json_option
@on_option
@wheels_option
def command(model: str, engine: str, precision: str | None, threads: int | None, json_path: str | None) -> None:
    """Prove a bundle's model files on this machine with its golden frames."""
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.errors import UsageError, WorkError
    from edgelens.runtime.model.open import open_alone
    from edgelens.runtime.model.verify import verify_bundle

    bundle = open_alone(model)
    if bundle.path is None:
        raise UsageError(f"{model}: a bare model file brings no golden frames; `edgelens bundle` makes a bundle of it")
    report = verify_bundle(bundle, engine, precision=precision, options=options_for(engine, threads))
    if json_path:
        write_json(json_path, report.to_json())
    if json_path != "-":
        print_table(
            [
                (
                    file.path,
                    file.engine,
                    file.precision,
                    f"{file.agreement:.4f}" if not file.problem else "-",
                    f"{file.needed_agreement:.4f}",
                    _db(file.snr_db) if not file.problem else "-",
                    _db(file.needed_snr_db),
                    f"{file.max_difference:.3g}" if not file.problem else "-",
                    "ok" if file.within else file.problem or "OUTSIDE ITS LIMITS",
                )
                for file in report.files
            ],
            header=("file", "engine", "precision", "agreement", "needs", "SNR dB", "needs", "largest diff.", "verdict"),
        )
        for doubt in report.doubts:
            click.echo(f"warning: {doubt}", err=True)
    if not report.ok:
        bad = [file.path for file in report.files if not file.within and not file.skipped]
        raise WorkError(f"{model}: outside its limits: {', '.join(bad)}" if bad else f"{model}: nothing could be run")


def _db(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "-"
