// SPDX-License-Identifier: Apache-2.0
#include "sim/equal_cards.hpp"

#include "base/quantity.hpp"
#include "sim/assemble_result.hpp"

namespace memwall {
namespace {

class Multiplier {
public:
    explicit Multiplier(std::int64_t cards) : cards_(cards) {}

    void times(std::int64_t& count) const { count = checked_multiply(count, cards_); }
    void times(Bytes& bytes) const { bytes = bytes * cards_; }
    void times(double& value) const { value *= static_cast<double>(cards_); }
    template <class Tag>
    void times(Quantity<Tag, double>& value) const {
        value = Quantity<Tag, double>(value.count() * static_cast<double>(cards_));
    }
    template <class T, std::size_t size>
    void times(std::array<T, size>& values) const {
        for (T& value : values) {
            times(value);
        }
    }
    template <class T>
    void times(std::optional<T>& value) const {
        if (value) {
            times(*value);
        }
    }
    template <class... More>
    void all(More&... values) const {
        (times(values), ...);
    }

private:
    std::int64_t cards_;
};

void add_cards(const Multiplier& by, LayerResult& layer) {
    by.all(layer.macs, layer.energy, layer.by_kind);
    for (MemoryTraffic& traffic : layer.traffic) {
        for (TensorTraffic& tensor : traffic.tensors) {
            by.all(tensor.read, tensor.write);
        }
    }
    if (layer.lower_bound) {
        by.times(layer.lower_bound->second);
    }
}

void add_cards(const Multiplier& by, ComponentResult& component) {
    by.all(component.instances, component.capacity, component.energy);
    for (ActionResult& action : component.actions) {
        by.all(action.count, action.seconds, action.energy);
    }
}

void add_cards(const Multiplier& by, Totals& totals) {
    by.all(totals.power, totals.energy, totals.energy_low, totals.energy_high, totals.by_kind,
           totals.by_status, totals.energy_per_item, totals.macs, totals.operations, totals.area,
           totals.load_energy, totals.at_lower_bound.energy, totals.at_lower_bound.bytes);
    if (totals.power_cap) {
        by.times(totals.power_cap->cap);
    }
}

}  // namespace

RunResult of_equal_cards(RunResult card, std::int64_t cards) {
    const Multiplier by(cards);
    add_cards(by, card.totals);
    for (LayerResult& layer : card.layers) {
        add_cards(by, layer);
    }
    for (ComponentResult& component : card.components) {
        add_cards(by, component);
    }
    for (LedgerRow& row : card.ledger) {
        by.all(row.count, row.seconds, row.energy, row.low, row.high);
    }
    check_sums(card);
    return card;
}

}  // namespace memwall
