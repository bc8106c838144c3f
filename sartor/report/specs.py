"""The two interactive plots as Vega-Lite specifications; the page's JavaScript adds the data and the axes."""

from __future__ import annotations

from typing import Any

from .words import term, text

Spec = dict[str, Any]
BEST, RIVAL, GREY, CHOSEN = "#0072b2", "#d55e00", "#8a8f98", "#c2185b"
RIVAL_TEXT = "#b84e00"  # darker, to be read on white; plotted.js has both for dark screens
_STAR = "M0,-1L.23,-.33L.95,-.31L.37,.12L.59,.81L0,.4L-.59,.81L-.37,.12L-.95,-.31L-.23,-.33Z"
_STAR_MARK = {"type": "point", "shape": _STAR, "filled": True, "size": 1100, "color": CHOSEN,
              "stroke": "white", "strokeWidth": 1.5, "opacity": 1, "cursor": "pointer"}  # fmt: skip
AXES = ("usd_per_mtoken", "j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "power_w")


def pareto(language: str) -> Spec:
    """Designs of the front, chips that exist, and the chosen one; `x`, `y`, `color` are the picked axes."""
    tips = [{"field": "name", "title": term("plot", "design", language)}]
    tips += [{"field": f"t_{a}", "title": text(f"figure.{a}", language)} for a in AXES]
    names = [
        _names("rivals", RIVAL_TEXT, dy=-13),
        _names("chosen", CHOSEN, dy=-20, fontWeight="bold"),
    ]
    layers = [_rivals(tips), names[0], _front(tips), _layer("chosen", _STAR_MARK, tips), names[1]]
    return {
        "width": "container",
        "height": 420,
        "layer": layers,
        "resolve": {"scale": {"color": "independent"}},
    }


def _front(tips: list[Spec]) -> Spec:
    mark = {"type": "point", "filled": True, "size": 70, "opacity": 0.9, "cursor": "pointer"}
    layer = _layer("front", mark, tips)
    legend = {"orient": "top", "gradientLength": 240, "titleLimit": 400}
    scale = {"type": "log", "scheme": "viridis"}
    layer["encoding"]["color"] = {"field": "color", "type": "quantitative", "scale": scale, "legend": legend}
    return layer


def _rivals(tips: list[Spec]) -> Spec:
    """Diamonds, hollow where a chip misses a limit."""
    mark = {"type": "point", "shape": "diamond", "size": 130, "strokeWidth": 2, "color": RIVAL, "opacity": 1}
    layer = _layer("rivals", mark, tips)
    layer["encoding"]["fill"] = {"value": RIVAL}
    layer["encoding"]["fillOpacity"] = {"condition": {"test": "datum.kept", "value": 1}, "value": 0}
    return layer


def _names(data: str, color: str, **place: Any) -> Spec:
    layer = _layer(data, {"type": "text", "color": color, "fontSize": 12, **place}, [])
    layer["encoding"]["text"] = {"field": "name"}
    return layer


def _layer(data: str, mark: Spec, tips: list[Spec]) -> Spec:
    encoding: Spec = {name: _axis(name) for name in ("x", "y")}
    encoding["x"]["scale"] |= {"padding": 44}  # names are centered over their points
    if tips:
        encoding["tooltip"] = [{"type": "nominal", **tip} for tip in tips]
    return {"data": {"name": data}, "mark": mark, "encoding": encoding}


def _axis(field: str, title: str | None = None) -> Spec:
    """A logarithmic axis with room at its ends; its labels carry SI prefixes."""
    scale = {"type": "log", "nice": False, "padding": 18}
    labels = {"labelExpr": "format(datum.value, '~s')", "labelOverlap": "greedy", "labelSeparation": 9}
    axis = {"title": title, "tickCount": 6, **labels}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def roofline(language: str) -> Spec:
    """Roofs as lines, phases as points; the tailored chip and the best rival stand out of the others."""
    who, colors = ["mine", "best", "other"], [BEST, RIVAL, GREY]
    color = _coded("who", "who", who, colors, language)
    line = _roof_layer("ceilings", {"type": "line", "strokeWidth": 2, "opacity": 0.85}, color, language)
    line["encoding"]["detail"] = {"field": "name"}
    line["encoding"]["order"] = {"field": "ops_per_byte", "type": "quantitative"}
    line["encoding"]["size"] = {"condition": {"test": "datum.who !== 'other'", "value": 3}, "value": 1.2}
    mark = {"type": "point", "filled": True, "size": 110, "opacity": 1}
    points = _roof_layer("points", mark, color, language)
    points["encoding"]["shape"] = _coded(
        "phase", "plot", ["prefill", "decode"], ["square", "circle"], language
    )
    return {"width": "container", "height": 380, "layer": [line, points]}


def _coded(field: str, group: str, names: list[str], looks: list[str], language: str) -> Spec:
    """A channel of few names, each with its look; the legend has the reader's words, of `group`."""
    pairs = ", ".join(f"'{name}': '{term(group, name, language)}'" for name in names)
    legend = {"title": None, "orient": "top", "labelExpr": f"{{{pairs}}}[datum.label]"}
    return {"field": field, "type": "nominal", "scale": {"domain": names, "range": looks}, "legend": legend}


def _roof_layer(data: str, mark: Spec, color: Spec, language: str) -> Spec:
    fields = ("name", "phase", "t_ops", "t_x") if data == "points" else ("name",)
    tips = [{"field": f, "type": "nominal", "title": term("plot", f, language)} for f in fields]
    x = _axis("ops_per_byte", text("plot.intensity", language))
    y = _axis("ops_per_s", text("plot.speed", language))
    y["scale"] = {"type": "log", "nice": True}
    return {
        "data": {"name": data},
        "mark": mark,
        "encoding": {"x": x, "y": y, "color": color, "tooltip": tips},
    }
