// SPDX-License-Identifier: Apache-2.0
#include "arch/period_log.hpp"

#include <algorithm>

namespace memwall {

PeriodLog::PeriodLog(std::int64_t rounds, std::int64_t warmup) : first_{0, warmup, rounds - 1} {}

void PeriodLog::begin() {
    end();
    noting_ = true;
}

void PeriodLog::end() {
    noting_ = false;
    counts_.added.clear();
    times_.added.clear();
    mark();
}

PeriodLog::Mark PeriodLog::mark() {
    counts_.marked = counts_.added.size();
    times_.marked = times_.added.size();
    return {counts_.marked, times_.marked};
}

std::int64_t PeriodLog::times_taken(std::int64_t round, SumOver over,
                                    const PeriodsLeftOut& left_out) const {
    const std::int64_t short_of = first_[static_cast<std::size_t>(over)] - round;
    if (left_out.rounds == 0 || short_of <= 0) {
        return short_of <= 0 ? left_out.periods : 0;
    }
    const std::int64_t before = ceil_divide(short_of, left_out.rounds) - 1;  // periods too early
    return std::max<std::int64_t>(0, left_out.periods - before);
}

void PeriodLog::leave_out(const PeriodsLeftOut& left_out, const Mark& from) const {
    const auto add_all = [&](const auto& list, std::size_t begin, const auto& add) {
        for (std::size_t a = begin; a < list.added.size(); ++a) {
            const auto& added = list.added[a];
            const std::int64_t times = times_taken(added.round, added.over, left_out);
            if (times > 0) {
                add(*added.sum, added.amount, times);
            }
        }
    };
    add_all(counts_, from.counts, [](std::int64_t& sum, std::int64_t amount, std::int64_t times) {
        sum = checked_add(sum, checked_multiply(amount, times));
    });
    add_all(times_, from.times, [](Picoseconds& sum, Picoseconds amount, std::int64_t times) {
        sum += amount * times;
    });
}

}  // namespace memwall
