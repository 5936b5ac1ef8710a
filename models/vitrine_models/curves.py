"""Draws what a training has recorded."""

from typing import Dict, List

# Figures that are not losses, as the validation names them.
_FIGURES = ("_p10", "_map10")


def check() -> None:
    """Raises ValueError where draw() would fail: better before a training than after an epoch."""
    try:
        import matplotlib  # pylint: disable=unused-import
    except ImportError as error:
        raise ValueError("matplotlib, which draws the curves of a training, is not there: install "
                         "Debian's python3-matplotlib or PyPI's matplotlib") from error


def draw(history: List[Dict[str, float]], title: str, path: str) -> None:
    """Writes a PNG: the losses by epoch on the left, the validation figures on the right."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    names = [name for name in history[-1] if name != "epoch"]
    figures = [name for name in names if name.endswith(_FIGURES)]
    drawing, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), constrained_layout=True)
    for axis, chosen, what in ((axes[0], [n for n in names if n not in figures], "loss"),
                               (axes[1], figures, "cross-sender figure")):
        for name in chosen:
            rows = [row for row in history if name in row]
            label = name.replace("_p10", " P@10").replace("_map10", " mAP@10").replace("_", " ")
            axis.plot([row["epoch"] for row in rows], [row[name] for row in rows],
                      marker="o", markersize=3, label=label)
        axis.set_xlabel("epoch")
        axis.set_ylabel(what)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        if chosen:
            axis.legend()
    # A path may hold what matplotlib would take for a formula.
    drawing.suptitle(title.replace("$", r"\$"))
    drawing.savefig(path, dpi=110, format="png")
    pyplot.close(drawing)
