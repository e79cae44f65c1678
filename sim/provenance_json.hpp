// SPDX-License-Identifier: Apache-2.0
// What a result was made from, as the JSON object that results of all schemas have.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sim/result.hpp"

namespace memwall {

/// Keys in the order of docs/result.md.
nlohmann::ordered_json provenance_json(const ResultProvenance& provenance);

}  // namespace memwall
