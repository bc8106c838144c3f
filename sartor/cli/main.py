"""Verbs and their options. `--json` prints one JSON object on stdout and nothing else; errors go to stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__, api
from ..errors import SartorError
from ..serve.deploy import How
from ..workload.traffic import Slo
from . import accuracy, answers, endpoint, hardware, serving, show, truth

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="From a language model and its traffic to the chip tailored to it.",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results.")]
Points = Annotated[int | None, typer.Option(help="Designs to screen.", min=1)]
Seed = Annotated[int | None, typer.Option(help="Seed of the search.", min=0)]
Executor = Annotated[str, typer.Option(help="Where designs are priced: process, pool or ray.")]
Batch = Annotated[int, typer.Option(help="Sequences at once.")]
Context = Annotated[int, typer.Option(help="Tokens in the cache (decode) or in the prompt (prefill).")]
Model = Annotated[str, typer.Option(help="A bundled model, or a config.json, GGUF or safetensors file.")]


@app.command()
def design(
    study: Annotated[str, typer.Argument(help="A study's name, or a TOML file.")] = "edge-smollm2",
    out: Out = None, points: Points = None, seed: Seed = None, executor: Executor = "process",
    build: Annotated[bool, typer.Option(help="Build the chosen chip and run the model on it (minutes).")] = True,
    traffic: Annotated[
        str | None, typer.Option(help="Other traffic than the study's: a profile, or a trace such as a recorded one.")
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """The whole job: explore, choose, compare, explain, build, verify, report."""
    show.design(study, out, points, seed, executor, build, traffic, json)


@app.command()
def explore(
    study: Annotated[str, typer.Argument(help="A study's name, or a TOML file.")],
    points: Points = None, seed: Seed = None, executor: Executor = "process", out: Out = None, json: Json = False,
) -> None:  # fmt: skip
    """Screen and refine designs; give the Pareto front. Ctrl-C keeps what was found; the same command resumes."""
    show.explore(study, points, seed, executor, out, json)


@app.command(name="list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="studies, chips, models, formats, nodes, memories, links or traffic")
    ],
    json: Json = False,
) -> None:
    """What there is to choose from."""
    answers.listing(kind, json)


@app.command()
def read(
    model: Annotated[str, typer.Argument(help="A bundled model, or a config.json, GGUF or safetensors file.")],
    batch: Batch = 1, context: Context = 1024, json: Json = False,
) -> None:  # fmt: skip
    """What a model asks for: parameters, bytes, operations, cache, per phase."""
    answers.read(model, batch, context, json)


@app.command()
def estimate(
    chip: Annotated[str, typer.Option(help="A chip's name, a TOML file, or a study that has been designed.")],
    model: Model,
    phase: Annotated[str, typer.Option(help="prefill or decode")] = "decode",
    batch: Batch = 1, context: Context = 2048,
    weights: Annotated[str | None, typer.Option(help="Number format of the weights.")] = None,
    kv: Annotated[str | None, typer.Option(help="Number format of the cache.")] = None,
    tensor_parallel: Annotated[int, typer.Option(help="Chips side by side.")] = 1,
    json: Json = False,
) -> None:  # fmt: skip
    """Time and energy of one phase of a model on a chip."""
    answers.estimate(api.estimate(chip, model, phase, batch, context, weights, kv, tensor_parallel), json)


@app.command()
def cost(
    chip: Annotated[
        str, typer.Argument(help="A chip's name, a TOML file, or a study that has been designed.")
    ],
    volume: Annotated[float, typer.Option(help="Chips made.")] = 100_000,
    device: Annotated[bool, typer.Option(help="In a device instead of a data center.")] = False,
    json: Json = False,
) -> None:
    """Die, yield, package, memory, what is paid once, and owning it; with ranges."""
    answers.cost(api.cost(chip, volume, device), json)


@app.command()
def compare(
    chips: Annotated[
        list[str], typer.Argument(help="Chips' names, TOML files, or studies that have been designed.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A model; without one, the work of a study among the chips, or Llama-3.1-8B.")
    ] = None,
    trace: Annotated[str, typer.Option(help="A traffic profile or a trace file.")] = "chat",
    ttft: Annotated[float, typer.Option(help="Time to first token, seconds.")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Time per output token, seconds.")] = 0.05,
    batch: Annotated[int | None, typer.Option(help="Most requests served at once.")] = None,
    json: Json = False,
) -> None:
    """Chips side by side at the same work, each in its best configuration."""
    answers.compare(api.compare(list(chips), model, trace, ttft, tpot, batch=batch), json)


Generated = Annotated[
    str, typer.Argument(help="A chip's TOML file or a study; a study without a chip is explored first.")
]
Requantize = Annotated[
    bool,
    typer.Option("--requantize", help="Round weights that are quantized to another format already once more."),
]


@app.command()
def build(
    chip: Generated,
    out: Out = None,
    model: Annotated[
        str | None, typer.Option(help="Add memory map and program of this model; a study's chip has its own.")
    ] = None,
    context: Annotated[int | None, typer.Option(help="Tokens in the KV cache; the longest that fits.", min=1)] = None,
    requantize: Requantize = False,
    json: Json = False,
) -> None:
    """Verilog of a core with its register map, memory map, program listing and data sheet."""
    hardware.build(chip, model, context, out, requantize, json)


@app.command()
def verify(
    chip: Generated,
    model: Annotated[
        str | None,
        typer.Option(
            help="A model with known weights, a GGUF file, or a Hugging Face folder, which is quantized to the chip's "
            "format; by default the study's."
        ),
    ] = None,
    prompt: Annotated[str, typer.Option(help="What the model goes on with.")] = api.PROMPT,
    tokens: Annotated[int, typer.Option(help="Tokens to generate.")] = api.TOKENS,
    seed: Annotated[int, typer.Option(help="Seed of the waits of --stalls.")] = 0,
    stalls: Annotated[bool, typer.Option("--stalls", help="Let the memory wait at random.")] = False,
    requantize: Requantize = False,
    structural: Annotated[
        bool, typer.Option("--structural", help="Run the file that `build` writes as it is: slower, builds longer.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a real model on the generated RTL, every instruction beside the golden model, bit for bit."""
    hardware.verify(chip, model, prompt, tokens, seed, stalls, requantize, structural, json)


@app.command()
def synth(
    chip: Generated,
    liberty: Annotated[str | None, typer.Option(help="Cells to map on: a .lib or .lib.gz file.")] = None,
    json: Json = False,
) -> None:
    """Gate equivalents of a core by component, and their area; on a library's cells also clock, energy of a MAC and of
    a token."""
    hardware.synth(chip, liberty, json)


@app.command()
def quality(
    model: Annotated[str, typer.Option(help="A model with known weights, a GGUF file, or a Hugging Face folder.")],
    weights: Annotated[
        str,
        typer.Option(help="Format of the linear layers (-gptq: calibrated), or of classes: ffn_down=int8,int4-g32."),
    ] = "none",
    activations: Annotated[str, typer.Option(help="Format of the linear layers' inputs; chip: as ours.")] = "none",
    kv: Annotated[str, typer.Option(help="Format of the cache; chip: as ours.")] = "none",
    text: Annotated[str, typer.Option(help="The text that is scored: en, ko, or a file.")] = "en",
    tokens: Annotated[int, typer.Option(help="Tokens of it, in one window.")] = 1024,
    rotate: Annotated[bool, typer.Option("--rotate", help="Turn the residual stream before rounding.")] = False,
    smooth: Annotated[float | None, typer.Option(help="SmoothQuant with this alpha, such as 0.5.")] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Also each class of tensors by itself.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """What formats cost in accuracy on real weights: KL to the model's own logits, perplexity, tokens that agree."""
    accuracy.quality(
        json, model=model, weights=weights, activations=activations, kv=kv, text=text, tokens=tokens, rotate=rotate,
        smooth=smooth, per_class=per_class,
    )  # fmt: skip


@app.command()
def simulate(
    model: Model,
    trace: Annotated[str, typer.Option(help="A traffic profile or a trace file.")],
    chip: Annotated[
        str | None, typer.Option(help="A chip's name, a TOML file, or a study that has been designed.")
    ] = None,
    cluster: Annotated[Path | None, typer.Option(help="In place of a chip: pools of chips in a TOML file.")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests a second; the trace's own.")] = None,
    requests: Annotated[int | None, typer.Option(help="Of the trace, the first so many.", min=1)] = None,
    replicas: Annotated[int, typer.Option(help="Replicas of the model.", min=1)] = 1,
    routing: Annotated[str, typer.Option(help="round-robin, random, least-loaded or prefix.")] = "round-robin",
    weights: Annotated[str | None, typer.Option(help="Number format of the weights.")] = None,
    kv: Annotated[str | None, typer.Option(help="Number format of the cache.")] = None,
    tensor_parallel: Annotated[int | None, typer.Option(help="Chips side by side; the fewest that hold it.")] = None,
    stages: Annotated[int, typer.Option(help="Pipeline stages.")] = 1,
    max_seqs: Annotated[int, typer.Option(help="Requests in a step.")] = 256,
    batch_tokens: Annotated[int, typer.Option(help="Tokens in a step; longer prompts are cut in chunks.")] = 2048,
    policy: Annotated[str, typer.Option(help="Who goes first: fcfs, or priority, by the trace's.")] = "fcfs",
    ttft: Annotated[float, typer.Option(help="Time to first token, seconds.")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Time per output token, seconds.")] = 0.05,
    percentile: Annotated[float, typer.Option(help="Percent of requests that should keep both.")] = 95.0,
    seed: Annotated[int, typer.Option(help="Seed of what is left to chance: random routing, failures.", min=0)] = 0,
    out: Out = None,
    timeline: Annotated[float, typer.Option(help="Seconds that --out shows step by step.", min=0)] = 60.0,
    json: Json = False,
) -> None:
    """Chips in service: every request of a trace, batched, queued and answered step by step."""
    found = serving.simulated(
        chip, model, trace, rate_per_s=rate, requests=requests, replicas=replicas, routing=routing, cluster=cluster,
        how=How(weights, kv, tensor_parallel, stages, max_seqs, batch_tokens, policy=policy),  # type: ignore[arg-type]
        slo=Slo(ttft, tpot, percentile), seed=seed, out=out, timeline_s=timeline,
    )  # fmt: skip
    serving.show(found, json)


@app.command()
def serve(
    chip: Annotated[str, typer.Option(help="A generated chip: a study, or a TOML file.")],
    model: Annotated[str, typer.Option(help="A model with known weights, a GGUF file, or a Hugging Face folder.")],
    host: Annotated[str, typer.Option(help="Address to serve on; beyond this machine a key is needed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8000,
    record: Annotated[
        Path | None, typer.Option(help="Write the traffic (times, lengths, hashes; no text) to this file.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="API keys, one a line; SARTOR_API_KEY gives one too.")
    ] = None,
    streams: Annotated[int, typer.Option(help="Requests answered at once.", min=1, max=1024)] = 8,
    waiting: Annotated[int, typer.Option(help="Requests that may wait.", min=0, max=100_000)] = 64,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of an answer.", min=1)] = 4096,
    max_seconds: Annotated[float, typer.Option(help="Longest that a request may take.", min=0.1)] = 600.0,
    max_body: Annotated[int, typer.Option(help="Largest body in bytes.", min=1)] = 2**20,
    grace: Annotated[float, typer.Option(help="Seconds to finish in when told to end.", min=0)] = 30.0,
    context: Annotated[int | None, typer.Option(help="Tokens in the KV cache; the longest that fits.", min=1)] = None,
    requantize: Annotated[bool, typer.Option("--requantize", help="Round quantized weights once more.")] = False,
    log_text: Annotated[bool, typer.Option("--log-text", help="Write prompts to the log.")] = False,
) -> None:
    """A chip's model over HTTP, as OpenAI's API has it: tokens of its golden model, time and energy of the chip."""
    how = api.Serving(streams, waiting, max_tokens, max_seconds, max_body, api.keys_of(key_file), record, log_text)
    endpoint.serve(chip, model, how, host, port, grace, context, requantize)


@app.command()
def watch(
    url: Annotated[str, typer.Argument(help="A vLLM that serves, or `sartor serve`, such as http://127.0.0.1:8000.")],
    out: Annotated[Path, typer.Option(help="The file; it grows by a line each time.")],
    every: Annotated[float, typer.Option(help="Seconds between two looks; shorter bursts are not seen.")] = 15.0,
    seconds: Annotated[float | None, typer.Option(help="How long; until Ctrl-C where not given.")] = None,
    model: Annotated[str | None, typer.Option(help="Of a server that serves several, the one.")] = None,
    json: Json = False,
) -> None:
    """Record the traffic of a live server from its /metrics: counts and lengths, never text."""
    endpoint.watch(url, out, every, seconds, model, json)


@app.command()
def fleet(
    model: Model,
    chips: Annotated[
        list[str] | None, typer.Argument(help="Chips' names, TOML files, or studies that have been designed.")
    ] = None,
    trace: Annotated[str, typer.Option(help="A traffic profile or a trace file.")] = "chat",
    rate: Annotated[
        float | None, typer.Option(help="Requests a second at the busiest moment of the day; the trace's own.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="Chips that one could buy instead, may be given again; H100, H200, B200.")
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Formats that the model bears; may be given again.")
    ] = None,
    ttft: Annotated[float, typer.Option(help="Time to first token, seconds.")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Time per output token, seconds.")] = 0.05,
    percentile: Annotated[float, typer.Option(help="Percent of requests that should keep both.")] = 95.0,
    requests: Annotated[int, typer.Option(help="Of the peak, simulated.", min=100)] = 6000,
    json: Json = False,
) -> None:
    """How many chips a traffic needs, what a day of them costs beside the best GPUs, and what a failure costs."""
    slo = Slo(ttft, tpot, percentile)
    serving.fleet(
        chips or [], model, trace, rate, slo=slo, weights=weights, against=against, requests=requests, json=json
    )


@app.command()
def loadgen(
    chip: Annotated[str, typer.Option(help="A chip's name, a TOML file, or a study that has been designed.")],
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for the generator's logs.")],
    trace: Annotated[str, typer.Option(help="Traffic whose lengths are drawn: a profile or a trace file.")] = "chat",
    scenario: Annotated[str, typer.Option(help="server (Poisson) or offline (all at once).")] = "server",
    rate: Annotated[float | None, typer.Option(help="Requests a second; the traffic's own.")] = None,
    seconds: Annotated[float, typer.Option(help="How long at least, on the clock.")] = 60.0,
    replicas: Annotated[int, typer.Option(help="Replicas of the model.", min=1)] = 1,
    weights: Annotated[str | None, typer.Option(help="Number format of the weights.")] = None,
    kv: Annotated[str | None, typer.Option(help="Number format of the cache.")] = None,
    tensor_parallel: Annotated[int | None, typer.Option(help="Chips side by side; the fewest that hold it.")] = None,
    ttft: Annotated[float, typer.Option(help="Time to first token, seconds.")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Time per output token, seconds.")] = 0.05,
    percentile: Annotated[float, typer.Option(help="Percent of requests that should keep both.")] = 99.0,
    json: Json = False,
) -> None:
    """MLPerf's load generator drives the simulated system by the clock on the wall; its official log is kept."""
    serving.loadgen(
        chip, model, trace, out, scenario=scenario, rate_per_s=rate, seconds=seconds, replicas=replicas,
        how=How(weights, kv, tensor_parallel), slo=Slo(ttft, tpot, percentile), json=json,
    )  # fmt: skip


@app.command()
def validate(
    kind: Annotated[str, typer.Argument(help="What is checked: gpu or serving.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="Measurements, a file or folder (docs/validation.md); may be given again.")
    ] = None,
    layers: Annotated[Path | None, typer.Option(help="For serving: the folder of the layers' measured times.")] = None,
    json: Json = False,
) -> None:
    """How wrong the estimates are against measurements, and what they do not cover."""
    truth.validate(kind, data or [], layers, json)


@app.command()
def fit(
    kind: Annotated[str, typer.Argument(help="What is fitted: gpu.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="A file of measurements (docs/validation.md); may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A CSV file for the figures, in the form of gpu.csv.")] = None,
    json: Json = False,
) -> None:
    """Fit the figures of a GPU generation to measurements, and say how they do on models and shapes left out."""
    truth.fit(kind, data or [], out, json)


@app.command()
def measure(
    kind: Annotated[str, typer.Argument(help="What is measured: gpu.")] = "gpu",
    out: Annotated[
        Path | None, typer.Option(help="The file; the GPU's name by default. One that is there goes on.")
    ] = None,
    sections: Annotated[
        str | None, typer.Option(help="With commas, of: ceiling, gemm, attn, decode, prefill. All by default.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="With commas: bundled dense models.")] = None,
    weights: Annotated[str | None, typer.Option(help="With commas: bf16, fp8, int4. The first two by default.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds after which no point is begun.", min=0)] = None,
    json: Json = False,
) -> None:
    """Measure the GPU that is here. Ctrl-C keeps what was measured; the same command goes on."""
    truth.measure(kind, out, sections, models, weights, budget, json)


@app.command()
def doctor(json: Json = False) -> None:
    """Which tools are here, what each missing one would add, how to get it."""
    answers.doctor(api.doctor(), json)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """The console script: errors of ours become one line on stderr and an exit code."""
    try:
        app()
    except SartorError as error:
        typer.echo(f"sartor: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("sartor: stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nobody is left to tell
        sys.exit(0)
