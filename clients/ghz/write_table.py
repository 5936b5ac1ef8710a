"""Turns ghz's reports into one table and a plot of their latencies.

    write_table.py [--json] --out=FOLDER REPORT.json...

Prints the table, or with --json one object a line; writes table.txt, table.json and
latencies.png. Percentiles, in milliseconds, are of the requests that were answered. Ends
with 1 where a request failed or a configuration made none.
"""

import argparse
import json
import math
import os
import sys

PERCENTILES = (50, 95, 99)
# Okabe and Ito's, which people tell apart whatever their eyes.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
INK, PALE = "#222222", "#777777"


def answered_ms(report):
    """The latencies of answered requests, in milliseconds, ascending."""
    details = report.get("details") or []
    return sorted(detail["latency"] / 1e6 for detail in details if detail["status"] == "OK")


def percentile(ascending, percent):
    """The nearest rank, as ghz takes it; None where nothing was answered."""
    if not ascending:
        return None
    return ascending[max(math.ceil(len(ascending) * percent / 100) - 1, 0)]


def row_of(report):
    latencies = answered_ms(report)
    requests = report["count"]
    row = {
        "name": report["name"],
        "requests": requests,
        "errors": requests - report["statusCodeDistribution"].get("OK", 0),
        "rate": round(report.get("rps", 0), 2),
    }
    for percent in PERCENTILES:
        value = percentile(latencies, percent)
        row[f"p{percent}"] = None if value is None else round(value, 3)
    return row


def table_of(rows):
    titles = ["name", "requests", "errors", "rate/s"]
    titles += [f"p{percent} ms" for percent in PERCENTILES]
    lines = [titles]
    for row in rows:
        line = [row["name"], str(row["requests"]), str(row["errors"]), f"{row['rate']:.1f}"]
        for percent in PERCENTILES:
            value = row[f"p{percent}"]
            line.append("-" if value is None else f"{value:.2f}")
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    text = ""
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        text += "  ".join(cells) + "\n"
    return text


def troubles_of(report):
    """What went wrong, a line each, the most frequent first."""
    name = report["name"]
    if not report["count"]:
        return [f"{name}: no request has ended; allow more with --duration"]
    errors = report.get("errorDistribution") or {}
    lines = [
        f"{name}: {count} x {error}"
        for error, count in sorted(errors.items(), key=lambda item: -item[1])
    ]
    if "ResourceExhausted" in report["statusCodeDistribution"]:
        lines.append(f"{name}: the server was full; ask less at once with --concurrency")
    return lines


def draw(reports, path):
    """A curve a configuration: how long the fastest so many per cent took at most."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    curves = [(report, answered_ms(report)) for report in reports]
    curves = [(report, latencies) for report, latencies in curves if latencies]
    if not curves:
        return
    most = max(len(latencies) for _, latencies in curves)
    figure, axes = plt.subplots(figsize=(9, 5.6))
    for i, (report, latencies) in enumerate(curves):
        count = len(latencies)
        axes.plot(
            [(count - rank - 0.5) / count for rank in range(count)],
            latencies,
            color=COLOURS[i % len(COLOURS)],
            linewidth=2,
            label=f"{report['name']}, {report['options']['concurrency']} at once",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, 0.4 / most)
    shares = [share for share in (0, 50, 90, 95, 99, 99.9, 99.99) if 1 - share / 100 >= 0.4 / most]
    axes.xaxis.set_major_locator(FixedLocator([1 - share / 100 for share in shares]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{round(100 * (1 - x), 3):g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    low = min(latencies[0] for _, latencies in curves) / 1.2
    high = max(latencies[-1] for _, latencies in curves) * 1.2
    axes.set_ylim(low, high)
    steps = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    axes.yaxis.set_major_locator(FixedLocator([step for step in steps if low <= step <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("percentile of the answered requests")
    axes.set_ylabel("latency, ms (log scale)")
    axes.set_title("Latency by configuration", loc="left", weight="bold", color=INK)
    axes.grid(True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(curves)), key=lambda i: -percentile(curves[i][1], 50))
    axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        frameon=False,
    )
    figure.savefig(path, dpi=120, facecolor="white", bbox_inches="tight")
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", required=True)
    parser.add_argument("reports", nargs="+")
    arguments = parser.parse_args()
    reports = []
    for path in arguments.reports:
        with open(path, encoding="utf-8") as file:
            reports.append(json.load(file))
    rows = [row_of(report) for report in reports]
    objects = [json.dumps(row) for row in rows]
    with open(os.path.join(arguments.out, "table.txt"), "w", encoding="utf-8") as file:
        file.write(table_of(rows))
    with open(os.path.join(arguments.out, "table.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(objects) + "\n]\n")
    draw(reports, os.path.join(arguments.out, "latencies.png"))
    print("\n".join(objects) if arguments.json else table_of(rows).rstrip("\n"))
    sys.stdout.flush()
    troubles = [trouble for report in reports for trouble in troubles_of(report)]
    for trouble in troubles:
        print(f"load: {trouble}", file=sys.stderr)
    failed = troubles or any(row["errors"] for row in rows)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
