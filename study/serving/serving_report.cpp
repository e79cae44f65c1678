// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"
#include "study/figures.hpp"
#include "study/server_power.hpp"
#include "study/serving/serving_result.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

std::string time_text(Seconds time) {
    return time.count() == 0 ? "0" : format_seconds(time);
}

void add_times(const char* what, const Distribution& times, Table& table) {
    table.add({what, time_text(times.mean), time_text(times.p50), time_text(times.p90),
               time_text(times.p99), time_text(times.most)});
}

std::string times_text(const ServingTotals& totals) {
    Table table({{"", Align::left}, {"mean"}, {"p50"}, {"p90"}, {"p99"}, {"max"}});
    add_times("waiting for a place", totals.waiting, table);
    add_times("time to first token", totals.first_token, table);
    if (totals.token) {
        add_times("time per token", *totals.token, table);
    }
    add_times("whole request", totals.request, table);
    return table.text();
}

std::string rates_text(const ServingResult& result) {
    const ServingTotals& totals = result.totals;
    const double span = totals.span.count();
    Table table({{"", Align::left}, {"", Align::right}, {"", Align::left}});
    table.add({"throughput", rate(static_cast<double>(totals.output_tokens) / span),
               fmt::format("tokens/s; {} requests/s over {}",
                           rate(static_cast<double>(totals.requests) / span),
                           format_seconds(totals.span))});
    table.add({"users at once", fmt::format("{:.2f}", totals.users.mean),
               fmt::format("of {} places{}; at most {}; all taken {} of the time", result.places,
                           result.instances == 1 ? "" : " of each instance", totals.users.most,
                           percent(totals.users.at_limit))});
    table.add({"queued", fmt::format("{:.2f}", totals.queued.mean),
               fmt::format("requests; at most {}", totals.queued.most)});
    table.add({"power", format_watts(result.power()), result.power_scope});
    if (const auto& servers = result.servers) {
        table.add({"power with servers", format_watts(servers->power),
                   servers_text(*servers) + "; from " + format_watts(servers->power_low) + " to " +
                       format_watts(servers->power_high)});
        table.add({"energy a token with servers", format_joules(servers->energy_per_item), ""});
    }
    table.add({"energy a token", format_joules(result.energy_per_token()),
               fmt::format("{} of it standing power",
                           percent(ratio(result.standing_energy, result.energy())))});
    // The columns have no titles: leave out the two lines of the head.
    const std::string text = table.text();
    return text.substr(text.find('\n', text.find('\n') + 1) + 1);
}

std::string arrivals_text(const ServingResult& result) {
    const ArrivalSource& arrivals = result.arrivals;
    const std::int64_t count = result.totals.requests;
    std::string text = format_count(count) + (count == 1 ? " request" : " requests");
    if (arrivals.kind == "trace") {
        return text + " of " + arrivals.file;
    }
    const Request& any = result.requests.front();
    text += fmt::format(", {} at {}/s", arrivals.kind, rate(*arrivals.rate));
    if (arrivals.kind == "poisson") {
        text += fmt::format(" with seed {}", result.provenance.seed);
    }
    return text + fmt::format(", prompts of {} tokens, {} output token{}", any.prompt,
                              any.output_tokens, any.output_tokens == 1 ? "" : "s");
}

double worst(const std::vector<GridCheck>& checks) {
    double error = 0;
    for (const GridCheck& check : checks) {
        error = std::max(error, check.error);
    }
    return error;
}

std::string checks_text(const ServingResult& result) {
    std::string text =
        fmt::format("note: times and energies of work come from {} run{} of the model", result.runs,
                    result.runs == 1 ? "" : "s");
    const auto add = [&](const char* what, const std::vector<GridCheck>& checks) {
        if (!checks.empty()) {
            text += fmt::format(
                "; straight lines between miss {} by {:.2f} % at most where {} run", what,
                100 * worst(checks),
                checks.size() == 1 ? "one more was" : fmt::format("{} more were", checks.size()));
        }
    };
    add("a step", result.step_checks);
    add("a prompt", result.prompt_checks);
    return text + "\n";
}

std::string chunk_text(const ServingResult& result) {
    if (result.chunk == 0) {
        return "";
    }
    return fmt::format("note: prompts are read in chunks of {} tokens{}\n", result.chunk,
                       result.chunk_chosen
                           ? ", since the longest does not fit whole; --chunk N takes others"
                           : "");
}

}  // namespace

std::string serving_report(const ServingResult& result) {
    return fmt::format("{} on {} at {}, serving {}; {} instance{}, engine {}\n\n", result.network,
                       result.machine, result.precision, arrivals_text(result), result.instances,
                       result.instances == 1 ? "" : "s", result.engine) +
           times_text(result.totals) + "\n" + rates_text(result) + "\n" + chunk_text(result) +
           checks_text(result);
}

}  // namespace memwall
