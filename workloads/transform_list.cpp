// SPDX-License-Identifier: Apache-2.0
#include "workloads/transform_list.hpp"

#include <algorithm>

namespace memwall {
namespace {

constexpr std::int64_t kMostSize = 1'000'000;  ///< rows, columns or positions
constexpr std::int64_t kMostPattern = 1'024;   ///< M of N:M

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
                         "'prune' in transform: expected N:M such as 2:4, {density: 0.5}, "
                         "{channels: 0.5} or {heads: 0.5}, found '" +
                             value.text() + "'");
        }
        return;
    }
    MapReader keys(value, "'prune' in transform", reader.faults());
    if (const auto density = read_fraction(keys, "density")) {
        transform.prune = Sparsity{*density, 0, 0};
    }
    transform.channels = read_fraction(keys, "channels");
    transform.heads = read_fraction(keys, "heads");
    if (int{keys.has("density")} + int{keys.has("channels")} + int{keys.has("heads")} != 1) {
        reader.error("prune",
                     "'prune' in transform: expected one of 'density', 'channels' and 'heads'");
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
    if (const YamlValue* batch = item.is_map() ? item.find("batch") : nullptr) {
        faults.error(batch->mark(), "the batch belongs to the run: --batch N, or scenario.batch");
        return transform;
    }
    MapReader reader(item, "transform", faults);
    int kinds = 0;
    for (const char* kind : {"quantise", "prune", "resolution", "sequence_length", "fuse"}) {
        kinds += reader.has(kind) ? 1 : 0;
    }
    if (reader.has("fuse")) {
        transform.fuse = reader.optional<bool>("fuse");
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

}  // namespace

std::vector<Transform> read_transforms(MapReader& reader) {
    std::vector<Transform> transforms;
    for (const YamlValue& item : reader.optional_items("transforms")) {
        transforms.push_back(read_transform(item, reader.faults()));
    }
    return transforms;
}

std::optional<SourceMark> place_of_sequence_length(const YamlValue& tree) {
    if (!parameters_of_transforms(tree).contains(kPositions)) {
        return std::nullopt;
    }
    std::optional<SourceMark> place;
    for (const YamlValue& transform : tree.find("transforms")->items()) {
        const YamlValue* length = transform.is_map() ? transform.find("sequence_length") : nullptr;
        place = length != nullptr ? length->mark() : place;
    }
    return place;
}

std::map<std::string, std::string> parameters_of_transforms(const YamlValue& tree) {
    std::map<std::string, std::string> sizes;
    const YamlValue* transforms = tree.is_map() ? tree.find("transforms") : nullptr;
    if (transforms == nullptr || !transforms->is_sequence()) {
        return sizes;
    }
    const auto set = [&](const char* parameter, const YamlValue& value) {
        const auto count =
            value.is_scalar() ? parse_count(value.text()) : Parsed<std::int64_t>(ParseFault{});
        const auto* size = std::get_if<std::int64_t>(&count);
        if (size != nullptr && *size > 0 && *size <= kMostSize) {
            sizes[parameter] = std::to_string(*size);
        }
    };
    for (const YamlValue& transform : transforms->items()) {
        if (!transform.is_map()) {
            continue;
        }
        if (const YamlValue* length = transform.find("sequence_length")) {
            set(kPositions, *length);
        }
        if (const YamlValue* image = transform.find("resolution")) {
            const auto& both = image->items();
            set(kImageRows, both.empty() ? *image : both.front());
            set(kImageColumns, both.empty() ? *image : both.back());
        }
    }
    return sizes;
}

}  // namespace memwall
