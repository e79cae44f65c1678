// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_mapspace.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "base/quantity.hpp"

namespace memwall {

Mapspace::Mapspace(const Layer& layer, const NestMachine& machine, const NestCost& cost)
    : layer_(layer),
      machine_(machine),
      cost_(cost),
      levels_(machine.memories.size()),
      dims_(cost.dims().size()) {
    list_orders();
    std::uint32_t bits = 0;
    for (std::size_t o = 0; o < cost.operands(); ++o) {
        if ((bits & cost.keep_bit(o)) == 0) {
            bits |= cost.keep_bit(o);
            kept_alone_.push_back(o);
        }
    }
}

// MODEL: useful orders keep one operand while loops that it does not need run inside, then
// another one: one order for each ranking of the operands.
void Mapspace::list_orders() {
    std::vector<std::size_t> ranking(std::min<std::size_t>(cost_.operands(), 3));
    // The last operand is the result, the first ones are inputs and weights.
    std::iota(ranking.begin(), ranking.end(), 0);
    if (cost_.operands() > ranking.size()) {
        ranking.back() = cost_.operands() - 1;
    }
    do {
        LoopOrder order{};
        std::vector<std::size_t> dims(dims_);
        std::iota(dims.begin(), dims.end(), 0);
        const auto rank = [&](std::size_t d) {
            for (std::size_t r = 0; r < ranking.size(); ++r) {
                if (!cost_.is_relevant(ranking[r], d)) {
                    return r;
                }
            }
            return ranking.size();
        };
        std::stable_sort(dims.begin(), dims.end(),
                         [&](std::size_t a, std::size_t b) { return rank(a) > rank(b); });
        for (std::size_t i = 0; i < dims_; ++i) {
            order[i] = static_cast<std::uint8_t>(dims[i]);
        }
        if (std::find(orders_.begin(), orders_.end(), order) == orders_.end()) {
            orders_.push_back(order);
        }
    } while (std::next_permutation(ranking.begin(), ranking.end()));
}

std::vector<LoopOrder> Mapspace::orders_of(const NestPoint& point, std::size_t l) const {
    const bool matters = l + 1 < levels_ || machine_.lanes_keep;
    std::vector<LoopOrder> found;
    std::vector<std::vector<std::uint8_t>> known;
    for (const LoopOrder& order : orders_) {
        std::vector<std::uint8_t> loops;
        std::copy_if(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(dims_),
                     std::back_inserter(loops), [&](std::uint8_t d) {
                         return matters &&
                                point.held[l + 1][d] * point.parts[l][d] < point.held[l][d];
                     });
        if (std::find(known.begin(), known.end(), loops) == known.end()) {
            known.push_back(std::move(loops));
            found.push_back(order);
        }
    }
    return found;
}

std::int64_t Mapspace::least(const NestPoint& point, std::size_t l, std::size_t d) const {
    if (machine_.memories[l].resident ||
        (l + 1 == levels_ && layer_.space.normalises(cost_.dims()[d]))) {
        return cost_.extent(d);
    }
    return std::min(cost_.extent(d), checked_multiply(point.held[l + 1][d], point.parts[l][d]));
}

void Mapspace::raise_outer(NestPoint& point, std::size_t d) const {
    for (std::size_t l = levels_; l-- > 1;) {
        point.held[l][d] = std::max(point.held[l][d], least(point, l, d));
    }
}

void Mapspace::share_tile(NestPoint& point, std::size_t l, std::size_t d) const {
    if (l + 1 < levels_) {
        const std::int64_t share = ceil_divide(point.held[l][d], point.parts[l][d]);
        std::int64_t& tile = point.held[l + 1][d];
        tile = std::min(tile, std::max(share, least(point, l + 1, d)));
    }
}

void Mapspace::raise_above(NestPoint& point, std::size_t below, std::size_t d) const {
    for (std::size_t l = below; l-- > 1;) {
        const std::int64_t needed = least(point, l, d);
        if (point.held[l][d] >= needed) {
            return;  // and so do those above, as before
        }
        point.held[l][d] = needed;
    }
}

std::vector<std::int64_t> Mapspace::sizes(const NestPoint& point, std::size_t l, std::size_t d,
                                          std::size_t most) const {
    const std::int64_t unit = least(point, l, d);
    const std::int64_t units = ceil_divide(cost_.extent(d), unit);
    std::vector<std::int64_t> found;
    for (std::int64_t parts = 1; parts <= units; ++parts) {
        const std::int64_t size = std::min(cost_.extent(d), ceil_divide(units, parts) * unit);
        if (found.empty() || found.back() != size) {
            found.push_back(size);
        } else {
            // The next number of parts that gives another size.
            const std::int64_t tile = size / unit;
            parts = tile > 1 ? std::max(parts, ceil_divide(units, tile - 1) - 1) : units;
        }
    }
    if (found.size() > most) {
        std::vector<std::int64_t> some;
        for (std::size_t i = 0; i < most; ++i) {
            some.push_back(found[i * (found.size() - 1) / (most - 1)]);
        }
        found = std::move(some);
    }
    return found;
}

NestPoint Mapspace::smallest(const std::vector<const SpatialChoice*>& spatial) const {
    NestPoint point(levels_);
    for (std::size_t l = 0; l < levels_; ++l) {
        point.parts[l] = spatial[l]->parts;
        point.axis[l] = spatial[l]->axis;
        point.order[l] = orders_.front();
        point.held[l].fill(1);
        for (std::size_t o = 0; o < cost_.operands(); ++o) {
            if (l == 0 || may_keep(l, o)) {
                point.keeps[l] |= cost_.keep_bit(o);
            }
        }
    }
    point.held[levels_].fill(1);
    for (std::size_t d = 0; d < dims_; ++d) {
        raise_outer(point, d);
        point.held[0][d] = cost_.extent(d);
    }
    return point;
}

NestPoint Mapspace::grown(NestPoint point, const LoopOrder& order, std::size_t most) const {
    point.set_order(order);
    for (std::size_t l = levels_; l-- > 1;) {
        for (std::size_t i = dims_; i-- > 0;) {
            const std::size_t d = order[i];
            for (const std::int64_t size : sizes(point, l, d, most)) {
                NestPoint larger = point;
                larger.held[l][d] = size;
                raise_above(larger, l, d);
                if (cost_.fits_as_built(larger)) {
                    point = larger;
                    break;
                }
            }
        }
    }
    return point;
}

bool Mapspace::may_keep(std::size_t l, std::size_t o) const {
    const auto role = static_cast<std::size_t>(layer_.space.operands[o].role);
    return machine_.memories[l].may_keep[role];
}

bool Mapspace::may_skip(std::size_t l, std::size_t o) const {
    const TensorRole role = layer_.space.operands[o].role;
    const bool stays =
        machine_.memories[l].resident && role != TensorRole::weights && role != TensorRole::state;
    return may_keep(l, o) && !stays;
}

bool Mapspace::kept_somewhere(const NestPoint& point, std::size_t o) const {
    return machine_.kept_on_chip(layer_.space.operands[o].role, [&](std::size_t l) {
        return (point.keeps[l] & cost_.keep_bit(o)) != 0;
    });
}

void Mapspace::list_spatial(std::size_t most, bool all) {
    Sizes left{};
    for (std::size_t d = 0; d < dims_; ++d) {
        left[d] = cost_.extent(d);
    }
    std::vector<std::vector<SpatialChoice>> found =
        all ? std::vector<std::vector<SpatialChoice>>() : useful_;
    for (std::size_t l = found.size(); l < levels_; ++l) {
        found.push_back(spatial_choices(cost_, machine_.memories[l], left, all));
    }
    if (!all) {
        useful_ = found;
    }
    for (std::size_t l = 0; l < levels_; ++l) {
        // Of what lanes take in turns much may not fit.
        if (found[l].size() > most && !packs(machine_.memories[l])) {
            found[l].resize(most);
        }
    }
    choices_ = std::move(found);
}

std::vector<std::vector<const SpatialChoice*>> Mapspace::spatial_combinations(
    std::size_t most) const {
    std::vector<std::vector<const SpatialChoice*>> found = {{}};
    for (std::size_t l = 0; l < levels_; ++l) {
        std::vector<std::vector<const SpatialChoice*>> more;
        for (const auto& outer : found) {
            for (const SpatialChoice& choice : choices_[l]) {
                more.push_back(outer);
                more.back().push_back(&choice);
            }
        }
        found = std::move(more);
    }
    std::vector<std::pair<double, std::size_t>> steps;
    for (std::size_t i = 0; i < found.size(); ++i) {
        double product = found[i].back()->turns;
        for (std::size_t d = 0; d < dims_; ++d) {
            std::int64_t parts = 1;
            for (const SpatialChoice* choice : found[i]) {
                parts *= choice->parts[d];
            }
            product *= static_cast<double>(ceil_divide(cost_.extent(d), parts));
        }
        steps.emplace_back(product, i);
    }
    std::sort(steps.begin(), steps.end());
    std::vector<std::vector<const SpatialChoice*>> best;
    for (std::size_t i = 0; i < std::min(most, steps.size()); ++i) {
        best.push_back(found[steps[i].second]);
    }
    return best;
}

double Mapspace::size(double most) {
    const auto orders = static_cast<double>(orders_.size());
    // Inside, order decides only what lanes keep.
    const std::size_t ordered = machine_.lanes_keep ? levels_ : levels_ - 1;
    double size = std::pow(orders, static_cast<double>(ordered));
    for (std::size_t d = 0; d < dims_; ++d) {
        size *= std::pow(static_cast<double>(cost_.extent(d)), static_cast<double>(levels_ - 1));
    }
    for (std::size_t l = 1; l < levels_; ++l) {
        size *= std::exp2(static_cast<double>(std::min(cost_.operands(), kKeepBits)));
    }
    if (size > most) {
        return size;
    }
    list_spatial(std::numeric_limits<std::size_t>::max(), true);
    for (const auto& choices : choices_) {
        size *= static_cast<double>(choices.size());
    }
    return size;
}

void Mapspace::visit_all(const PointVisitor& visit) const {
    for (const auto& spatial : spatial_combinations(std::numeric_limits<std::size_t>::max())) {
        visit_tiles(smallest(spatial), levels_ - 1, 0, visit);
    }
}

void Mapspace::visit_tiles(const NestPoint& point, std::size_t l, std::size_t d,
                           const PointVisitor& visit) const {
    if (l == 0) {
        visit_keeps(point, 1, visit);
        return;
    }
    if (d == dims_) {
        visit_tiles(point, l - 1, 0, visit);
        return;
    }
    for (std::int64_t size = least(point, l, d); size <= cost_.extent(d); ++size) {
        NestPoint next = point;
        next.held[l][d] = size;
        raise_outer(next, d);
        visit_tiles(next, l, d + 1, visit);
    }
}

void Mapspace::visit_keeps(const NestPoint& point, std::size_t l, const PointVisitor& visit) const {
    if (l == levels_) {
        for (std::size_t o = 0; o < cost_.operands(); ++o) {
            if (!kept_somewhere(point, o)) {
                return;
            }
        }
        visit_orders(point, 0, visit);
        return;
    }
    const std::uint32_t may = point.keeps[l];
    for (std::uint32_t keeps = may;; keeps = (keeps - 1) & may) {
        NestPoint next = point;
        next.keeps[l] = keeps;
        visit_keeps(next, l + 1, visit);
        if (keeps == 0) {
            break;
        }
    }
}

void Mapspace::visit_orders(const NestPoint& point, std::size_t l,
                            const PointVisitor& visit) const {
    if (l == levels_) {
        if (cost_.fits(point)) {  // sums that are finished need less room: orders decide
            visit(point);
        }
        return;
    }
    for (const LoopOrder& order : orders_of(point, l)) {
        NestPoint next = point;
        next.order[l] = order;
        visit_orders(next, l + 1, visit);
    }
}

}  // namespace memwall
