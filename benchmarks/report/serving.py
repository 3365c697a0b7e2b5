"""The English table of how fast the server answers, also under load."""

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

from benchmarks.report import results
from benchmarks.report.tables import Cells, command_of, markdown, measured, whole


def serving_table() -> str:
    """The table with the last measurement of each row in `SERVING`; empty if there is none yet."""
    last = results.latest_rows("serving")
    rows = [
        (title, figure, measured(last[name]), command_of(name, last[name]))
        for name, figures in SERVING.items()
        if name in last
        for title, figure in figures(last[name])
    ]
    return markdown(("what", "figure", "measured", "command"), rows)


def start_figures(row: dict[str, Any]) -> list[Cells]:
    seconds = row["seconds"]
    return [("`mnistlab serve`, from process start to the first answer", f"**{whole(seconds)}** (n = {len(seconds)})")]


def classify_one_figures(row: dict[str, Any]) -> list[Cells]:
    what = "`/classify`, one image per request, connections: {}; relative to an endpoint that does nothing"
    return [
        (what.format(n), ratio_figure(part["ratios"], part["requests_per_second"]["served"]))
        for n, part in row["connections"].items()
    ]


def classify_many_figures(row: dict[str, Any]) -> list[Cells]:
    what = "`/classify`, 256 images per request, connections: {}; relative to `Reader.classify`"
    return [(what.format(n), ratio_figure(part, row["images_per_second"][n])) for n, part in row["ratios"].items()]


def ratio_figure(ratios: list[float], rates: list[float]) -> str:
    low, middle, high = min(ratios), median(ratios), max(ratios)
    return f"**{middle:.2f}** ({low:.2f} to {high:.2f}; n = {len(ratios)}), {median(rates):,.0f} images/s"


def soak_figures(row: dict[str, Any]) -> list[Cells]:
    ms, mib, n = row["milliseconds"]["all"], row["mib"], sum(row["requests"].values())
    return [
        (
            f"{row['seconds']} s, {row['connections']} connections that classify and read",
            f"errors: **{row['errors']:,}**, p50 {ms['p50']:.1f} ms, p99 {ms['p99']:.1f} ms (n = {n:,})",
        ),
        (
            f"memory during that time, after {mib['warm_up']} s of warm-up",
            f"**{mib['first']:.0f} MiB**, at the end {mib['last']:.0f} MiB",
        ),
    ]


def overload_figures(row: dict[str, Any]) -> list[Cells]:
    refused = row["refused_ms"]
    others = f"the others were read as if alone: {row['accepted_as_alone']} of {row['accepted']}"
    return [
        (
            f"{row['at_once']} pages to read at once: time to a refusal",
            f"**median {median(refused):.0f} ms** (n = {len(refused)}); {others}",
        )
    ]


def page_figures(row: dict[str, Any]) -> list[Cells]:
    painted = row["milliseconds"]["painted"]
    p95 = quantiles(painted, n=20, method="inclusive")[-1]
    return [
        (
            "on the page: from a stroke to the new probabilities",
            f"**median {median(painted):.0f} ms**, 95 % within {p95:.0f} ms (n = {len(painted)})",
        )
    ]


def inside_figures(row: dict[str, Any]) -> list[Cells]:
    frames = row["milliseconds"]["overview"]
    p95 = quantiles(frames, n=20, method="inclusive")[-1]
    ((_, painted),) = page_figures(row)
    return [
        ("the same with the tab Inside open", painted),
        ("work per frame of Inside while drawing", f"**median {median(frames):.1f} ms**, 95 % within {p95:.1f} ms"),
    ]


def site_figures(row: dict[str, Any]) -> list[Cells]:
    ((_, painted),) = page_figures(row)
    return [("on the page without a server: from a stroke to the new probabilities", painted)]


def first_figures(row: dict[str, Any]) -> list[Cells]:
    values = row["milliseconds"]
    return [
        (
            "on the page without a server: from a first visit to the first answer",
            f"**median {median(values):.0f} ms**, {min(values):.0f} to {max(values):.0f} ms (n = {len(values)})",
        )
    ]


SERVING = {
    "start": start_figures,
    "classify-one": classify_one_figures,
    "classify-many": classify_many_figures,
    "soak": soak_figures,
    "overload": overload_figures,
    "page": page_figures,
    "page-inside": inside_figures,
    "site": site_figures,
    "site-first": first_figures,
}
"""For each kind of raw line, the function that makes one or two rows of the table from it."""
