// SPDX-License-Identifier: Apache-2.0
// What steps added to the sums of an outcome since a moment, so that periods like that one are
// added by multiplying.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "arch/identifiers.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// Periods that follow one which was walked, each `time` and `rounds` later than the one before.
struct PeriodsLeftOut {
    std::int64_t periods = 0;
    Picoseconds time;
    std::int64_t rounds = 0;
};

/// The rounds whose steps a sum is over.
enum class SumOver : std::uint8_t { all_rounds, window, last_round };

class PeriodLog {
public:
    /// Of a run of so many rounds, whose window begins with round `warmup`.
    PeriodLog(std::int64_t rounds, std::int64_t warmup);

    /// Notes what is added from now on, and forgets what was before.
    void begin();
    void end();

    /// Adds to a sum, which must stay where it is, what a step of `round` adds to it.
    void add(std::int64_t& sum, std::int64_t amount, std::int64_t round, SumOver over) {
        add_to(counts_, sum, amount, round, over);
    }
    void add(Picoseconds& sum, Picoseconds amount, std::int64_t round, SumOver over) {
        add_to(times_, sum, amount, round, over);
    }
    [[nodiscard]] bool noting() const { return noting_; }

    /// Adds to all sums what the periods that are left out would have added.
    void leave_out(const PeriodsLeftOut& left_out) const;

private:
    template <class Amount>
    struct Added {
        Amount* sum;
        Amount amount;
        std::int64_t round;
        SumOver over;
    };

    [[nodiscard]] bool taken(std::int64_t round, SumOver over) const {
        return round >= first_[static_cast<std::size_t>(over)];
    }
    /// In how many of the periods a step of `round` is one that the sum is over.
    [[nodiscard]] std::int64_t times_taken(std::int64_t round, SumOver over,
                                           const PeriodsLeftOut& left_out) const;

    template <class Amount>
    void add_to(std::vector<Added<Amount>>& list, Amount& sum, Amount amount, std::int64_t round,
                SumOver over) {
        if (taken(round, over)) {
            if constexpr (std::is_same_v<Amount, std::int64_t>) {
                sum = checked_add(sum, amount);
            } else {
                sum += amount;
            }
        }
        if (noting_) {
            list.push_back({&sum, amount, round, over});
        }
    }

    std::array<std::int64_t, 3> first_;  ///< by SumOver: the first round that is taken
    bool noting_ = false;
    std::vector<Added<std::int64_t>> counts_;
    std::vector<Added<Picoseconds>> times_;
};

}  // namespace memwall
