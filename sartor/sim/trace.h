// What the core wrote, instruction by instruction: a digest of each (families/tensor/digest.py), and all writes of one.
#pragma once
#include <cstring>
#include <vector>

#include "port.h"

namespace {

constexpr uint32_t OPCODES = 4096;
constexpr uint32_t OP_FENCE = 8;

enum Kind : uint64_t { SCRATCH = 1, BUFFER = 2, MEMORY = 3 };

struct Retired {
    uint64_t pc, cycle, digest;
};

struct Write {
    uint64_t kind, address, exponent;  // address: element, column << 32 | group, byte
    uint8_t data[32];
};

struct Trace {
    uint8_t opcode[OPCODES] = {};
    uint64_t digest = 0, stored = 0;
    std::vector<Retired> retired;
    int64_t wanted = -1;  // number of the instruction whose writes are kept
    std::vector<Write> writes, stores, kept;

    void start(int64_t keep) {
        retired.clear(), writes.clear(), stores.clear(), kept.clear();
        digest = stored = 0;
        wanted = keep;
    }

    bool keeping() const { return wanted == static_cast<int64_t>(retired.size()); }

    void scratch(const Vtop& top) {
        const uint32_t* data = reinterpret_cast<const uint32_t*>(&top.trace_scratch_data);
        uint64_t base = static_cast<uint64_t>(top.trace_scratch_address) * LANES;
        for (int i = 0; i < LANES; i++) {
            if (!bit(top.trace_scratch_mask, i)) continue;
            digest += mix(SCRATCH << 60 | (base + i) << 32 | data[i]);
            if (keeping()) {
                writes.push_back({SCRATCH, base + i, 0, {}});
                std::memcpy(writes.back().data, data + i, 4);
            }
        }
    }

    void buffer(const Vtop& top) {
        uint64_t codes[4];
        std::memcpy(codes, &top.trace_buffer_codes, sizeof codes);
        uint64_t column = top.trace_buffer_column, group = top.trace_buffer_group;
        uint64_t chain = mix(BUFFER << 60 | column << 40 | group << 8 | top.trace_buffer_exponent);
        for (uint64_t word : codes) chain = mix(chain + word);
        digest += chain;
        if (keeping()) {
            writes.push_back({BUFFER, column << 32 | group, top.trace_buffer_exponent, {}});
            std::memcpy(writes.back().data, codes, sizeof codes);
        }
    }

    // A word that goes to memory: its bytes belong to the FENCE that waits for them.
    void store(const Vtop& top) {
        const uint8_t* data = reinterpret_cast<const uint8_t*>(&top.request_data);
        for (int i = 0; i < PORT; i++) {
            if (!bit(top.request_mask, i)) continue;
            uint64_t address = static_cast<int64_t>(top.request_address) * PORT + i;
            stored += mix(MEMORY << 60 | address << 8 | data[i]);
            if (wanted >= 0) stores.push_back({MEMORY, address, 0, {data[i]}});
        }
    }

    void retire(uint64_t pc, uint64_t cycle) {
        bool fence = opcode[pc % OPCODES] == OP_FENCE;
        if (keeping()) {
            kept = writes;
            if (fence) kept.insert(kept.end(), stores.begin(), stores.end());
        }
        retired.push_back({pc, cycle, digest + (fence ? stored : 0)});
        digest = 0;
        writes.clear();
        if (fence) stored = 0, stores.clear();
    }
};

}  // namespace
