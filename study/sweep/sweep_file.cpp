// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_file.hpp"

#include <algorithm>
#include <map>

#include "study/sweep/paths.hpp"
#include "study/sweep/samples.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostSamples = 1'000'000;
constexpr std::int64_t kUsualPopulation = 24;

std::uint64_t read_seed(MapReader& keys) {
    const auto seed = keys.optional<std::int64_t>("seed", 1);
    if (seed < 0) {
        keys.misfit("seed", "a whole number from 0 on");
    }
    return static_cast<std::uint64_t>(seed);
}

/// Reads the parts of a sweep that set paths.
class AxesReader {
public:
    AxesReader(Sweep& sweep, Diagnostics& faults) : sweep_(sweep), faults_(faults) {}

    void read(MapReader& keys) {
        for (const YamlValue::Entry& entry : keys.optional_entries("base")) {
            check_path(entry.key, entry.key_mark, faults_);
            sweep_.base.push_back({entry.key, entry.value, entry.key_mark});
        }
        for (const YamlValue::Entry& entry : keys.optional_entries("grid")) {
            sweep_.space.add(std::make_unique<ChoiceAxis>(choices(entry, "grid", false)));
        }
        if (const YamlValue* zip = keys.value("zip")) {
            read_zips(*zip);
        }
        if (keys.has("list")) {
            read_list(keys);
        }
        if (const YamlValue* samples = keys.value("samples")) {
            read_samples(*samples);
        }
    }

private:
    /// A path that another part of the sweep has too is a fault.
    void claim(const std::string& path, const SourceMark& where) {
        check_path(path, where, faults_);
        const auto [known, fresh] = claimed_.emplace(path, where);
        if (!fresh) {
            faults_.error(where, "'" + path + "' is swept twice (first at line " +
                                     std::to_string(known->second.line) + ")");
        }
    }

    Choices choices(const YamlValue::Entry& entry, const std::string& part, bool continuous) {
        claim(entry.key, entry.key_mark);
        Choices choices;
        choices.path = entry.key;
        choices.where = entry.key_mark;
        if (entry.value.is_map()) {
            choices.range =
                ValueRange::read(entry.value, "'" + entry.key + "'", continuous, faults_);
            choices.range_mark = entry.value.mark();
        } else if (entry.value.is_sequence() && !entry.value.items().empty()) {
            choices.list = entry.value.items();
            refuse_repeats(choices);
        } else if (entry.value.is_scalar() && part == "grid") {
            choices.list = {entry.value};
        } else {
            faults_.error(entry.value.mark(),
                          "'" + entry.key + "' in '" + part +
                              "': expected a list of values or {from: A, to: B, steps: N}");
            choices.list = {entry.value};
        }
        return choices;
    }

    void refuse_repeats(const Choices& choices) {
        std::map<std::string, SourceMark> seen;
        for (std::int64_t entry = 0; entry < choices.size(); ++entry) {
            const Setting setting = choices.at(entry);
            if (!seen.emplace(setting.text(), setting.value.mark()).second) {
                faults_.error(setting.value.mark(),
                              "'" + choices.path + "': " + setting.text() + " stands there twice");
            }
        }
    }

    /// One zip is a map of lists; several are a list of such maps.
    void read_zips(const YamlValue& zip) {
        const std::vector<YamlValue> zips =
            zip.is_sequence() ? zip.items() : std::vector<YamlValue>{zip};
        for (const YamlValue& one : zips) {
            if (!one.is_map() || one.entries().empty()) {
                faults_.error(one.mark(), "'zip': expected paths with lists of the same length");
                continue;
            }
            std::vector<Choices> together;
            for (const YamlValue::Entry& entry : one.entries()) {
                together.push_back(choices_of_zip(entry));
                if (together.back().size() != together.front().size()) {
                    faults_.error(entry.key_mark, "'zip': '" + entry.key + "' has " +
                                                      std::to_string(together.back().size()) +
                                                      " values and '" + together.front().path +
                                                      "' has " +
                                                      std::to_string(together.front().size()));
                }
            }
            sweep_.space.add(std::make_unique<ZippedAxis>(std::move(together)));
        }
    }

    /// Values may repeat in a zip.
    Choices choices_of_zip(const YamlValue::Entry& entry) {
        if (!entry.value.is_sequence() || entry.value.items().empty()) {
            return choices(entry, "zip", false);
        }
        claim(entry.key, entry.key_mark);
        Choices choices;
        choices.path = entry.key;
        choices.where = entry.key_mark;
        choices.list = entry.value.items();
        return choices;
    }

    void read_list(MapReader& keys) {
        std::vector<Settings> entries;
        for (const YamlValue& item : keys.required_items("list")) {
            Settings settings;
            for (const YamlValue::Entry& entry : item.entries()) {
                settings.push_back({entry.key, entry.value, entry.key_mark});
            }
            if (settings.empty()) {
                faults_.error(item.mark(), "'list': expected points such as {batch: 4}");
                continue;
            }
            if (entries.empty()) {
                for (const Setting& setting : settings) {
                    claim(setting.path, setting.where);
                }
            }
            if (!entries.empty() && !same_paths(settings, entries.front())) {
                faults_.error(item.mark(),
                              "'list': expected the same paths in every point, in one order");
                continue;
            }
            entries.push_back(std::move(settings));
        }
        if (entries.empty()) {
            keys.misfit("list", "one or more points");
        } else {
            sweep_.space.add(std::make_unique<ListedAxis>(std::move(entries)));
        }
    }

    static bool same_paths(const Settings& a, const Settings& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const Setting& x, const Setting& y) { return x.path == y.path; });
    }

    void read_samples(const YamlValue& value) {
        MapReader keys(value, "'samples'", faults_);
        const auto method = keys.required_choice("method", {"random", "latin_hypercube"});
        const auto count = keys.at_most("count", keys.required_positive<std::int64_t>("count"),
                                        kMostSamples, std::to_string(kMostSamples));
        const std::uint64_t seed = read_seed(keys);
        std::vector<Choices> over;
        for (const YamlValue::Entry& entry : keys.required_entries("over")) {
            over.push_back(choices(entry, "over", true));
        }
        if (over.empty() && keys.has("over")) {
            keys.misfit("over", "one or more paths");
        }
        keys.finish();
        if (!over.empty()) {
            sweep_.space.add(std::make_unique<SampledAxis>(
                std::move(over), static_cast<SampleMethod>(method.value_or(0)), count, seed));
        }
    }

    Sweep& sweep_;
    Diagnostics& faults_;
    std::map<std::string, SourceMark> claimed_;
};

void read_search(MapReader& keys, Sweep& sweep) {
    const YamlValue* value = keys.value("search");
    if (value == nullptr) {
        return;
    }
    MapReader search(*value, "'search'", keys.faults());
    search.required_choice("method", {"nsga2"});
    SearchPlan plan;
    plan.budget = search.required_positive<std::int64_t>("budget");
    plan.population = search.optional_positive<std::int64_t>("population", kUsualPopulation);
    if (plan.population < 4 || plan.population % 2 != 0) {
        search.error("population", "'population' in 'search': expected an even number from 4 on");
    }
    plan.seed = read_seed(search);
    search.finish();
    if (keys.has("samples")) {
        keys.error("samples", "'samples' and 'search' both choose points; expected one of them");
    }
    const std::vector<std::string> paths = sweep.space.paths();
    if (std::find(paths.begin(), paths.end(), "network") != paths.end()) {
        keys.error("search",
                   "'search': points of several networks cannot be compared; expected one "
                   "network, in 'base'");
    }
    sweep.search = plan;
}

}  // namespace

Settings Sweep::settings(std::int64_t point) const {
    Settings all = base;
    const Settings own = space.at(point);
    all.insert(all.end(), own.begin(), own.end());
    return all;
}

Sweep load_sweep(const YamlValue& root, Diagnostics& faults) {
    MapReader keys(root, "sweep file", faults);
    if (keys.optional<std::int64_t>("memwall", 1) != 1) {
        keys.error("memwall", "unknown schema version; this program reads version 1");
    }
    Sweep sweep;
    sweep.tree = root;
    sweep.name = keys.required<std::string>("sweep");
    if (sweep.name.find_first_of("/\\") != std::string::npos || sweep.name == "." ||
        sweep.name == ".." || (sweep.name.empty() && keys.has("sweep"))) {
        keys.misfit("sweep", "a name that can be a folder's");
    }
    sweep.question = keys.optional<std::string>("question", "");
    AxesReader(sweep, faults).read(keys);
    if (faults.empty()) {
        try {
            static_cast<void>(sweep.space.size());
        } catch (const InputError& error) {
            keys.error(keys.has("grid") ? "grid" : "sweep", error.faults().front().message);
        }
    }
    if (faults.empty()) {
        sweep.constraints =
            read_constraints(keys.optional_items("constraints"), sweep.space.at(0), faults);
        sweep.objectives = read_objectives(keys.optional_items("objectives"), faults);
        if (keys.has("objectives") && keys.optional_items("objectives").empty() && faults.empty()) {
            keys.misfit("objectives", "one or more metrics");
        }
    } else {
        keys.value("constraints");
        keys.value("objectives");
    }
    read_search(keys, sweep);
    keys.finish();
    return sweep;
}

}  // namespace memwall
