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

/// The keys of a layer that its op may know. `shape` is one: a check for most, what to do for some.
std::vector<YamlValue::Entry> own_keys(const YamlValue& layer) {
    static const std::set<std::string, std::less<>> kCommon = {
        "name", "op", "inputs", "precision", "output_precision", "weights", "density"};
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
    Reader(std::string first_input, Variables& variables, const LayerRewrite& rewrite,
           Diagnostics& faults)
        : last_(std::move(first_input)),
          variables_(variables),
          rewrite_(rewrite),
          faults_(faults) {}

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
        const YamlValue block = with_filled_keys(item, found);
        if (!found.empty()) {
            report(item, again, found);
            return;
        }
        MapReader reader(block, "repeat", found);
        const auto count = reader.required_positive<std::int64_t>("repeat");
        const auto from = reader.optional<std::int64_t>("from", 1);
        const auto key = reader.optional<std::string>("index", "i");
        const std::vector<YamlValue>& body = reader.required_items("layers");
        if (body.empty() && found.empty()) {
            reader.error("layers", "'layers' in repeat: expected at least one layer");
        }
        if (key == kPrevious || variables_.find(key) != nullptr) {
            reader.error("index", "'index' in repeat: '" + key + "' stands for something else");
        } else if (!is_variable_name(key)) {
            reader.error("index", "'index' in repeat: expected a name, found '" + key + "'");
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
            variables_.push({kPrevious, last_});
            variables_.push({repeat.key, std::to_string(repeat.from + n), repeat.count > 1});
            read_list(body, again || n > 0);
            variables_.pop();
            variables_.pop();
        }
    }

    /// A repeated block with the expressions of its own keys filled; its layers are left alone.
    YamlValue with_filled_keys(const YamlValue& item, Diagnostics& found) {
        std::vector<YamlValue::Entry> entries = item.entries();
        for (YamlValue::Entry& entry : entries) {
            if (entry.key != "layers") {
                entry.value = variables_.fill(entry.value, found);
            }
        }
        return YamlValue::make_map(std::move(entries), item.mark());
    }

    /// `item` is the layer as the file has it, before its expressions were filled.
    NameAt read_name(const YamlValue& item, MapReader& reader) {
        const auto name = reader.required<std::string>("name");
        if (!reader.has("name")) {
            return {"", reader.mark()};
        }
        const YamlValue& value = *item.find("name");
        for (const Variable& each : variables_.all()) {
            if (each.counter && !mentions(value.text(), each.name)) {
                reader.error("name", "the name of a repeated layer needs {" + each.name +
                                         "}, found '" + value.text() + "'");
                return {"", value.mark()};
            }
        }
        if (name.empty() && value.is_scalar()) {
            reader.error("name", "expected a name, found an empty one");
        }
        // Reports have rows of their own, "(idle)" and "(load)".
        const bool one_line = std::none_of(name.begin(), name.end(), [](unsigned char letter) {
            return letter < 0x20 || letter == 0x7f;
        });
        if (!one_line || name.starts_with('(')) {
            reader.error("name", "expected a name of one line that does not begin with a bracket");
        }
        return {name, value.mark()};
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
            entry.inputs.push_back({name.value_or(""), each.mark()});
        }
    }

    void read_op(const YamlValue& filled, MapReader& reader, LayerEntry& entry) {
        if (const auto* meant = misspelt_op(filled)) {
            reader.faults().error(meant->key_mark, "unknown key '" + meant->key + "' in " +
                                                       reader.what() + "; did you mean 'op'?");
            return;
        }
        const auto op = reader.required<std::string>("op");
        entry.op = find_op(op);
        if (entry.op != nullptr) {
            entry.plan = entry.op->read(reader);
            reader.finish();
        } else if (!op.empty()) {
            reader.error("op", "unknown op '" + op + "'" + suggestion(op, op_names()));
        }
    }

    /// Where there is no `op`: the key that was meant for it. The others are those of an op, and
    /// nobody knows which.
    static const YamlValue::Entry* misspelt_op(const YamlValue& layer) {
        if (layer.find("op") != nullptr) {
            return nullptr;
        }
        static const std::set<std::string, std::less<>> kOtherWords = {"type", "kind", "operator",
                                                                       "operation"};
        const auto& entries = layer.entries();
        const auto meant = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
            return !nearest_name(entry.key, {"op"}).empty() || kOtherWords.contains(entry.key);
        });
        return meant == entries.end() ? nullptr : &*meant;
    }

    void read_layer(const YamlValue& item, bool again) {
        Diagnostics found;
        YamlValue filled = variables_.fill(item, found);
        if (found.empty()) {
            filled = rewrite_(filled);
        }
        LayerEntry entry;
        entry.where = item.mark();
        entry.again = again;
        if (found.empty()) {
            read_keys(item, filled, entry, found);
        } else if (const YamlValue* name = filled.find("name")) {
            entry.name = {name->text(), name->mark()};
        }
        if (!found.empty()) {
            entry.plan = nullptr;
        }
        report(item, again, found);
        last_ = entry.name.name;
        entries_.push_back(std::move(entry));
    }

    void read_keys(const YamlValue& item, const YamlValue& filled, LayerEntry& entry,
                   Diagnostics& found) {
        const YamlValue* name = filled.find("name");
        MapReader reader(
            filled, name != nullptr && name->is_scalar() ? "layer '" + name->text() + "'" : "layer",
            found);
        entry.name = read_name(item, reader);
        read_inputs(reader, entry);
        entry.precision = read_policy(reader, "precision");
        entry.output_precision = read_precision(reader, "output_precision");
        entry.density = read_density(reader);
        if (const YamlValue* shape = reader.value("shape")) {
            entry.shape = ops::read_shape(*shape, reader.what(), found);
            entry.shape_where = shape->mark();
        }
        const auto weights = reader.optional<std::string>("weights");
        if (weights && *weights != entry.name.name) {
            entry.weights = NameAt{*weights, reader.value("weights")->mark()};
        }
        read_op(filled, reader, entry);
        entry.keys = own_keys(filled);
    }

    std::string last_;  ///< what a layer reads unless it says something else
    Variables& variables_;
    const LayerRewrite& rewrite_;
    Diagnostics& faults_;
    std::vector<LayerEntry> entries_;
    bool full_ = false;
    std::set<std::pair<int, int>> wrong_;  ///< the places of items with a fault
};

}  // namespace

std::vector<LayerEntry> read_layers(const std::vector<YamlValue>& list,
                                    const std::string& first_input, Variables& variables,
                                    const LayerRewrite& rewrite, Diagnostics& faults) {
    return Reader(first_input, variables, rewrite, faults).read(list);
}

std::optional<double> read_density(MapReader& reader) {
    const auto density = reader.optional<double>("density");
    if (density && !(*density >= 0 && *density <= 1)) {
        reader.misfit("density", "a share from 0 to 1");
        return std::nullopt;
    }
    return density;
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

std::shared_ptr<const StatedLayer> stated_layer(const LayerEntry& entry, bool channels_first) {
    StatedLayer stated = {entry.name.name, entry.op->name, {}, "", entry.keys, channels_first};
    stated.weights = entry.weights ? entry.weights->name : "";
    for (const NameAt& input : entry.inputs) {
        stated.inputs.push_back(input.name);
    }
    return std::make_shared<const StatedLayer>(std::move(stated));
}

}  // namespace memwall
