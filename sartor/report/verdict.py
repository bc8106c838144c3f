"""What the numbers allow one to say, the bad news first: keys of words.toml with their blanks."""

from __future__ import annotations

from typing import Any

from .numbers import change, figure, is_known, percent, plain, usd

Sentence = tuple[str, dict[str, Any]]
_BAD = ("interrupted", "not_in_service", "shared_cheaper", "within_error", "dearer_at_price", "dearer_at_cost",
        "energy_lost", "fragile", "seldom")  # fmt: skip
AGAINST = tuple(f"verdict.{name}" for name in _BAD)
SURVIVES = 0.8  # share of the draws in which a winner must stay the cheapest to be called one


def verdict(report: dict[str, Any]) -> list[Sentence]:
    """Sentences of the verdict, those against the chosen chip first."""
    parts = (_interrupted, _in_service, _shared, _dollars, _energy, _fits, _drift, _survives, _slack, _speed)
    said = [sentence for part in parts for sentence in part(report)]
    return sorted(said, key=lambda s: not against(s))


def against(sentence: Sentence) -> bool:
    """Whether a sentence speaks against the chosen chip."""
    return sentence[0] in AGAINST


def wins(report: dict[str, Any]) -> bool:
    """Whether nothing speaks against the chosen chip."""
    return not any(against(s) for s in verdict(report))


def _interrupted(report: dict[str, Any]) -> list[Sentence]:
    return [("verdict.interrupted", {})] if report["search"]["interrupted"] else []


def _in_service(report: dict[str, Any]) -> list[Sentence]:
    """Whether the SLO is kept when every request is simulated."""
    found = report.get("service")
    if not found:
        return []
    key = "in_service" if found["kept"] else "not_in_service"
    return [(f"verdict.{key}", {"share": percent(found["tried"][0]["share"])})]


def _drift(report: dict[str, Any]) -> list[Sentence]:
    """Whether a chip in service should give way."""
    return [redesign_pays(report["drift"]["redesign"])] if report.get("drift") else []


def redesign_pays(cost: dict[str, Any]) -> Sentence:
    """Whether a new chip pays, in one sentence."""
    if not is_known(cost["old_usd"]):
        return "drift.cannot", {}
    blanks = {"regret": change(cost["regret"]), "nre": usd(cost["nre_usd"]), "saved": usd(cost["saved_usd_per_day"])}
    if not is_known(cost["pays_after_days"]):
        return "drift.never", {"regret": blanks["regret"]}
    years = plain(cost["lifetime_s"] / (86400 * 365.25))
    key = "drift.pays" if cost["pays"] else "drift.not_yet"
    return key, {**blanks, "days": plain(cost["pays_after_days"]), "years": years}


def _dollars(report: dict[str, Any]) -> list[Sentence]:
    """Like with like: a buyer's price against a buyer's price, cost against cost."""
    said: list[Sentence] = []
    head = report["headline"]
    best, at_cost = head["best_rival"], cheapest_at_cost(report)
    if best is None:
        said.append(("verdict.no_rival", {}))
    for name, rival in (("price", best), ("cost", at_cost)):
        ratio = head[f"cheaper_at_{name}"]
        if rival is not None and is_known(ratio):
            way, how_much = ("cheaper", ratio) if ratio >= 1 else ("dearer", 1 / ratio)
            blanks = {"chip": head["chip"], "rival": rival["name"], "ratio": plain(how_much)}
            said.append((f"verdict.{way}_at_{name}", blanks))
            said += _within_error(rival, how_much)
    return said


def _within_error(rival: dict[str, Any], ratio: float) -> list[Sentence]:
    """A difference that a chip's own error may turn."""
    error = rival.get("error")
    if not error or ratio > 1 + error["latency"]:
        return []
    return [("verdict.within_error", {"rival": rival["name"], "error": percent(error["latency"]), "on": error["on"]})]


def _shared(report: dict[str, Any]) -> list[Sentence]:
    """The cloud, where the study is for one user: its price against this chip's."""
    row, mine = report["headline"].get("shared"), report["headline"]["usd_per_mtoken_vendor"]
    theirs = buyers_price(row) if row else None
    if theirs is None or not is_known(mine) or theirs[0] >= mine:
        return []
    rival, ratio = row["name"].removesuffix(" shared"), plain(mine / theirs[0])
    blanks = {"rival": rival, "ratio": ratio, "batch": f"{row['batch'] * row['stages']:g}"}
    return [("verdict.shared_cheaper", blanks)]


def cheapest_at_cost(report: dict[str, Any]) -> dict[str, Any] | None:
    """The rival that is cheapest at cost; not always the one that is cheapest to buy."""
    known = [s for s in rivals(report) if s["feasible"] and is_known(s["usd_per_mtoken"]["cost"])]
    return min(known, key=lambda s: s["usd_per_mtoken"]["cost"], default=None)


def rivals(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The comparison without the chosen chip, which stands first in it, and without chips that many share."""
    return [s for s in report["comparison"][1:] if not s.get("shared")]


def buyers_price(row: dict[str, Any]) -> tuple[float, str] | None:
    """What a buyer pays for a million tokens, and on which basis: the cheaper of buying and renting."""
    known = [(v, b) for b in ("vendor", "rental") if is_known(v := row["usd_per_mtoken"][b])]
    return min(known, default=None)


def _energy(report: dict[str, Any]) -> list[Sentence]:
    """Joules against whoever needs the fewest; a chip that many users share is named apart."""
    mine = report["comparison"][0]
    kept = [s for s in rivals(report) if s["feasible"] and is_known(s["j_per_token"])]
    shared = report["headline"]["shared"]
    least = min(kept, key=lambda s: s["j_per_token"], default=None)
    for key, other in (("energy_lost", least), ("energy_but_shared", shared)):
        if other and is_known(other["j_per_token"]) and other["j_per_token"] < mine["j_per_token"]:
            theirs, own = (figure("j_per_token", s["j_per_token"]) for s in (other, mine))
            return [(f"verdict.{key}", {"rival": other["name"], "theirs": theirs, "mine": own})]
    return [("verdict.energy_won", {})] if kept else []


def _fits(report: dict[str, Any]) -> list[Sentence]:
    """Where power is the budget: whether any chip one could buy stays within it."""
    limit = report["study"]["budget"].get("power")
    drawn = [(s["power_w"], s["name"]) for s in rivals(report) if is_known(s["power_w"])]
    if limit is None or not drawn or min(drawn)[0] <= limit:
        return []
    least, name = min(drawn)
    blanks = {"limit": figure("power_w", limit), "rival": name, "theirs": figure("power_w", least)}
    return [("verdict.none_fits", blanks)]


def _slack(report: dict[str, Any]) -> list[Sentence]:
    """How surely the limits themselves are kept."""
    share = report["survival"].get("keeps")
    return [("verdict.slack", {"share": percent(share)})] if is_known(share) else []


def _survives(report: dict[str, Any]) -> list[Sentence]:
    share = report["headline"]["wins"]
    if not is_known(share) or len(report["survival"]["band"]) < 2:
        return []
    return [surviving(report, share)]


def surviving(report: dict[str, Any], share: float | None) -> Sentence:
    """In how many draws it is the cheapest at cost: whether a win lasts, or how seldom what lost would win."""
    ratio = report["headline"]["cheaper_at_cost"]
    lost = is_known(ratio) and ratio < 1
    key = "survives" if share is not None and share >= SURVIVES else "seldom" if lost else "fragile"
    return f"verdict.{key}", {"share": percent(share)}


def _speed(report: dict[str, Any]) -> list[Sentence]:
    """A tailored chip need not be the fastest: it keeps the limits and then saves."""
    head, best = report["headline"], report["headline"]["best_rival"]
    if best is None or not (is_known(best["tpot_s"]) and best["tpot_s"] < head["tpot_s"]):
        return []
    theirs, mine = (figure("tpot_s", chip["tpot_s"]) for chip in (best, head))
    return [("verdict.slower", {"rival": best["name"], "theirs": theirs, "mine": mine})]
