"""What goes from the cache, and what stays."""

import os
import time

from sartor.workload.cache import EVERY_S, UNUSED_S, sizes_bytes, sweep, used

H16, H32, H64 = ("0123456789abcdef" * n for n in (1, 2, 4))
OURS = (
    f"images/{H16}/x.bin", f"images/{H32}.bin", f"quality/{H32}.json", f"quality/{H32}.npz", f"quality/{H64}.sha256",
    f"runs/{H16}-{H16}/unit-000001.parquet", f"sim/{H32}/simulator.so", f"sim/verilog-{H32}/top.v",
    "sim/.building-a_b1/work", f"flow/map/{H64}", f"compiled/{H16}/kernels_1/a.nbi",
)  # fmt: skip
THEIRS = (
    "images/holiday.jpg", "images/summer/1.jpg", "flow/notes.txt", f"designs/edge-{H16}.toml", "Model.gguf",
    f"{H32}.json",
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
