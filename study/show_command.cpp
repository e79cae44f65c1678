// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <set>

#include "base/file.hpp"
#include "base/parse.hpp"
#include "study/commands.hpp"
#include "study/floorplan.hpp"
#include "study/interrupt.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/show.hpp"
#include "study/tensor_parallel_run.hpp"
#include "study/training_run.hpp"
#include "study/verbs.hpp"
#include "workloads/network_export.hpp"
#include "workloads/network_graph.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// One `show` command and what it has read. What is shown refers to what is kept here.
class Show {
public:
    Show(const CommandLine& command, const Configs& configs)
        : command_(command),
          configs_(configs),
          request_(run_request(command)),
          output_(command.json, command.csv) {}

    void run() {
        const std::string what = command_.words.empty() ? "" : command_.words.front();
        if (what != "network" && (command_.compare || command_.graph || command_.yaml)) {
            throw InputError("show: --compare, --graph and --yaml are of show network NAME");
        }
        if (what != "mapping" && command_.mapping) {
            throw InputError("show: --mapping is of show mapping");
        }
        if (what != "memory" && command_.core) {
            throw InputError("show: --core is of show memory");
        }
        if (what != "result" && (command_.floorplan || command_.layer || command_.by)) {
            throw InputError("show: --floorplan, --layer and --by are of show result FILE");
        }
        if (what.empty()) {
            return print(show_everything(configs_));
        }
        for (const ConfigKind kind : all_config_kinds()) {
            if (what == plural(kind)) {
                expect_words(1);
                return print(show_list(kind, configs_));
            }
        }
        if (what == "network") {
            network();
        } else if (what == "machine") {
            const Machine machine = read_machine(named("machine", request_.machine));
            print(show_machine(machine));
        } else if (what == "technology") {
            const Technology technology =
                load_technology_config(configs_, named("technology", ""), inputs_);
            print(show_technology(technology));
        } else if (what == "dram") {
            const ConfigFile file = configs_.find(ConfigKind::dram, named("dram", ""));
            Diagnostics flaws;
            const YamlValue root = read_config(file, "dram", inputs_, flaws);
            print(loaded_beside(flaws, [&] { return show_dram(root); }));
        } else if (what == "result") {
            result();
        } else if (what == "mapping") {
            expect_words(1);
            mapping();
        } else if (what == "memory") {
            expect_words(1);
            memory();
        } else if (what == "paths") {
            expect_words(1);
            paths();
        } else {
            throw InputError("show: cannot show '" + what + "'" + suggestion(what, show_words()));
        }
    }

private:
    static std::string plural(ConfigKind kind) {
        return kind == ConfigKind::technology ? "technologies" : name(kind) + std::string("s");
    }

    void expect_words(std::size_t count) const {
        if (command_.words.size() > count) {
            throw InputError("show: unexpected '" + command_.words[count] + "' after '" +
                             command_.words[count - 1] + "'");
        }
    }

    /// The word after what is shown, or the option that says the same.
    [[nodiscard]] std::string named(const std::string& what, const std::string& option) const {
        expect_words(2);
        if (command_.words.size() == 2) {
            return command_.words[1];
        }
        if (option.empty()) {
            throw InputError("show " + what + ": missing a name, as in memwall show " + what +
                             " NAME");
        }
        return option;
    }

    [[nodiscard]] std::string required(const std::string& option, const std::string& value) const {
        if (value.empty()) {
            throw InputError("show " + command_.words.front() + ": missing " + option + " NAME");
        }
        return value;
    }

    /// A picture, two networks side by side, or one in numbers.
    void network() {
        const NetworkSource source = read_source(named("network", request_.network));
        const Network shown = network_of(source);
        if (command_.graph) {
            draw(shown, *command_.graph);
        }
        if (command_.yaml) {
            write(shown, source, *command_.yaml);
        }
        if (command_.compare) {
            const Network other = read_network(*command_.compare);
            print(show_comparison(shown, other));
        } else {
            print(show_network(shown));
        }
    }

    /// The tables of a result, or a picture of its chip.
    void result() {
        const std::string file = named("result", "");
        if (!command_.floorplan) {
            if (command_.layer || command_.by) {
                throw InputError("show result: --layer and --by are of --floorplan FILE.svg");
            }
            return print(show_result(file));
        }
        if (!command_.floorplan->ends_with(".svg")) {
            throw InputError("--floorplan: expected a file that ends in .svg, found '" +
                             *command_.floorplan + "'");
        }
        require_writable(*command_.floorplan);
        FloorplanRequest request;
        request.layer = command_.layer.value_or("");
        request.by = parse_floorplan_by(command_.by.value_or("traffic"));
        request.machine = request_.machine;
        request.network = request_.network;
        write_file_whole(*command_.floorplan, floorplan_svg(floorplan_of(file, request, configs_)));
    }

    static void draw(const Network& network, const std::string& file) {
        if (file.ends_with(".svg")) {
            write_file_whole(file, network_svg(network));
        } else if (file.ends_with(".dot")) {
            write_file_whole(file, network_dot(network));
        } else {
            throw InputError("--graph: expected a file that ends in .svg or .dot, found '" + file +
                             "'");
        }
    }

    /// As a file of one item, whatever the batch; a language model's of any number of tokens.
    void write(const Network& network, const NetworkSource& source, const std::string& file) const {
        if (network.trains()) {
            throw InputError("--yaml: a training step is made from its network, and is no file");
        }
        const auto step = step_to_write(source);
        write_file_whole(file, step ? text_of_model(source, *step) : network_text(network));
    }

    /// None where the network is no language model.
    [[nodiscard]] std::optional<StepSize> step_to_write(const NetworkSource& source) const {
        const Scenario scenario = asked_scenario(source);
        if (!is_asked_for_step(scenario)) {
            return source.own_step();
        }
        return scenario.phase == Phase::decode ? StepSize{1, scenario.language->context}
                                               : StepSize{scenario.language->prompt, 0};
    }

    [[nodiscard]] std::string text_of_model(const NetworkSource& source, StepSize step) const {
        const auto at = [&](StepSize size) {
            return at_precision(source.at(size), request_.settings.precision).network;
        };
        if (const auto text = text_of_steps(at, step)) {
            return *text;
        }
        std::cerr << "note: the file is of " << step.positions << " tokens after " << step.context
                  << ": some size does not grow evenly with them\n";
        return network_text(at(step));
    }

    /// A note that both networks of a comparison have is one.
    void tell_once(const std::string& note) {
        if (told_.insert(note).second) {
            std::cerr << note << "\n";
        }
    }

    NetworkSource read_source(const std::string& network_name) {
        return load_network_source(configs_, network_name, request_.overrides.network, inputs_);
    }

    Network read_network(const std::string& network_name) {
        return network_of(read_source(network_name));
    }

    Network network_of(const NetworkSource& source) {
        const Scenario scenario = asked_scenario(source);
        if (scenario.phase == Phase::training_step) {
            const auto machine = request_.machine.empty()
                                     ? std::optional<Machine>()
                                     : std::optional(read_machine(request_.machine));
            TrainedNetwork trained = network_to_train(source, scenario, request_.settings.precision,
                                                      machine ? &*machine : nullptr);
            if (!trained.changed.empty()) {
                tell_once("note: " + changed_text(trained.changed));
            }
            return std::move(trained.network.network);
        }
        const Network step = step_of(source, scenario);
        return with_batch(at_precision(step, request_.settings.precision).network, scenario.batch);
    }

    /// Refuses what says nothing of a network: how many items there are, and how they are counted.
    [[nodiscard]] Scenario asked_scenario(const NetworkSource& source) const {
        const ScenarioRequest& asked = request_.settings.scenario;
        for (const auto& [key, there] : {std::pair{"items", asked.items.has_value()},
                                         {"warmup_items", asked.warmup_items.has_value()},
                                         {"output_tokens", asked.output_tokens.has_value()},
                                         {"cold", asked.cold}}) {
            if (there) {
                throw InputError("show: scenario." + std::string(key) +
                                 " says nothing of a network");
            }
        }
        return resolve(asked, source.has_steps());
    }

    [[nodiscard]] bool is_asked_for_step(const Scenario& scenario) const {
        const ScenarioRequest& asked = request_.settings.scenario;
        return scenario.language && (asked.phase || asked.prompt || asked.context);
    }

    /// One pass over the network: that of a prompt, a decode step, or what the file says.
    [[nodiscard]] Network step_of(const NetworkSource& source, const Scenario& scenario) const {
        if (!is_asked_for_step(scenario)) {
            return source.network();
        }
        source.expect_steps(scenario.phase);
        return scenario.phase == Phase::decode ? source.decode_step(scenario.language->context)
                                               : source.prefill(scenario.language->prompt);
    }

    Machine read_machine(const std::string& machine_name) {
        return load_machine_config(configs_, machine_name, request_.overrides.machine, inputs_);
    }

    /// What is mapped onto one card of a machine says so where it does not fit.
    template <class Map>
    static auto on_one_card(const Machine& machine, const Map& map) {
        try {
            return map();
        } catch (const DoesNotFit&) {
            const auto& cards = machine.parts().cards;
            if (!cards || cards->tensor_parallel()) {
                throw;
            }
            throw InputError("show takes one card of machine '" + machine.name() + "', which has " +
                             std::to_string(cards->count) +
                             ", and the network does not fit one; `run` divides it");
        }
    }

    void mapping() {
        const std::string network_name = required("--network", request_.network);
        const std::string machine_name = required("--machine", request_.machine);
        const auto [network, machine] = loaded_both([&] { return read_network(network_name); },
                                                    [&] { return read_machine(machine_name); });
        MapperOptions options;
        options.effort = request_.settings.effort;
        options.objective = request_.settings.objective;
        options.given = load_mapping_config(configs_, command_.mapping, inputs_);
        options.cancelled = interrupted;
        options.threads = request_.settings.threads;
        options.rounds = network.trains() ? 1 : options.rounds;
        const Network mapped = network.trains() ? network : part_on_card(network, machine);
        const Mapping mapping = on_one_card(
            machine, [&, &machine = machine] { return map_network(mapped, machine, options); });
        print(show_mapping(mapped, machine, mapping));
    }

    void memory() {
        const std::string network_name = required("--network", request_.network);
        const std::string machine_name = required("--machine", request_.machine);
        const auto [network, machine] = loaded_both([&] { return read_network(network_name); },
                                                    [&] { return read_machine(machine_name); });
        if (machine.parts().mapper != kSpatialMapper) {
            throw InputError("show memory: machine '" + machine.name() + "' has the mapper '" +
                             machine.parts().mapper + "'; only the mapper '" + kSpatialMapper +
                             "' places what lies in each core");
        }
        MapperOptions options;
        options.effort = request_.settings.effort;
        options.objective = request_.settings.objective;
        options.cancelled = interrupted;
        const SpatialMemory memory =
            on_one_card(machine, [&, &network = network, &machine = machine] {
                return map_memory(network, machine, options);
            });
        print(show_memory(network, machine, memory, asked_core(memory)));
    }

    /// The lane of --core X,Y.
    [[nodiscard]] std::optional<std::size_t> asked_core(const SpatialMemory& memory) const {
        if (!command_.core) {
            return std::nullopt;
        }
        const std::string& text = *command_.core;
        const std::size_t comma = text.find(',');
        const auto x = parse_count(text.substr(0, comma));
        const auto y = parse_count(comma == std::string::npos ? "" : text.substr(comma + 1));
        const auto cores = static_cast<std::int64_t>(memory.memories.cores.size());
        const auto* column = std::get_if<std::int64_t>(&x);
        const auto* row = std::get_if<std::int64_t>(&y);
        if (column == nullptr || row == nullptr || *column < 0 || *column >= memory.columns ||
            *row < 0 || *row >= cores / memory.columns) {
            throw InputError("--core: expected a column from 0 to " +
                             std::to_string(memory.columns - 1) + " and a row from 0 to " +
                             std::to_string(cores / memory.columns - 1) + ", such as 0,0; found '" +
                             text + "'");
        }
        return static_cast<std::size_t>(*row * memory.columns + *column);
    }

    void paths() {
        std::vector<SettableFile> files;
        if (!request_.machine.empty()) {
            const ConfigFile file = configs_.find(ConfigKind::machine, request_.machine);
            const std::filesystem::path folder = file.path.parent_path();
            const MachineOverrides overrides = by_file(request_.overrides.machine);
            const YamlValue machine = with_overrides(
                with_base_of(read_config(file, "machine", inputs_), folder, configs_, inputs_),
                overrides.own);
            files.push_back({"machine", machine});
            add_parts(machine, overrides.technology, folder, files);
        }
        if (!request_.network.empty()) {
            const ConfigFile file = configs_.find(ConfigKind::network, request_.network);
            YamlValue root = with_template_of(read_config(file, "network", inputs_),
                                              file.path.parent_path(), configs_, inputs_);
            files.push_back(
                {"network", with_overrides(std::move(root), request_.overrides.network)});
        }
        print(show_paths(configs_, files));
    }

    /// What a machine's file names beside: its kinds of DRAM, and its technology.
    void add_parts(const YamlValue& machine, const std::vector<Override>& of_technology,
                   const std::filesystem::path& folder, std::vector<SettableFile>& files) {
        const auto read = [&](ConfigKind kind, const YamlValue* part) {
            return part != nullptr && part->is_scalar()
                       ? read_machine_part(kind, part->text(), part->mark(), folder, configs_,
                                           inputs_)
                       : YamlValue();
        };
        const YamlValue* components = machine.find("components");
        for (const YamlValue::Entry& component :
             components != nullptr ? components->entries() : std::vector<YamlValue::Entry>()) {
            const YamlValue* kind = component.value.find("kind");
            if (kind != nullptr && kind->text() == name(ConfigKind::dram)) {
                files.push_back({"machine.components." + component.key,
                                 numbers_of(read(ConfigKind::dram, component.value.find("type")),
                                            component.value)});
            }
        }
        const YamlValue technology = read(ConfigKind::technology, machine.find("technology"));
        files.push_back({"machine.technology",
                         numbers_of(with_overrides(technology, of_technology), YamlValue())});
    }

    /// The keys of a part but those of the file itself, and those that the machine gives.
    static YamlValue numbers_of(const YamlValue& part, const YamlValue& own) {
        std::vector<YamlValue::Entry> entries;
        for (const YamlValue::Entry& entry : part.entries()) {
            static const std::set<std::string> kOfTheFile = {"memwall",     "dram",   "technology",
                                                             "description", "source", "provenance"};
            if (!kOfTheFile.contains(entry.key) && own.find(entry.key) == nullptr) {
                entries.push_back(entry);
            }
        }
        return YamlValue::make_map(std::move(entries), part.mark());
    }

    void print(const Shown& shown) const {
        output_.spare(inputs_.paths());
        output_.write(shown.json, shown.csv, shown.table);
    }

    const CommandLine& command_;
    const Configs& configs_;
    RunRequest request_;
    Output output_;
    InputFiles inputs_;
    std::set<std::string> told_;
};

}  // namespace

void show_command(const CommandLine& command, const Configs& configs) {
    Show(command, configs).run();
}

}  // namespace memwall
