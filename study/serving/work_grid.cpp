// SPDX-License-Identifier: Apache-2.0
#include "study/serving/work_grid.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Position of the last of `marks` that is at most `value`, so that one is above it where there is.
std::size_t below(const std::vector<std::int64_t>& marks, double value) {
    std::size_t at = 0;
    while (at + 2 < marks.size() && static_cast<double>(marks[at + 1]) <= value) {
        ++at;
    }
    return at;
}

/// How far `value` is from marks[at] to the next one, 0 to 1.
double share(const std::vector<std::int64_t>& marks, std::size_t at, double value) {
    if (at + 1 == marks.size()) {
        return 0;
    }
    const auto low = static_cast<double>(marks[at]);
    return (value - low) / (static_cast<double>(marks[at + 1]) - low);
}

std::int64_t middle(const std::vector<std::int64_t>& marks, std::size_t at) {
    return at + 1 == marks.size() ? marks[at] : marks[at] + (marks[at + 1] - marks[at]) / 2;
}

}  // namespace

WorkGrid::WorkGrid(std::vector<std::int64_t> users, std::vector<std::int64_t> tokens, Run run)
    : users_(std::move(users)),
      tokens_(std::move(tokens)),
      run_(std::move(run)),
      uses_(users_.size() * tokens_.size(), 0) {
    ensure(!users_.empty() && !tokens_.empty(), "a grid has points");
}

WorkGrid::Cell WorkGrid::cell_at(std::int64_t users, double tokens) const {
    ensure(users >= users_.front() && users <= users_.back() &&
               tokens >= static_cast<double>(tokens_.front()) &&
               tokens <= static_cast<double>(tokens_.back()),
           "work lies within the grid that was made for it");
    return {below(users_, static_cast<double>(users)), below(tokens_, tokens)};
}

const std::vector<double>& WorkGrid::point(std::int64_t users, std::int64_t tokens) {
    const auto known = points_.find({users, tokens});
    return known != points_.end()
               ? known->second
               : points_.emplace(std::pair(users, tokens), run_(users, tokens)).first->second;
}

void WorkGrid::interpolate(std::int64_t users, double tokens, std::vector<double>& values) {
    const Cell cell = cell_at(users, tokens);
    const double up = share(users_, cell.users, static_cast<double>(users));
    const double on = share(tokens_, cell.tokens, tokens);
    values.clear();
    const auto add = [&](std::size_t more_users, std::size_t more_tokens, double weight) {
        if (weight > 0) {  // a point that does not count is not run
            const auto& corner =
                point(users_[cell.users + more_users], tokens_[cell.tokens + more_tokens]);
            values.resize(corner.size(), 0);
            for (std::size_t v = 0; v < corner.size(); ++v) {
                values[v] += weight * corner[v];
            }
        }
    };
    add(0, 0, (1 - up) * (1 - on));
    add(0, 1, (1 - up) * on);
    add(1, 0, up * (1 - on));
    add(1, 1, up * on);
}

const std::vector<double>& WorkGrid::at(std::int64_t users, double tokens) {
    interpolate(users, tokens, values_);
    const Cell cell = cell_at(users, tokens);
    const auto lies_between = [](double share) { return share > 0 && share < 1; };
    if (lies_between(share(users_, cell.users, static_cast<double>(users))) ||
        lies_between(share(tokens_, cell.tokens, tokens))) {
        ++uses_[cell.users * tokens_.size() + cell.tokens];
    }
    return values_;
}

std::optional<std::size_t> WorkGrid::most_used(const std::vector<bool>& left_out) const {
    std::optional<std::size_t> most;
    for (std::size_t c = 0; c < uses_.size(); ++c) {
        const std::int64_t least = most ? uses_[*most] : 0;
        if (!left_out[c] && uses_[c] > least) {
            most = c;
        }
    }
    return most;
}

std::vector<GridCheck> WorkGrid::check(std::size_t most) {
    std::vector<GridCheck> checks;
    std::vector<bool> left_out(uses_.size(), false);
    while (checks.size() < most) {
        const auto cell = most_used(left_out);
        if (!cell) {
            break;
        }
        left_out[*cell] = true;
        const std::size_t u = *cell / tokens_.size();
        const std::size_t t = *cell % tokens_.size();
        GridCheck check{middle(users_, u), middle(tokens_, t), 0};
        if (check.users == users_[u] && check.tokens == tokens_[t]) {
            continue;
        }
        check.error = error_at(check.users, check.tokens);
        checks.push_back(check);
    }
    return checks;
}

double WorkGrid::error_at(std::int64_t users, std::int64_t tokens) {
    std::vector<double> guess;
    interpolate(users, static_cast<double>(tokens), guess);
    const std::vector<double>& actual = point(users, tokens);
    double most = 0;
    for (std::size_t v = 0; v < actual.size(); ++v) {
        const double error = actual[v] == guess[v] ? 0 : std::abs(guess[v] / actual[v] - 1);
        most = std::max(most, error);
    }
    return most;
}

bool WorkGrid::refine(const std::vector<GridCheck>& checks, double most_error) {
    std::set<std::int64_t> users;
    std::set<std::int64_t> tokens;
    for (const GridCheck& check : checks) {
        if (check.error <= most_error) {
            continue;
        }
        const Cell cell = cell_at(check.users, static_cast<double>(check.tokens));
        const double by_users = error_at(check.users, tokens_[cell.tokens]);
        const double by_tokens = error_at(users_[cell.users], check.tokens);
        if (by_users >= by_tokens / 2) {
            users.insert(check.users);
        }
        if (by_tokens >= by_users / 2) {
            tokens.insert(check.tokens);
        }
    }
    const bool more_users = add_marks(std::move(users), users_);
    const bool more_tokens = add_marks(std::move(tokens), tokens_);
    uses_.assign(users_.size() * tokens_.size(), 0);
    return more_users || more_tokens;
}

bool add_marks(std::set<std::int64_t> more, std::vector<std::int64_t>& marks) {
    const std::size_t before = marks.size();
    more.insert(marks.begin(), marks.end());
    marks.assign(more.begin(), more.end());
    return marks.size() > before;
}

std::vector<std::int64_t> doubling_counts(std::int64_t least, std::int64_t most) {
    std::vector<std::int64_t> counts;
    for (std::int64_t count = least; count < most; count *= 2) {
        counts.push_back(count);
    }
    counts.push_back(most);
    return counts;
}

}  // namespace memwall
