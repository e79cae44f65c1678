// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "study/load.hpp"
#include "study/show.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

struct Listed {
    std::string kind;
    std::string name;
    std::string about;  ///< its description, question or source
    std::string path;
};

/// What a file says of itself; nothing where it cannot be read: check tells why.
std::string about(const ConfigFile& file) {
    try {
        InputFiles inputs;
        const YamlValue root = read_config(file, "configuration", inputs);
        for (const char* key : {"description", "question", "source"}) {
            if (const YamlValue* value = root.find(key)) {
                return value->text();
            }
        }
    } catch (const InputError&) {
        return "(has faults: see memwall check " + file.shown_as + ")";
    }
    return "";
}

std::vector<Listed> listed(const std::vector<ConfigKind>& kinds, const Configs& configs) {
    std::vector<Listed> list;
    for (const ConfigKind kind : kinds) {
        for (const std::string& config_name : configs.names(kind)) {
            const ConfigFile file = configs.find(kind, config_name);
            list.push_back({name(kind), config_name, about(file), file.shown_as});
        }
    }
    return list;
}

std::string shortened(const std::string& text) {
    constexpr std::size_t kLongest = 100;
    return text.size() <= kLongest ? text : text.substr(0, text.rfind(' ', kLongest)) + " ...";
}

Shown show(const std::vector<ConfigKind>& kinds, const Configs& configs) {
    const std::vector<Listed> list = listed(kinds, configs);
    Shown shown;
    shown.json = [list] {
        nlohmann::ordered_json json = nlohmann::ordered_json::array();
        for (const Listed& entry : list) {
            json.push_back({{"kind", entry.kind}, {"name", entry.name}, {"about", entry.about}});
        }
        return json.dump(2) + "\n";
    };
    shown.csv = [list] {
        std::string csv = csv_line({"kind", "name", "about"});
        for (const Listed& entry : list) {
            csv += csv_line({entry.kind, entry.name, entry.about});
        }
        return csv;
    };
    shown.table = [list] {
        Table table({{"kind", Align::left}, {"name", Align::left}, {"about", Align::left}});
        for (const Listed& entry : list) {
            table.add({entry.kind, entry.name, shortened(entry.about)});
        }
        return table.text();
    };
    return shown;
}

}  // namespace

Shown show_list(ConfigKind kind, const Configs& configs) {
    return show({kind}, configs);
}

Shown show_everything(const Configs& configs) {
    return show(all_config_kinds(), configs);
}

}  // namespace memwall
