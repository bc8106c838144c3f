// The core, the memory at its port, and its host: one shared library, called from Python (native.py).
//
// Memory: one channel that takes requests in order. A word of P bytes takes P / (bytes a cycle); an access
// that does not continue the last one of its source (weights, cache, stores) takes `half` bytes' time more, so
// that chunks of c bytes get c / (c + half) of the rate, as tech/dram.py says. Every `refresh_interval` the
// channel rests.
// Time is counted in units of 1 / `units` cycle: nothing is rounded.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

#define API extern "C" __attribute__((visibility("default")))

namespace {

constexpr int64_t PORT = sizeof(Vtop::request_data);
constexpr int LANES = sizeof(Vtop::trace_scratch_data) / 4;
constexpr int SOURCES = 3;  // weights, cache, stores
constexpr int STORES = 2;
constexpr uint32_t PROGRAM = 0x4000;
constexpr uint32_t OPCODES = 4096;
constexpr uint32_t OP_FENCE = 8;
constexpr int64_t STARTING = 4;  // cycles until `busy` is to be believed

enum Status : int64_t { RUNNING = 0, DONE = 1, HANGS = 2, BAD_ADDRESS = 3 };
enum Kind : uint64_t { SCRATCH = 1, BUFFER = 2, MEMORY = 3 };

struct Config {  // as in native.py
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

struct Retired {
    uint64_t pc, cycle, digest;
};

struct Write {
    uint64_t kind, address, exponent;  // address: element, column << 32 | group, byte
    uint8_t data[32];
};

struct Undo {
    int64_t word;
    uint8_t data[PORT];
};

struct Response {
    int64_t due;
    uint8_t data[PORT];
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

struct Simulation {
    VerilatedContext context;
    Vtop top{&context};
    Config config;
    Statistics statistics{};
    uint8_t* memory = nullptr;
    int64_t now = 0, started = 0, moved = 0;
    // The channel.
    int64_t free_at = 0, refresh_at = 0, last_word[SOURCES] = {-2, -2, -2};
    std::deque<Response> responses[2];
    uint64_t random = 0;
    std::vector<Undo> undo;
    // What the core wrote.
    uint8_t opcode[OPCODES] = {};
    uint64_t digest = 0, stored = 0;
    std::vector<Retired> retired;
    int64_t wanted = -1;  // number of the instruction whose writes are kept
    std::vector<Write> writes, stores, kept;
    int64_t bad_address = 0, bad_source = 0;

    explicit Simulation(const Config& c) : config(c), refresh_at(c.refresh_interval) {}

    ~Simulation() {
        if (memory) munmap(memory, config.capacity);
    }

    bool chance(int64_t probability) {
        if (!probability) return false;
        return static_cast<int64_t>(mix(random++) & 0xFFFF) < probability;
    }

    bool ready() { return free_at < (now + 1) * config.units && !chance(config.stall_request); }

    // The channel's time for one word; the cycle in which its transfer has ended.
    int64_t transfer(int source, int64_t word) {
        int64_t start = std::max(now * config.units, free_at);
        while (config.refresh_cost && start >= refresh_at) {
            start = std::max(start, std::max(refresh_at, free_at) + config.refresh_cost);
            refresh_at += config.refresh_interval;
            statistics.refreshes++;
        }
        bool breaks = word != last_word[source] + 1;
        int64_t cost = config.word_cost + (breaks ? config.break_cost : 0);
        last_word[source] = word;
        statistics.words[source]++;
        statistics.breaks[source] += breaks;
        statistics.busy += config.word_cost;
        statistics.broken += cost - config.word_cost;
        free_at = start + cost;
        return (free_at + config.units - 1) / config.units;
    }

    bool request() {
        int source = top.request_write ? STORES : top.request_tag;
        int64_t word = top.request_address;
        if ((word + 1) * PORT > config.capacity) {
            bad_address = word, bad_source = source;
            return false;
        }
        int64_t ended = transfer(source, word);
        uint8_t* at = memory + word * PORT;
        if (source == STORES) {
            store(word, at);
        } else {
            responses[source].emplace_back();
            responses[source].back().due = ended + config.latency;
            std::memcpy(responses[source].back().data, at, PORT);
        }
        return true;
    }

    void store(int64_t word, uint8_t* at) {
        undo.emplace_back();
        undo.back().word = word;
        std::memcpy(undo.back().data, at, PORT);
        const uint8_t* data = reinterpret_cast<const uint8_t*>(&top.request_data);
        for (int i = 0; i < PORT; i++) {
            if (!bit(top.request_mask, i)) continue;
            at[i] = data[i];
            uint64_t address = word * PORT + i;
            stored += mix(MEMORY << 60 | address << 8 | data[i]);
            if (wanted >= 0) stores.push_back({MEMORY, address, 0, {data[i]}});
        }
    }

    // The response of this cycle: the older of the two heads; with stalls, either or none.
    void respond() {
        top.response_valid = 0;
        int tag = responses[0].empty() || (!responses[1].empty() && responses[1].front().due < responses[0].front().due);
        if (config.stall_response) tag ^= chance(32768);
        if (responses[tag].empty()) return;
        Response& head = responses[tag].front();
        if (head.due > now || chance(config.stall_response)) return;
        top.response_valid = 1;
        top.response_tag = tag;
        std::memcpy(&top.response_data, head.data, PORT);
        responses[tag].pop_front();
        moved = now;
    }

    void trace_scratch() {
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

    void trace_buffer() {
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

    bool keeping() const { return wanted == static_cast<int64_t>(retired.size()); }

    void retire() {
        uint64_t pc = top.trace_pc;
        bool fence = opcode[pc % OPCODES] == OP_FENCE;
        if (keeping()) {
            kept = writes;
            if (fence) kept.insert(kept.end(), stores.begin(), stores.end());
        }
        retired.push_back({pc, static_cast<uint64_t>(now - started), digest + (fence ? stored : 0)});
        digest = 0;
        writes.clear();
        if (fence) stored = 0, stores.clear();
    }

    bool step() {
        top.request_ready = ready();
        respond();
        clock(top, false);
        bool good = true;
        if (top.request_valid && top.request_ready) good = request(), moved = now;
        if (top.trace_scratch_valid) trace_scratch(), moved = now;
        if (top.trace_buffer_valid) trace_buffer(), moved = now;
        if (top.trace_retire) retire(), moved = now;
        clock(top, true);
        now++;
        return good;
    }

    void reset() {
        responses[0].clear(), responses[1].clear();
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

    // The memory's contents when the run began.
    void rewind() {
        for (; !undo.empty(); undo.pop_back()) std::memcpy(memory + undo.back().word * PORT, undo.back().data, PORT);
    }

    void start(uint32_t entry, int64_t keep) {
        undo.clear(), retired.clear(), writes.clear(), stores.clear(), kept.clear();
        digest = stored = 0;
        wanted = keep;
        statistics = {};
        random = mix(config.seed);
        host(true, 0, entry);
        step();
        started = moved = now;
        host(false, 0, 0);
    }

    int64_t run(int64_t cycles) {
        for (int64_t end = now + cycles; now < end;) {
            if (!step()) return BAD_ADDRESS;
            if (!top.host_data && statistics.cycles >= STARTING) return top.host_valid = 0, DONE;
            statistics.cycles++;
            if (now - moved > config.watchdog) return HANGS;
        }
        return RUNNING;
    }
};

}  // namespace

API int64_t sim_port_bytes() { return PORT; }

// The memory holds the file `path`, or zeros without one; a null pointer when the system refuses.
API Simulation* sim_new(const Config* config, const char* path) {
    auto* s = new Simulation(*config);
    int access = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_NORESERVE;
    void* all = mmap(nullptr, config->capacity, access, flags | MAP_ANONYMOUS, -1, 0);
    bool good = all != MAP_FAILED;
    if (good) s->memory = static_cast<uint8_t*>(all);
    if (good && path) {
        int file = open(path, O_RDONLY);
        struct stat status;
        good = file >= 0 && !fstat(file, &status) && status.st_size <= config->capacity &&
               (!status.st_size || mmap(all, status.st_size, access, flags | MAP_FIXED, file, 0) != MAP_FAILED);
        if (file >= 0) close(file);
    }
    if (!good) {
        delete s;
        return nullptr;
    }
    s->reset();
    return s;
}

API void sim_free(Simulation* s) { delete s; }
API uint8_t* sim_memory(Simulation* s) { return s->memory; }
API void sim_reset(Simulation* s) { s->reset(); }

API void sim_host_write(Simulation* s, uint32_t address, uint32_t data) {
    if (address >= PROGRAM && address % 4 == 0) s->opcode[(address - PROGRAM) / 4 % OPCODES] = data & 15;
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
API void sim_rewind(Simulation* s) { s->rewind(); }
API void sim_statistics(Simulation* s, Statistics* out) { *out = s->statistics; }
API int64_t sim_bad_address(Simulation* s, int64_t* source) { return *source = s->bad_source, s->bad_address; }
API uint64_t sim_unfenced(Simulation* s) { return s->stored; }

API int64_t sim_retired(Simulation* s, const Retired** first) {
    *first = s->retired.data();
    return s->retired.size();
}

API int64_t sim_writes(Simulation* s, const Write** first) {
    *first = s->kept.data();
    return s->kept.size();
}
