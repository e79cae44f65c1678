// SPDX-License-Identifier: Apache-2.0
#include "study/card_fit.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bisect.hpp"
#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/card_divider.hpp"
#include "study/card_sections.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Machine with_cards(const Machine& machine, std::int64_t count) {
    Machine::Parts parts = machine.parts();
    parts.cards->count = count;
    return Machine(std::move(parts));
}

/// More cards that hold the network; none that were found.
std::optional<std::int64_t> enough_cards(const Network& network, const Machine& machine,
                                         const CardFits& fits) {
    const auto sums_fit = [&](std::int64_t cards) {
        const Machine more = with_cards(machine, cards);
        return CardDivider(network, more, 0).roomiest().has_value();
    };
    const std::int64_t own = machine.parts().cards->count;
    std::int64_t cards =
        1 + most_that(own - 1, kMostCards + 1, [&](std::int64_t n) { return !sums_fit(n); });
    for (std::int64_t more = 1; cards <= kMostCards; cards += more, more *= 2) {
        const Machine larger = with_cards(machine, cards);
        if (cards > own && CardFit({network}, larger, fits).holds(network.batch())) {
            return cards;
        }
    }
    return std::nullopt;
}

}  // namespace

CardFit::CardFit(std::vector<Network> steps, const Machine& machine, CardFits fits)
    : steps_(std::move(steps)), machine_(machine), fits_(std::move(fits)) {
    ensure(!steps_.empty(), "a network has a step");
}

bool CardFit::fits(const Network& part) {
    const auto [known, fresh] = known_.try_emplace(shape_text(part), false);
    if (fresh) {
        known->second = fits_(part);
    }
    return known->second;
}

bool CardFit::roomy(std::int64_t users) const {
    return CardDivider(with_batch(steps_.front(), users), machine_, 0).roomiest().has_value();
}

bool CardFit::holds(std::int64_t users) {
    std::vector<Network> steps;
    for (const Network& step : steps_) {
        steps.push_back(with_batch(step, users));
    }
    CardDivider divider(steps.front(), machine_, 0);
    while (const std::optional<Division> division = divider.roomiest()) {
        const auto refused = [&](const StageLayers& stage) {
            return fits_ && std::any_of(steps.begin(), steps.end(), [&](const Network& step) {
                       return !fits(part_of(step, stage).network);
                   });
        };
        const auto stage = std::find_if(division->begin(), division->end(), refused);
        if (stage == division->end()) {
            return true;
        }
        divider.refuse({*stage, DoesNotFit("no room")});
    }
    return false;
}

std::int64_t CardFit::most_users(std::int64_t none) {
    const std::int64_t together = machine_.parts().cards->together;
    const std::int64_t by_sums =
        most_that(0, ceil_divide(none, together),
                  [&](std::int64_t groups) { return roomy(groups * together); });
    return together *
           most_that(0, by_sums + 1, [&](std::int64_t groups) { return holds(groups * together); });
}

std::int64_t most_users_of_part(const Network& part, std::int64_t together, std::int64_t held,
                                std::int64_t most, const CardFits& fits) {
    constexpr std::int64_t kExact = 128;  // of so many, to one; of more, to as small a share
    std::int64_t least = held / together;
    std::int64_t none = std::max(most / together, least) + 1;
    for (std::int64_t next = none - 1; none - least > std::max<std::int64_t>(1, least / kExact);
         next = least + (none - least) / 2) {
        (fits(with_batch(part, next * together)) ? least : none) = next;
    }
    return together * least;
}

DoesNotFit with_what_fits(const DoesNotFit& refusal, const Network& network, const Machine& machine,
                          const CardFits& fits) {
    std::vector<Diagnostic> faults = refusal.faults();
    const std::int64_t users = network.batch();
    const std::int64_t fewer = users > 1 ? CardFit({network}, machine, fits).most_users(users) : 0;
    std::string& message = faults.front().message;
    if (fewer > 0) {
        message += "; there is room for " + std::to_string(fewer) +
                   (fewer == 1 ? " user at most" : " users at most");
    } else if (const auto cards = enough_cards(network, machine, fits)) {
        message += "; " + std::to_string(*cards) + " cards would hold it";
    }
    DoesNotFit told(std::move(faults));
    return told;
}

DoesNotFit with_longest_context(const DoesNotFit& refusal, std::int64_t context,
                                const std::function<bool(std::int64_t)>& holds) {
    constexpr std::int64_t kExact = 64;
    std::int64_t most = 0;
    for (std::int64_t none = context; none - most > std::max<std::int64_t>(1, most / kExact);) {
        const std::int64_t next = most + (none - most) / 2;
        (holds(next) ? most : none) = next;
    }
    std::vector<Diagnostic> faults = refusal.faults();
    if (most > 0) {
        faults.front().message +=
            "; there is room for a context of " + format_count(most) + " tokens";
    }
    DoesNotFit told(std::move(faults));
    return told;
}

}  // namespace memwall
