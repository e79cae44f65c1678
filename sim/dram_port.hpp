// SPDX-License-Identifier: Apache-2.0
// What a replay asks of a DRAM, whichever model stands behind it.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/clock.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"
#include "sim/server.hpp"

namespace memwall {

/// A DRAM that takes whole accesses.
class DramPort : public Server {
public:
    /// An access comes at `now` and is reported under `tag` at the edge of `clock` at or after its
    /// last data. Several accesses may share a tag: it is then reported as often. Accesses of one
    /// `stream` are served in their order where they meet; those of several share.
    virtual void submit(std::int32_t tag, std::int32_t stream, const DramAccess& access,
                        const ClockDomain& clock, Picoseconds now) = 0;
    /// Appends the tags of accesses of which the last burst has entered the DRAM's queues since the
    /// last call: whoever sent it may send the next. Called after advance(), each access once and
    /// no later than it finishes.
    virtual void take_accepted(std::vector<std::int32_t>& accepted) = 0;
    /// Of the access of `tag` reported last: how long other accesses' bursts held it up.
    [[nodiscard]] virtual Picoseconds delay(std::int32_t tag) const = 0;
    /// Rows that were opened for accesses of `tag` reported since the last call; none where a model
    /// has no rows or does not tell.
    virtual std::int64_t take_activations(std::int32_t /*tag*/) { return 0; }
    /// Bursts on the channels since reset_busy(), of accesses reported since, by channel.
    [[nodiscard]] virtual const std::vector<std::int64_t>& bursts_by_channel() const = 0;
    virtual void reset_busy() = 0;
    /// What was done until `end`, when nothing is under way.
    [[nodiscard]] virtual DramOutcome outcome(Picoseconds end) const = 0;
};

}  // namespace memwall
