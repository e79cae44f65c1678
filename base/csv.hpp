// SPDX-License-Identifier: Apache-2.0
// Tables as CSV (RFC 4180).
#pragma once

#include <string>
#include <vector>

namespace memwall {

/// A line of cells, quoted where they hold a comma, a quote or a line end.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace memwall
