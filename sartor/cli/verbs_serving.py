"""Verbs of a chip in service, and of its traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import api
from ..serve.deploy import How
from ..workload.traffic import Slo
from . import endpoint, serving
from .options import Json, Model, Out, app


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
    streams: Annotated[
        int | None, typer.Option(help="Requests on the chip at once; 8, or what its memory holds.", min=1, max=1024)
    ] = None,
    waiting: Annotated[int, typer.Option(help="Requests that may wait.", min=0, max=100_000)] = 64,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of an answer.", min=1)] = 4096,
    max_seconds: Annotated[float, typer.Option(help="Longest that a request may take.", min=0.1)] = 600.0,
    max_body: Annotated[int, typer.Option(help="Largest body in bytes.", min=1)] = 2**20,
    grace: Annotated[float, typer.Option(help="Seconds to finish in when told to end.", min=0)] = 30.0,
    context: Annotated[int | None, typer.Option(help="Tokens in the KV cache; the longest that fits.", min=1)] = None,
    requantize: Annotated[bool, typer.Option("--requantize", help="Round quantized weights once more.")] = False,
    log_text: Annotated[bool, typer.Option("--log-text", help="Write prompts to the log.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log in JSON, and a line for each request.")] = False,
    rtl: Annotated[bool, typer.Option("--rtl", help="On the RTL in its simulator, which is slow.")] = False,
) -> None:
    """A chip's model over HTTP, as OpenAI's API has it: tokens of its golden model, time and energy of the chip."""
    how = api.Serving(
        streams, waiting, max_tokens, max_seconds, max_body, api.keys_of(key_file), record, log_text, rtl, log_json
    )
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
