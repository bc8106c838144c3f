"""Names of chips and models as files of measurements have them."""

import pytest

from sartor.validation import names


@pytest.mark.parametrize(
    ("name", "chip"),
    [("NVIDIA H200", "h200-sxm"), ("nvidia_h100_80gb_hbm3", "h100-sxm"), ("H100 SXM5", "h100-sxm"),
     ("NVIDIA A100-SXM4-80GB", "a100-sxm-80gb"), ("NVIDIA A100-SXM4-40GB", "a100-sxm-40gb"), ("NVIDIA H20", "h20"),
     ("NVIDIA H200 141GB HBM3e", "h200-sxm"), ("NVIDIA H200 NVL", "h200-nvl"),
     ("NVIDIA GH200 144G HBM3e", "gh200-144gb"), ("NVIDIA GH200 480GB", "gh200"), ("B200-SXM", "b200-sxm"),
     ("NVIDIA GB200 NVL72", "gb200"), ("NVIDIA B300 SXM6 AC", "b300-sxm"), ("AMD Instinct MI300X", "mi300x"),
     ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx-pro-6000"), ("RTX4090", "rtx-4090"),
     ("H200 (SXM5, 141 GB)", "h200-sxm"), ("nvidia/h200", "h200-sxm"), ("NVIDIA H200 Tensor Core GPU", "h200-sxm"),
     ("HGX H200", "h200-sxm"), ("1xH200", "h200-sxm"), ("NVIDIA GH200 120GB", "gh200"), ("DGX Spark", "dgx-spark"),
     ("Intel Gaudi 3", "gaudi3"), ("NVIDIA GB10", "dgx-spark"), ("Google TPU v6e", "tpu-v6e")],
)  # fmt: skip
def test_chips_are_known_by_what_their_drivers_call_them(name, chip):
    assert names.chip(name).name == chip


@pytest.mark.parametrize(
    "name",
    ["NVIDIA A100-SXM4-48GB", "NVIDIA A100 80GB PCIe", "NVIDIA H800 PCIe", "L40", "H20 141GB", "8xH200",
     "H200 (80 GB)", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition"],  # its memory is an eighth faster
)  # fmt: skip
def test_another_memory_or_board_is_another_chip(name):
    assert names.chip(name) is None


@pytest.mark.parametrize(
    ("name", "model"),
    [("Qwen/Qwen3-8B", "qwen3-8b"), ("meta-llama/Llama-3.1-70B-Instruct", "llama-3.1-70b"),
     ("meta-llama/Llama-2-7b-hf", "llama-2-7b"), ("llama3-8b", "llama-3.1-8b"),
     ("MiniMaxAI/MiniMax-M2.5", "minimax-m2.5"), ("Qwen/Qwen2-7B", "qwen2.5-7b"),
     ("Qwen/Qwen3-235B-A22B-Thinking-2507-FP8", "qwen3-235b-a22b"),
     ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"),
     ("nvidia/Llama-3.3-70B-Instruct-FP8", "llama-3.1-70b"),
     ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8", "llama-3.1-8b"), ("nvidia/DeepSeek-R1-0528-FP4", "deepseek-r1"),
     ("nvidia/DeepSeek-R1-0528-NVFP4-v2", "deepseek-r1"), ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "qwen2.5-72b"),
     ("RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8", "llama-3.1-70b"),
     ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "llama-3.1-70b"), ("Qwen/QwQ-32B", "qwen2.5-32b"),
     ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nemotron-3-nano-30b-a3b")],
)  # fmt: skip
def test_models_are_known_by_the_names_of_their_repositories(name, model):
    assert names.model(name).name == model


def test_models_that_are_called_alike_are_not_one():
    for name in ("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", "Qwen3-VL-8B", "deepseek-v2-lite", "Llama-2-7b-32k"):
        assert names.model(name) is None


@pytest.mark.parametrize(
    ("said", "ours", "alone"),
    [("fp8_dynamic", "fp8-e4m3", False), ("W8A8", "int8", False), ("INT4 (AWQ)", "int4-g128", True),
     ("gptq_marlin", "int4-g128", True), ("w8a16", "int8", True), ("torch.float8_e5m2", "fp8-e5m2", False)],
)  # fmt: skip
def test_formats_are_known_as_frameworks_spell_them(said, ours, alone):
    assert (names.number_format(said), names.weight_only(said)) == (ours, alone)
