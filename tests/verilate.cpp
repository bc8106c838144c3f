// Any design, driven by vectors: a row of input ports a cycle in, a row of output ports a cycle out.
// ports.h, made by verilate.py, lists the ports: IN(name) and OUT(name).
#include <cstdint>
#include <cstring>
#include <memory>

#include "Vtop.h"
#include "verilated.h"

namespace {

// An in-stream: payloads offered in order, except in cycles whose gap is set; what was offered stays.
struct Feed {
    int64_t valid, payload, payload_bytes;  // where in the row of inputs
    int64_t ready;                          // where in the row of outputs
    const uint8_t* data;
    const uint8_t* gaps;
    int64_t count, next;
};

struct Simulation {
    VerilatedContext context;
    Vtop top{&context};
};

template <class T> void load(T& port, const uint8_t*& row) { std::memcpy(&port, row, sizeof port); row += sizeof port; }
template <class T> void save(const T& port, uint8_t*& row) { std::memcpy(row, &port, sizeof port); row += sizeof port; }

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API Simulation* vectors_new() { return new Simulation; }
API void vectors_free(Simulation* s) { delete s; }

API void vectors_reset(Simulation* s, int64_t cycles) {
    s->top.rst = 1;
    for (int64_t i = 0; i < 2 * cycles; i++) { s->top.clk = i & 1; s->top.eval(); }
    s->top.rst = 0;
}

// Runs until `cycles`, or until the byte `until` of the row of outputs is not zero; the cycles that were run.
API int64_t vectors_run(Simulation* s, int64_t cycles, uint8_t* in, int64_t in_bytes, uint8_t* out,
                        int64_t out_bytes, Feed* feeds, int64_t feed_count, int64_t until) {
    Vtop& top = s->top;
    for (int64_t cycle = 0; cycle < cycles; cycle++, in += in_bytes, out += out_bytes) {
        for (Feed* f = feeds; f != feeds + feed_count; f++) {
            bool held = f->next < 0;  // offered before, not taken
            int64_t at = held ? ~f->next : f->next;
            bool offer = at < f->count && (held || !f->gaps[cycle]);
            in[f->valid] = offer;
            if (offer) std::memcpy(in + f->payload, f->data + at * f->payload_bytes, f->payload_bytes);
            if (offer) f->next = ~at;
        }
        const uint8_t* from = in;
#define IN(name) load(top.name, from);
#define OUT(name)
#include "ports.h"
#undef IN
#undef OUT
        top.clk = 0;
        top.eval();
        uint8_t* to = out;
#define IN(name)
#define OUT(name) save(top.name, to);
#include "ports.h"
#undef IN
#undef OUT
        for (Feed* f = feeds; f != feeds + feed_count; f++)
            if (f->next < 0 && out[f->ready]) f->next = ~f->next + 1;
        top.clk = 1;
        top.eval();
        if (until >= 0 && out[until]) return cycle + 1;
    }
    return cycles;
}
