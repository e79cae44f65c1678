// SPDX-License-Identifier: Apache-2.0
// The verb `serve`: requests to instances of a language model.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/commands.hpp"
#include "study/execute.hpp"
#include "study/instances.hpp"
#include "study/interrupt.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/provenance.hpp"
#include "study/run_inputs.hpp"
#include "study/server_power.hpp"
#include "study/serving/arrivals.hpp"
#include "study/serving/modelled_costs.hpp"
#include "study/serving/prompt_plan.hpp"
#include "study/serving/serving_result.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kRequests = 1000;
constexpr std::int64_t kMostRequests = 10'000'000;
constexpr std::int64_t kMostInstances = 10'000;
constexpr std::size_t kStepChecks = 3;
constexpr std::size_t kPromptChecks = 1;
constexpr double kMostMiss = 0.02;  ///< of a line between runs of the model
constexpr int kMostRefinements = 8;

bool is_csv(const std::string& text) {
    return text.size() > 4 && text.ends_with(".csv");
}

std::int64_t number(const char* option, const std::optional<std::string>& text,
                    std::int64_t otherwise, std::int64_t least, std::int64_t most) {
    return text ? parse_count_option(option, *text, least, most) : otherwise;
}

double rate_of(const CommandLine& command) {
    if (!command.rate) {
        throw InputError("serve: missing --rate R, requests a second (or --arrivals FILE.csv)");
    }
    const Parsed<double> parsed = parse_number(*command.rate);
    const double* rate = std::get_if<double>(&parsed);
    if (rate == nullptr || !(*rate > 0)) {
        throw InputError("--rate: expected requests a second above 0, found '" + *command.rate +
                         "'");
    }
    return *rate;
}

/// What a trace says of its requests is no matter of options.
void refuse_beside_trace(const CommandLine& command, const ScenarioRequest& scenario) {
    Diagnostics faults;
    const auto refuse = [&](const char* option, bool given) {
        if (given) {
            faults.error({}, std::string(option) + " does not go with --arrivals " +
                                 *command.arrivals + ", which says it of each request");
        }
    };
    refuse("--rate", command.rate.has_value());
    refuse("--requests", command.requests.has_value());
    refuse("--seed", command.seed.has_value());
    refuse("--prompt", scenario.prompt.has_value());
    refuse("--output-tokens", scenario.output_tokens.has_value());
    faults.throw_if_any();
}

/// The size of requests; what does not go with serving is refused.
LanguageLoad load_of(ScenarioRequest scenario) {
    if (scenario.phase) {
        throw InputError("serve: a phase does not go with serve: requests are read, then decoded");
    }
    scenario.phase = Phase::generate;
    return *resolve(scenario, true).language;
}

/// Who comes when, as the options say.
void add_requests(const CommandLine& command, const ScenarioRequest& scenario, InputFiles& inputs,
                  ServingResult& result) {
    const LanguageLoad load = load_of(scenario);
    const std::string arrivals = command.arrivals.value_or("poisson");
    if (is_csv(arrivals)) {
        refuse_beside_trace(command, scenario);
        result.requests = read_arrivals(arrivals, arrivals);
        inputs.add({arrivals, arrivals, std::filesystem::path(arrivals).filename().string()});
        result.arrivals = {"trace", std::filesystem::path(arrivals).filename().string(), {}};
        return;
    }
    if (arrivals != "poisson" && arrivals != "even") {
        throw InputError("--arrivals: expected poisson, even or a file FILE.csv, found '" +
                         arrivals + "'" + suggestion(arrivals, {"poisson", "even"}));
    }
    ArrivalRate rate;
    rate.per_second = rate_of(command);
    rate.requests = number("--requests", command.requests, kRequests, 1, kMostRequests);
    rate.prompt = load.prompt;
    rate.output_tokens = load.output_tokens;
    result.arrivals = {arrivals, "", rate.per_second};
    if (arrivals == "even") {
        if (command.seed) {
            throw InputError("--seed does not go with --arrivals even; nothing is drawn");
        }
        result.requests = even_arrivals(rate);
        return;
    }
    result.provenance.seed =
        number("--seed", command.seed, 1, 0, std::numeric_limits<std::int64_t>::max());
    result.requests = poisson_arrivals(rate, static_cast<std::uint64_t>(result.provenance.seed));
}

/// Those of the machine, or else as many machines as are asked for.
std::int64_t instances_to_serve(const CommandLine& command, const Machine& machine) {
    const std::int64_t own = instances_of(machine);
    if (own > 1 && command.instances) {
        throw InputError(
            "--instances: machine '" + machine.name() + "' has " + std::to_string(own) +
            " instances in one; expected --set machine.cards.instances=N with an N that "
            "divides its " +
            std::to_string(machine.cards()) + " cards");
    }
    return number("--instances", command.instances, own, 1, kMostInstances);
}

std::string scope_of(const Machine& machine, std::int64_t instances) {
    const std::int64_t count = instances * machine.cards();
    const std::string what = machine.parts().cards ? "card" : machine.parts().power_scope;
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s") + " only";
}

/// The cards' own power has no interval here: that of the servers alone is told.
void add_servers_around(const Machine& machine, ServingResult& result) {
    result.servers = servers_around(machine, result.instances * machine.cards());
    if (auto& servers = result.servers) {
        for (Watts* power : {&servers->power, &servers->power_low, &servers->power_high}) {
            *power += result.power();
        }
        servers->energy_per_item = Joules((servers->power * result.totals.span).count() /
                                          static_cast<double>(result.totals.output_tokens));
    }
}

/// Serves the requests, and once more with more runs of the model as long as those that check the
/// lines between miss them.
ServingOutcome serve_by_checked(ServingCosts& costs, ServingResult& result) {
    for (int refined = 0;; ++refined) {
        ServingOutcome outcome =
            serve_requests(result.requests, result.instances, costs, interrupted);
        result.step_checks = costs.steps.check(kStepChecks);
        result.prompt_checks = costs.prompts.check(kPromptChecks);
        if (refined == kMostRefinements) {
            return outcome;
        }
        const bool steps = costs.steps.refine(result.step_checks, kMostMiss);
        const bool prompts = costs.prompts.refine(result.prompt_checks, kMostMiss);
        if (!steps && !prompts) {
            return outcome;
        }
    }
}

/// A prompt or context that the network has no steps for is told before anything is run; one of a
/// trace at its line.
void check_lengths(const NetworkSource& network, const ServingResult& result, bool whole_prompts) {
    if (result.arrivals.kind != "trace") {
        if (whole_prompts) {
            static_cast<void>(network.prefill(token_ranges(result.requests).most_prompt));
        }
        return;
    }
    const auto check = [&](std::int64_t (*length)(const Request&), bool prompt) {
        const Request& longest = *std::max_element(
            result.requests.begin(), result.requests.end(),
            [&](const Request& a, const Request& b) { return length(a) < length(b); });
        try {
            static_cast<void>(prompt ? network.prefill(length(longest))
                                     : network.decode_step(length(longest)));
        } catch (const InputError& error) {
            throw InputError(
                {Diagnostic{{result.arrivals.file, longest.line, 1},
                            "network '" + network.network().name() + "' has no step of " +
                                format_count(length(longest)) +
                                (prompt ? " tokens of a prompt: " : " tokens in the cache: ") +
                                error.faults().front().message}});
        }
    };
    check([](const Request& request) { return request.last_context(); }, false);
    if (whole_prompts) {
        check([](const Request& request) { return request.prompt; }, true);
    }
}

void serve(const NetworkSource& network, const Machine& machine, const RunRequest& request,
           ServingResult& result, const Progress& progress) {
    network.expect_steps(Phase::generate);
    const ServedModel model{network, machine,
                            [&] {
                                return make_step_runner(machine, request.settings,
                                                        request.override_texts, progress, false);
                            },
                            [&](const std::vector<Network>& steps) {
                                return card_fit(steps, machine, request.settings);
                            }};
    check_lengths(network, result, !request.settings.scenario.chunk);
    const TokenRanges ranges = token_ranges(result.requests);
    result.longest_context = ranges.most_context;
    AskedPlan asked;
    asked.places = request.settings.scenario.users;
    asked.chunk = request.settings.scenario.chunk;
    asked.requests = static_cast<std::int64_t>(result.requests.size());
    const ServingPlan plan = plan_serving(model, ranges, asked);
    result.places = plan.places;
    result.chunk = plan.chunk;
    result.chunk_chosen = plan.chunk_chosen;
    const auto work = [&](ServingCosts& costs) {
        ServingOutcome outcome = serve_by_checked(costs, result);
        result.runs = costs.steps.runs() + costs.prompts.runs();
        return std::pair(std::move(outcome), costs.standing);
    };
    auto [outcome, standing] = with_modelled_costs(model, ranges, plan.places, plan.chunk, work);
    for (GridCheck& check : result.prompt_checks) {
        if (plan.chunk > 0) {  // so many tokens behind so many
            check = {1, check.users + check.tokens, check.error};
        }
    }
    result.served = std::move(outcome.served);
    result.totals = serving_totals(result.requests, result.served, result.instances, result.places);
    result.work_energy = outcome.work_energy;
    result.standing_energy =
        Watts(standing.count() * static_cast<double>(result.instances)) * result.totals.span;
    result.power_scope = scope_of(machine, result.instances);
    add_servers_around(machine, result);
}

}  // namespace

void serve_command(CommandLine command, const Configs& configs) {
    if (!command.words.empty()) {
        throw InputError("serve: expected options alone, found '" + command.words.front() + "'");
    }
    if (!command.engine) {
        command.engine = name(Engine::analytic);
    }
    const RunRequest request = run_request(command);
    for (const auto& [value, option] :
         {std::pair(request.machine, "--machine"), std::pair(request.network, "--network")}) {
        if (value.empty()) {
            throw InputError("serve: missing " + std::string(option) + " NAME");
        }
    }
    const Output output(command.json, command.csv);
    ServingResult result;
    InputFiles inputs;
    const auto [network, all] = load_run_inputs(configs, request, inputs);
    result.instances = instances_to_serve(command, all);
    const Machine machine = one_instance(all);
    add_requests(command, request.settings.scenario, inputs, result);
    output.spare(inputs.paths());
    const std::int64_t seed = result.provenance.seed;
    result.provenance = provenance(request, inputs);
    result.provenance.seed = seed;
    result.machine = machine.name();
    result.network = network.network().name();
    result.engine = name(request.settings.engine);
    result.precision = at_precision(network.network(), request.settings.precision).precision;
    {
        ProgressBar bar(result.network + " on " + result.machine);
        serve(network, machine, request, result,
              {[&bar](double fraction) { bar.show(fraction); },
               [&bar](const std::string& line) { bar.tell_once(line); }});
    }
    output.write([&] { return serving_json(result); }, [&] { return serving_csv(result); },
                 [&] { return serving_report(result); });
}

}  // namespace memwall
