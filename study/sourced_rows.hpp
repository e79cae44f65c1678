// SPDX-License-Identifier: Apache-2.0
// Numbers with their interval, status and source, as rows that machines and technologies share.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/technology.hpp"

namespace memwall {

/// One number of a model.
struct SourcedRow {
    std::string path;  ///< "mac.int8", "array: mac at int8"
    Sourced number;
    std::string unit;  ///< "J", "W", "mm2"; "" is a ratio
};

std::vector<SourcedRow> rows_of(const Technology& technology);
/// What one count of each action costs, and the power of each component.
std::vector<SourcedRow> rows_of(const Machine& machine);
std::vector<SourcedRow> rows_of(const Component& component);

nlohmann::ordered_json rows_json(const std::vector<SourcedRow>& rows);
nlohmann::ordered_json provenance_json(const std::vector<Provenance>& provenance);

std::string rows_csv(const std::string& owner, const std::vector<SourcedRow>& rows);
std::string rows_table(const std::vector<SourcedRow>& rows);
std::string provenance_table(const std::vector<Provenance>& provenance);
/// How many numbers are of which status, in words.
std::string rows_summary(const std::vector<SourcedRow>& rows);
/// "0.138 pJ (0.1 pJ to 0.173 pJ)"
std::string value_text(double value, const std::string& unit);

}  // namespace memwall
