"""The English table of how well and how fast handwriting is read."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.report import results
from benchmarks.report.tables import command_of, markdown, measured, whole
from benchmarks.timing import percent

READING = {
    "mnist": "MNIST's test images, the model itself",
    "semeion": "Semeion, 1,513 digits by 80 writers, one to a picture: found and read correctly",
    "digits": "scikit-learn's 8x8 digits, by 43 writers, one to a picture: found and read correctly",
    "pages": "MNIST's test digits on computer-generated pages: found and read correctly",
    "reject": "clothes, letters and noise rejected at the threshold that accepts 99 % of test digits",
    "composed": "numbers with separators, such as 3.14 and 24/12: text exactly right",
    "dirty": "only digits, with specks of dirt: a separator read where there is none",
    "forms": "four fields of 4 to 8 digits on forms, half scans, half photos: fields exactly right",
    "fields": "single fields in frames, boxes or on combs; the layout's box is up to 12 pixels too large: fields exactly right",
    "tables": "photos of tables of 3x3 to 30x12 cells, up to 3 digits each: cells exactly right",
    "sudoku-table": "phone photos of sudokus half filled in by hand, read as tables: cells right",
    "newspaper-printed-table": "phone photos of newspaper sudokus, printed, read as tables: cells right",
    "newspaper-completed-table": "the same, completed by hand, read as tables: cells right",
    "process": "`mnistlab read one.png`, the whole process",
    "page-time": "an A4 page at 300 dpi (JPEG) with 100 digits",
    "photo-time": "a photo of 12 megapixels (JPEG) of a 9x9 grid on a table, half of it filled in",
    "classify": "`Reader.classify`, 10,000 images, 2 cores",
    "many": "`Reader.read_many`, pages at 150 dpi in two processes: pictures per second relative to one thread",
    "ray-rate": "`read --engine ray`, small pictures, two cores, start included: pictures per second relative to `read --jobs 2`",
    "ray-memory": "peak memory of the process that reads on Ray, for ten times as many pictures",
    "ray-kills": "`read --engine ray` whose processes are killed: each picture is in the output once, broken ones with an error",
}


def reading_table() -> str:
    """The table with the last measurement of each row in `READING`."""
    last = results.latest_rows("reader")
    rows = [
        (title, reading_figure(name, last[name]), measured(last[name]), command_of(name, last[name]))
        for name, title in READING.items()
        if name in last
    ]
    return markdown(("what", "figure", "measured", "command"), rows)


def reading_figure(name: str, row: dict[str, Any]) -> str:
    """The figure of a row, for most rows with its n."""
    if name in ("mnist", "semeion", "digits", "pages"):
        right, of = row["right"], row["of"]
        more = f", {row['pages']} pages, {row['false_finds']} false finds" if name == "pages" else ""
        return f"**{100 * right / of:.2f} %** (n = {of:,}{more})"
    if name == "composed":
        digits = f"digits alone {percent(row['digits_right'], row['of'])}"
        return f"**{percent(row['right'], row['of'])}** (n = {row['of']}; {digits})"
    if name == "dirty":
        return f"**{percent(row['gained'], row['of'])}** (n = {row['of']})"
    if name in ("forms", "fields", "tables"):
        flagged, missed = (percent(row[key], row["of"]) for key in ("flagged", "wrong_not_flagged"))
        more = f"{row['sheets']} sheets; flagged {flagged}, wrong and not flagged {missed}"
        return f"**{percent(row['right'], row['of'])}** (n = {row['of']:,}, {more})"
    if name.endswith("-table"):
        more = f"{row['grids']} of {row['pictures']} grids found"
        if row.get("blank"):
            more += f"; false finds in {row['blank_found']} of {row['blank']} blank cells"
        return f"**{percent(row['right'], row['of'])}** (n = {row['of']:,}; {more})"
    if name == "reject":
        parts = ", ".join(f"{kind} {100 * share:.1f}" for kind, share in row["rejected"].items())
        return f"**{100 * row['mean']:.1f} %** ({parts})"
    if name == "classify":
        speeds = row["images_per_second"]
        return f"**{median(speeds):,.0f} /s** ({min(speeds):,.0f} to {max(speeds):,.0f}; n = {len(speeds)})"
    if name == "many":
        one, two = (row["pictures_per_second"][jobs] for jobs in ("1", "2"))
        return f"**{median(two) / median(one):.2f} times** ({median(two):.1f} /s; n = {len(two)})"
    if name.startswith("ray-"):
        return ray_figure(name, row)
    seconds = row["seconds"]["JPEG"] if name == "page-time" else row["seconds"]
    return f"**{whole(seconds)}** (n = {len(seconds)})"


def ray_figure(name: str, row: dict[str, Any]) -> str:
    """The figure of a row of benchmarks/reading/millions.py."""
    if name == "ray-rate":
        ray, plain = (row["pictures_per_second"][engine] for engine in ("ray", "plain"))
        more = f"{row['pictures']:,} pictures, {median(ray):.0f} /s; n = {len(ray)}"
        return f"**{median(ray) / median(plain):.2f} times** ({more})"
    if name == "ray-memory":
        (few, small), (many, large) = row["mebibytes"].items()
        return f"**{100 * (large / small - 1):+.1f} %** ({int(few):,}: {small:.0f} MiB, {int(many):,}: {large:.0f} MiB; n = 1)"
    often = "once" if row["drivers_killed"] == 1 else f"{row['drivers_killed']} times"
    killed = f"{row['killed']} processes in {row['seconds']:g} s, the command {often}"
    return f"**all {row['pictures']:,}** ({row['broken']} broken; killed: {killed})"
