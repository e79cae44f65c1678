// SPDX-License-Identifier: Apache-2.0
// NSGA-II, a search that moves towards the Pareto front and spreads along it (Deb, Pratap, Agarwal,
// Meyarivan: A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE Transactions on
// Evolutionary Computation 6(2), 2002).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "study/sweep/pareto.hpp"
#include "study/sweep/samples.hpp"
#include "study/sweep/sweep_file.hpp"

namespace memwall {

/// How good a point turned out to be. A point that breaks fewer constraints beats one that breaks
/// more, whatever their costs.
struct Fitness {
    int violations = 0;
    Costs costs;  ///< only where there are no violations
};

/// The axes of a space are the genes. Depends on the seed and the fitness of points, on nothing
/// else: not on the order in which a generation is evaluated.
///
/// Where it differs from the paper: genes are entries of lists, so crossover takes each gene from
/// either parent, and mutation goes to the next entry or to any; points that were evaluated before
/// are not evaluated again and do not count against the budget; all violations weigh the same.
class Nsga2 {
public:
    Nsga2(const PointSpace& space, const SearchPlan& plan);

    /// The next points to evaluate, none of them asked for before; empty when the budget is spent
    /// or nothing new is found.
    [[nodiscard]] std::vector<std::int64_t> ask();
    /// The fitness of a point that was asked for; all of them before the next ask().
    void tell(std::int64_t point, Fitness fitness);

private:
    using Genes = std::vector<std::int64_t>;

    [[nodiscard]] std::vector<std::int64_t> first_generation();
    [[nodiscard]] std::vector<std::int64_t> children();
    [[nodiscard]] std::int64_t child();
    [[nodiscard]] std::int64_t tournament();
    void mutate(Genes& genes);
    [[nodiscard]] Genes genes_of(std::int64_t point) const;
    /// Keeps the best of parents and children.
    void select();
    [[nodiscard]] std::int64_t left() const;

    const PointSpace& space_;
    SearchPlan plan_;
    std::vector<std::int64_t> sizes_;
    SeededDraw draw_;
    std::map<std::int64_t, Fitness> known_;
    std::vector<std::int64_t> parents_;                            ///< the best first
    std::vector<std::int64_t> children_;                           ///< those asked for or met since
    std::map<std::int64_t, std::pair<std::size_t, double>> rank_;  ///< of parents: front, crowding
};

}  // namespace memwall
