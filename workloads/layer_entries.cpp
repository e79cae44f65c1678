// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_entries.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "workloads/ops/keys.hpp"

namespace memwall {
namespace {

constexpr std::size_t kMostLayers = 50'000;
constexpr const char* kPrevious = "previous";

/// What stands for a placeholder in the layers of a repeated block.
struct Placeholder {
    std::string key;
    std::string value;
    bool index = false;  ///< a counter that goes beyond one value: names need it
};

/// The keys of a layer that its op may know. `shape` is one: a check for most, what to do for some.
std::vector<YamlValue::Entry> own_keys(const YamlValue& layer) {
    static const std::set<std::string, std::less<>> kCommon = {"name", "op", "inputs", "precision",
                                                               "output_precision"};
    std::vector<YamlValue::Entry> keys;
    for (const YamlValue::Entry& entry : layer.entries()) {
        if (!kCommon.contains(entry.key)) {
            keys.push_back(entry);
        }
    }
    return keys;
}

class Reader {
public:
    Reader(std::string first_input, Diagnostics& faults)
        : last_(std::move(first_input)), faults_(faults) {}

    std::vector<LayerEntry> read(const std::vector<YamlValue>& list) {
        read_list(list, false);
        return std::move(entries_);
    }

private:
    void read_list(const std::vector<YamlValue>& list, bool again) {
        for (const YamlValue& item : list) {
            if (item.find("repeat") != nullptr) {
                read_repeat(item, again);
            } else if (!full(item)) {
                read_layer(item, again);
            }
        }
    }

    /// Whether there is no room for another layer; says so once.
    bool full(const YamlValue& item) {
        if (entries_.size() >= kMostLayers && !full_) {
            full_ = true;
            faults_.error(item.mark(), "more than 50,000 layers");
        }
        return full_;
    }

    /// Forwards what is wrong with `item`, unless an earlier repeat said it.
    void report(const YamlValue& item, bool again, const Diagnostics& found) {
        const auto place = std::make_pair(item.mark().line, item.mark().column);
        if (again && wrong_.contains(place)) {
            return;
        }
        for (const Diagnostic& fault : found.faults()) {
            faults_.error(fault.where, fault.message);
            wrong_.insert(place);
        }
    }

    void read_repeat(const YamlValue& item, bool again) {
        Diagnostics found;
        MapReader reader(item, "repeat", found);
        const auto count = reader.required_positive<std::int64_t>("repeat");
        const auto from = reader.optional<std::int64_t>("from", 1);
        const auto key = reader.optional<std::string>("index", "i");
        const std::vector<YamlValue>& body = reader.required_items("layers");
        if (body.empty() && found.empty()) {
            reader.error("layers", "'layers' in repeat: expected at least one layer");
        }
        const bool taken = key == kPrevious || key.empty() ||
                           std::any_of(placeholders_.begin(), placeholders_.end(),
                                       [&](const Placeholder& each) { return each.key == key; });
        if (taken) {
            reader.error("index", "'index' in repeat: '" + key + "' stands for something else");
        }
        if (from < 0 || from > static_cast<std::int64_t>(kMostLayers)) {
            reader.error("from", "'from' in repeat: expected a value from 0 to 50000");
        }
        if (count > static_cast<std::int64_t>(kMostLayers)) {
            reader.error("repeat", "more than 50,000 layers");
        }
        reader.finish();
        report(item, again, found);
        if (found.empty()) {
            unroll(body, {count, from, key}, again);
        }
    }

    struct Repeat {
        std::int64_t count;
        std::int64_t from;
        std::string key;
    };

    void unroll(const std::vector<YamlValue>& body, const Repeat& repeat, bool again) {
        for (std::int64_t n = 0; n < repeat.count && !full_; ++n) {
            placeholders_.push_back({kPrevious, last_});
            placeholders_.push_back(
                {repeat.key, std::to_string(repeat.from + n), repeat.count > 1});
            read_list(body, again || n > 0);
            placeholders_.resize(placeholders_.size() - 2);
        }
    }

    /// The text with every {placeholder} replaced; the innermost block's counts.
    std::string filled(const std::string& text, const SourceMark& where, Diagnostics& found) {
        std::string result;
        std::size_t done = 0;
        while (true) {
            const std::size_t open = text.find('{', done);
            const std::size_t close = text.find('}', open);
            if (open == std::string::npos || close == std::string::npos) {
                return result + text.substr(done);
            }
            result += text.substr(done, open - done);
            const std::string key = text.substr(open + 1, close - open - 1);
            const auto known =
                std::find_if(placeholders_.rbegin(), placeholders_.rend(),
                             [&](const Placeholder& each) { return each.key == key; });
            if (known == placeholders_.rend()) {
                found.error(where, "unknown placeholder '{" + key + "}' in '" + text + "'" +
                                       placeholder_hint(key));
                return "";
            }
            result += known->value;
            done = close + 1;
        }
    }

    std::string placeholder_hint(const std::string& key) const {
        std::vector<std::string> known;
        for (const Placeholder& each : placeholders_) {
            if (std::find(known.begin(), known.end(), each.key) == known.end()) {
                known.push_back(each.key);
            }
        }
        return known.empty() ? "; only a repeated layer has one" : suggestion(key, known);
    }

    NameAt read_name(MapReader& reader) {
        const auto given = reader.required<std::string>("name");
        if (!reader.has("name")) {
            return {"", reader.mark()};
        }
        const SourceMark& where = reader.value("name")->mark();
        for (const Placeholder& each : placeholders_) {
            if (each.index && given.find("{" + each.key + "}") == std::string::npos) {
                reader.error("name", "the name of a repeated layer needs {" + each.key +
                                         "}, found '" + given + "'");
                return {"", where};
            }
        }
        NameAt name = {filled(given, where, reader.faults()), where};
        if (given.empty() && reader.value("name")->is_scalar()) {
            reader.error("name", "expected a name, found an empty one");
        }
        return name;
    }

    void read_inputs(MapReader& reader, LayerEntry& entry) {
        entry.inputs_where = entry.where;
        const YamlValue* value = reader.value("inputs");
        if (value == nullptr) {
            if (entries_.empty() && last_.empty()) {
                reader.error("", "layer '" + entry.name.name +
                                     "' has no layer before it: 'inputs' must say what it reads");
            }
            entry.inputs = {{last_, entry.where}};
            return;
        }
        entry.inputs_where = value->mark();
        const std::vector<YamlValue> names =
            value->is_scalar() ? std::vector<YamlValue>{*value} : value->items();
        if (names.empty()) {
            reader.error("inputs", "'inputs' in " + reader.what() +
                                       ": expected a list of names such as [image]");
            entry.inputs = {{"", value->mark()}};
        }
        for (const YamlValue& each : names) {
            const auto name =
                scalar_as<std::string>(each, "'inputs' in " + reader.what(), reader.faults());
            entry.inputs.push_back(
                {filled(name.value_or(""), each.mark(), reader.faults()), each.mark()});
        }
    }

    void read_op(MapReader& reader, LayerEntry& entry) {
        const auto op = reader.required<std::string>("op");
        entry.op = find_op(op);
        if (entry.op != nullptr) {
            entry.plan = entry.op->read(reader);
            reader.finish();
        } else if (!op.empty()) {
            reader.error("op", "unknown op '" + op + "'" + suggestion(op, op_names()));
        }
    }

    void read_layer(const YamlValue& item, bool again) {
        Diagnostics found;
        const YamlValue* name = item.find("name");
        MapReader reader(
            item, name != nullptr && name->is_scalar() ? "layer '" + name->text() + "'" : "layer",
            found);
        LayerEntry entry;
        entry.where = item.mark();
        entry.again = again;
        entry.name = read_name(reader);
        read_inputs(reader, entry);
        entry.precision = read_policy(reader, "precision");
        entry.output_precision = read_precision(reader, "output_precision");
        if (const YamlValue* shape = reader.value("shape")) {
            entry.shape = ops::read_shape(*shape, reader.what(), found);
            entry.shape_where = shape->mark();
        }
        read_op(reader, entry);
        entry.keys = own_keys(item);
        if (!found.empty()) {
            entry.plan = nullptr;
        }
        report(item, again, found);
        last_ = entry.name.name;
        entries_.push_back(std::move(entry));
    }

    std::string last_;  ///< what a layer reads unless it says something else
    Diagnostics& faults_;
    std::vector<LayerEntry> entries_;
    std::vector<Placeholder> placeholders_;
    bool full_ = false;
    std::set<std::pair<int, int>> wrong_;  ///< the places of items with a fault
};

}  // namespace

std::vector<LayerEntry> read_layers(const std::vector<YamlValue>& list,
                                    const std::string& first_input, Diagnostics& faults) {
    return Reader(first_input, faults).read(list);
}

PrecisionPolicy read_policy(MapReader& reader, const char* key) {
    const auto text = reader.optional<std::string>(key);
    if (!text) {
        return {};
    }
    const Parsed<PrecisionPolicy> parsed = parse_precision_policy(*text);
    if (const auto* fault = std::get_if<ParseFault>(&parsed)) {
        reader.error(key, "'" + std::string(key) + "' in " + reader.what() + ": " + fault->message);
        return {};
    }
    return std::get<PrecisionPolicy>(parsed);
}

std::optional<Precision> read_precision(MapReader& reader, const char* key) {
    const auto text = reader.optional<std::string>(key);
    if (!text) {
        return std::nullopt;
    }
    const auto precision = parse_precision(*text);
    if (!precision) {
        reader.error(key,
                     "unknown precision '" + *text + "'" + suggestion(*text, precision_names()));
    }
    return precision;
}

}  // namespace memwall
