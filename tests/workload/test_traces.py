"""Each trace format by hand, and what a reader is told about a broken file."""

import json

import numpy as np
import pytest
from trace_samples import ALL, AZURE, BURST, MOONCAKE, VIDUR, VLLM

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.workload.traces import read_trace, write_mooncake
from sartor.workload.traces.vllm import poisson_like
from sartor.workload.traffic import Traffic


@pytest.fixture
def read(tmp_path):
    """Writes its text to a file and reads it as a trace."""

    def write_and_read(text, name="trace"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_trace(path)

    return write_and_read


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_each_format_gives_the_same_three_requests(read, text):
    traffic = read(text)
    assert traffic.arrival_s == pytest.approx([0, 4, 60])
    assert traffic.prompt_tokens.tolist() == [374, 396, 879]
    assert traffic.output_tokens.tolist() == [44, 109, 55]


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_endings_blank_lines_and_byte_order_marks_do_not_matter(read, text):
    changed = b"\xef\xbb\xbf" + b"\r\n" + text.rstrip("\n").replace("\n", "\r\n\r\n").encode()
    assert read(changed).prompt_tokens.tolist() == [374, 396, 879]


def test_prefix_hit_counts_leading_blocks_only(read):
    # Of the 7 blocks only the second prompt's first hits. Block 4 was never seen, so 1 2 after it do not.
    line = '{{"timestamp": 0, "input_length": 1024, "output_length": 1, "hash_ids": {}}}\n'
    text = "".join(line.format(h) for h in ([1, 2], [1, 3], [4, 1, 2]))
    assert read(text).prefix_hit == pytest.approx(1 / 7)


def test_times_are_sorted_and_equal_times_keep_their_order(read):
    rows = ["3,30,1", "1,10,1", "3,31,1", "1,11,1"]
    traffic = read("arrived_at,num_prefill_tokens,num_decode_tokens\n" + "\n".join(rows))
    assert traffic.prompt_tokens.tolist() == [10, 11, 30, 31]
    assert traffic.arrival_s.tolist() == [0, 0, 2, 2]


def test_many_requests_at_once_keep_their_order(read):
    # More than NumPy sorts by insertion, which would be stable by chance.
    rows = [f"{i % 2},{i + 1},1" for i in range(1000)]
    traffic = read("arrived_at,num_prefill_tokens,num_decode_tokens\n" + "\n".join(rows))
    assert traffic.prompt_tokens.tolist() == [*range(1, 1001, 2), *range(2, 1001, 2)]


@pytest.mark.parametrize("text", [AZURE, BURST, VIDUR])
def test_quoted_cells_are_read(read, text):
    quoted = "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())
    assert read(quoted).prompt_tokens.tolist() == [374, 396, 879]


def test_requests_without_output_are_dropped_and_counted(read):
    # A failed request has no prompt either: it is dropped before its prompt is looked at.
    traffic = read(BURST + "70,GPT-4,0,0,0,API log\n71,GPT-4,5,0,5,API log\n")
    assert len(traffic) == 3
    assert "dropped 2 requests without output" in traffic.source


def test_vllm_takes_the_wait_in_the_clients_queue_off(read):
    result = json.loads(VLLM) | {"request_rate": 1.0, "queue_times": [0.0, 1.0, 2.0]}
    assert read(json.dumps(result)).arrival_s == pytest.approx([0, 3, 58])


def test_vllm_sent_at_once_counts_when_requests_were_sent(read):
    result = json.loads(VLLM) | {"request_rate": "inf", "queue_times": [0.0, 4.0, 60.0]}
    assert read(json.dumps(result)).arrival_s == pytest.approx([0, 4, 60])


def test_an_older_vllm_file_is_poisson_at_its_rate(read):
    n = 2000
    result = {"duration": 1.0, "input_lens": [9] * n, "output_lens": [8] * n, "request_rate": 4.0}
    traffic = read(json.dumps(result, indent=1))
    assert traffic.demand().rate_per_s == pytest.approx(4.0, rel=0.01)
    assert traffic.demand().arrival_scv == pytest.approx(1.0, rel=0.03)
    assert "arrivals not recorded" in traffic.source


def test_poisson_without_chance_is_poisson_in_every_part():
    gaps = np.diff(poisson_like(10_000, 1.0))
    for part in np.split(gaps[:9000], 9):
        assert part.mean() == pytest.approx(1, rel=0.05)
        assert part.std() == pytest.approx(1, rel=0.1)


VIDUR_HEADER = VIDUR.splitlines()[0]
LATE = "\n".join([VIDUR_HEADER, *(f"{i},5,5" for i in range(70_000))])
BROKEN = {
    "empty": ("", "t: is empty (try one of: Azure"),
    "blank": ("\n \n", "t: is empty"),
    "header only": (VIDUR_HEADER, "t: it holds no request"),
    "unknown": ("a,b\n1,2\n", "t line 1: 'a,b' starts no known trace (try one of: Azure"),
    "prose": ("Dear reader,\n", "starts no known trace"),
    "gzip": (b"\x1f\x8b\x08\0abc", "t: is gzip, not text (try to unpack"),
    "utf-16": (AZURE.encode("utf-16"), "t: is UTF-16, not text (try to unpack or save it as UTF-8"),
    "binary": (b"abc\0\1\2", "t: is binary, not text"),
    "latin-1": (AZURE.replace("396", "39é").encode("latin-1"), "line 3: ContextTokens = '39\\udce9' is"),
    "column": (
        AZURE.replace("ContextTokens", "ContextToken"),
        "t line 1: no 'ContextTokens', which Azure LLM inference CSV needs: is 'ContextToken' meant?",
    ),
    "images": (AZURE.replace("TIMESTAMP", "TIMESTAMP,NumImages"), "line 1: column 'NumImages' is not"),
    "time": (
        AZURE.replace("2023-11-16 18:15:50", "yesterday"),
        "t line 3: TIMESTAMP = 'yesterday.6805900' is not a date and time such as 2023-11-16 18:15:46.68",
    ),
    "nan time": (VIDUR.replace("4.5", "nan"), "t line 3: arrived_at = 'nan' is not a time in seconds"),
    "infinite time": (VIDUR.replace("4.5", "inf"), "t line 3: arrived_at = 'inf' is not a time"),
    "cut": (AZURE[:-8], "t line 4: '2023-11-16 18:16:46.6805900' has 1 cells, not 3 (TIMESTAMP,Context"),
    "word": (VIDUR.replace("396", "many"), "t line 3: num_prefill_tokens = 'many' is not a whole number of"),
    "zero prompt": (VIDUR.replace("396", "0"), "= '0' is not a whole number of tokens from 1"),
    "after a drop": (VIDUR.replace("44", "0").replace("396", "x"), "t line 3: num_prefill_tokens = 'x'"),
    "negative": (VIDUR.replace("109", "-1"), "num_decode_tokens = '-1' is not a whole number of tokens"),
    "fraction": (VIDUR.replace("396", "1.5"), "num_prefill_tokens = '1.5' is not a whole number"),
    "huge": (VIDUR.replace("396", "1e30"), "= '1e30' is not a whole number of tokens from 1 to 1e+08"),
    "late": (LATE.replace("\n60000,5,5", "\n60000,x,5"), "t line 60002: num_prefill_tokens = 'x'"),
    "all failed": (f"{VIDUR_HEADER}\n1,5,0\n", "t: all 1 requests have no output tokens"),
    "key": (
        MOONCAKE.replace('4000, "input_length"', '4000, "input_len"'),
        "t line 2: no 'input_length', which Mooncake JSONL needs: is 'input_len' meant? (found: timestamp,",
    ),
    "json": (MOONCAKE + '{"timestamp": 3,', "t line 4: '{\"timestamp\": 3,' is not whole JSON"),
    "no object": (MOONCAKE + "[1]", "t line 4: '[1]' is not an object with timestamp, input_length"),
    "text for a number": (MOONCAKE.replace("396", '"396"'), "line 2: input_length = '396' is not a whole"),
    "true": (MOONCAKE.replace("396", "true"), "t line 2: input_length = True is not a whole number"),
    "null": (MOONCAKE.replace("109", "null"), "t line 2: output_length = None is not a whole number"),
    "hashes": (MOONCAKE.replace("[1]", "7"), "t line 2: hash_ids = 7 is not a list of numbers"),
    "hash": (MOONCAKE.replace("[1]", "[[]]"), "t line 2: hash_ids = [[]] is not a list"),
    "other json": ('{"a": 1}', "t line 1: is JSON, but no known trace (try one of: Azure"),
    "json list": ("[1, 2]", "t line 1: is JSON, but no known trace"),
    "deep": ("[" * 200_000, "t line 1: '[[[["),
    "vllm summary": ('{"duration": 1}', "without 'input_lens' (try the benchmark again with --save-detailed"),
    "vllm lengths": (VLLM.replace("[44, 109, 55]", "[44]"), "t: output_lens has 1 entries, but input_lens"),
    "vllm times": (VLLM.replace("[7.0, 11.0", "[NaN, 11.0"), "t, request 0: start_times = nan is not a time"),
    "vllm list": (VLLM.replace("[44, 109, 55]", "44"), "t: output_lens = 44 is not a list"),
    "vllm rate": (VLLM.replace("start_times", "starts"), "t: vLLM benchmark JSON without start_times,"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_says_where_what_and_what_is_expected(read, text, message):
    with pytest.raises(InputError) as caught:
        read(text, "t")
    assert message in str(caught.value)
    assert isinstance(caught.value, (BrokenFile, Unsupported)) or "without" in message
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("path", ["no/such/file.csv", ".", "a\0b.csv", "x" * 5000 + ".csv"])
def test_a_path_that_cannot_be_read_is_an_input_error(path):
    with pytest.raises(InputError, match="cannot be read"):
        read_trace(path)


def test_written_traffic_reads_back(tmp_path):
    times = np.array([0, 0.5, 0.5, 3661.000001])
    traffic = Traffic("t", times, np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1]))
    write_mooncake(traffic, tmp_path / "t.jsonl")
    again = read_trace(tmp_path / "t.jsonl")
    assert again.arrival_s == pytest.approx(times, abs=1e-9)
    assert again.prompt_tokens.tolist() == [1, 2, 3, 4]
    assert again.output_tokens.tolist() == [4, 3, 2, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["t.jsonl"]


def test_what_was_decoded_together_is_read_where_every_request_has_it(tmp_path):
    lines = ['{"timestamp": 0, "input_length": 5, "output_length": 4, "batch": 2}',
             '{"timestamp": 9, "input_length": 5, "output_length": 0}',
             '{"timestamp": 5, "input_length": 5, "output_length": 3, "batch": 1.5}']  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    found = read_trace(path)
    assert found.batch.tolist() == [2, 1.5] and found.recorded_batch == 7 / 4  # 4 / 2 + 3 / 1.5 passes
    write_mooncake(found, tmp_path / "b.jsonl")
    assert read_trace(tmp_path / "b.jsonl").batch.tolist() == [2, 1.5]
    path.write_text("\n".join([*lines, '{"timestamp": 7, "input_length": 5, "output_length": 3}']))
    assert read_trace(path).batch is None and read_trace(path).recorded_batch is None
    for wrong in ("0.5", "null", "NaN", '"2"'):
        path.write_text(lines[0].replace('"batch": 2', f'"batch": {wrong}'))
        with pytest.raises(BrokenFile, match=r"line 1: batch = .* is not a number of sequences of at least 1"):
            read_trace(path)


def test_a_write_that_fails_leaves_nothing(tmp_path):
    traffic = Traffic("t", np.zeros(1), np.ones(1, int), np.ones(1, int))
    with pytest.raises(InputError, match="cannot be written"):
        write_mooncake(traffic, tmp_path / "none" / "t.jsonl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_mooncake(traffic, tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
