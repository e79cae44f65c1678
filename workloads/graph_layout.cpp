// SPDX-License-Identifier: Apache-2.0
#include "workloads/graph_layout.hpp"

#include <algorithm>
#include <numeric>

namespace memwall {
namespace {

constexpr double kGap = 24;
constexpr double kLineWidth = 10;
constexpr std::size_t kMostCrossings = 200'000;  ///< of lines and rows; more go straight

/// A box, or the place of a line in a row that it crosses.
struct Place {
    std::size_t row = 0;
    double width = 0;
    double x = 0;
    std::vector<std::size_t> above;
};

class Layout {
public:
    Layout(const std::vector<double>& widths, const std::vector<GraphEdge>& edges)
        : edges_(edges), places_(widths.size()) {
        for (std::size_t box = 0; box < widths.size(); ++box) {
            places_[box].width = widths[box];
        }
    }

    GraphLayout run() {
        find_rows();
        cross_rows();
        place_rows();
        return result();
    }

private:
    void find_rows() {
        std::vector<std::vector<std::size_t>> after(places_.size());
        std::vector<std::size_t> waiting(places_.size(), 0);
        for (const GraphEdge& edge : edges_) {
            after[edge.from].push_back(edge.to);
            ++waiting[edge.to];
        }
        std::vector<std::size_t> ready;
        for (std::size_t box = 0; box < places_.size(); ++box) {
            if (waiting[box] == 0) {
                ready.push_back(box);
            }
        }
        for (std::size_t next = 0; next < ready.size(); ++next) {
            for (const std::size_t box : after[ready[next]]) {
                places_[box].row = std::max(places_[box].row, places_[ready[next]].row + 1);
                if (--waiting[box] == 0) {
                    ready.push_back(box);
                }
            }
        }
    }

    /// Gives each edge a place in every row between its ends.
    void cross_rows() {
        std::size_t crossings = 0;
        for (const GraphEdge& edge : edges_) {
            crossings += places_[edge.to].row - places_[edge.from].row - 1;
        }
        for (const GraphEdge& edge : edges_) {
            std::vector<std::size_t> way = {edge.from};
            const std::size_t last = places_[edge.to].row;
            for (std::size_t row = places_[edge.from].row + 1;
                 row < last && crossings <= kMostCrossings; ++row) {
                places_.push_back({row, kLineWidth, 0, {way.back()}});
                way.push_back(places_.size() - 1);
            }
            places_[edge.to].above.push_back(way.back());
            way.push_back(edge.to);
            ways_.push_back(std::move(way));
        }
    }

    void place_rows() {
        for (const Place& place : places_) {
            rows_ = std::max(rows_, place.row + 1);
        }
        std::vector<std::vector<std::size_t>> rows(places_.empty() ? 0 : rows_);
        for (std::size_t place = 0; place < places_.size(); ++place) {
            rows[places_[place].row].push_back(place);
        }
        for (const std::vector<std::size_t>& row : rows) {
            place_row(row);
        }
        double left = 0;
        double right = 0;
        for (const Place& place : places_) {
            left = std::min(left, place.x - place.width / 2);
            right = std::max(right, place.x + place.width / 2);
        }
        for (Place& place : places_) {
            place.x -= left;
        }
        width_ = right - left;
    }

    /// Each as near to the middle of what is above it as its neighbours allow, the row as a whole
    /// moved to the mean of what they wish.
    void place_row(std::vector<std::size_t> row) {
        for (const std::size_t place : row) {
            const std::vector<std::size_t>& above = places_[place].above;
            for (const std::size_t other : above) {
                places_[place].x += places_[other].x / static_cast<double>(above.size());
            }
        }
        std::stable_sort(row.begin(), row.end(),
                         [&](std::size_t a, std::size_t b) { return places_[a].x < places_[b].x; });
        double shift = 0;
        double edge = 0;
        for (std::size_t n = 0; n < row.size(); ++n) {
            Place& place = places_[row[n]];
            const double wished = place.x;
            const double least = edge + kGap + place.width / 2;
            place.x = n == 0 ? place.x : std::max(place.x, least);
            edge = place.x + place.width / 2;
            shift += (place.x - wished) / static_cast<double>(row.size());
        }
        for (const std::size_t place : row) {
            places_[place].x -= shift;
        }
    }

    [[nodiscard]] GraphLayout result() const {
        GraphLayout layout;
        layout.rows = rows_;
        layout.width = width_;
        const std::size_t lines = ways_.empty() ? 0 : ways_.size();
        std::size_t boxes = places_.size();
        for (const std::vector<std::size_t>& way : ways_) {
            boxes -= way.size() - 2;
        }
        for (std::size_t box = 0; box < boxes; ++box) {
            layout.boxes.push_back({places_[box].row, places_[box].x});
        }
        for (std::size_t line = 0; line < lines; ++line) {
            layout.lines.emplace_back();
            for (const std::size_t place : ways_[line]) {
                layout.lines.back().push_back({places_[place].row, places_[place].x});
            }
        }
        return layout;
    }

    const std::vector<GraphEdge>& edges_;
    std::vector<Place> places_;
    std::vector<std::vector<std::size_t>> ways_;
    std::size_t rows_ = 0;
    double width_ = 0;
};

}  // namespace

GraphLayout lay_out(const std::vector<double>& widths, const std::vector<GraphEdge>& edges) {
    return Layout(widths, edges).run();
}

}  // namespace memwall
