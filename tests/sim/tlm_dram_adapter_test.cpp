// SPDX-License-Identifier: Apache-2.0
// A foreign memory model behind the TLM-2.0 socket sees the burst stream that the built-in one
// serves.
#include "sim/modules/tlm_dram_adapter.hpp"

#include <tlm_utils/simple_target_socket.h>

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <sstream>

#include "sim/child_process.hpp"
#include "sim/dram_controller.hpp"
#include "sim/elaboration.hpp"
#include "sim/replay.hpp"
#include "tests/sim/dram_serve.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;

namespace {

/// Accepts a request every `accept`, answers `latency` after accepting; notes what it saw. With
/// `at_once` it answers in the call itself, with the delay annotated.
class RecordingMemory final : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(RecordingMemory);
    RecordingMemory(const sc_core::sc_module_name& name, std::int64_t accept, std::int64_t latency,
                    bool at_once)
        : sc_module(name),
          socket("socket"),
          accept_(static_cast<double>(accept), sc_core::SC_PS),
          latency_(static_cast<double>(latency), sc_core::SC_PS),
          at_once_(at_once) {
        socket.register_nb_transport_fw(this, &RecordingMemory::from_initiator);
        SC_METHOD(accept);
        sensitive << accept_event_;
        dont_initialize();
        SC_METHOD(answer);
        sensitive << answer_event_;
        dont_initialize();
    }

    tlm_utils::simple_target_socket<RecordingMemory> socket;
    std::string seen;

private:
    tlm::tlm_sync_enum from_initiator(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                      sc_core::sc_time& delay) {
        if (phase == tlm::END_RESP) {
            return tlm::TLM_COMPLETED;
        }
        CHECK(phase == tlm::BEGIN_REQ);
        CHECK(payload.get_data_length() == 64);
        std::ostringstream line;
        line << (payload.is_write() ? 'w' : 'r') << payload.get_address() << ' ';
        seen += line.str();
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        if (at_once_) {
            delay += latency_;
            return tlm::TLM_COMPLETED;
        }
        accepting_ = &payload;
        accept_event_.notify(accept_);
        return tlm::TLM_ACCEPTED;
    }
    void accept() {
        tlm::tlm_phase phase = tlm::END_REQ;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        answers_.push_back({accepting_, sc_core::sc_time_stamp() + latency_});
        if (answers_.size() == 1) {
            answer_event_.notify(latency_);
        }
        socket->nb_transport_bw(*accepting_, phase, delay);
    }
    void answer() {
        tlm::tlm_phase phase = tlm::BEGIN_RESP;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        tlm::tlm_generic_payload* payload = answers_.front().payload;
        answers_.pop_front();
        if (!answers_.empty()) {
            answer_event_.notify(answers_.front().at - sc_core::sc_time_stamp());
        }
        socket->nb_transport_bw(*payload, phase, delay);
    }

    struct Answer {
        tlm::tlm_generic_payload* payload;
        sc_core::sc_time at;
    };
    sc_core::sc_time accept_;
    sc_core::sc_time latency_;
    bool at_once_;
    tlm::tlm_generic_payload* accepting_ = nullptr;
    std::deque<Answer> answers_;
    sc_core::sc_event accept_event_;
    sc_core::sc_event answer_event_;
};

DramConfig memory() {
    DramConfig config = test::plain_dram();
    config.channels = 2;
    return config;
}

struct Seen {
    std::string bursts;
    std::int64_t end = 0;
    std::int64_t count = 0;
};

/// Replays two accesses one after another on a foreign memory, in a child of its own.
Seen replay_on(std::int64_t accept, std::int64_t latency, bool at_once, bool together = false) {
    test::MachineScript machine;
    machine.add("dram", ComponentKind::dram, memory());
    const ComponentId dma = machine.dma();
    const Machine built = machine.build();
    test::ProgramScript script;
    const UnitId unit = script.unit(dma, 2);
    const AgentId a = script.agent("a");
    const AgentId b = together ? script.agent("b") : a;
    AgentId mine = a;
    for (const DramAccess& access : {DramAccess{DramId(0), 100, Bytes(150), 1, 0, false},
                                     DramAccess{DramId(0), 4'096, Bytes(64), 3, 512, true}}) {
        Move move;
        move.dram = {access};
        if (together && mine == b) {  // comes while the first is being sent
            script.step(b, script.compute(unit, 1));
        }
        script.step(mine, script.body(unit, move));
        mine = b;
    }
    const Program program = script.build();
    const std::string text = run_in_child([&](const std::function<void(double)>&) {
        prepare_kernel();
        std::unique_ptr<RecordingMemory> foreign;
        Simulation simulation(
            "simulation", program, built, {}, [&](DramId, TlmDramAdapter& adapter) {
                foreign = std::make_unique<RecordingMemory>("foreign", accept, latency, at_once);
                adapter.socket.bind(foreign->socket);
            });
        const Outcome outcome = simulation.run();
        std::ostringstream out;
        out << outcome.end.count() << ' ' << outcome.drams[0].bursts << ' ' << foreign->seen;
        return out.str();
    });
    Seen seen;
    std::istringstream in(text);
    in >> seen.end >> seen.count;
    std::getline(in, seen.bursts);
    return seen;
}

// 150 B from 100 touch the bursts at 64, 128 and 192; then three strided writes.
const char* const kStream = " r64 r128 r192 w4096 w4608 w5120 ";

}  // namespace

TEST_CASE("a foreign memory sees the bursts of each access, one after another") {
    const Seen seen = replay_on(2'000, 30'000, false);
    CHECK(seen.bursts == kStream);
    CHECK(seen.count == 6);
    // Three requests at 0, 2 and 4 ns; accepted 2 ns and answered 32 ns after: 36,000 ps, the next
    // edge of 2,500 ps is 37,500. The same again from there: 73,500, on the edge 75,000.
    CHECK(seen.end == 75'000);
}

TEST_CASE("a foreign memory may answer at once with its delay annotated") {
    const Seen seen = replay_on(0, 30'000, true);
    CHECK(seen.bursts == kStream);
    // An annotated answer ends the request too: three of 30 ns one after another, twice.
    CHECK(seen.end == 180'000);
}

TEST_CASE("accesses that come meanwhile are sent after those before them") {
    const Seen seen = replay_on(0, 30'000, true, true);
    CHECK(seen.bursts == kStream);
    CHECK(seen.end == 180'000);
}

TEST_CASE("the built-in memory serves as many bursts as a foreign one sees") {
    DramController dram(memory());
    test::serve(dram, {{0, {DramId(0), 100, Bytes(150), 1, 0, false}, 0},
                       {0, {DramId(0), 4'096, Bytes(64), 3, 512, true}, 1}});
    CHECK(dram.outcome(Picoseconds(0)).bursts == 6);
}
