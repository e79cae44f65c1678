// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/nsga2.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr double kCrossover = 0.9;      // the paper's probability
constexpr double kStepAway = 0.5;       // of a mutation, to a neighbour; else anywhere
constexpr int kTriesForNewChild = 200;  // before the space around the front counts as known

}  // namespace

Nsga2::Nsga2(const PointSpace& space, const SearchPlan& plan)
    : space_(space), plan_(plan), sizes_(space.sizes()), draw_(plan.seed) {
    plan_.budget = std::min(plan_.budget, space.size());
    plan_.population = std::min(plan_.population, plan_.budget);
}

std::int64_t Nsga2::left() const {
    return plan_.budget - static_cast<std::int64_t>(known_.size());
}

std::vector<std::int64_t> Nsga2::ask() {
    if (left() <= 0) {
        return {};
    }
    if (known_.empty()) {
        children_ = first_generation();
        return children_;
    }
    select();
    children_ = children();
    return children_;
}

void Nsga2::tell(std::int64_t point, Fitness fitness) {
    known_[point] = std::move(fitness);
}

/// Spread evenly over each gene: a Latin hypercube.
std::vector<std::int64_t> Nsga2::first_generation() {
    const auto count = static_cast<std::size_t>(plan_.population);
    std::vector<Genes> all(count, Genes(sizes_.size()));
    for (std::size_t gene = 0; gene < sizes_.size(); ++gene) {
        std::vector<std::size_t> parts(count);
        for (std::size_t i = 0; i < count; ++i) {
            parts[i] = i;
            std::swap(
                parts[i],
                parts[static_cast<std::size_t>(draw_.below(static_cast<std::int64_t>(i) + 1))]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            const double position =
                (static_cast<double>(parts[i]) + draw_.fraction()) / static_cast<double>(count);
            all[i][gene] =
                std::min(static_cast<std::int64_t>(position * static_cast<double>(sizes_[gene])),
                         sizes_[gene] - 1);
        }
    }
    std::vector<std::int64_t> points;
    for (const Genes& genes : all) {
        std::int64_t point = space_.point(genes);
        // In a small space two may meet; the next free point takes its place.
        while (std::find(points.begin(), points.end(), point) != points.end()) {
            point = (point + 1) % space_.size();
        }
        points.push_back(point);
    }
    return points;
}

void Nsga2::select() {
    std::vector<std::int64_t> candidates = parents_;
    candidates.insert(candidates.end(), children_.begin(), children_.end());
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    // Violations come before costs: points with the same number of them are sorted among
    // themselves.
    std::map<int, std::vector<std::int64_t>> by_violations;
    for (const std::int64_t point : candidates) {
        const auto fitness = known_.find(point);
        ensure(fitness != known_.end(), "every point that was asked for has its fitness");
        by_violations[fitness->second.violations].push_back(point);
    }
    rank_.clear();
    std::size_t first_rank = 0;
    for (const auto& [violations, points] : by_violations) {
        std::vector<Costs> costs;
        for (const std::int64_t point : points) {
            costs.push_back(violations == 0 ? known_.at(point).costs : Costs());
        }
        const std::vector<std::size_t> fronts = pareto_fronts(costs);
        const std::size_t last = *std::max_element(fronts.begin(), fronts.end());
        for (std::size_t front = 1; front <= last; ++front) {
            std::vector<Costs> members;
            std::vector<std::int64_t> of_front;
            for (std::size_t p = 0; p < points.size(); ++p) {
                if (fronts[p] == front) {
                    members.push_back(costs[p]);
                    of_front.push_back(points[p]);
                }
            }
            const std::vector<double> distances = crowding_distances(members);
            for (std::size_t p = 0; p < of_front.size(); ++p) {
                rank_[of_front[p]] = {first_rank + front, distances[p]};
            }
        }
        first_rank += last;
    }
    std::stable_sort(candidates.begin(), candidates.end(), [&](std::int64_t a, std::int64_t b) {
        const auto& [rank_a, distance_a] = rank_.at(a);
        const auto& [rank_b, distance_b] = rank_.at(b);
        return rank_a != rank_b ? rank_a < rank_b : distance_a > distance_b;
    });
    candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(plan_.population)));
    parents_ = std::move(candidates);
}

std::vector<std::int64_t> Nsga2::children() {
    std::vector<std::int64_t> fresh;
    std::set<std::int64_t> seen;
    const std::int64_t wanted = std::min(plan_.population, left());
    int tries = 0;
    while (static_cast<std::int64_t>(fresh.size()) < wanted && tries < kTriesForNewChild) {
        const std::int64_t point = child();
        if (known_.count(point) > 0 || !seen.insert(point).second) {
            ++tries;
            continue;
        }
        fresh.push_back(point);
        tries = 0;
    }
    return fresh;
}

std::int64_t Nsga2::tournament() {
    const auto count = static_cast<std::int64_t>(parents_.size());
    // Parents stand in their order: the better of two is the earlier.
    return parents_[static_cast<std::size_t>(std::min(draw_.below(count), draw_.below(count)))];
}

std::int64_t Nsga2::child() {
    const Genes mother = genes_of(tournament());
    const Genes father = genes_of(tournament());
    Genes genes = mother;
    if (draw_.fraction() < kCrossover) {
        for (std::size_t gene = 0; gene < genes.size(); ++gene) {
            genes[gene] = draw_.below(2) == 0 ? mother[gene] : father[gene];
        }
    }
    mutate(genes);
    return space_.point(genes);
}

void Nsga2::mutate(Genes& genes) {
    const double rate = 1.0 / static_cast<double>(std::max<std::size_t>(genes.size(), 1));
    for (std::size_t gene = 0; gene < genes.size(); ++gene) {
        if (draw_.fraction() >= rate) {
            continue;
        }
        if (draw_.fraction() < kStepAway) {
            const std::int64_t step = draw_.below(2) == 0 ? -1 : 1;
            genes[gene] = std::clamp(genes[gene] + step, std::int64_t{0}, sizes_[gene] - 1);
        } else {
            genes[gene] = draw_.below(sizes_[gene]);
        }
    }
}

Nsga2::Genes Nsga2::genes_of(std::int64_t point) const {
    Genes genes(sizes_.size());
    for (std::size_t gene = sizes_.size(); gene-- > 0;) {
        genes[gene] = point % sizes_[gene];
        point /= sizes_[gene];
    }
    return genes;
}

}  // namespace memwall
