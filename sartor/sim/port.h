// The core's port as Verilator declares it, its clocks, and what the parts of the harness share.
// Structures are those of native.py.
#pragma once
#include <cstdint>

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int64_t PORT = sizeof(Vtop::request_data);
constexpr int LANES = sizeof(Vtop::trace_scratch_data) / 4;
constexpr int SOURCES = 3;  // weights, cache, stores
constexpr int STORES = 2;

struct Config {
    int64_t units, word_cost, break_cost;  // of time a cycle; of a word; of an access elsewhere
    int64_t latency;                       // cycles from the end of a transfer
    int64_t refresh_interval, refresh_cost;
    int64_t capacity;                              // bytes
    int64_t watchdog;                              // cycles in which nothing moves
    int64_t stall_request, stall_response, seed;  // probabilities in 1 / 65,536
};

struct Statistics {
    int64_t cycles, words[SOURCES], breaks[SOURCES], refreshes, busy, broken;  // the last two in units of time
};

uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// The clock of the vector unit, of a core where it has its own: it comes with the other, but only where the unit moves.
template <class T> auto vector_clock(T& top, bool level, int) -> decltype(top.vector_clk, void()) {
    top.vector_clk = level && (top.vector_active || top.rst);
}
template <class T> void vector_clock(T&, bool, long) {}

template <class T> void clock(T& top, bool level) {
    top.clk = level;
    vector_clock(top, level, 0);
    top.eval();
}

template <class T> bool bit(const T& port, int i) { return reinterpret_cast<const uint8_t*>(&port)[i / 8] >> i % 8 & 1; }

}  // namespace
