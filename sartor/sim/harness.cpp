// The core, the memory at its port (channel.h), what it writes (trace.h), and its host: one shared library, called from
// Python (native.py).
#include "channel.h"
#include "trace.h"

#define API extern "C" __attribute__((visibility("default")))

namespace {

constexpr uint32_t PROGRAM = 0x4000;
constexpr int64_t STARTING = 4;  // cycles until `busy` is to be believed

enum Status : int64_t { RUNNING = 0, DONE = 1, HANGS = 2, BAD_ADDRESS = 3 };

struct Simulation {
    VerilatedContext context;
    Vtop top{&context};
    Channel channel;
    Trace trace;
    int64_t now = 0, started = 0, moved = 0;

    explicit Simulation(const Config& config) : channel(config) {}

    bool step() {
        top.request_ready = channel.ready(now);
        if (channel.respond(top, now)) moved = now;
        clock(top, false);
        bool good = true;
        if (top.request_valid && top.request_ready) good = request(), moved = now;
        if (top.trace_scratch_valid) trace.scratch(top), moved = now;
        if (top.trace_buffer_valid) trace.buffer(top), moved = now;
        if (top.trace_retire) trace.retire(top.trace_pc, now - started), moved = now;
        clock(top, true);
        now++;
        return good;
    }

    bool request() {
        int source = top.request_write ? STORES : top.request_tag;
        bool good = channel.take(top, source, now);
        if (good && source == STORES) trace.store(top);
        return good;
    }

    void reset() {
        for (auto& queue : channel.responses) queue.clear();
        top.rst = 1;
        top.host_valid = top.response_valid = top.request_ready = 0;
        for (int i = 0; i < 4; i++) clock(top, i & 1);
        top.rst = 0;
    }

    void host(bool write, uint32_t address, uint32_t data) {
        top.host_valid = 1;
        top.host_write = write;
        top.host_address = address;
        top.host_write_data = data;
    }

    void start(uint32_t entry, int64_t keep) {
        trace.start(keep);
        channel.start();
        host(true, 0, entry);
        step();
        started = moved = now;
        host(false, 0, 0);
    }

    int64_t run(int64_t cycles) {
        for (int64_t end = now + cycles; now < end;) {
            if (!step()) return BAD_ADDRESS;
            if (!top.host_data && channel.statistics.cycles >= STARTING) return top.host_valid = 0, DONE;
            channel.statistics.cycles++;
            if (now - moved > channel.config.watchdog) return HANGS;
        }
        return RUNNING;
    }
};

}  // namespace

API int64_t sim_port_bytes() { return PORT; }

// The memory holds the file `path`, or zeros without one; a null pointer when the system refuses.
API Simulation* sim_new(const Config* config, const char* path) {
    auto* s = new Simulation(*config);
    if (!s->channel.map(path)) {
        delete s;
        return nullptr;
    }
    s->reset();
    return s;
}

API void sim_free(Simulation* s) { delete s; }
API uint8_t* sim_memory(Simulation* s) { return s->channel.memory; }
API void sim_reset(Simulation* s) { s->reset(); }

API void sim_host_write(Simulation* s, uint32_t address, uint32_t data) {
    if (address >= PROGRAM && address % 4 == 0) s->trace.opcode[(address - PROGRAM) / 4 % OPCODES] = data & 15;
    s->host(true, address, data);
    s->step();
    s->top.host_valid = 0;
}

API uint32_t sim_host_read(Simulation* s, uint32_t address) {
    s->host(false, address, 0);
    s->step();
    s->top.host_valid = 0;
    return s->top.host_data;
}

API void sim_start(Simulation* s, uint32_t entry, int64_t keep) { s->start(entry, keep); }
API int64_t sim_run(Simulation* s, int64_t cycles) { return s->run(cycles); }
API void sim_rewind(Simulation* s) { s->channel.rewind(); }
API void sim_statistics(Simulation* s, Statistics* out) { *out = s->channel.statistics; }
API uint64_t sim_unfenced(Simulation* s) { return s->trace.stored; }

API int64_t sim_bad_address(Simulation* s, int64_t* source) {
    return *source = s->channel.bad_source, s->channel.bad_address;
}

API int64_t sim_retired(Simulation* s, const Retired** first) {
    *first = s->trace.retired.data();
    return s->trace.retired.size();
}

API int64_t sim_writes(Simulation* s, const Write** first) {
    *first = s->trace.kept.data();
    return s->trace.kept.size();
}
