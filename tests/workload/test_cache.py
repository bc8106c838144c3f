"""What goes from the cache, and what stays."""

import os
import time

import pytest

from sartor.workload.cache import EVERY_S, UNUSED_S, sizes_bytes, sweep, used

H16, H24, H32, H64 = ("0123456789abcdef" * 4)[:16], "0123456789ab" * 2, "0123456789abcdef" * 2, "0123456789abcdef" * 4
OURS = (
    f"images/{H16}/x.bin", f"images/{H24}.bin", f"quality/{H32}.json", f"quality/{H32}.npz", f"quality/{H32}.sha256",
    f"runs/{H16}-{H16}/unit-000001.parquet", f"sim/{H32}/simulator.so", f"sim/verilog-{H32}/top.v",
    "sim/.building-a_b1c2d3/work", f"flow/map/{H64}", f"compiled/{H16}/kernels_1/a.nbi",
)  # fmt: skip
THEIRS = (
    "images/holiday.jpg", "images/summer/1.jpg", "flow/notes.txt", f"designs/edge-{H16}.toml", "Model.gguf",
    f"{H32}.json", f"images/{H32}.jpg", f"images/{H64}.png", f"runs/{H32}/model.pt", f"runs/{H16}/notes.tex",
    f"sim/test-{H32}/data", f"quality/{H16}.csv", f"flow/map/{H32}", f"compiled/{H32}/paper.pdf",
)  # fmt: skip


def laid(folder, names, days):
    at = time.time() - days * 86400
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"xx")
        for one in (path, *path.relative_to(folder).parents):
            os.utime(folder / one, (at, at))


def there(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {".swept"}


def test_only_what_is_ours_and_unused_goes(tmp_path):
    laid(tmp_path, (*OURS, *THEIRS), 31)
    assert len(sweep(tmp_path)) == len(OURS) and there(tmp_path) == set(THEIRS)


def test_what_is_used_stays(tmp_path):
    laid(tmp_path, OURS, 29)
    assert sweep(tmp_path) == [] and there(tmp_path) == set(OURS)
    later = tmp_path / "later"
    laid(later, OURS, 31)
    entries = [later / name for name in (f"quality/{H32}.json", f"sim/{H32}", f"images/{H16}")]
    for entry in entries:
        used(entry)
    used(later / "nothing")
    sweep(later)
    assert there(later) == {f"quality/{H32}.json", f"sim/{H32}/simulator.so", f"images/{H16}/x.bin"}


def test_what_a_link_leads_to_stays(tmp_path):
    """Neither behind a linked folder nor behind a linked entry."""
    cache, other = tmp_path / "cache", tmp_path / "other"
    laid(other, (f"{H32}/a", f"map/{H64}", "b"), 31)
    for link, to in (("sim", "."), ("flow", "."), (f"quality/{H32}.json", "b"), (f"compiled/{H16}", H32)):
        (cache / link).parent.mkdir(parents=True, exist_ok=True)
        (cache / link).symlink_to(other / to)
    assert sweep(cache) == [] and there(other) == {f"{H32}/a", f"map/{H64}", "b"}
    at_a_link = tmp_path / "link"
    at_a_link.symlink_to(cache)  # the cache itself may lie behind one
    laid(cache, (f"images/{H16}/x.bin",), 31)
    (cache / ".swept").unlink()
    assert sweep(at_a_link) == [at_a_link / "images" / H16]


def test_who_is_stopped_leaves_no_half(tmp_path, monkeypatch):
    """What is under its name is whole: a simulator's runtime without one of its objects would be taken for it."""
    name = f"sim/runtime-{H32}"
    laid(tmp_path, (f"{name}/a.o", f"{name}/b.o"), 31)
    real, removed = os.unlink, []

    def unlink(path, **how):
        if removed:
            raise KeyboardInterrupt
        removed.append(path)
        real(path, **how)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path)
    monkeypatch.undo()
    assert removed and not (tmp_path / name).exists()
    laid(tmp_path, [p for p in there(tmp_path)], 31)
    (tmp_path / ".swept").unlink()
    assert len(sweep(tmp_path)) == 1 and there(tmp_path) == set()


def test_it_looks_once_a_day_and_needs_no_cache(tmp_path):
    assert sweep(tmp_path / "no") == [] and not (tmp_path / "no").exists()
    assert sweep(tmp_path) == []
    laid(tmp_path, OURS[:3], 31)
    assert sweep(tmp_path) == []
    os.utime(tmp_path / ".swept", (time.time() - EVERY_S - 1,) * 2)
    assert len(sweep(tmp_path)) == 3 and UNUSED_S == 30 * EVERY_S


def test_who_has_no_home_has_nothing_to_sweep(monkeypatch):
    monkeypatch.delenv("SARTOR_CACHE", raising=False)
    monkeypatch.setattr("pathlib.Path.home", no_home)
    assert sweep() == []


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_sizes(tmp_path):
    laid(tmp_path, OURS, 0)
    assert sizes_bytes(tmp_path) == {"images": 4, "quality": 6, "runs": 2, "sim": 6, "flow": 2, "compiled": 2}
