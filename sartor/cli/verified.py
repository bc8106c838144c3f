"""What `sartor verify` shows: the sentence as it is spoken, then whether RTL and golden model are equal."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ..units import si


def running(now: Any) -> RenderableType:
    each = f", {now.seconds_per_token:.1f} s a token" if now.seconds_per_token else ""
    state = f"token {min(now.tokens + 1, now.of)} of {now.of}, cycle {now.cycles:,}{each}"
    return Panel(Text(now.text, style="bold"), subtitle=state, subtitle_align="left")


def verified(found: dict[str, Any]) -> RenderableType:
    """The answer first, then what it took."""
    same = found["mismatches"] == 0
    said = Group(*map(_said, found["sequences"]))
    each = f" of each of {found['batch']} sequences" if found["batch"] > 1 else ""
    compared = f"{found['instructions']:,} instructions, {len(found['rtl_tokens'])} tokens{each}"
    equal, differ = f"equal: {compared}", f"DIFFERENT in {found['mismatches']} places of {compared}"
    what = "The Verilog as it is delivered" if found["structural"] else "RTL"
    lines = Text(f"{what} and golden model are {equal if same else differ}")
    lines.stylize("green" if same else "bold red")
    core = "" if found["cores"] == 1 else f", one core of {found['cores']} with its share of the memory"
    head = Panel(Group(said, Text(""), lines), title=f"{found['chip']}{core}", border_style="green" if same else "red")
    return Group(head, Text(_figures(found)))


def _said(sequence: dict[str, Any]) -> Text:
    """Prompt and answer of one sequence."""
    text, answer = sequence["text"], sequence["answer"]
    said = Text(text[: len(text) - len(answer)])
    said.append(answer, style="bold")
    return said


def _figures(f: dict[str, Any]) -> str:
    count, what = len(f["rtl_tokens"]), "token" if f["batch"] == 1 else "step"
    rows = [
        (f"cycles a {what}, RTL", f"{f['cycles_rtl'] / count:,.0f}"),
        (f"cycles a {what}, estimated", f"{f['cycles_estimated'] / count:,.0f} ({f['cycles_error']:+.1%})"),
        ("tokens a second on the chip", f"{f['tokens_per_s_chip']:.4g} at {si(f['clock_hz'], 'Hz')}"),
        ("memory utilization", f"{f['memory_utilization']:.1%} of what sequential reads get"),
        ("prompt", f"{len(f['prompt_tokens'])} tokens, {f['prefill_cycles']:,} cycles before the first one"),
        ("simulated", f"{f['seconds_per_token']:.1f} s a {what}, {f['build_s']:.1f} s to get ready"),
    ]
    return "\n".join(f"{name:29}{value}" for name, value in rows)
