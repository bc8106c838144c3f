// The memory at the core's port: one channel that takes requests in order. A word of P bytes takes P / (bytes a cycle);
// an access that does not continue the last one of its source (weights, cache, stores) takes `half` bytes' time more,
// so that chunks of c bytes get c / (c + half) of the rate, as tech/dram.py says. Every `refresh_interval` the channel
// rests.
// Time is counted in units of 1 / `units` cycle: nothing is rounded.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "port.h"

namespace {

struct Undo {
    int64_t word;
    uint8_t data[PORT];
};

struct Response {
    int64_t due;
    uint8_t data[PORT];
};

struct Channel {
    Config config;
    Statistics statistics{};
    uint8_t* memory = nullptr;
    int64_t free_at = 0, refresh_at = 0, last_word[SOURCES] = {-2, -2, -2};
    std::deque<Response> responses[2];
    uint64_t random = 0;
    std::vector<Undo> undo;
    int64_t bad_address = 0, bad_source = 0;

    explicit Channel(const Config& c) : config(c), refresh_at(c.refresh_interval) {}

    ~Channel() {
        if (memory) munmap(memory, config.capacity);
    }

    // The memory holds the file `path`, or zeros without one; false when the system refuses.
    bool map(const char* path) {
        int access = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_NORESERVE;
        void* all = mmap(nullptr, config.capacity, access, flags | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED) return false;
        memory = static_cast<uint8_t*>(all);
        if (!path) return true;
        int file = open(path, O_RDONLY);
        struct stat status;
        bool good = file >= 0 && !fstat(file, &status) && status.st_size <= config.capacity &&
                    (!status.st_size || mmap(all, status.st_size, access, flags | MAP_FIXED, file, 0) != MAP_FAILED);
        if (file >= 0) close(file);
        return good;
    }

    void start() {
        undo.clear();
        statistics = {};
        random = mix(config.seed);
    }

    bool chance(int64_t probability) {
        if (!probability) return false;
        return static_cast<int64_t>(mix(random++) & 0xFFFF) < probability;
    }

    bool ready(int64_t now) { return free_at < (now + 1) * config.units && !chance(config.stall_request); }

    // A request for a word in cycle `now`, from one of the sources; false where the memory ends before it.
    bool take(const Vtop& top, int source, int64_t now) {
        int64_t word = top.request_address;
        if ((word + 1) * PORT > config.capacity) {
            bad_address = word, bad_source = source;
            return false;
        }
        int64_t ended = transfer(source, word, now);
        if (source == STORES) {
            store(top, word);
        } else {
            responses[source].emplace_back();
            responses[source].back().due = ended + config.latency;
            std::memcpy(responses[source].back().data, memory + word * PORT, PORT);
        }
        return true;
    }

    // The channel's time for one word; the cycle in which its transfer has ended.
    int64_t transfer(int source, int64_t word, int64_t now) {
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

    void store(const Vtop& top, int64_t word) {
        uint8_t* at = memory + word * PORT;
        undo.emplace_back();
        undo.back().word = word;
        std::memcpy(undo.back().data, at, PORT);
        const uint8_t* data = reinterpret_cast<const uint8_t*>(&top.request_data);
        for (int i = 0; i < PORT; i++)
            if (bit(top.request_mask, i)) at[i] = data[i];
    }

    // The response of this cycle, if there is one: the older of the two heads; with stalls, either or none.
    bool respond(Vtop& top, int64_t now) {
        top.response_valid = 0;
        int tag = responses[0].empty() || (!responses[1].empty() && responses[1].front().due < responses[0].front().due);
        if (config.stall_response) tag ^= chance(32768);
        if (responses[tag].empty()) return false;
        Response& head = responses[tag].front();
        if (head.due > now || chance(config.stall_response)) return false;
        top.response_valid = 1;
        top.response_tag = tag;
        std::memcpy(&top.response_data, head.data, PORT);
        responses[tag].pop_front();
        return true;
    }

    // The memory's contents when the run began.
    void rewind() {
        for (; !undo.empty(); undo.pop_back()) std::memcpy(memory + undo.back().word * PORT, undo.back().data, PORT);
    }
};

}  // namespace
