// SPDX-License-Identifier: Apache-2.0
// The `queued` server: a DRAM's channels, each with its own queues and scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_channel.hpp"
#include "sim/dram_layout.hpp"
#include "sim/dram_port.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

/// Cuts accesses into bursts, spreads them over the channels and reports each when the last of its
/// channels has delivered.
///
/// Channels that were asked for the same all along are one group: they do the same at the same
/// time, and one of them is simulated for all. A group is split for good where an access asks some
/// of its channels for something else.
class DramController final : public DramPort {
public:
    /// `by_burst`: every burst is decided on its own, channel by channel; slow, the same result.
    explicit DramController(const DramConfig& config, bool by_burst = false);

    void submit(std::int32_t tag, std::int32_t stream, const DramAccess& access,
                const ClockDomain& clock, Picoseconds now) override;
    void settle(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_time() const override;
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;

    void take_accepted(std::vector<std::int32_t>& accepted) override;
    [[nodiscard]] Picoseconds delay(std::int32_t tag) const override;
    std::int64_t take_activations(std::int32_t tag) override;
    [[nodiscard]] const std::vector<std::int64_t>& bursts_by_channel() const override {
        return busy_;
    }
    void reset_busy() override;
    [[nodiscard]] DramOutcome outcome(Picoseconds end) const override;

private:
    /// Channels with one history. `channel` is what each of them is.
    struct Group {
        DramChannel channel;
        std::vector<std::int32_t> members;  ///< ascending
        bool touched = false;
    };
    /// What one group of channels has of a request; each of them as much.
    struct Part {
        std::int32_t group = 0;
        std::int32_t number = 0;        ///< the channel's
        Picoseconds accepted = kNever;  ///< kNever: not decided
        Picoseconds finish = kNever;    ///< kNever: not decided
    };
    struct Request {
        std::int32_t tag = 0;
        const ClockDomain* clock = nullptr;
        std::vector<Part> parts;
        std::size_t undecided = 0;
        std::size_t unaccepted = 0;
        bool accepted = false;  ///< and told
        bool changed = false;
    };
    /// A part of a request that lies on a group.
    struct Here {
        std::int32_t request = 0;
        std::int32_t part = 0;
    };

    /// Splits a group by what its channels are asked for now.
    void divide(std::int32_t group);
    /// A new group of some channels of another, which it leaves.
    void split_off(std::int32_t group, std::vector<std::int32_t> members);
    void touch(std::int32_t group);
    /// Takes over what a group has decided, or taken back.
    void take_over(std::int32_t group);
    void accept(std::int32_t slot);
    void finish(std::int32_t slot);
    /// Sets the times of a request of which something was decided or taken back.
    void schedule(std::int32_t slot);
    [[nodiscard]] Request& request(std::int32_t slot) {
        return requests_[static_cast<std::size_t>(slot)];
    }
    [[nodiscard]] Group& group(std::int32_t g) { return *groups_[static_cast<std::size_t>(g)]; }
    [[nodiscard]] std::vector<Here>& here(std::int32_t g) {
        return here_[static_cast<std::size_t>(g)];
    }
    [[nodiscard]] const std::vector<DramLayout::Run>& runs_of(std::int32_t channel) const {
        return runs_[static_cast<std::size_t>(channel)];
    }

    DramConfig config_;
    DramLayout layout_;
    std::vector<std::unique_ptr<Group>> groups_;
    std::vector<std::vector<Here>> here_;             ///< by group
    std::vector<std::vector<DramLayout::Run>> runs_;  ///< of one access, by channel
    std::vector<Request> requests_;
    std::vector<std::int32_t> free_slots_;
    TimerQueue due_;        ///< requests, by slot, that are decided
    TimerQueue accepting_;  ///< requests, by slot, whose last burst is known to enter the queues
    TimerQueue horizon_;    ///< groups that have more to decide
    std::vector<std::int32_t> touched_groups_;
    std::vector<std::int32_t> changed_requests_;
    std::vector<std::int32_t> accepted_;  ///< tags to be told
    std::vector<Picoseconds> delays_;     ///< by tag
    std::vector<std::int64_t> opened_;    ///< by tag: rows, since they were asked for
    std::vector<std::int64_t> busy_;      ///< by channel
};

}  // namespace memwall
