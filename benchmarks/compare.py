"""Draws what vitrine-bench has measured, which starts this program.

    compare.py FILE.png < MEASURED.json

MEASURED has `machine`, `rows` as --json prints them, and `curves`: a name and
points of ef, recall and rate in queries a second.
"""

import json
import math
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator  # noqa: E402

# Okabe and Ito's, which people tell apart whatever their eyes.
COLOURS = {
    "vitrine": "#0072b2",
    "hnswlib": "#e69f00",
    "faiss": "#009e73",
    "usearch": "#cc79a7",
}
RECALL = 0.99
TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995]
LEAST, MOST = 0.8, 0.9996  # Of the recalls that are drawn.
ROW_INCHES = 0.235
CURVES_INCHES = 5.6
INK, PALE = "#222222", "#777777"


def library_of(curve):
    return curve["name"].split()[0]


def rate_at(points, recall):
    """As vitrine-bench interpolates it; 0 where the curve does not cross."""
    for below, above in zip(points, points[1:]):
        if below["recall"] < recall <= above["recall"]:
            share = (recall - below["recall"]) / (above["recall"] - below["recall"])
            return math.exp(
                (1 - share) * math.log(below["rate"]) + share * math.log(above["rate"])
            )
    return 0


def draw_curves(axes, curves):
    """A bold line for each library's best at RECALL, thin ones for the rest."""
    best = {}
    for curve in curves:
        key = library_of(curve)
        rate = (rate_at(curve["points"], RECALL), curve["points"][-1]["recall"])
        if key not in best or rate > best[key][0]:
            best[key] = (rate, curve)
    drawn = []
    for curve in curves:
        library = library_of(curve)
        is_best = best[library][1] is curve
        points = [p for p in curve["points"] if LEAST <= p["recall"]]
        axes.plot(
            [1 - min(p["recall"], MOST) for p in points],
            [p["rate"] for p in points],
            color=COLOURS.get(library, PALE),
            linewidth=2.4 if is_best else 0.9,
            alpha=1 if is_best else 0.45,
            marker="o",
            markersize=5 if is_best else 2.5,
            label=curve["name"] if is_best else None,
            zorder=3 if is_best else 2,
        )
        drawn += [p["rate"] for p in points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1 - LEAST, 1 - MOST)
    axes.axvline(1 - RECALL, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.xaxis.set_major_locator(FixedLocator([1 - tick for tick in TICKS]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{1 - x:.4f}".rstrip("0")))
    axes.xaxis.set_minor_locator(NullLocator())
    if drawn:
        low, high = min(drawn) / 1.2, max(drawn) * 1.25
        axes.set_ylim(low, high)
        ticks = [d * 10**e for e in range(0, 8) for d in (1, 2, 5)]
        axes.yaxis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}".replace(",", " ")))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("recall@10")
    axes.set_ylabel("queries a second, one core")
    axes.grid(True, color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    # In the order in which they stand at RECALL.
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(
        range(len(labels)),
        key=lambda i: -next(rate for rate, curve in best.values() if curve["name"] == labels[i])[0],
    )
    legend = axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower left", frameon=False, title="bold: each library's best at 0.99", fontsize=9
    )
    legend._legend_box.align = "left"
    legend.get_title().set_fontsize(9)
    legend.get_title().set_color(PALE)


def number(value):
    if value == 0 or abs(value) >= 1e15:
        return f"{value:g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u2009")
    return f"{value:.3g}"


def draw_table(axes, rows, inches):
    """One line a row: name, value, unit, ratio, what it is against, recall."""
    axes.set_axis_off()
    axes.set_ylim(inches, 0)
    axes.set_xlim(0, 1)
    columns = [
        (0.0, "left", "row"),
        (0.295, "right", "value"),
        (0.305, "left", "unit"),
        (0.455, "right", "ratio"),
        (0.47, "left", "against"),
        (1.0, "right", "recall@10"),
    ]

    def line(y, cells, **style):
        for (x, align, _), cell in zip(columns, cells):
            axes.text(x, y, cell, ha=align, va="center", fontsize=8.5, **style)

    line(ROW_INCHES / 2, [title for _, _, title in columns], color=PALE)
    for i, row in enumerate(rows):
        top = (i + 1) * ROW_INCHES
        if i % 2 == 0:
            axes.axhspan(top, top + ROW_INCHES, color="#f5f6f7", linewidth=0)
        against = row.get("against", "")
        if len(against) > 84:
            against = against[:83] + "\u2026"
        line(
            top + ROW_INCHES / 2,
            [
                row["name"],
                number(row["value"]),
                row["unit"],
                f"{row['ratio']:.2f}" if "ratio" in row else "",
                against,
                f"{row['recall']:.4f}" if "recall" in row else "",
            ],
            color=INK,
        )


def main():
    path = sys.argv[1]
    measured = json.load(sys.stdin)
    rows, curves, machine = measured["rows"], measured["curves"], measured["machine"]
    curves = [curve for curve in curves if curve["points"]]
    table_inches = ROW_INCHES * (len(rows) + 1)
    curve_inches = CURVES_INCHES if curves else 0
    head = 0.75
    between = 0.75 if curves else 0.1
    height = head + curve_inches + between + table_inches + 0.3
    width = 13
    figure = plt.figure(figsize=(width, height))
    figure.text(
        0.045, 1 - 0.3 / height, "vitrine-bench", fontsize=15, weight="bold", color=INK, va="center"
    )
    facts = f"{machine['processor']}, {machine['cores']} cores: {' '.join(machine['features'])}"
    figure.text(0.045, 1 - 0.58 / height, facts, fontsize=8.5, color=PALE, va="center")
    if curves:
        bottom = (height - head - curve_inches) / height
        draw_curves(
            figure.add_axes((0.08, bottom + 0.1 / height, 0.89, (curve_inches - 0.2) / height)),
            curves,
        )
    draw_table(
        figure.add_axes((0.045, 0.2 / height, 0.925, table_inches / height)), rows, table_inches
    )
    figure.savefig(path, dpi=110, facecolor="white")


if __name__ == "__main__":
    main()
