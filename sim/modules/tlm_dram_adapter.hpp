// SPDX-License-Identifier: Apache-2.0
// Shows a replay's DRAM accesses to a memory model of one's own: bursts over a TLM-2.0 socket in
// the approximately-timed protocol.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_port.hpp"
#include "sim/modules/replay_module.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

/// Cuts each access into bursts, in the order of its addresses, and sends them one after another:
/// the next BEGIN_REQ follows the END_REQ (or an early response) of the one before. An access ends
/// when all its bursts have had their response. How many may be under way is the target's to say,
/// by holding END_REQ back. Payloads carry an address, a length and a command, and a buffer whose
/// bytes mean nothing.
class TlmDramAdapter final : public sc_core::sc_module, public DramPort {
public:
    SC_HAS_PROCESS(TlmDramAdapter);
    TlmDramAdapter(const sc_core::sc_module_name& name, const DramConfig& config,
                   ReplayModule& replay);
    ~TlmDramAdapter() override;
    TlmDramAdapter(const TlmDramAdapter&) = delete;
    TlmDramAdapter& operator=(const TlmDramAdapter&) = delete;

    tlm_utils::simple_initiator_socket<TlmDramAdapter> socket;

    void submit(std::int32_t tag, std::int32_t stream, const DramAccess& access,
                const ClockDomain& clock, Picoseconds now) override;
    [[nodiscard]] Picoseconds next_time() const override { return due_.next(); }
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;
    /// Its queues are not known: an access is accepted when it finishes.
    void take_accepted(std::vector<std::int32_t>& accepted) override;
    /// Not known of a foreign model: zero.
    [[nodiscard]] Picoseconds delay(std::int32_t /*tag*/) const override { return {}; }
    [[nodiscard]] const std::vector<std::int64_t>& bursts_by_channel() const override {
        return busy_;
    }
    void reset_busy() override;
    /// Bursts only: rows and refreshes are the foreign model's own.
    [[nodiscard]] DramOutcome outcome(Picoseconds end) const override;

private:
    struct Request {
        std::int32_t tag = 0;
        const ClockDomain* clock = nullptr;
        DramAccess access;
        std::int64_t piece = 0;    ///< being sent
        std::int64_t address = 0;  ///< of the next burst
        std::int64_t piece_end = 0;
        std::int64_t under_way = 0;
        Picoseconds last;
        bool sent = false;
    };
    class Pool;

    void issue();
    void send(std::int32_t slot);
    bool next_piece(Request& request) const;
    tlm::tlm_sync_enum from_target(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                   sc_core::sc_time& delay);
    void request_over(const sc_core::sc_time& delay);
    void response(tlm::tlm_generic_payload& payload, const sc_core::sc_time& delay);
    void finish_if_complete(std::int32_t slot);

    const DramConfig config_;
    ReplayModule& replay_;
    std::unique_ptr<Pool> pool_;
    std::deque<Request> requests_;
    std::vector<std::int32_t> free_slots_;
    std::deque<std::int32_t> to_send_;
    TimerQueue due_;
    sc_core::sc_event may_issue_;
    Picoseconds free_at_;                         ///< the next request may begin
    tlm::tlm_generic_payload* asking_ = nullptr;  ///< between its BEGIN_REQ and its END_REQ
    std::vector<std::int32_t> accepted_;          ///< tags to be told
    std::vector<std::int64_t> busy_;
    std::int64_t bursts_ = 0;
};

}  // namespace memwall
