"""A row of measured serving points, and the table of them, where it is here."""

from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / ".." / "shared" / "data" / "measured" / "gpu_serving_points.csv"
needs_file = pytest.mark.skipif(not FILE.is_file(), reason=f"no measured points at {FILE.name} in ../shared")
HEAD = "system,model_path,precision,backend,mode,isl,osl,batch_size,tp_size,pp_size,attention_dp_size,"
HEAD += "silicon_ttft_ms,silicon_tpot_ms"
ROW = "h100_sxm,meta-llama/Llama-3.1-70B,fp8,vllm,agg,1024,1024,16,4,1,1,130,12"

INPUTS = {"chip": "h100_sxm", "model": "meta-llama/Llama-3.1-70B", "format": "fp8", "stack": "vllm"}


def table_of(folder, *rows):
    path = folder / "points.csv"
    path.write_text("\n".join((HEAD, *rows)) + "\n")
    return path
