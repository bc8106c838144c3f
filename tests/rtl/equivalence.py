"""A proof that two designs without feedback behave alike, by Yosys' SAT solver."""

from typing import Any

from sartor.rtl.yosys import run_script, to_rtlil


def prove_equal(first: Any, second: Any, latency: int) -> str:
    """Raises unless the outputs agree for all inputs, whatever the registers held before.

    Without feedback the outputs are a function of the last `latency` + 1 inputs: so many steps prove it.
    """
    files = {"gold.il": to_rtlil(first, "gold"), "gate.il": to_rtlil(second, "gate")}
    script = (
        "read_rtlil gold.il; read_rtlil gate.il; setattr -mod -unset top *; proc; flatten; techmap; opt -full; "
        "miter -equiv -flatten gold gate miter; hierarchy -top miter; opt -full; "
        f"sat -verify -seq {latency + 1} -prove-skip {latency} -prove trigger 0 -set-def-inputs miter"
    )
    return run_script(script, files, timeout_s=120).log
