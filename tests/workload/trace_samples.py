"""The same three requests in every trace format that is read."""

import json

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.6805900,396,109
2023-11-16 18:16:46.6805900,879,55
"""
AZURE_2024 = """TIMESTAMP,ContextTokens,GeneratedTokens
2024-05-10 00:00:00.500000+00:00,374,44
2024-05-10 01:00:04.5+01:00,396,109
2024-05-10 00:01:00.5Z,879,55
"""
BURST = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,374,44,418,Conversation log
9,GPT-4,396,109,505,API log
65,GPT-4,879,55,934,API log
"""
BURST_3 = """Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
5,a,0.1,ChatGPT,374,44,418,Conversation log
9,b,0.2,GPT-4,396,109,505,API log
65,c,0.3,GPT-4,879,55,934,API log
"""
VIDUR = """arrived_at,num_prefill_tokens,num_decode_tokens
0.5,374,44
4.5,396,109
60.5,879,55
"""
MOONCAKE = """{"timestamp": 0, "input_length": 374, "output_length": 44, "hash_ids": [0]}
{"timestamp": 4000, "input_length": 396, "output_length": 109, "hash_ids": [1]}
{"timestamp": 60000, "input_length": 879, "output_length": 55, "hash_ids": [1, 2]}
"""
LOG = """{"request_id": "a", "input_toks": 374, "output_toks": 44, "arrival_time": 1787267980.5}
{"request_id": "b", "input_toks": 396, "output_toks": 109, "arrival_time": 1787267984.5}
{"request_id": "c", "input_toks": 879, "output_toks": 55, "arrival_time": 1787268040.5}
"""
VLLM = json.dumps({"duration": 70.0, "input_lens": [374, 396, 879], "output_lens": [44, 109, 55],
                   "start_times": [7.0, 11.0, 67.0], "request_rate": "inf"})  # fmt: skip
ALL = {"azure": AZURE, "azure24": AZURE_2024, "burst": BURST, "burst3": BURST_3, "vidur": VIDUR,
       "mooncake": MOONCAKE, "log": LOG, "vllm": VLLM}  # fmt: skip
