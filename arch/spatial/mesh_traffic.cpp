// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/mesh_traffic.hpp"

#include <algorithm>
#include <cstdlib>

namespace memwall {
namespace {

constexpr std::int64_t kDirections = 6;

}  // namespace

MeshTraffic::MeshTraffic(const MeshConfig& mesh)
    : columns_(mesh.columns),
      rows_(mesh.rows),
      load_(static_cast<std::size_t>(mesh.columns * mesh.rows * kDirections)),
      reach_(static_cast<std::size_t>(std::max(mesh.columns, mesh.rows))) {}

void MeshTraffic::add(std::int64_t column, std::int64_t row, Machine::Direction to,
                      std::int64_t bytes) {
    load_[static_cast<std::size_t>((row * columns_ + column) * kDirections) +
          static_cast<std::size_t>(to)] += bytes;
}

void MeshTraffic::multicast(Router source, const std::vector<Router>& destinations,
                            std::int64_t bytes) {
    if (bytes == 0) {
        return;
    }
    const bool rows_first = (source.column + source.row) % 2 == 0;
    const std::int64_t own = rows_first ? source.row : source.column;
    bool any = false;
    for (const Router& to : destinations) {
        if (to == source) {
            continue;
        }
        if (!any) {
            std::fill(reach_.begin(), reach_.end(), Reach{own, own});
            trunk_ =
                rows_first ? Reach{source.column, source.column} : Reach{source.row, source.row};
            any = true;
        }
        const std::int64_t branch = rows_first ? to.column : to.row;
        const std::int64_t along = rows_first ? to.row : to.column;
        Reach& reach = reach_[static_cast<std::size_t>(branch)];
        reach = {std::min(reach.least, along), std::max(reach.most, along)};
        trunk_ = {std::min(trunk_.least, branch), std::max(trunk_.most, branch)};
        add(to.column, to.row, Machine::Direction::eject, bytes);
        delivered_ += bytes;
        longest_ =
            std::max(longest_, std::abs(to.column - source.column) + std::abs(to.row - source.row));
    }
    if (any) {
        add(source.column, source.row, Machine::Direction::inject, bytes);
        grow(source, rows_first, bytes);
    }
}

/// The trunk through the source, and the branches that leave it.
void MeshTraffic::grow(Router source, bool rows_first, std::int64_t bytes) {
    using Direction = Machine::Direction;
    const std::int64_t from = rows_first ? source.column : source.row;
    const std::int64_t own = rows_first ? source.row : source.column;
    const auto at = [&](std::int64_t branch, std::int64_t along, Direction to) {
        rows_first ? add(branch, along, to, bytes) : add(along, branch, to, bytes);
    };
    const Direction up = rows_first ? Direction::east : Direction::south;
    const Direction down = rows_first ? Direction::west : Direction::north;
    for (std::int64_t b = from; b < trunk_.most; ++b) {
        at(b, own, up);
    }
    for (std::int64_t b = from; b > trunk_.least; --b) {
        at(b, own, down);
    }
    const Direction forth = rows_first ? Direction::south : Direction::east;
    const Direction back = rows_first ? Direction::north : Direction::west;
    for (std::int64_t b = trunk_.least; b <= trunk_.most; ++b) {
        const Reach& reach = reach_[static_cast<std::size_t>(b)];
        for (std::int64_t along = own; along < reach.most; ++along) {
            at(b, along, forth);
        }
        for (std::int64_t along = own; along > reach.least; --along) {
            at(b, along, back);
        }
    }
}

std::vector<LinkUse> MeshTraffic::links(const Machine& machine, ComponentId mesh) const {
    std::vector<LinkUse> uses;
    for (std::int64_t row = 0; row < rows_; ++row) {
        for (std::int64_t column = 0; column < columns_; ++column) {
            for (std::int64_t d = 0; d < kDirections; ++d) {
                const std::int64_t bytes =
                    load_[static_cast<std::size_t>((row * columns_ + column) * kDirections + d)];
                if (bytes > 0) {
                    uses.push_back(
                        {machine.mesh_link(mesh, column, row, static_cast<Machine::Direction>(d)),
                         Bytes(bytes)});
                }
            }
        }
    }
    return uses;
}

std::int64_t MeshTraffic::hop_bytes() const {
    std::int64_t sum = 0;
    for (std::size_t l = 0; l < load_.size(); ++l) {
        const auto direction = static_cast<Machine::Direction>(l % kDirections);
        if (direction != Machine::Direction::inject && direction != Machine::Direction::eject) {
            sum += load_[l];
        }
    }
    return sum;
}

std::int64_t MeshTraffic::busiest() const {
    return load_.empty() ? 0 : *std::max_element(load_.begin(), load_.end());
}

std::int64_t share(std::int64_t bytes, std::int64_t i, std::int64_t n) {
    return bytes * (i + 1) / n - bytes * i / n;
}

std::vector<LinkUse> share(const std::vector<LinkUse>& links, std::int64_t i, std::int64_t n) {
    std::vector<LinkUse> parts;
    parts.reserve(links.size());
    for (const LinkUse& use : links) {
        const std::int64_t part = share(use.bytes.count(), i, n);
        if (part > 0) {
            parts.push_back({use.link, Bytes(part)});
        }
    }
    return parts;
}

}  // namespace memwall
