// SPDX-License-Identifier: Apache-2.0
// When requests come: at random, evenly, or as a file says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "study/serving/request.hpp"

namespace memwall {

/// Requests of one size at a mean rate.
struct ArrivalRate {
    double per_second = 1;
    std::int64_t requests = 1;
    std::int64_t prompt = 1;         ///< tokens of each
    std::int64_t output_tokens = 1;  ///< of each
};

/// A Poisson process: the times between requests are drawn from an exponential distribution. The
/// same seed gives the same requests. Throws InputError where they come over too long a time.
std::vector<Request> poisson_arrivals(const ArrivalRate& rate, std::uint64_t seed);

/// One every 1/rate seconds, the first at once. Throws as poisson_arrivals().
std::vector<Request> even_arrivals(const ArrivalRate& rate);

/// A CSV file whose first line names the columns `arrival_s`, `prompt_tokens` and `output_tokens`
/// in any order, and that has a request a line, in the order of their arrival. Throws InputError
/// with all faults, each with its line and column.
std::vector<Request> read_arrivals(const std::filesystem::path& file, const std::string& shown_as);

}  // namespace memwall
