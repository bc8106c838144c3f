"""The two interactive plots as Vega-Lite specifications; the page's JavaScript adds the data and the axes."""

from __future__ import annotations

from typing import Any

from .words import term, text

Spec = dict[str, Any]
BEST, RIVAL, GREY = "#0072b2", "#d55e00", "#8a8f98"
_STAR = "M0,-1L0.23,-0.33L0.95,-0.31L0.37,0.12L0.59,0.81L0,0.4L-0.59,0.81L-0.37,0.12L-0.95,-0.31L-0.23,-0.33Z"
FRONT_AXES = ("usd_per_mtoken", "j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "power_w")


def pareto(language: str) -> Spec:
    """Designs of the front, chips that exist, and the chosen one; `x`, `y` and `colour` are the picked axes."""
    tips = [{"field": "name", "title": term("plot", "design", language)}]
    tips += [{"field": f"t_{a}", "title": text(f"figure.{a}", language)} for a in FRONT_AXES]
    front = _layer("front", {"type": "point", "filled": True, "size": 70, "opacity": 0.9, "cursor": "pointer"}, tips)
    front["encoding"]["color"] = {"field": "colour", "type": "quantitative",
                                  "scale": {"type": "log", "scheme": "viridis"},
                                  "legend": {"orient": "top", "gradientLength": 240, "titleLimit": 400}}  # fmt: skip
    rivals = _layer("rivals", {"type": "point", "shape": "diamond", "size": 130, "strokeWidth": 2, "color": RIVAL}, tips)
    rivals["encoding"]["fillOpacity"] = {"condition": {"test": "datum.kept", "value": 1}, "value": 0}
    rivals["encoding"]["fill"] = {"value": RIVAL}
    names = _layer("rivals", {"type": "text", "dy": -12, "color": RIVAL, "fontSize": 11}, [])
    names["encoding"]["text"] = {"field": "name"}
    star = {"type": "point", "shape": _STAR, "filled": True, "size": 420, "color": RIVAL, "stroke": "white",
            "strokeWidth": 1.2, "cursor": "pointer"}  # fmt: skip
    layers = [rivals, names, front, _layer("chosen", star, tips)]
    return {"width": "container", "height": 420, "layer": layers, "resolve": {"scale": {"color": "independent"}}}


def _layer(data: str, mark: Spec, tips: list[Spec]) -> Spec:
    encoding: Spec = {name: _axis(name) for name in ("x", "y")}
    if tips:
        encoding["tooltip"] = [{"type": "nominal", **tip} for tip in tips]
    return {"data": {"name": data}, "mark": mark, "encoding": encoding}


def _axis(field: str, title: str | None = None) -> Spec:
    """A logarithmic axis with room at its ends; its labels carry SI prefixes."""
    scale = {"type": "log", "nice": False, "padding": 18}
    return {"field": field, "type": "quantitative", "scale": scale,
            "axis": {"title": title, "tickCount": 7, "labelExpr": "format(datum.value, '~s')", "labelOverlap": "greedy"}}  # fmt: skip


def roofline(language: str) -> Spec:
    """Roofs as lines, phases as points; the tailored chip and the best rival stand out of the others."""
    colour = {"field": "who", "type": "nominal",
              "scale": {"domain": ["mine", "best", "other"], "range": [BEST, RIVAL, GREY]},
              "legend": {"title": None, "orient": "top", "labelExpr": _labels("who", ("mine", "best", "other"), language)}}  # fmt: skip
    line = _roof_layer("ceilings", {"type": "line", "strokeWidth": 2, "opacity": 0.85}, colour, language)
    line["encoding"]["detail"] = {"field": "name"}
    line["encoding"]["order"] = {"field": "ops_per_byte", "type": "quantitative"}
    line["encoding"]["size"] = {"condition": {"test": "datum.who !== 'other'", "value": 3}, "value": 1.2}
    points = _roof_layer("points", {"type": "point", "filled": True, "size": 110, "opacity": 1}, colour, language)
    points["encoding"]["shape"] = {"field": "phase", "type": "nominal",
                                   "scale": {"domain": ["prefill", "decode"], "range": ["square", "circle"]},
                                   "legend": {"title": None, "orient": "top",
                                              "labelExpr": _labels("plot", ("prefill", "decode"), language)}}  # fmt: skip
    return {"width": "container", "height": 380, "layer": [line, points]}


def _roof_layer(data: str, mark: Spec, colour: Spec, language: str) -> Spec:
    tips = [{"field": f, "type": "nominal", "title": term("plot", f, language)} for f in ("name", "phase", "t_ops", "t_x")]
    x = _axis("ops_per_byte", text("plot.intensity", language))
    y = _axis("ops_per_s", text("plot.speed", language))
    y["scale"] = {"type": "log", "nice": True}
    encoding = {"x": x, "y": y, "color": colour, "tooltip": tips if data == "points" else tips[:1]}
    return {"data": {"name": data}, "mark": mark, "encoding": encoding}


def _labels(group: str, names: tuple[str, ...], language: str) -> str:
    """A Vega expression that puts the reader's words in a legend."""
    pairs = ", ".join(f"'{name}': '{term(group, name, language)}'" for name in names)
    return f"{{{pairs}}}[datum.label]"
