// SPDX-License-Identifier: Apache-2.0
// What work costs at any number of users and tokens, from runs at a few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace memwall {

/// How far straight lines miss a point that was run to measure them.
struct GridCheck {
    std::int64_t users = 0;
    std::int64_t tokens = 0;
    double error = 0;  ///< of the value that is missed most: a fraction
};

// MODEL: work at a number of users and tokens between those that are run costs what straight lines
// in both say. Points are run when they are first needed; where the lines miss a point that is run
// to measure them by more than 2 %, more points are run.
/// Values (times, energies) on a grid of users and tokens.
class WorkGrid {
public:
    /// The values of a point; the same number of them for each.
    using Run = std::function<std::vector<double>(std::int64_t users, std::int64_t tokens)>;

    /// `users` and `tokens` ascend. Points are run in the order of their first use.
    WorkGrid(std::vector<std::int64_t> users, std::vector<std::int64_t> tokens, Run run);

    /// The values at a point within the grid; valid until the next call.
    const std::vector<double>& at(std::int64_t users, double tokens);

    /// Runs the middles of the `most` cells that were used most, and says how far they are missed.
    /// Cells of which no line was used, or without a point inside, are exact and left out.
    std::vector<GridCheck> check(std::size_t most);

    /// Divides cells that were checked and missed by more than `most_error`, along what their lines
    /// miss. Whether there were some. No line counts as used so far.
    bool refine(const std::vector<GridCheck>& checks, double most_error);

    /// Points that were run, those of check() and refine() included.
    [[nodiscard]] std::int64_t runs() const { return static_cast<std::int64_t>(points_.size()); }

private:
    struct Cell {
        std::size_t users = 0, tokens = 0;  ///< positions of its lower ends
    };
    void interpolate(std::int64_t users, double tokens, std::vector<double>& values);
    [[nodiscard]] Cell cell_at(std::int64_t users, double tokens) const;
    const std::vector<double>& point(std::int64_t users, std::int64_t tokens);
    /// How far the lines miss a point; of the value that is missed most.
    double error_at(std::int64_t users, std::int64_t tokens);
    [[nodiscard]] std::optional<std::size_t> most_used(const std::vector<bool>& left_out) const;

    std::vector<std::int64_t> users_, tokens_;
    Run run_;
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<double>>
        points_;                      ///< that were run
    std::vector<std::int64_t> uses_;  ///< of lines in the cell above each point; tokens go fastest
    std::vector<double> values_;
};

/// Puts `more` in their places among ascending marks. Whether some of them were new.
bool add_marks(std::set<std::int64_t> more, std::vector<std::int64_t>& marks);

/// From `least` on, each twice the one before, and `most`.
std::vector<std::int64_t> doubling_counts(std::int64_t least, std::int64_t most);

}  // namespace memwall
