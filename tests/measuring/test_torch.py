"""The decoder that is measured, on the processor: a decode step says what a prefill of the same tokens says."""

from types import SimpleNamespace

import pytest

from sartor.errors import InputError
from sartor.measuring.plan import Shape
from sartor.measuring.torch_model import Decoder, Linear

torch = pytest.importorskip("torch", reason="PyTorch is not here: .venv/bin/pip install -e '.[oracle]'")
pytestmark = pytest.mark.slow
TINY = Shape(layers=2, hidden=64, width=96, heads=4, kv_heads=2, head_dim=16, vocabulary=50)


def attend(q, keys, values):
    b, heads = q.shape[0], TINY.heads
    queries = q.view(b, heads, 1, TINY.head_dim)
    mixed = torch.nn.functional.scaled_dot_product_attention(queries, keys, values, enable_gqa=True)
    return mixed.reshape(b, heads * TINY.head_dim)


@torch.inference_mode()
def test_decode_and_prefill_agree():
    torch.manual_seed(0)
    model = Decoder(torch, TINY, "bf16", device="cpu", compiled=False)
    ids, (b, tokens) = torch.randint(0, TINY.vocabulary, (2, 5)), (2, 5)
    angle = torch.rand(tokens, 1, TINY.head_dim // 2)
    cosine, sine = angle.cos(), angle.sin()
    whole = model.prefill(ids.reshape(-1), (cosine.repeat(b, 1, 1), sine.repeat(b, 1, 1)), b)
    size = (b, TINY.kv_heads, tokens, TINY.head_dim)
    keys, values = ([torch.zeros(size, dtype=torch.bfloat16) for _ in range(TINY.layers)] for _ in range(2))
    for at in range(tokens):
        seen = [k[:, :, : at + 1] for k in keys], [v[:, :, : at + 1] for v in values]
        last = model.decode(ids[:, at], *seen, attend, (cosine[at], sine[at]), at)
    assert torch.nn.functional.cosine_similarity(last.float(), whole.float()).min() > 0.999


def scaled_product(x, w, **how):
    """torch._scaled_mm, which not every CPU has."""
    return (x.float() @ w.float() * how["scale_a"] * how["scale_b"]).to(how["out_dtype"])


def test_eight_bit_rows_are_padded_and_cut_off_again():
    torch.manual_seed(0)
    linear, asked = Linear(torch, "cpu", 32, 16, "fp8"), []

    def scaled(x, w, **how):
        asked.append(x.shape)
        return scaled_product(x, w, **how)

    linear.torch = SimpleNamespace(**{**vars(torch), "_scaled_mm": scaled})
    x = torch.randn(5, 32, dtype=torch.bfloat16)
    assert linear(x).shape == (5, 16) and asked == [(16, 32)]


def test_eight_bit_weights_give_products_as_large_as_those_of_16_bits():
    torch.manual_seed(0)
    narrow, wide = (Linear(torch, "cpu", 256, 128, dt) for dt in ("fp8", "bf16"))
    narrow.torch = SimpleNamespace(**{**vars(torch), "_scaled_mm": scaled_product})
    x = torch.randn(64, 256, dtype=torch.bfloat16)
    assert float(narrow(x).float().std() / wide(x).float().std()) == pytest.approx(1.0, rel=0.05)


def test_without_a_gpu_it_says_so():
    from sartor.measuring.torch_gpu import TorchGpu

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(InputError, match="PyTorch sees no NVIDIA GPU here"):
        TorchGpu()
