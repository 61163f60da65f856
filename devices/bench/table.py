"""A report as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph_names import short

__all__ = [
    "HEADER", "case_rows", "end_to_end_rows", "model_words", "operator_rows", "operator_words", "pair_lines",
    "warnings",
]  # fmt: skip

HEADER = (
    "MODEL", "ENGINE", "PRECISION", "THREADS", "P50 MS", "P90", "P95", "P99", "MEAN", "±%", "PER S", "FIRST MS",
    "COLD MS", "PEAK MB", "MJ",
)  # fmt: skip


def case_rows(cases: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """One row a case: steady state, then the first inference, the cold start and memory of its own process."""
    rows: list[tuple[object, ...]] = []
    for row in cases:
        size = row.get("size")
        what = model_words(row) + (f" {size[0]}x{size[1]}" if size else "")
        head = (what, row["engine"], row["precision"], row["threads"])
        if "error" in row:
            rows.append((*head, "-", "", "", "", "", "", "", "", "", "", "", row["error"]))
            continue
        steady, cold = row["steady"], row["cold"]
        times = tuple(ms(steady[key]) for key in ("p50", "p90", "p95", "p99", "mean"))
        noise = "?" if steady["noise"] is None else f"{steady['noise'] * 100:.1f}"
        memory = "-" if row["memory_mb"] is None else f"{row['memory_mb']:.0f}"
        energy = "-" if row["energy_mj"] is None else f"{row['energy_mj']:.2f}"
        rows.append(
            (*head, *times, noise, per_second(steady["throughput"]), ms(cold["first_ms"]), f"{cold['total_ms']:.0f}",
             memory, energy)
        )  # fmt: skip
    return rows


def model_words(row: Mapping[str, Any]) -> str:
    """What a row is of: a model, of a pipeline one of its networks."""
    return f"{row['model']} {row['step']}" if row.get("step") else str(row["model"])


def end_to_end_rows(cases: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """The whole way from a frame to recognitions, for the cases that went it."""
    rows: list[tuple[object, ...]] = []
    for row in cases:
        whole = row.get("end_to_end")
        if not whole:
            continue
        if "error" in whole:
            rows.append((row["name"], whole["error"]))
            continue
        stages = ", ".join(f"{name} {ms(value)}" for name, value in whole["stages_ms"].items())
        name = row["name"]
        if "looked_into" in whole:
            stages += f"; {whole['looked_into']:g} things a frame looked into"
            name = name.replace(f" {row['step']}", "", 1)  # it is all steps' way
        rows.append((name, *(ms(whole[key]) for key in ("p50", "p95", "p99")), stages))
    return rows


def operator_rows(row: Mapping[str, Any], most: int = 15) -> list[tuple[object, ...]]:
    """The operators that take longest, their times as shares of the measured inference, and what the rest takes."""
    told = row.get("operators", {})
    operators = told.get("rows", [])
    if not operators:
        return []
    scale = row["steady"]["p50"] / (told["sum_ms"] or 1.0)
    if not told.get("estimated"):
        scale = min(scale, 1.0)  # what goes between the operators is none of theirs
    rows: list[tuple[object, ...]] = [
        (short(op["name"]), op["kind"], ms(op["ms"] * scale), percent(op["share"])) for op in operators[:most]
    ]
    if len(operators) > most:
        share = sum(op["share"] for op in operators[most:])
        rows.append((f"{len(operators) - most} more", "", ms(share * told["sum_ms"] * scale), percent(share)))
    return rows


def operator_words(row: Mapping[str, Any]) -> str:
    """How the operators' times hang together with the measured one."""
    total, p50 = row["operators"]["sum_ms"], row["steady"]["p50"]
    if row["operators"].get("estimated"):
        return (
            "Estimated: TFLite's Python package gives no profile. The shares are the cost model's, laid on the measured"
            f" {ms(p50)} ms."
        )
    if total > p50:
        return (
            f"Watched one by one they took {ms(total)} ms together, for the watching costs time too; their shares are"
            f" laid on the {ms(p50)} ms of an inference that is not watched."
        )
    rest = f"the other {ms(p50 - total)} ms of an inference's {ms(p50)} go between them and into its call"
    return f"Together they take {ms(total)} ms; {rest}."


def pair_lines(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the interleaved pairs found, in words."""
    lines = []
    for pair in pairs:
        interval = f"{pair['confidence'] * 100:.0f} % interval {pair['low']:.3f} to {pair['high']:.3f}"
        if pair["different"]:
            verdict = f"takes {pair['ratio']:.3f} times as long as"
        else:
            verdict = f"cannot be told apart (ratio {pair['ratio']:.3f}) from"
        lines.append(f"{pair['b']} {verdict} {pair['a']} ({interval}, {pair['processes']} processes in turn)")
    return lines


def warnings(report: Mapping[str, Any]) -> list[str]:
    """What makes this run one not to be trusted."""
    lines = []
    if report.get("disturbed"):
        lines.append(
            f"other programs took up to {report['others_cores']:.1f} of {report['device']['cores']} cores meanwhile:"
            " the times are longer than they would be, and are not to be compared"
        )
    for row in report["cases"]:
        if row["name"] in report["noisy"]:
            few = row["steady"]["noise"] is None
            lines.append(f"{'too few runs' if few else 'too noisy'} to be compared: {row['name']}")
    if report["throttled"]:
        lines.insert(0, "the board throttled during the run: cool it or its power supply, then measure again")
    unsettled = [r["name"] for r in report["cases"] if "error" not in r and not r["warmup"]["settled"]]
    lines.extend(f"did not settle during warm-up: {name}" for name in unsettled)
    return lines


def percent(share: float) -> str:
    """A share with one decimal."""
    return f"{share * 100:.1f}%"


def per_second(value: float) -> str:
    """How often a second, with two figures that count where it is seldom."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def ms(value: float) -> str:
    """Milliseconds with three figures that count."""
    return (
        f"{value:.4f}"
        if value < 1
        else f"{value:.3f}"
        if value < 10
        else f"{value:.2f}"
        if value < 100
        else f"{value:.0f}"
    )
