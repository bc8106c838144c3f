"""One operator on a GPU, and its figures."""



from sartor.chip.presets import preset
from sartor.families.gpu.family import Existing
from sartor.tables import table
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Operators
from sartor.workload.step import Step

GEMM = Gemm("gemm", k=8192, n=8192, count=2, tensor="ffn")


def hopper(quantity: str) -> float:
    return table("gpu").fact("hopper", quantity).value


def run(op, step: Step, chips: int = 1, weights: str = "bf16", chip=None):
    existing = Existing(chip or preset("h100-sxm"), weights, "bf16")
    return existing.replica(chips, {}).phase(Operators("decode", (op,)), step, keep=True)
