// SPDX-License-Identifier: Apache-2.0
#include "study/experiment_command.hpp"

#include "sim/result_csv.hpp"
#include "sim/result_json.hpp"
#include "study/design_points.hpp"
#include "study/execute.hpp"
#include "study/experiment.hpp"
#include "study/experiment_report.hpp"
#include "study/figures.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/provenance.hpp"

namespace memwall {
namespace {

Experiment read_experiment(const CommandLine& command, const Configs& configs, InputFiles& inputs) {
    const ConfigFile file = configs.find(ConfigKind::experiment, command.words.front());
    Diagnostics faults;
    const YamlValue root = read_config(file, "experiment", inputs, faults);
    if (const YamlValue* sweep = root.find("sweep")) {
        faults.error(sweep->mark(),
                     "this is a sweep; expected an experiment (to run it: memwall "
                     "sweep " +
                         command.words.front() + ")");
        faults.throw_if_any();
    }
    Experiment experiment = load_experiment(root, faults);
    faults.throw_if_any();
    return experiment;
}

/// What was asked for on the command line takes the place of what the file says.
void apply_options(const RunRequest& request, const CommandLine& command, Experiment& experiment) {
    const auto plain = [&](const char* key) {
        for (const Override& override : request.overrides.plain) {
            if (override.path == key) {
                return true;
            }
        }
        return false;
    };
    if (!request.machine.empty()) {
        throw InputError("run: an experiment names its own machines; leave out --machine");
    }
    if (!request.network.empty()) {
        experiment.network = request.network;
    }
    if (command.precision || plain("precision")) {
        experiment.precisions = {request.settings.precision};
    }
    if (command.batch || plain("batch")) {
        experiment.batches = {request.settings.scenario.batch};
    }
    if (command.engine || plain("engine")) {
        experiment.engine = name(request.settings.engine);
    }
}

/// Runs an experiment, case by case.
class ExperimentRunner {
public:
    ExperimentRunner(const Experiment& experiment, const NetworkSource& network,
                     const DesignPoints& points, const RunSettings& settings)
        : experiment_(experiment), network_(network), points_(points), settings_(settings) {
        if (!experiment.engine.empty()) {
            settings_.engine = parse_engine(experiment.engine);
        }
    }

    std::vector<RunResult> run_all() {
        std::vector<RunResult> runs;
        ProgressBar bar(experiment_.name);
        const auto all = static_cast<double>(
            experiment_.precisions.size() * experiment_.batches.size() * experiment_.points.size());
        for (const std::string& precision : experiment_.precisions) {
            for (const std::int64_t batch : experiment_.batches) {
                for (const DesignPoint& point : experiment_.points) {
                    const auto done = static_cast<double>(runs.size());
                    const auto show = [&](double fraction) { bar.show((done + fraction) / all); };
                    const auto tell = [&](const std::string& line) { bar.tell_once(line); };
                    runs.push_back(run(point, precision, batch, {show, tell}));
                }
            }
        }
        return runs;
    }

    /// The crossover of one case, all by the analytic engine.
    [[nodiscard]] Crossover crossover(const std::string& precision, std::int64_t batch) const {
        const CrossoverQuestion& question = *experiment_.crossover;
        RunSettings settings = settings_of(precision, batch);
        settings.engine = Engine::analytic;
        const auto evaluate = [&](const Machine& machine) {
            const ItemFigures figures = item_figures(execute(network_, machine, settings, {}, {}));
            return CapacityPoint{figures.energy, figures.per_second};
        };
        const auto at_capacity = [&](Bytes capacity) -> std::optional<CapacityPoint> {
            const Machine machine = points_.with_capacity(question.point, question.vary, capacity);
            try {
                return evaluate(machine);
            } catch (const InputError&) {
                return std::nullopt;  // too small for some layer
            }
        };
        return find_crossover(question.from, question.to,
                              evaluate(points_.machine(experiment_.reference)), at_capacity);
    }

private:
    [[nodiscard]] RunSettings settings_of(const std::string& precision, std::int64_t batch) const {
        RunSettings settings = settings_;
        settings.precision = precision;
        settings.scenario.batch = batch;
        return settings;
    }

    [[nodiscard]] RunResult run(const DesignPoint& point, const std::string& precision,
                                std::int64_t batch, const Progress& progress) const {
        std::vector<std::string> overrides;
        for (const Override& override : points_.overrides(point.name)) {
            overrides.push_back("machine." + override.text());
        }
        RunResult result = execute(network_, points_.machine(point.name),
                                   settings_of(precision, batch), overrides, progress);
        result.machine = point.name;
        return result;
    }

    const Experiment& experiment_;
    const NetworkSource& network_;
    const DesignPoints& points_;
    RunSettings settings_;
};

std::vector<ExperimentCase> make_cases(const Experiment& experiment, const ExperimentRunner& runner,
                                       const std::vector<RunResult>& runs) {
    std::vector<ExperimentCase> cases;
    ProgressBar bar("crossover");
    const auto all = static_cast<double>(experiment.precisions.size() * experiment.batches.size());
    auto run = runs.begin();
    for (const std::string& precision : experiment.precisions) {
        for (const std::int64_t batch : experiment.batches) {
            ExperimentCase one;
            one.precision = run->precision;
            one.batch = batch;
            for (std::size_t p = 0; p < experiment.points.size(); ++p) {
                one.runs.push_back(&*run++);
            }
            if (experiment.crossover) {
                bar.show(static_cast<double>(cases.size()) / all);
                one.crossover = runner.crossover(precision, batch);
            }
            cases.push_back(std::move(one));
        }
    }
    return cases;
}

}  // namespace

void experiment_command(const CommandLine& command, const Configs& configs) {
    const RunRequest request = run_request(command);
    const Output output(command.json, command.csv);
    InputFiles inputs;
    Experiment experiment = read_experiment(command, configs, inputs);
    apply_options(request, command, experiment);
    const NetworkSource network =
        load_network_source(configs, experiment.network, request.overrides.network, inputs);
    const DesignPoints points(experiment, request.overrides.machine, configs, inputs);
    output.spare(inputs.paths());
    ExperimentRunner runner(experiment, network, points, request.settings);
    Result result;
    result.provenance = provenance(request, inputs);
    result.runs = runner.run_all();
    const std::vector<ExperimentCase> cases = make_cases(experiment, runner, result.runs);
    result.findings = experiment_findings(experiment, cases);
    output.write([&] { return to_json(result); }, [&] { return to_csv(result); },
                 [&] { return experiment_report(experiment, cases, result.findings); });
}

}  // namespace memwall
