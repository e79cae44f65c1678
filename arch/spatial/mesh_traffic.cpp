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
      north_(static_cast<std::size_t>(mesh.columns)),
      south_(static_cast<std::size_t>(mesh.columns)) {}

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
    std::int64_t west = source.column;
    std::int64_t east = source.column;
    bool any = false;
    for (const Router& to : destinations) {
        if (to == source) {
            continue;
        }
        if (!any) {
            std::fill(north_.begin(), north_.end(), source.row);
            std::fill(south_.begin(), south_.end(), source.row);
            any = true;
        }
        const auto column = static_cast<std::size_t>(to.column);
        north_[column] = std::min(north_[column], to.row);
        south_[column] = std::max(south_[column], to.row);
        west = std::min(west, to.column);
        east = std::max(east, to.column);
        add(to.column, to.row, Machine::Direction::eject, bytes);
        delivered_ += bytes;
        longest_ =
            std::max(longest_, std::abs(to.column - source.column) + std::abs(to.row - source.row));
    }
    if (!any) {
        return;
    }
    add(source.column, source.row, Machine::Direction::inject, bytes);
    for (std::int64_t column = source.column; column < east; ++column) {
        add(column, source.row, Machine::Direction::east, bytes);
    }
    for (std::int64_t column = source.column; column > west; --column) {
        add(column, source.row, Machine::Direction::west, bytes);
    }
    for (std::int64_t column = west; column <= east; ++column) {
        const auto c = static_cast<std::size_t>(column);
        for (std::int64_t row = source.row; row > north_[c]; --row) {
            add(column, row, Machine::Direction::north, bytes);
        }
        for (std::int64_t row = source.row; row < south_[c]; ++row) {
            add(column, row, Machine::Direction::south, bytes);
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
