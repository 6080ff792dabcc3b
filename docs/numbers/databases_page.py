"""Draw databases.md from databases.json: tables, and a billion codes on paper."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from page import about_lines, number, table, wrapped

HERE = Path(__file__).parent
BILLION = 1_000_000_000
CORES = 16
CODE = 8  # bytes
SCANS = 177  # top-100 queries a CPU second that faiss answers in 1e7 codes of 64 bits
HEAD = (
    "# Databases",
    "",
    "Codes of 64 bits in PostgreSQL with pgvector and in Milvus Lite, pushed and searched by "
    "`chainpipe index`. Drawn from `databases.json` by `databases_page.py`.",
    "",
    "Other programs kept the two cores busy, so CPU seconds count, not time on the clock. Codes "
    "lie around centres, 100 around each, 10 % of the bits flipped; paths have 38 bytes. Recall "
    "counts an answer as right that is as near as the last exact one.",
    "",
)


def cpu(line: dict[str, Any], name: str) -> float:
    """Return the CPU seconds of client and server together."""
    return float(sum(line[f"{name}, CPU seconds of the {who}"] for who in ("client", "server")))


def pushed(found: dict[str, Any]) -> list[str]:
    """Return the table of pushes."""
    rows = []
    for engine, lines in (("PostgreSQL", found["postgresql"]), ("Milvus Lite", found["milvus"])):
        for line in lines:
            stored = "bytes a row, table" in line
            size = (
                f"{line['bytes a row, table']} + {line['bytes a row, primary key']} (key)"
                if stored
                else f"{line['bytes a row, file']} in the file"
            )
            speed = number(line["rows"] / cpu(line, "push"))
            rows.append([engine, f"{line['rows']:,}", speed, size])
    return table(["engine", "rows", "rows pushed a CPU second", "bytes a row"], rows)


def searched(found: dict[str, Any]) -> list[str]:
    """Return the table of searches."""
    rows = []
    for engine, lines in (("PostgreSQL", found["postgresql"]), ("Milvus Lite", found["milvus"])):
        for line in lines:
            for index in ("exact", "ivf", "hnsw"):
                if f"{index}: recall@100" not in line:
                    continue
                speed = line["queries"] / cpu(line, f"{index}: search")
                made = line.get(f"{index}: told", "").partition(",")[2].partition(" looked")[0]
                built = cpu(line, f"{index}: build and tune") if made else None
                rows.append(
                    [
                        *(engine, f"{line['rows']:,}", index + (f",{made}" if made else "")),
                        *(number(speed), str(line[f"{index}: recall@100"])),
                        number(built) if built else "",
                        str(line[f"{index}: bytes a row"]) if made else "",
                    ]
                )
    heads = ["engine", "rows", "index", "queries a CPU second", "recall@100"]
    return table([*heads, "CPU s to build and tune", "its bytes a row"], rows)


def billion(found: dict[str, Any]) -> list[str]:
    """Return what a billion codes would take, by the figures of the largest table."""
    line = max(found["postgresql"], key=lambda one: int(one["rows"]))
    lite = max(found["milvus"], key=lambda one: int(one["rows"]))
    scale = BILLION / line["rows"]
    scan = cpu(line, "exact: search") / line["queries"] * scale
    size = line["bytes a row, table"] + line["bytes a row, primary key"]
    push = cpu(line, "push") * scale / 3600
    rows = [
        ["faiss in memory: size", f"{BILLION * CODE / 1e9:.0f} GB, and the ids"],
        ["faiss: an exact query, one core", f"{BILLION / 1e7 / SCANS:.2f} s"],
        ["PostgreSQL: size on disk", f"{size * BILLION / 1e9:,.0f} GB"],
        ["PostgreSQL: with an ivf index", f"{line['ivf: bytes a row']:.0f} GB more"],
        ["PostgreSQL: pushing, one client", f"{push:.1f} CPU hours"],
        ["PostgreSQL: an exact query, one core", f"{scan:.0f} CPU s"],
        [f"PostgreSQL: the same on {CORES} cores", f"{scan / CORES:.0f} s at best"],
        ["Milvus Lite: size of the file", f"{lite['bytes a row, file'] * BILLION / 1e9:,.0f} GB"],
    ]
    return table(["a billion codes of 64 bits", "by arithmetic"], rows)


def page(found: dict[str, Any]) -> str:
    """Return the whole page."""
    lines = [
        *HEAD,
        *("## Push", "", *pushed(found), ""),
        *("## Search, top 100", "", *searched(found), ""),
        "- Most of a row is not the code: the id as text takes 65 bytes, the path 39.",
        "- An exact search reads all rows, paths and labels included.",
        "- Cells and candidates are doubled until recall@10, not @100, is 0.95 on 32 of the codes.",
        "- hnsw was built at 20,000 rows only; its cost grows faster than the rows.",
        "- Milvus Lite holds all codes in memory and scans them.",
        "",
        *("## A billion codes on paper", ""),
        "Scaled from the largest row of each engine; nothing of this size was run. faiss's speed "
        "is that of 177 queries a CPU second in ten million codes, measured on another machine.",
        "",
        *billion(found),
        "",
        "- A billion codes fit into one machine's memory: faiss goes further than a database does.",
        "- PostgreSQL is for exact answers among a few million rows, or among those that a "
        "`WHERE` leaves; beyond that with an index, whose misses are measured when it is built.",
        "- Beyond one machine, Milvus has binary vectors with an exact index and with cells. A "
        "cluster of it was not tried.",
        "",
        *("## How it was measured", ""),
        about_lines(found["about"]["postgresql"]),
        "",
        about_lines(found["about"]["milvus"]),
    ]
    return wrapped(lines).rstrip("\n") + "\n"


def main() -> None:
    """Write databases.md beside databases.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the JSON and the page")
    folder = parser.parse_args().out
    found = json.loads((folder / "databases.json").read_text())
    (folder / "databases.md").write_text(page(found))


if __name__ == "__main__":
    main()
