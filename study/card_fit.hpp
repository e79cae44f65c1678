// SPDX-License-Identifier: Apache-2.0
// What finds room on the cards of a machine, by layouts whose parts are mapped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Whether a card holds a part of a network when it is mapped. Empty: what the sum of its bytes has
/// room for has room.
using CardFits = std::function<bool(const Network& part)>;

/// Steps of one network over the cards of a machine, divided alike.
class CardFit {
public:
    /// `steps`: at least one, that with the largest caches first, each of any number of users.
    /// The machine must outlive it.
    CardFit(std::vector<Network> steps, const Machine& machine, CardFits fits);

    /// Whether so many users have room in some division.
    [[nodiscard]] bool holds(std::int64_t users);
    /// The most users that have room, less than `none`, in whole groups; 0: not even one group.
    /// Each number is asked for as if fewer had room where more have.
    [[nodiscard]] std::int64_t most_users(std::int64_t none);

private:
    [[nodiscard]] bool roomy(std::int64_t users) const;
    [[nodiscard]] bool fits(const Network& part);

    std::vector<Network> steps_;
    const Machine& machine_;
    CardFits fits_;
    std::map<std::string, bool> known_;  ///< by shape of a part
};

/// The most users whose caches a card holds beside a part of a network, or, of more than a hundred
/// groups, up to 0.8 % fewer: at least `held`, which it
/// is known to hold, at most `most`, in whole groups of `together`.
std::int64_t most_users_of_part(const Network& part, std::int64_t together, std::int64_t held,
                                std::int64_t most, const CardFits& fits);

/// A refusal of a network by all cards of a machine, with what they would hold: fewer users, or the
/// network on more cards.
DoesNotFit with_what_fits(const DoesNotFit& refusal, const Network& network, const Machine& machine,
                          const CardFits& fits);

/// A refusal of so many tokens in the caches of users, with how many tokens would have room, to a
/// 64th. `holds`: whether a number of tokens has; false from some number on.
DoesNotFit with_longest_context(const DoesNotFit& refusal, std::int64_t context,
                                const std::function<bool(std::int64_t)>& holds);

}  // namespace memwall
