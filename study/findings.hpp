// SPDX-License-Identifier: Apache-2.0
// What a comparison found, in words. Every number is read from the results.
#pragma once

#include <string>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// How much of each machine's energy is data movement; which machine is how many times better in
/// energy and in speed, by what the largest part of the difference is, and whether that survives
/// when the others run at their I/O lower bound. A sentence each.
std::vector<std::string> findings(const std::vector<const RunResult*>& runs);

/// One pair: `other` against `best`, as findings() says it.
std::vector<std::string> pair_findings(const RunResult& best, const RunResult& other);

/// Sentences for a terminal, each from the beginning of a line: what passes column 100 goes on in
/// the next line, two columns in.
std::string findings_text(const std::vector<std::string>& sentences);

}  // namespace memwall
