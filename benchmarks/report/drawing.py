"""How the pictures are drawn: on white, with colours that tell kinds apart, and alike for the same figures."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report.plots import Bar, Line
from benchmarks.rig.rows import in_groups
from benchmarks.rig.system import Kind

OURS, PEER, FLOOR, BEAM = "#0b6e4f", "#7fa7c9", "#c9c9c9", "#a90533"
OTHER = "#dddddd"  # those that do less
INK, FAINT = "#222222", "#777777"
WIDTH = 9.0  # inches
BAR = 0.27  # inches of height
COMPARABLE = (Kind.FRESH, Kind.FLOOR, Kind.PROCESS)  # the others do less
NAME = 0.15  # inches of height of a name at the end of a line

STYLE = {
    "svg.hashsalt": "otp",  # ids are random otherwise
    "svg.fonttype": "none",  # text stays text: small, and sharp
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


def save(figure: Figure, path: Path) -> None:
    """As SVG without a date, or as whatever the name says."""
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else None
    with mpl.rc_context(STYLE):
        figure.savefig(path, metadata=metadata, facecolor="white", dpi=110)


def restarts(bars: Sequence[Bar]) -> Figure:
    """Two panels with one scale: those whose supervisors start a fresh task or process, with the floors; and those that do less."""
    panels = [
        (
            [bar for bar in bars if bar.kind in COMPARABLE],
            "crash to the next incarnation's first line; grey: an event loop without supervision",
            False,
        ),
        (
            [bar for bar in bars if bar.kind not in COMPARABLE],
            "less is done: without supervision, or not in a fresh task",
            True,
        ),
    ]
    panels = [panel for panel in panels if panel[0]]
    with mpl.rc_context(STYLE):
        heights = [len(shown) + 1.5 for shown, _, _ in panels]
        figure = Figure(figsize=(WIDTH, BAR * sum(heights) + 0.5), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axis, (shown, title, greyed) in zip(axes, panels, strict=True):
            _bars(axis, shown, "µs", greyed=greyed)
            axis.set_title(title, loc="left", fontsize=10, color=FAINT if greyed else INK)
        axes[-1].set_xlabel("µs, median; the whisker ends at the 99th percentile", color=FAINT)
    return figure


def recoveries(bars: Sequence[Bar]) -> Figure:
    """One panel of milliseconds."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, BAR * (len(bars) + 1.5) + 0.5), layout="constrained")
        axis = figure.subplots()
        _bars(axis, bars, "ms")
        axis.set_title("failure of the market feed until data flows again", loc="left", fontsize=10)
        axis.set_xlabel("ms, median; the whisker ends at the 99th percentile", color=FAINT)
    return figure


def siblings(lines: Sequence[Line]) -> Figure:
    """A line for each system, named at its end."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.22 * len(lines) + 2.8), layout="constrained")
        axis = figure.subplots()
        axis.set_xscale("log")
        axis.set_yscale("log")
        for line in lines:
            numbers = sorted(line.medians)
            medians = [line.medians[number] for number in numbers]
            ours = _is_ours(line.name)
            style = {"linewidth": 2.4 if ours else 1.2, "zorder": 3 if ours else 2, "marker": "o", "markersize": 3}
            axis.plot(numbers, medians, color=_colour(line.name, line.kind), **style)
        ticks = sorted({number for line in lines for number in line.medians})
        axis.set_xticks(ticks, [in_groups(tick) for tick in ticks], minor=False)
        axis.minorticks_off()
        axis.yaxis.set_major_formatter(lambda figure, _: _short(figure))
        axis.grid(axis="y", color="#eeeeee")
        axis.set_title(
            "crash to the next incarnation's first line, among idle siblings; grey: less is done",
            loc="left",
            fontsize=10,
        )
        axis.set_xlabel("siblings", color=FAINT)
        axis.set_ylabel("µs, median", color=FAINT)
        _name_ends(axis, lines)
    return figure


def _bars(axis: Axes, bars: Sequence[Bar], unit: str, *, greyed: bool = False) -> None:
    names = [bar.name for bar in bars]
    medians = [bar.median for bar in bars]
    colours = [OTHER if greyed else _colour(bar.name, bar.kind) for bar in bars]
    axis.set_xscale("log")
    axis.barh(names, medians, color=colours, height=0.72)
    ends = [max(bar.median, bar.p99 or 0) for bar in bars]
    axis.hlines(names, medians, ends, color=FAINT, linewidth=1)
    axis.plot(ends, names, color=FAINT, linestyle="none", marker="|", markersize=5)
    for position, (bar, end) in enumerate(zip(bars, ends, strict=True)):
        axis.annotate(
            f"{_short(bar.median)} {unit}",
            (end, position),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=FAINT if greyed else INK,
            fontsize=8,
        )
    axis.margins(x=0.12, y=0.01)
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(lambda figure, _: _short(figure))
    axis.minorticks_off()
    axis.tick_params(axis="y", length=0)
    for label in axis.get_yticklabels():
        label.set_color(FAINT if greyed else INK)
        label.set_fontweight("bold" if _is_ours(label.get_text()) else "normal")


def _name_ends(axis: Axes, lines: Sequence[Line]) -> None:
    """Each name at the height of its line's end, or above the one below it."""
    lowest, highest = axis.get_ylim()
    inches = axis.figure.get_figheight() - 0.9  # of the axis, about: a title and the ticks are around it
    apart = (highest / lowest) ** (NAME / inches)
    height = 0.0
    for line in sorted(lines, key=lambda line: line.medians[max(line.medians)]):
        last = max(line.medians)
        height = max(height * apart, line.medians[last])
        axis.annotate(
            line.name,
            (last, line.medians[last]),
            xytext=(1.02, height),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            fontweight="bold" if _is_ours(line.name) else "normal",
            color=_colour(line.name, line.kind, text=True),
            arrowprops={
                "arrowstyle": "-",
                "color": "#cccccc",
                "linewidth": 0.6,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def _is_ours(name: str) -> bool:
    return name.startswith(("otp,", "one worker", "orchestrator"))


def _colour(name: str, kind: str, *, text: bool = False) -> str:
    if _is_ours(name):
        return OURS
    if kind == Kind.PROCESS:
        return BEAM
    if text:
        return INK if kind in COMPARABLE else FAINT
    if kind not in COMPARABLE:
        return OTHER
    return FLOOR if kind == Kind.FLOOR else PEER


def _short(figure: float) -> str:
    return in_groups(round(figure)) if figure >= 10 else f"{figure:.3g}"
