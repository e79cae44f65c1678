// SPDX-License-Identifier: Apache-2.0
#include "sim/provenance_json.hpp"

#include <nlohmann/json.hpp>

namespace memwall {

using Json = nlohmann::ordered_json;

Json provenance_json(const ResultProvenance& provenance) {
    Json json = {{"version", provenance.version}, {"model_version", provenance.model_version}};
    json["inputs"] = Json::array();
    for (const InputFile& input : provenance.inputs) {
        json["inputs"].push_back({{"path", input.path}, {"sha256", input.sha256}});
    }
    json["overrides"] = provenance.overrides;
    json["seed"] = provenance.seed;
    json["mapper_effort"] = provenance.mapper_effort;
    if (provenance.search_cut_after) {
        json["search_cut_after"] = *provenance.search_cut_after;
    }
    return json;
}

}  // namespace memwall
