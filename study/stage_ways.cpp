// SPDX-License-Identifier: Apache-2.0
#include "study/stage_ways.hpp"

#include <algorithm>

#include "study/card_exchange.hpp"

namespace memwall {
namespace {

/// Of all users.
struct HandedOn {
    Bytes bytes;
    Precision precision = Precision::int8;
};

HandedOn sum_of(const Network& network, const std::vector<TensorId>& tensors) {
    return {bytes_of(network, tensors), network.tensor(tensors.back()).precision};
}

}  // namespace

StageWays::StageWays(const Machine& machine, const std::vector<CardPart>& parts,
                     std::int64_t groups)
    : machine_(machine),
      cards_(*machine.parts().cards),
      parts_(parts),
      groups_(groups),
      ways_(machine),
      sent_(parts.size()) {
    for (const CardPart& part : parts) {
        places_.push_back(
            {places_.empty() ? 0 : places_.back().first + places_.back().count, part.cards});
    }
}

std::vector<std::vector<CardTransfer>> StageWays::add(bool come_back, PipelineResult& pipeline) {
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        if (come_back || p + 1 < parts_.size()) {
            hand_on(p, pipeline);
        }
        if (parts_[p].all_reduces > 0) {
            exchange(p, pipeline.stages[p]);
        }
    }
    return std::move(sent_);
}

/// A stage takes in no more than the link behind it can pass on. From the last one to the first
/// goes what that gets for the users' next tokens.
void StageWays::hand_on(std::size_t p, PipelineResult& pipeline) {
    const bool last = p + 1 == parts_.size();
    const Network& first = parts_.front().whole;
    const HandedOn sent =
        last ? sum_of(first, first.inputs()) : sum_of(parts_[p].whole, parts_[p].whole.outputs());
    const auto way = ways_.between(places_[p], places_[last ? 0 : p + 1],
                                   Bytes(ceil_divide(sent.bytes.count(), groups_)));
    if (way) {
        StageResult& stage = pipeline.stages[p];
        (way->between_servers ? stage.between_servers : stage.over_link) = way->time();
        stage.interval = std::max(stage.interval, way->occupied - pipeline.overhead);
        sent_[p].push_back({way->link, sent.bytes, sent.precision});
    }
}

/// Cards that share matrices add up their sums; they may be in several servers.
void StageWays::exchange(std::size_t p, StageResult& stage) {
    const CardPart& part = parts_[p];
    const Bytes received(ceil_divide(part.received.count(), groups_));
    const ExchangeCost cost = exchange_cost(machine_, part.all_reduces, received);
    Seconds way = cost.way();
    stage.interval += cost.turn;
    if (const auto far = ways_.between(places_[p], places_[p], received)) {
        way +=
            far->occupied + Seconds(far->latency.count() * static_cast<double>(part.all_reduces));
        stage.interval = std::max(stage.interval, far->occupied - to_seconds(cards_.overhead));
        sent_[p].push_back({far->link, part.sent * part.cards, part.sums});
    }
    stage.latency += way;
    stage.exchange = {part.all_reduces, way, part.sent * part.cards};
}

}  // namespace memwall
