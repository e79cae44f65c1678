// SPDX-License-Identifier: Apache-2.0
// What steps added to the sums of an outcome since a moment, so that periods like that one are
// added by multiplying.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
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

    /// A place in what was noted: a period may be the part behind it.
    struct Mark {
        std::size_t counts = 0;
        std::size_t times = 0;
    };
    /// The place after all that was noted so far.
    Mark mark();

    /// Adds to all sums what the periods that are left out would have added: each what was noted
    /// behind `from`.
    void leave_out(const PeriodsLeftOut& left_out, const Mark& from) const;

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
    /// Where each of some sums was added to last, so that a sum is noted mostly once a mark.
    using Recent = std::vector<std::uint32_t>;
    static constexpr std::size_t kRecent = 4'096;

    /// In how many of the periods a step of `round` is one that the sum is over.
    [[nodiscard]] std::int64_t times_taken(std::int64_t round, SumOver over,
                                           const PeriodsLeftOut& left_out) const;

    template <class Amount>
    struct List {
        std::vector<Added<Amount>> added;
        std::size_t marked = 0;
        Recent recent = Recent(kRecent);
    };

    static void add_amount(std::int64_t& sum, std::int64_t amount) {
        sum = checked_add(sum, amount);
    }
    static void add_amount(Picoseconds& sum, Picoseconds amount) { sum += amount; }

    template <class Amount>
    void add_to(List<Amount>& list, Amount& sum, Amount amount, std::int64_t round, SumOver over) {
        if (taken(round, over)) {
            add_amount(sum, amount);
        }
        if (noting_) {
            note(list, {&sum, amount, round, over});
        }
    }

    template <class Amount>
    static void note(List<Amount>& list, const Added<Amount>& added) {
        std::uint32_t& last =
            list.recent[std::hash<Amount*>()(added.sum) / sizeof(Amount) % kRecent];
        if (last >= list.marked && last < list.added.size()) {
            Added<Amount>& before = list.added[last];
            if (before.sum == added.sum && before.round == added.round &&
                before.over == added.over) {
                add_amount(before.amount, added.amount);
                return;
            }
        }
        last = static_cast<std::uint32_t>(list.added.size());
        list.added.push_back(added);
    }

    std::array<std::int64_t, 3> first_;  ///< by SumOver: the first round that is taken
    bool noting_ = false;
    List<std::int64_t> counts_;
    List<Picoseconds> times_;
};

}  // namespace memwall
