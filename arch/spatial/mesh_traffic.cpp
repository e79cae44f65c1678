// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/mesh_traffic.hpp"

#include <algorithm>
#include <cstdlib>

namespace memwall {
namespace {

using Direction = Machine::Direction;

constexpr std::int64_t kDirections = 6;

}  // namespace

Destinations::Destinations(std::vector<Router> routers) : routers_(std::move(routers)) {
    for (const bool rows_first : {true, false}) {
        std::vector<Branch>& branches = rows_first ? columns_ : rows_;
        for (const Router& at : routers_) {
            const std::int64_t line = rows_first ? at.column : at.row;
            const std::int64_t along = rows_first ? at.row : at.column;
            branches.push_back({line, along, along});
        }
        std::sort(branches.begin(), branches.end(), [](const Branch& a, const Branch& b) {
            return a.line != b.line ? a.line < b.line : a.least < b.least;
        });
        std::size_t last = 0;
        for (const Branch& next : branches) {
            if (next.line != branches[last].line) {
                branches[++last] = next;
            }
            branches[last].most = next.most;
        }
        branches.resize(branches.empty() ? 0 : last + 1);
    }
}

bool Destinations::contains(Router router) const {
    return std::find(routers_.begin(), routers_.end(), router) != routers_.end();
}

MeshTraffic::MeshTraffic(const MeshConfig& mesh)
    : columns_(mesh.columns),
      rows_(mesh.rows),
      step_(static_cast<std::size_t>(mesh.columns * mesh.rows * kDirections)) {}

std::int64_t& MeshTraffic::step(std::int64_t column, std::int64_t row, Direction to) {
    return step_[static_cast<std::size_t>((row * columns_ + column) * kDirections) +
                 static_cast<std::size_t>(to)];
}

/// The links that leave the routers [begin, end) of a line in one direction: the load steps up at
/// the first and down behind the last.
void MeshTraffic::add_run(bool along_row, std::int64_t line, Run run, Direction to,
                          std::int64_t bytes) {
    if (run.begin >= run.end) {
        return;
    }
    const auto at = [&](std::int64_t place) -> std::int64_t& {
        return along_row ? step(place, line, to) : step(line, place, to);
    };
    at(run.begin) += bytes;
    if (run.end < (along_row ? columns_ : rows_)) {
        at(run.end) -= bytes;
    }
}

void MeshTraffic::multicast(Router source, const Destinations& to, std::int64_t bytes) {
    const bool itself = to.contains(source);
    if (bytes == 0 || to.count() == (itself ? 1 : 0)) {
        return;
    }
    for (const Router& each : to.routers()) {
        step(each.column, each.row, Direction::eject) += bytes;
    }
    if (itself) {
        step(source.column, source.row, Direction::eject) -= bytes;
    }
    step(source.column, source.row, Direction::inject) += bytes;
    delivered_ += bytes * (to.count() - (itself ? 1 : 0));
    grow(source, to, bytes);
}

/// The trunk through the source, and the branches that leave it.
void MeshTraffic::grow(Router source, const Destinations& to, std::int64_t bytes) {
    const bool rows_first = (source.column + source.row) % 2 == 0;
    const std::int64_t from = rows_first ? source.column : source.row;
    const std::int64_t own = rows_first ? source.row : source.column;
    const Direction up = rows_first ? Direction::east : Direction::south;
    const Direction down = rows_first ? Direction::west : Direction::north;
    const std::vector<Destinations::Branch>& branches = to.branches(rows_first);
    add_run(rows_first, own, {from, branches.back().line}, up, bytes);
    add_run(rows_first, own, {branches.front().line + 1, from + 1}, down, bytes);
    const Direction forth = rows_first ? Direction::south : Direction::east;
    const Direction back = rows_first ? Direction::north : Direction::west;
    for (const Destinations::Branch& branch : branches) {
        add_run(!rows_first, branch.line, {own, branch.most}, forth, bytes);
        add_run(!rows_first, branch.line, {branch.least + 1, own + 1}, back, bytes);
        longest_ = std::max(longest_, std::abs(branch.line - from) +
                                          std::max(branch.most - own, own - branch.least));
    }
}

std::vector<std::int64_t> MeshTraffic::loads() const {
    std::vector<std::int64_t> loads = step_;
    for (std::int64_t row = 0; row < rows_; ++row) {
        for (std::int64_t column = 0; column < columns_; ++column) {
            const std::int64_t here = (row * columns_ + column) * kDirections;
            const auto continues = [&](Direction to, std::int64_t before) {
                const auto d = static_cast<std::int64_t>(to);
                loads[static_cast<std::size_t>(here + d)] +=
                    loads[static_cast<std::size_t>(before + d)];
            };
            if (column > 0) {
                continues(Direction::east, here - kDirections);
                continues(Direction::west, here - kDirections);
            }
            if (row > 0) {
                continues(Direction::south, here - columns_ * kDirections);
                continues(Direction::north, here - columns_ * kDirections);
            }
        }
    }
    return loads;
}

std::vector<LinkUse> MeshTraffic::links(const Machine& machine, ComponentId mesh) const {
    const std::vector<std::int64_t> all = loads();
    std::vector<LinkUse> uses;
    for (std::int64_t row = 0; row < rows_; ++row) {
        for (std::int64_t column = 0; column < columns_; ++column) {
            for (std::int64_t d = 0; d < kDirections; ++d) {
                const std::int64_t bytes =
                    all[static_cast<std::size_t>((row * columns_ + column) * kDirections + d)];
                if (bytes > 0) {
                    uses.push_back({machine.mesh_link(mesh, column, row, static_cast<Direction>(d)),
                                    Bytes(bytes)});
                }
            }
        }
    }
    return uses;
}

std::int64_t MeshTraffic::hop_bytes() const {
    const std::vector<std::int64_t> all = loads();
    std::int64_t sum = 0;
    for (std::size_t l = 0; l < all.size(); ++l) {
        const auto direction = static_cast<Direction>(l % kDirections);
        if (direction != Direction::inject && direction != Direction::eject) {
            sum += all[l];
        }
    }
    return sum;
}

std::int64_t MeshTraffic::busiest() const {
    const std::vector<std::int64_t> all = loads();
    return all.empty() ? 0 : *std::max_element(all.begin(), all.end());
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
