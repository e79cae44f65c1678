// SPDX-License-Identifier: Apache-2.0
#include "study/card_divider.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "arch/pipeline.hpp"
#include "base/error.hpp"
#include "study/card_exchange.hpp"
#include "study/card_sections.hpp"
#include "study/card_ways.hpp"
#include "workloads/slice.hpp"

namespace memwall {
namespace {

/// Consecutive sections on so many cards.
struct Parts {
    std::vector<int> shapes;
    std::int64_t cards = 1;
};

/// What a card has no room for.
struct Refused {
    Parts parts;
    DoesNotFit why;
};

/// What takes longer than its layers do where there is room.
struct Slow {
    Parts parts;
    Seconds seconds;
};

}  // namespace

class CardDivider::Sections {
public:
    Sections(const Network& network, const Machine& machine, std::int64_t groups)
        : network_(network),
          machine_(machine),
          cards_(*machine.parts().cards),
          groups_(groups),
          room_(card_room(machine)),
          buffer_(shared_buffer(machine)),
          port_(card_port(machine)),
          chain_(network, machine),
          sections_(chain_.all()) {}

    void weigh(const WholeRun& whole) {
        if (!room_for(network_.batch(), cards_.count)) {
            refuse_all();
        }
        const std::vector<Seconds> own = weights_of(whole, WholeCard::own_buffer);
        const std::vector<Seconds> all =
            buffer_ > Bytes(0) ? weights_of(whole, WholeCard::all_buffers) : own;
        for (std::size_t u = 0; u < sections_.size(); ++u) {
            sections_[u].seconds = own[u];
            sections_[u].seconds_resident = all[u];
        }
    }

    [[nodiscard]] Division divide() const {
        PartitionGoal goal;
        goal.groups = groups_;
        goal.each = to_seconds(cards_.hop + cards_.overhead + port_.latency);
        goal.turn = to_seconds(cards_.overhead);
        goal.slack = kSlack;
        const auto stages =
            partition_chain(sections_.size(), cards_.count, goal,
                            [&](std::size_t begin, std::size_t end, std::int64_t width) {
                                return cost(begin, end, width);
                            });
        if (!stages) {
            ensure(!refused_.empty(), "what has room has a partition");
            throw DoesNotFit(refused_.back().why);
        }
        return division_of(*stages);
    }

    [[nodiscard]] std::optional<Division> roomiest() const {
        const auto stages =
            partition_chain(sections_.size(), cards_.count, {},
                            [&](std::size_t begin, std::size_t end, std::int64_t width) {
                                return share_of_room(begin, end, width);
                            });
        return stages ? std::optional(division_of(*stages)) : std::nullopt;
    }

    void refuse(const StageLayers& stage, const DoesNotFit& why) {
        const auto [begin, end] = range_of(stage);
        refused_.push_back({parts(begin, end, stage.cards), why});
    }

    bool correct(const StageLayers& stage, Seconds measured) {
        const auto [begin, end] = range_of(stage);
        if (cost(begin, end, stage.cards) &&
            measured.count() <= time(begin, end, stage.cards).count() * (1 + kSlower)) {
            return false;
        }
        slow_.push_back({parts(begin, end, stage.cards), measured});
        return true;
    }

private:
    /// By so much layers of one kind differ with what runs around them.
    static constexpr double kSlack = 0.01;
    /// A stage that is slower by so much than its layers are elsewhere is no longer taken for what
    /// they are: its card is so full that weights come from afar.
    static constexpr double kSlower = 0.1;
    /// So many cards are tried for a block that one does not hold.
    static constexpr std::int64_t kMostSharers = 64;

    /// The sections of a stage.
    [[nodiscard]] std::pair<std::size_t, std::size_t> range_of(const StageLayers& stage) const {
        const auto within = [&](const Section& section) {
            const auto first = std::find(section.layers.begin(), section.layers.end(), true);
            return bool(stage.layers[static_cast<std::size_t>(first - section.layers.begin())]);
        };
        const auto begin = std::find_if(sections_.begin(), sections_.end(), within);
        const auto end = std::find_if_not(begin, sections_.end(), within);
        return {static_cast<std::size_t>(begin - sections_.begin()),
                static_cast<std::size_t>(end - sections_.begin())};
    }

    [[nodiscard]] Parts parts(std::size_t begin, std::size_t end, std::int64_t cards) const {
        Parts found{{}, cards};
        for (std::size_t u = begin; u < end; ++u) {
            found.shapes.push_back(sections_[u].shape);
        }
        return found;
    }

    /// What each section adds to a round of such a card.
    [[nodiscard]] std::vector<Seconds> weights_of(const WholeRun& whole, WholeCard card) const {
        const RunResult run = whole(
            slice_network(network_, layers_on_cards(network_, machine_), network_.name()), card);
        ensure(run.totals.items_together == cards_.together,
               "a whole run has groups as large as cards have");
        return seconds_of(sections_, run);
    }

    [[nodiscard]] bool fits(std::size_t begin, std::size_t end, std::int64_t width,
                            std::int64_t users) const {
        return chain_.needed({begin, end, width}, users, room_) <= room_;
    }

    /// Whether `width` cards can do equal parts of the sections at once: of outputs of the last
    /// one; those before have no weights, and every card does them.
    [[nodiscard]] bool divisible(std::size_t begin, std::size_t end, std::int64_t width) const {
        if (width == 1) {
            return true;
        }
        const std::int64_t outputs = sections_[end - 1].divisible_outputs;
        return outputs > 1 && outputs % width == 0 &&
               std::none_of(sections_.begin() + static_cast<std::ptrdiff_t>(begin),
                            sections_.begin() + static_cast<std::ptrdiff_t>(end) - 1,
                            [](const Section& section) { return section.multiplies; });
    }

    /// Whether these parts are among some sections, on as many cards or more.
    [[nodiscard]] bool contains(std::size_t begin, std::size_t end, std::int64_t width,
                                const Parts& parts) const {
        const auto last = sections_.begin() + static_cast<std::ptrdiff_t>(end);
        return width <= parts.cards &&
               std::search(sections_.begin() + static_cast<std::ptrdiff_t>(begin), last,
                           parts.shapes.begin(), parts.shapes.end(),
                           [](const Section& section, int shape) {
                               return section.shape == shape;
                           }) != last;
    }

    [[nodiscard]] bool was_refused(std::size_t begin, std::size_t end, std::int64_t width) const {
        return std::any_of(refused_.begin(), refused_.end(), [&](const Refused& refused) {
            return contains(begin, end, width, refused.parts);
        });
    }

    [[nodiscard]] std::int64_t most_sharers() const { return std::min(cards_.count, kMostSharers); }

    /// The least number of cards that hold a block together which none holds alone.
    [[nodiscard]] std::optional<std::int64_t> sharers(const Block& block,
                                                      std::int64_t users) const {
        if (fits(block.begin, block.end, 1, users) && !was_refused(block.begin, block.end, 1)) {
            return std::nullopt;
        }
        for (std::int64_t width = 2; width <= most_sharers(); ++width) {
            const std::optional<BlockShare>& share = chain_.share(block, width);
            if (share && share->needs.with_users(users) <= room_ &&
                !was_refused(block.begin, block.end, width)) {
                return width;
            }
        }
        return std::nullopt;
    }

    /// The block of just these sections, if `width` cards share it.
    [[nodiscard]] const Block* shared(std::size_t begin, std::size_t end, std::int64_t width,
                                      std::int64_t users) const {
        const Block* block = width > 1 ? chain_.block(begin, end) : nullptr;
        return block != nullptr && sharers(*block, users) == width ? block : nullptr;
    }

    /// Whether `width` cards can do these sections, each of them all or a part.
    [[nodiscard]] bool possible(std::size_t begin, std::size_t end, std::int64_t width) const {
        return divisible(begin, end, width) && fits(begin, end, width, network_.batch()) &&
               !was_refused(begin, end, width);
    }

    [[nodiscard]] std::optional<StageCost> cost(std::size_t begin, std::size_t end,
                                                std::int64_t width) const {
        if (const Block* block = shared(begin, end, width, network_.batch())) {
            const BlockShare& share = *chain_.share(*block, width);
            const ExchangeCost exchange =
                exchange_cost(machine_, share.all_reduces, share.received);
            return StageCost{time(begin, end, width) + exchange.turn, exchange.waits};
        }
        return possible(begin, end, width) ? std::optional(StageCost{time(begin, end, width)})
                                           : std::nullopt;
    }

    /// What the fullest card of a stage holds, as its cost.
    [[nodiscard]] std::optional<StageCost> share_of_room(std::size_t begin, std::size_t end,
                                                         std::int64_t width) const {
        const auto cost = [](Bytes bytes) {
            return StageCost{Seconds(static_cast<double>(bytes.count()))};
        };
        if (const Block* block = shared(begin, end, width, network_.batch())) {
            return cost(chain_.share(*block, width)->needs.with_users(network_.batch()));
        }
        return possible(begin, end, width) ? std::optional(cost(chain_.needed(
                                                 {begin, end, width}, network_.batch(), room_)))
                                           : std::nullopt;
    }

    /// Of the run of these sections on each of `width` cards.
    [[nodiscard]] Seconds time(std::size_t begin, std::size_t end, std::int64_t width) const {
        const Block* block = shared(begin, end, width, network_.batch());
        const bool resident = block == nullptr && in_buffer(begin, end, width);
        Seconds sum(0);
        for (std::size_t u = begin; u < end; ++u) {
            const Section& section = sections_[u];
            const std::int64_t parts = block != nullptr || u + 1 == end ? width : 1;
            sum += Seconds((resident ? section.seconds_resident : section.seconds).count() /
                           static_cast<double>(parts));
        }
        for (const Slow& slow : slow_) {
            if (slow.seconds > sum && contains(begin, end, width, slow.parts)) {
                sum = slow.seconds;
            }
        }
        if (block != nullptr) {
            const CardNeeds& needs = chain_.share(*block, width)->needs;
            return std::max(sum, transfer(needs.in, static_cast<double>(needs.out.count())));
        }
        const auto out = static_cast<double>(sections_[end - 1].needs.out.count());
        return std::max(sum, transfer(sections_[begin].needs.in, out / static_cast<double>(width)));
    }

    /// Whether the weights stay in the buffer in front of the card's DRAM, beside activations.
    [[nodiscard]] bool in_buffer(std::size_t begin, std::size_t end, std::int64_t width) const {
        Bytes weights;
        Bytes passes;
        for (std::size_t u = begin; u < end && weights <= buffer_; ++u) {
            weights += Bytes(sections_[u].needs.weights.count() / width);
            passes = std::max(passes, sections_[u].needs.activations);
        }
        return weights + passes <= buffer_;
    }

    /// Of what a group of users brings to the card and takes away, whichever takes longer.
    [[nodiscard]] Seconds transfer(Bytes in, double out) const {
        return Seconds(std::max(static_cast<double>(in.count()), out) /
                       static_cast<double>(port_.bandwidth.count()));
    }

    [[nodiscard]] Division division_of(const std::vector<Stage>& stages) const {
        Division division;
        for (const Stage& stage : stages) {
            division.push_back({layers_of(stage), stage.cards});
        }
        return division;
    }

    [[nodiscard]] std::vector<bool> layers_of(const Stage& stage) const {
        std::vector<bool> layers(network_.layers().size());
        for (std::size_t u = stage.begin; u < stage.end; ++u) {
            std::transform(layers.begin(), layers.end(), sections_[u].layers.begin(),
                           layers.begin(), [](bool a, bool b) { return a || b; });
        }
        return layers;
    }

    /// Whether `users` find room on so many cards, whatever the time.
    [[nodiscard]] bool room_for(std::int64_t users, std::int64_t cards) const {
        const auto any = [&](std::size_t begin, std::size_t end,
                             std::int64_t width) -> std::optional<StageCost> {
            return (divisible(begin, end, width) && fits(begin, end, width, users)) ||
                           shared(begin, end, width, users) != nullptr
                       ? std::optional(StageCost{Seconds(1)})
                       : std::nullopt;
        };
        return partition_chain(sections_.size(), cards, {}, any).has_value();
    }

    [[noreturn]] void refuse_all() const {
        const std::int64_t users = network_.batch();
        const std::string why = !room_for(0, cards_.count) ? too_little_room()
                                : users == 1
                                    ? ": one user's caches do not"
                                    : ": the caches of " + std::to_string(users) + " users do not";
        const std::string cards =
            cards_.count == 1 ? "card" : std::to_string(cards_.count) + " cards";
        throw DoesNotFit({Diagnostic{card_memory(machine_).capacity_where,
                                     "network '" + network_.name() + "' does not fit the " + cards +
                                         " of machine '" + machine_.name() + "'" + why}});
    }

    /// Whether cards hold the block of a section together, without caches.
    [[nodiscard]] bool can_be_shared(std::size_t section) const {
        const Block* block = chain_.block_with(section);
        return block != nullptr && sharers(*block, 0).has_value();
    }

    /// Whether cards could share the block of a section, if they had room.
    [[nodiscard]] bool is_shareable(std::size_t section) const {
        const Block* block = chain_.block_with(section);
        for (std::int64_t width = 2; block != nullptr && width <= most_sharers(); ++width) {
            if (chain_.share(*block, width)) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] std::string too_little_room() const {
        const Bytes programs = card_capacity(machine_) - room_;
        std::string weights =
            "; their memories hold " + format_bytes(card_capacity(machine_) * cards_.count) +
            (programs > Bytes(0)
                 ? ", of which programs in all cores take " + format_bytes(programs * cards_.count)
                 : "") +
            ", its weights take " + format_bytes(network_.weight_bytes());
        for (std::size_t u = 0; u < sections_.size(); ++u) {
            if (const Section& section = sections_[u];
                !fits_somewhere(section, room_) && !can_be_shared(u)) {
                return weights + "; the layers '" + section.network.layers().front().name +
                       "' to '" + section.network.layers().back().name +
                       "' have to lie on one card, which holds " +
                       format_bytes(card_capacity(machine_)) +
                       (is_shareable(u) ? ", or on cards that share their matrices" : "") +
                       ": their weights take " + format_bytes(section.needs.weights) +
                       ", their activations " + format_bytes(section.needs.activations);
            }
        }
        return weights;
    }

    const Network& network_;
    const Machine& machine_;
    const CardsConfig& cards_;
    std::int64_t groups_;
    Bytes room_;
    Bytes buffer_;  ///< in front of the card's DRAM; 0 without one
    CardPort port_;
    CardSections chain_;
    std::vector<Section>& sections_;
    std::vector<Refused> refused_;
    std::vector<Slow> slow_;
};

CardDivider::CardDivider(const Network& network, const Machine& machine, std::int64_t groups)
    : sections_(std::make_unique<Sections>(network, machine, groups)) {}

void CardDivider::weigh(const WholeRun& run) {
    sections_->weigh(run);
}

std::optional<Division> CardDivider::roomiest() const {
    return sections_->roomiest();
}

CardDivider::~CardDivider() = default;

Division CardDivider::divide() const {
    return sections_->divide();
}

bool CardDivider::correct(const StageLayers& stage, Seconds measured) {
    return sections_->correct(stage, measured);
}

void CardDivider::refuse(const RefusedStage& refused) {
    sections_->refuse(refused.stage, refused.why);
}

}  // namespace memwall
