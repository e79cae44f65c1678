// SPDX-License-Identifier: Apache-2.0
// The runs of what single cards do, of which those that are alike are run once.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "study/cards_run.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part with all its users, and alone with one group of them.
struct PartRun {
    RunResult busy;
    Seconds interval;  ///< between two groups of a busy card
    Seconds latency;
};

/// One card with the memory of all cards of a machine, and with their buffers where `card` says so.
Machine one_large_card(const Machine& machine, WholeCard card);

class PartRuns {
public:
    /// Machine and runner must outlive it.
    PartRuns(const Machine& machine, std::int64_t groups, const CardRunner& run);

    /// Whether weights and caches lie beside the cores.
    [[nodiscard]] bool all_in_cores() const { return all_in_cores_; }
    /// All layers on one card, with enough groups to keep it busy.
    [[nodiscard]] RunResult weighed(const Network& layers, WholeCard card) const;
    /// Of a part, or of one with its shape. Throws DoesNotFit where a card cannot hold it.
    const PartRun& of(const Network& part);
    /// The same where it was run before, else null.
    [[nodiscard]] const PartRun* known(const Network& part) const;
    /// With all users, whatever was run before.
    [[nodiscard]] RunResult busy(const Network& part) const;

private:
    [[nodiscard]] Seconds interval(const Network& part, const RunResult& busy) const;
    [[nodiscard]] RunResult alone(const Network& part) const;

    std::int64_t groups_;
    std::int64_t together_;
    bool all_in_cores_;
    const CardRunner& run_;
    std::map<std::string, PartRun> runs_;  ///< by shape
};

}  // namespace memwall
