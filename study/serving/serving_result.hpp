// SPDX-License-Identifier: Apache-2.0
// What serving requests comes to: schema memwall.serving/1, explained in docs/serving.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "sim/result.hpp"
#include "study/serving/instance.hpp"
#include "study/serving/request.hpp"
#include "study/serving/work_grid.hpp"

namespace memwall {

inline constexpr const char* kServingSchema = "memwall.serving/1";

/// How some times are spread; percentiles are times that occurred (nearest rank).
struct Distribution {
    Seconds mean, p50, p90, p99, most;
};
/// Of at least one time.
Distribution distribution_of(std::vector<Picoseconds> times);

/// How many of something there are over a span of time.
struct Occupancy {
    double mean = 0;
    std::int64_t most = 0;
    double at_limit = 0;  ///< share of the time in which the limit is reached
};

/// Things that are there from one time to another.
struct Stay {
    Picoseconds from, to;
};
/// Over the span from the first beginning of `stays` to `end`. `limit` 0: none.
Occupancy occupancy_of(const std::vector<Stay>& stays, Picoseconds begin, Picoseconds end,
                       std::int64_t limit);

/// Times and counts of all requests on all instances.
struct ServingTotals {
    Seconds span;  ///< from the first arrival to the last token
    std::int64_t requests = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t output_tokens = 0;
    Distribution waiting;      ///< from arrival to a place
    Distribution first_token;  ///< from arrival
    std::optional<Distribution>
        token;             ///< between two of a request, its mean; of those that have two
    Distribution request;  ///< from arrival to the last token
    Occupancy users;       ///< with a place, of an instance; their mean over instances
    Occupancy queued;      ///< requests without a place, of all instances
};
ServingTotals serving_totals(const std::vector<Request>& requests,
                             const std::vector<Served>& served, std::int64_t instances,
                             std::int64_t places);

/// How the requests came to be.
struct ArrivalSource {
    std::string kind;            ///< "poisson", "even" or "trace"
    std::string file;            ///< of a trace
    std::optional<double> rate;  ///< a second, as it was asked for
};

struct ServingResult {
    ResultProvenance provenance;
    std::string machine, network, engine, precision;
    ArrivalSource arrivals;
    std::int64_t instances = 1;
    std::int64_t places = 1;           ///< of an instance
    std::int64_t chunk = 0;            ///< tokens of a prompt that are read at a time; 0: all
    bool chunk_chosen = false;         ///< since the longest prompt does not fit whole
    std::int64_t longest_context = 0;  ///< that memory was laid out for, of each place
    std::vector<Request> requests;
    std::vector<Served> served;
    ServingTotals totals;
    std::string power_scope;
    Joules standing_energy;  ///< leakage, clock trees and the background of memories
    Joules work_energy;
    std::optional<ServerResult> servers;  ///< around all instances, where the machine says so
    std::vector<GridCheck> step_checks, prompt_checks;
    std::int64_t runs = 0;  ///< of the model, for times and energies of work

    [[nodiscard]] Joules energy() const { return standing_energy + work_energy; }
    [[nodiscard]] Watts power() const { return energy() / totals.span; }
    /// A token made; its share of reading the prompts is in it.
    [[nodiscard]] Joules energy_per_token() const {
        return Joules(energy().count() / static_cast<double>(totals.output_tokens));
    }
};

/// As JSON, indented by two; the same result gives the same bytes.
std::string serving_json(const ServingResult& result);
/// A request a line, in the order of arrival.
std::string serving_csv(const ServingResult& result);
/// As a table for people, with notes.
std::string serving_report(const ServingResult& result);

}  // namespace memwall
