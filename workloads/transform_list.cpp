// SPDX-License-Identifier: Apache-2.0
#include "workloads/transform_list.hpp"

#include <algorithm>
#include <cmath>

#include "workloads/transforms.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostSize = 1'000'000;  ///< rows, columns or positions
constexpr std::int64_t kMostPattern = 1'024;   ///< M of N:M

bool concerns(const Transform& transform, const std::string& layer) {
    return transform.layers.empty() ||
           std::any_of(transform.layers.begin(), transform.layers.end(),
                       [&](const NameAt& pattern) { return matches(pattern.name, layer); });
}

bool concerns(const Transform& transform, const Layer& layer) {
    return concerns(transform, layer.name) ||
           (layer.composite && concerns(transform, layer.composite->name));
}

bool changes_shapes(const Transform& transform) {
    return transform.channels || transform.sequence_length || !transform.resolution.empty();
}

/// A fraction above 0 and at most 1.
std::optional<double> read_fraction(MapReader& reader, const char* key) {
    const auto fraction = reader.optional<double>(key);
    if (fraction && !(*fraction > 0 && *fraction <= 1)) {
        reader.error(key, "'" + std::string(key) + "' in " + reader.what() +
                              ": expected a fraction above 0 and at most 1");
        return std::nullopt;
    }
    return fraction;
}

/// "2:4".
std::optional<Sparsity> parse_pattern(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
        return std::nullopt;
    }
    const Parsed<std::int64_t> kept = parse_count(text.substr(0, colon));
    const Parsed<std::int64_t> of = parse_count(text.substr(colon + 1));
    const auto* n = std::get_if<std::int64_t>(&kept);
    const auto* m = std::get_if<std::int64_t>(&of);
    if (n == nullptr || m == nullptr || *n < 1 || *n > *m || *m > kMostPattern) {
        return std::nullopt;
    }
    return Sparsity{static_cast<double>(*n) / static_cast<double>(*m), *n, *m};
}

void read_prune(MapReader& reader, Transform& transform) {
    const YamlValue& value = *reader.value("prune");
    if (value.is_scalar()) {
        transform.prune = parse_pattern(value.text());
        if (!transform.prune) {
            reader.error("prune",
                         "'prune' in transform: expected N:M such as 2:4, {density: 0.5} or "
                         "{channels: 0.5}, found '" +
                             value.text() + "'");
        }
        return;
    }
    MapReader keys(value, "'prune' in transform", reader.faults());
    if (const auto density = read_fraction(keys, "density")) {
        transform.prune = Sparsity{*density, 0, 0};
    }
    transform.channels = read_fraction(keys, "channels");
    if (keys.has("density") == keys.has("channels")) {
        reader.error("prune", "'prune' in transform: expected either 'density' or 'channels'");
    }
    keys.finish();
}

/// One size or two.
void read_resolution(MapReader& reader, Transform& transform) {
    const YamlValue& value = *reader.value("resolution");
    const std::vector<YamlValue> items =
        value.is_sequence() ? value.items() : std::vector<YamlValue>{value};
    for (const YamlValue& item : items) {
        const auto size =
            scalar_as<std::int64_t>(item, "'resolution' in transform", reader.faults());
        if (size && *size > 0 && *size <= kMostSize) {
            transform.resolution.push_back(*size);
        }
    }
    if (items.empty() || items.size() > 2 || transform.resolution.size() != items.size()) {
        transform.resolution.clear();
        reader.error("resolution",
                     "'resolution' in transform: expected a size from 1 to 1000000, or [rows, "
                     "columns]");
    }
}

void read_layers_of(MapReader& reader, Transform& transform) {
    const YamlValue* value = reader.value("layers");
    if (value == nullptr) {
        return;
    }
    const std::vector<YamlValue> items =
        value->is_sequence() ? value->items() : std::vector<YamlValue>{*value};
    for (const YamlValue& item : items) {
        if (const auto pattern =
                scalar_as<std::string>(item, "'layers' in transform", reader.faults())) {
            transform.layers.push_back({*pattern, item.mark()});
        }
    }
    if (items.empty()) {
        reader.error("layers",
                     "'layers' in transform: expected a pattern such as conv*, or a list");
    }
}

Transform read_transform(const YamlValue& item, Diagnostics& faults) {
    Transform transform;
    transform.where = item.mark();
    MapReader reader(item, "transform", faults);
    int kinds = 0;
    for (const char* kind : {"quantise", "prune", "resolution", "sequence_length", "fuse"}) {
        kinds += reader.has(kind) ? 1 : 0;
    }
    if (reader.has("fuse")) {
        transform.fuse = reader.optional<bool>("fuse");
    }
    if (reader.has("batch")) {
        reader.error("batch", "the batch belongs to the run: --batch N, or scenario.batch");
        ++kinds;
    }
    if (reader.has("quantise")) {
        transform.quantise = read_policy(reader, "quantise");
    }
    if (reader.has("prune")) {
        read_prune(reader, transform);
    }
    if (reader.has("resolution")) {
        read_resolution(reader, transform);
    }
    if (reader.has("sequence_length")) {
        const auto length = reader.required_positive<std::int64_t>("sequence_length");
        transform.sequence_length = std::min(length, kMostSize);
    }
    read_layers_of(reader, transform);
    const std::size_t before = faults.faults().size();
    reader.finish();
    const bool misnamed = kinds == 0 && faults.faults().size() > before;
    if (kinds != 1 && !misnamed && item.is_map()) {
        faults.error(item.mark(),
                     "transform: expected one of quantise, prune, resolution, sequence_length or "
                     "fuse, found " +
                         std::to_string(kinds));
    }
    return transform;
}

std::vector<std::string> names_of(const Network& network) {
    std::vector<std::string> names;
    for (const Layer& layer : network.layers()) {
        names.push_back(layer.composite ? layer.composite->name : layer.name);
    }
    return names;
}

void check_patterns(const Transform& transform, const Network& network, Diagnostics& faults) {
    for (const NameAt& pattern : transform.layers) {
        const bool found =
            std::any_of(network.layers().begin(), network.layers().end(), [&](const Layer& layer) {
                return matches(pattern.name, layer.name) ||
                       (layer.composite && matches(pattern.name, layer.composite->name));
            });
        if (!found) {
            faults.error(pattern.where, "no layer is called '" + pattern.name + "'" +
                                            suggestion(pattern.name, names_of(network)));
        }
    }
}

Network quantised(const Transform& transform, const Network& network) {
    const PrecisionPolicy& policy = *transform.quantise;
    return transform.layers.empty() ? with_precision(network, policy)
                                    : with_precision(network, policy, [&](const Layer& layer) {
                                          return !concerns(transform, layer);
                                      });
}

Network with_fusion(const Transform& transform, const Network& network) {
    NetworkParts parts = network.parts();
    for (Layer& layer : parts.layers) {
        if (concerns(transform, layer)) {
            layer.stands_alone = !*transform.fuse;
        }
    }
    return Network(std::move(parts));
}

Network pruned(const Transform& transform, const Network& network) {
    NetworkParts parts = network.parts();
    for (const Layer& layer : parts.layers) {
        if (layer.weights.valid() && concerns(transform, layer)) {
            parts.tensors[layer.weights.position()].sparsity = transform.prune;
        }
    }
    return Network(std::move(parts));
}

}  // namespace

std::vector<Transform> read_transforms(MapReader& reader) {
    std::vector<Transform> transforms;
    for (const YamlValue& item : reader.optional_items("transforms")) {
        transforms.push_back(read_transform(item, reader.faults()));
    }
    return transforms;
}

std::optional<std::string> stated_sequence_length(const YamlValue& tree) {
    std::optional<std::string> length;
    const YamlValue* transforms = tree.is_map() ? tree.find("transforms") : nullptr;
    if (transforms == nullptr || !transforms->is_sequence()) {
        return length;
    }
    for (const YamlValue& transform : transforms->items()) {
        const YamlValue* value = transform.is_map() ? transform.find("sequence_length") : nullptr;
        if (value != nullptr && value->is_scalar()) {
            const Parsed<std::int64_t> count = parse_count(value->text());
            const auto* positions = std::get_if<std::int64_t>(&count);
            if (positions != nullptr && *positions > 0 && *positions <= kMostSize) {
                length = std::to_string(*positions);
            }
        }
    }
    return length;
}

void change_inputs(const std::vector<Transform>& transforms, std::vector<InputEntry>& inputs,
                   bool by_parameter, Diagnostics& faults) {
    for (const Transform& transform : transforms) {
        const bool has_length = !transform.sequence_length || by_parameter;
        bool changed = transform.resolution.empty() && has_length;
        for (InputEntry& input : inputs) {
            const std::size_t rank = input.shape ? input.shape->size() : 0;
            if (!transform.resolution.empty() && rank >= 3) {
                (*input.shape)[rank - 2] = transform.resolution.front();
                (*input.shape)[rank - 1] = transform.resolution.back();
                changed = true;
            }
            if (!has_length && rank == 2 && input.shape->front() > 1) {
                (*input.shape)[0] = *transform.sequence_length;
                changed = true;
            }
        }
        if (!changed) {
            faults.error(transform.where,
                         transform.sequence_length
                             ? "sequence_length: no input has the shape [positions, features]"
                             : "resolution: no input has the shape [channels, rows, columns]");
        }
    }
}

std::string last_with_weights(const std::vector<YamlValue>& layers) {
    for (std::size_t l = layers.size(); l-- > 0;) {
        const YamlValue& layer = layers[l];
        const YamlValue* inner = layer.is_map() ? layer.find("layers") : nullptr;
        if (inner != nullptr && inner->is_sequence()) {
            if (std::string found = last_with_weights(inner->items()); !found.empty()) {
                return found;
            }
        }
        const YamlValue* name = layer.is_map() ? layer.find("name") : nullptr;
        if (name != nullptr && name->is_scalar() &&
            (layer.find("out_channels") != nullptr || layer.find("out_features") != nullptr)) {
            return name->text();
        }
    }
    return "";
}

YamlValue rewritten(const std::vector<Transform>& transforms, const YamlValue& layer,
                    const std::string& last) {
    const YamlValue* name = layer.find("name");
    if (name == nullptr || !name->is_scalar()) {
        return layer;
    }
    std::vector<YamlValue::Entry> entries = layer.entries();
    const YamlValue* op = layer.find("op");
    const bool states_shape = op == nullptr || !op->is_scalar() || op->text() != "reshape";
    if (states_shape && std::any_of(transforms.begin(), transforms.end(), changes_shapes)) {
        entries.erase(std::remove_if(entries.begin(), entries.end(),
                                     [](const auto& entry) { return entry.key == "shape"; }),
                      entries.end());
    }
    for (const Transform& transform : transforms) {
        const bool spared = transform.layers.empty() && name->text() == last;
        if (!transform.channels || spared || !concerns(transform, name->text())) {
            continue;
        }
        std::string before;
        std::string after;
        for (YamlValue::Entry& entry : entries) {
            if (entry.key != "out_channels" && entry.key != "out_features") {
                continue;
            }
            Diagnostics ignored;  // a wrong number is told where the layer is read
            if (const auto count = scalar_as<std::int64_t>(entry.value, entry.key, ignored)) {
                before = entry.value.text();
                after = std::to_string(static_cast<std::int64_t>(
                    std::ceil(static_cast<double>(*count) * *transform.channels)));
                entry.value = YamlValue::make_scalar(after, entry.value.mark());
            }
        }
        for (YamlValue::Entry& entry : entries) {
            if (entry.key == "groups" && entry.value.is_scalar() && entry.value.text() == before) {
                entry.value = YamlValue::make_scalar(after, entry.value.mark());
            }
        }
    }
    return YamlValue::make_map(std::move(entries), layer.mark());
}

Network transformed(const std::vector<Transform>& transforms, Network network,
                    Diagnostics& faults) {
    for (const Transform& transform : transforms) {
        check_patterns(transform, network, faults);
        if (transform.quantise) {
            network = quantised(transform, network);
        }
        if (transform.prune) {
            network = pruned(transform, network);
        }
        if (transform.fuse) {
            network = with_fusion(transform, network);
        }
    }
    return network;
}

bool matches(const std::string& pattern, const std::string& text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string::npos;
    std::size_t begun = 0;  // where the text of the last star ends at least
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            begun = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string::npos) {
            p = star + 1;
            t = ++begun;
        } else {
            return false;
        }
    }
    return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                       [](char letter) { return letter == '*'; });
}

}  // namespace memwall
