// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "base/file.hpp"
#include "study/commands.hpp"
#include "study/floorplan.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/settable_files.hpp"
#include "study/show.hpp"
#include "study/show_mapped.hpp"
#include "study/shown_networks.hpp"
#include "study/verbs.hpp"
#include "workloads/network_graph.hpp"

namespace memwall {
namespace {

/// One `show` command and what it has read. What is shown refers to what is kept here.
class Show {
public:
    Show(const CommandLine& command, const Configs& configs)
        : command_(command),
          configs_(configs),
          request_(run_request(command)),
          output_(command.json, command.csv),
          networks_(request_, configs, inputs_),
          mapped_(command, request_, configs, inputs_, networks_) {}

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
        const bool maps = what == "mapping" || what == "memory";
        if (!maps && command_.engine) {
            throw InputError("show: --engine is of show mapping and show memory");
        }
        if (!maps && what != "result" && command_.stage) {
            throw InputError("show: --stage is of show mapping, show memory and show result FILE");
        }
        if (what != "result" && (command_.floorplan || command_.by)) {
            throw InputError("show: --floorplan and --by are of show result FILE");
        }
        if (what != "result" && what != "mapping" && command_.layer) {
            throw InputError("show: --layer is of show mapping and show result FILE");
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
            const std::string wanted = named("machine", request_.machine);
            const Machine machine = networks_.machine(wanted);
            const bool shipped = request_.overrides.machine.empty();
            print(show_machine(
                machine, shipped ? checks_of(wanted, configs_) : std::vector<MachineCheck>{}));
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
            print(mapped_.mapping());
        } else if (what == "memory") {
            expect_words(1);
            print(mapped_.memory());
        } else if (what == "paths") {
            expect_words(1);
            print(show_paths(configs_, settable_files(request_, configs_, inputs_)));
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

    /// A picture, two networks side by side, or one in numbers.
    void network() {
        const NetworkSource source = networks_.source(named("network", request_.network));
        const Network shown = networks_.network(source);
        if (command_.graph) {
            draw(shown, *command_.graph);
        }
        if (command_.yaml) {
            write_file_whole(*command_.yaml, networks_.file_of(shown, source));
        }
        if (command_.compare) {
            const Network other = networks_.network(*command_.compare);
            print(show_comparison(shown, other));
        } else {
            print(show_network(shown));
        }
    }

    /// The tables of a result, or a picture of its chip.
    void result() {
        const std::string file = named("result", "");
        if (!command_.floorplan) {
            if (command_.layer || command_.stage) {
                throw InputError("show result: --layer and --stage are of --floorplan FILE.svg");
            }
            if (!command_.by) {
                return print(show_result(file));
            }
            if (*command_.by != "tensor") {
                throw InputError(
                    "--by: expected tensor, or with --floorplan FILE.svg traffic or "
                    "power, found '" +
                    *command_.by + "'");
            }
            return print(show_tensor_energies(file));
        }
        if (!command_.floorplan->ends_with(".svg")) {
            throw InputError("--floorplan: expected a file that ends in .svg, found '" +
                             *command_.floorplan + "'");
        }
        require_writable(*command_.floorplan);
        FloorplanRequest request;
        request.layer = command_.layer.value_or("");
        request.by = parse_floorplan_by(command_.by.value_or("traffic"));
        const ChipFloorplans plans(
            run_chip_again(file, {request_.machine, request_.network, command_.stage}, configs_));
        write_file_whole(*command_.floorplan, floorplan_svg(plans.of(request)));
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

    void print(const Shown& shown) const {
        output_.spare(inputs_.paths());
        output_.write(shown.json, shown.csv, shown.table);
    }

    const CommandLine& command_;
    const Configs& configs_;
    RunRequest request_;
    Output output_;
    InputFiles inputs_;
    ShownNetworks networks_;
    ShowMapped mapped_;
};

}  // namespace

void show_command(const CommandLine& command, const Configs& configs) {
    Show(command, configs).run();
}

}  // namespace memwall
