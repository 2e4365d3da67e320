"""Charts as SVG text, drawn by matplotlib: the same picture goes into pages and into the PDF.

Text stays text, so that it can be searched, read aloud and scaled. The same input gives the
same bytes. Matplotlib is loaded on the first chart, not with this module: a room's agent
imports the kit and must stay small.

The SVG carries presentation attributes instead of `style`, because the content policy of the
pages allows no inline style. Give every chart its figures as a table beside it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from importlib import import_module
from math import nan
from typing import Any

from webui.envelope import Column, envelope

INK = "#14202b"
DIM = "#4d5c6a"
LINE = "#c5ced6"
COLOURS = {"accent": "#0b5cad", "ready": "#0f6b43", "degraded": "#7a4d00", "fault": "#a8201a", "offline": "#55636f"}
"""Words of the kit's tokens, in the light theme: paper is white."""

COLUMNS = 600
"""About as many as the picture has pixels across."""

_STYLE: Mapping[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "siaga",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": DIM,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": DIM,
    "ytick.color": DIM,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "text.parse_math": False,
}
_SHOWN_IN_CSS = re.compile(r'\sstyle="([^"]*)"')
_FONT = re.compile(
    r"(?:(?:normal|italic|bold|\d+)\s+)*?(?:(?P<weight>bold|\d{3})\s+)?(?P<size>[\d.]+)px\s+(?P<family>.+)"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of `bar_chart`; `tone` is a key of `COLOURS`."""

    label: str
    value: float
    tone: str = "accent"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened in one lane of `timing_chart` from `start` to `end`."""

    lane: str
    start: datetime
    end: datetime
    label: str = ""
    tone: str = "accent"


def level_chart(
    levels: Mapping[str, Sequence[tuple[datetime, float]]],
    *,
    title: str,
    unit: str,
    zone: tzinfo,
    limit: tuple[float, str] | None = None,
) -> str:
    """Return lines over time, one per name of `levels`; `limit` draws a dashed line with its words.

    Where there are more values than columns, each column shows the lowest and the highest in it.
    """
    with _drawing():
        figure, axes = _figure(7.2, 2.6, title)
        for (name, points), colour in zip(levels.items(), _cycle(), strict=False):
            _draw(axes, envelope(points, COLUMNS), colour, name)
        if limit:
            axes.axhline(limit[0], color=COLOURS["degraded"], linewidth=1, linestyle=(0, (4, 3)), label=limit[1])
        axes.set_ylabel(unit)
        _clock(axes, zone)
        if levels or limit:
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=4, frameon=False, borderaxespad=0)
        return _svg(figure)


def timing_chart(stretches: Sequence[Stretch], *, title: str, zone: tzinfo) -> str:
    """Return bars over time, a lane per name in order of first use: who was busy when, and how it ended."""
    lanes = list(dict.fromkeys(stretch.lane for stretch in stretches))
    with _drawing():
        figure, axes = _figure(7.2, 0.9 + 0.34 * max(1, len(lanes)), title)
        for stretch in stretches:
            span = stretch.end - stretch.start
            axes.barh(
                lanes.index(stretch.lane),
                span,
                left=stretch.start,
                height=0.6,
                color=COLOURS[stretch.tone],
                linewidth=0,
            )
            if stretch.label:
                middle = stretch.start + span / 2
                axes.annotate(
                    stretch.label,
                    (middle, lanes.index(stretch.lane)),
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=8,
                )
        axes.set_yticks(range(len(lanes)), lanes)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        _clock(axes, zone)
        return _svg(figure)


def health_chart(
    lanes: Mapping[str, Sequence[tuple[datetime, str]]], *, until: datetime, title: str, zone: tzinfo
) -> str:
    """Return a lane per name with what it was worth: from each moment on a tone of `COLOURS`, the last one `until`."""
    stretches = []
    for name, spans in lanes.items():
        ends = [*(at for at, _ in spans[1:]), max(until, spans[-1][0])] if spans else []
        stretches += [Stretch(name, at, end, tone=tone) for (at, tone), end in zip(spans, ends, strict=True)]
    return timing_chart(stretches, title=title, zone=zone)


def bar_chart(bars: Sequence[Bar], *, title: str, unit: str) -> str:
    """Return lying bars with their values written at the end."""
    with _drawing():
        figure, axes = _figure(7.2, 0.9 + 0.32 * max(1, len(bars)), title)
        drawn = axes.barh(
            range(len(bars)), [bar.value for bar in bars], color=[COLOURS[bar.tone] for bar in bars], height=0.6
        )
        axes.bar_label(drawn, fmt="{:g}", padding=3)
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.set_xlabel(unit)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        return _svg(figure)


def _draw(axes: Any, columns: Sequence[Column], colour: str, name: str) -> None:
    """Draw a band from lowest to highest, which is a line where both are one; nothing where nothing was measured."""
    at = [column.at for column in columns]
    low = [nan if column.low is None else column.low for column in columns]
    high = [nan if column.high is None else column.high for column in columns]
    axes.plot(at, high, color=colour, linewidth=1.2, label=name)
    if low != high:
        axes.fill_between(at, low, high, color=colour, alpha=0.45, linewidth=0)


def _cycle() -> list[str]:
    return list(COLOURS.values())


def _drawing() -> AbstractContextManager[None]:
    context: AbstractContextManager[None] = import_module("matplotlib").rc_context(_STYLE)
    return context


def _figure(width: float, height: float, title: str) -> tuple[Any, Any]:
    figure = import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
    import_module("matplotlib.backends.backend_svg").FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def _clock(axes: Any, zone: tzinfo) -> None:
    dates = import_module("matplotlib.dates")
    axes.xaxis.set_major_locator(dates.AutoDateLocator(tz=zone, maxticks=8))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H.%M.%S" if _short(axes) else "%H.%M", tz=zone))


def _short(axes: Any) -> bool:
    """Whether the axis spans so little that minutes would repeat."""
    left, right = axes.get_xlim()
    return bool((right - left) * 24 * 60 < 8)


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    return _without_style(text[text.index("<svg") :])


def _without_style(svg: str) -> str:
    """Turn style attributes into presentation attributes, and drop the style sheet inside."""
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return _SHOWN_IN_CSS.sub(lambda found: "".join(map(_attribute, found[1].split(";"))), svg)


def _attribute(rule: str) -> str:
    name, _, value = (part.strip() for part in rule.partition(":"))
    font = _FONT.fullmatch(value) if name == "font" else None
    if font:
        weight = f' font-weight="{font["weight"]}"' if font["weight"] else ""
        family = font["family"].replace("'", "").replace("&quot;", "")
        return f' font-size="{font["size"]}" font-family="{family}"{weight}'
    return f' {name}="{value}"' if name else ""
