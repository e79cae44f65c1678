// SPDX-License-Identifier: Apache-2.0
// Tables as CSV (RFC 4180).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memwall {

/// A line of cells, quoted where they hold a comma, a quote or a line end.
std::string csv_line(const std::vector<std::string>& cells);
/// The cells of a line that csv_line() made, with or without its end.
std::vector<std::string> csv_cells(std::string_view line);

}  // namespace memwall
