// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/parse.hpp"
#include "sim/provenance_json.hpp"
#include "study/serving/serving_result.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

double finite(double value) {
    ensure(std::isfinite(value), "a result has finite numbers only");
    return value;
}

Json distribution_json(const Distribution& times) {
    return {{"mean_s", finite(times.mean.count())},
            {"p50_s", finite(times.p50.count())},
            {"p90_s", finite(times.p90.count())},
            {"p99_s", finite(times.p99.count())},
            {"max_s", finite(times.most.count())}};
}

Json checks_json(const std::vector<GridCheck>& checks) {
    Json json = Json::array();
    for (const GridCheck& check : checks) {
        json.push_back({{"users", check.users},
                        {"tokens", check.tokens},
                        {"error_percent", finite(100 * check.error)}});
    }
    return json;
}

Json arrivals_json(const ServingResult& result) {
    const ArrivalSource& arrivals = result.arrivals;
    return {{"kind", arrivals.kind},
            {"file", arrivals.file.empty() ? Json(nullptr) : Json(arrivals.file)},
            {"rate_per_s", arrivals.rate ? Json(finite(*arrivals.rate)) : Json(nullptr)},
            {"requests", result.totals.requests},
            {"prompt_tokens", result.totals.prompt_tokens},
            {"output_tokens", result.totals.output_tokens}};
}

Json totals_json(const ServingResult& result) {
    const ServingTotals& totals = result.totals;
    const double span = totals.span.count();
    Json json = {{"span_s", finite(span)},
                 {"requests_per_s", finite(static_cast<double>(totals.requests) / span)},
                 {"tokens_per_s", finite(static_cast<double>(totals.output_tokens) / span)}};
    json["waiting"] = distribution_json(totals.waiting);
    json["first_token"] = distribution_json(totals.first_token);
    json["token"] = totals.token ? distribution_json(*totals.token) : Json(nullptr);
    json["request"] = distribution_json(totals.request);
    json["users"] = {{"mean", finite(totals.users.mean)},
                     {"max", totals.users.most},
                     {"full_share", finite(totals.users.at_limit)}};
    json["queued"] = {{"mean", finite(totals.queued.mean)}, {"max", totals.queued.most}};
    json["energy_j"] = finite(result.energy().count());
    json["standing_energy_j"] = finite(result.standing_energy.count());
    json["work_energy_j"] = finite(result.work_energy.count());
    json["energy_per_token_j"] = finite(result.energy_per_token().count());
    json["power_w"] = finite(result.power().count());
    json["power_scope"] = result.power_scope;
    json["with_servers"] = nullptr;
    if (const auto& servers = result.servers) {
        json["with_servers"] = {{"servers", finite(servers->servers)},
                                {"host_w", finite(servers->host.count())},
                                {"fans_w", finite(servers->fans.count())},
                                {"network_w", finite(servers->network.count())},
                                {"power_w", finite(servers->power.count())},
                                {"power_low_w", finite(servers->power_low.count())},
                                {"power_high_w", finite(servers->power_high.count())},
                                {"energy_per_token_j", finite(servers->energy_per_item.count())}};
    }
    return json;
}

}  // namespace

std::string serving_json(const ServingResult& result) {
    Json json = {{"schema", kServingSchema},  {"provenance", provenance_json(result.provenance)},
                 {"machine", result.machine}, {"network", result.network},
                 {"engine", result.engine},   {"precision", result.precision}};
    json["arrivals"] = arrivals_json(result);
    json["instances"] = result.instances;
    json["places"] = result.places;
    json["chunk"] = result.chunk > 0 ? Json(result.chunk) : Json(nullptr);
    json["longest_context"] = result.longest_context;
    json["totals"] = totals_json(result);
    json["interpolation"] = {{"runs", result.runs},
                             {"steps", checks_json(result.step_checks)},
                             {"prompts", checks_json(result.prompt_checks)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string serving_csv(const ServingResult& result) {
    std::string text = csv_line({"arrival_s", "prompt_tokens", "output_tokens", "instance",
                                 "admitted_s", "first_token_s", "done_s"});
    for (std::size_t r = 0; r < result.requests.size(); ++r) {
        const Request& request = result.requests[r];
        const Served& served = result.served[r];
        const auto seconds = [](Picoseconds time) { return shortest(to_seconds(time).count()); };
        text +=
            csv_line({seconds(request.arrival), std::to_string(request.prompt),
                      std::to_string(request.output_tokens), std::to_string(served.instance + 1),
                      seconds(served.admitted), seconds(served.first_token), seconds(served.done)});
    }
    return text;
}

}  // namespace memwall
