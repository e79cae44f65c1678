// SPDX-License-Identifier: Apache-2.0
// What the transforms of a network file do: to its inputs, to the keys of its layers, and to the
// network that they make.
#include <algorithm>
#include <cmath>

#include "workloads/stated_layer.hpp"
#include "workloads/transform_list.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

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
    return transform.channels || transform.heads || transform.sequence_length ||
           !transform.resolution.empty();
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

/// Whether a key says how many channels the result of a layer has, or an expert inside.
bool says_channels(const std::string& op, const std::string& key) {
    return key == "out_channels" || key == "out_features" ||
           (key == "features" && (op == "embedding" || op == "moe"));
}

bool has_key(const Layer& layer, const Transform& transform) {
    return layer.stated != nullptr &&
           std::any_of(layer.stated->keys.begin(), layer.stated->keys.end(),
                       [&](const auto& entry) {
                           return transform.heads ? entry.key == "heads"
                                                  : says_channels(layer.stated->op, entry.key);
                       });
}

/// A prune that no layer has weights or channels for would be without effect, which nobody means.
void check_prune(const Transform& transform, const Network& network, Diagnostics& faults) {
    if (!transform.prune && !transform.channels && !transform.heads) {
        return;
    }
    const char* lacking = transform.prune   ? "weights"
                          : transform.heads ? "heads"
                                            : "out_channels, out_features or features";
    const auto prunable = [&](const Layer& layer) {
        return transform.prune ? layer.weights.valid() : has_key(layer, transform);
    };
    const auto& layers = network.layers();
    for (const NameAt& pattern : transform.layers) {
        Transform alone;
        alone.layers = {pattern};
        const auto named = [&](const Layer& layer) { return concerns(alone, layer); };
        if (std::any_of(layers.begin(), layers.end(), named) &&
            std::none_of(layers.begin(), layers.end(),
                         [&](const Layer& layer) { return named(layer) && prunable(layer); })) {
            faults.error(pattern.where,
                         "prune: '" + pattern.name + "' names no layer with " + lacking);
        }
    }
    // Without a pattern the last layer that has channels keeps them.
    const std::int64_t least = transform.channels ? 2 : 1;
    if (transform.layers.empty() && std::count_if(layers.begin(), layers.end(), prunable) < least) {
        faults.error(transform.where, std::string("prune: no layer ") +
                                          (transform.channels ? "but the last " : "") + "has " +
                                          lacking);
    }
}

}  // namespace

void change_inputs(const std::vector<Transform>& transforms, std::vector<InputEntry>& inputs,
                   const SizedByParameters& by_parameters, Diagnostics& faults) {
    for (const Transform& transform : transforms) {
        const bool has_length = !transform.sequence_length || by_parameters.length;
        const bool has_image = transform.resolution.empty() || by_parameters.image;
        bool changed = has_image && has_length;
        for (InputEntry& input : inputs) {
            const std::size_t rank = input.shape ? input.shape->size() : 0;
            if (!has_image && rank >= 3) {
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
                             ? "sequence_length: no input has the shape [positions, features], and "
                               "there is no parameter 'positions'"
                             : "resolution: no input has the shape [channels, rows, columns], and "
                               "there are no parameters 'image_rows' and 'image_columns'");
        }
    }
}

std::string hint_of(const std::vector<Transform>& transforms) {
    const bool pruned = std::any_of(
        transforms.begin(), transforms.end(),
        [](const Transform& transform) { return transform.channels || transform.heads; });
    return pruned ? " (pruned: results that meet keep the same channels and heads; 'layers' has to "
                    "name all that make them, or to be left out)"
                  : "";
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

/// The channels that a prune leaves of `count`, rounded up. Of `heads` each keeps as many, an even
/// number, which a rotary embedding needs.
std::int64_t kept_channels(std::int64_t count, std::int64_t heads, double fraction) {
    const auto part = [&](std::int64_t of) {
        return static_cast<std::int64_t>(std::ceil(static_cast<double>(of) * fraction));
    };
    if (heads <= 1 || count % heads != 0) {  // the latter is told where the layer is read
        return part(count);
    }
    const std::int64_t a_head = count / heads;
    return std::min(a_head, ceil_divide(part(a_head), 2) * 2) * heads;
}

std::int64_t heads_of(const YamlValue& layer) {
    const YamlValue* heads = layer.find("heads");
    Diagnostics ignored;
    const auto count =
        heads != nullptr ? scalar_as<std::int64_t>(*heads, "heads", ignored) : std::nullopt;
    return count && *count > 0 ? *count : 1;
}

/// A whole number among the entries of a layer; nothing where there is none. A wrong one is told
/// where the layer is read.
std::optional<std::int64_t> count_of(const YamlValue::Entry& entry) {
    Diagnostics ignored;
    return scalar_as<std::int64_t>(entry.value, entry.key, ignored);
}

void set_count(YamlValue::Entry& entry, std::int64_t count) {
    entry.value = YamlValue::make_scalar(std::to_string(count), entry.value.mark());
}

/// A constant of one value a channel, as a scale or a bias is, has those of the channels that stay.
void keep_of_constant(YamlValue::Entry& entry, double fraction) {
    std::vector<YamlValue> sizes = entry.value.items();
    const auto is_long = [](const YamlValue& size) { return size.text() != "1"; };
    if (std::count_if(sizes.begin(), sizes.end(), is_long) != 1) {
        return;
    }
    YamlValue& channels = *std::find_if(sizes.begin(), sizes.end(), is_long);
    Diagnostics ignored;
    if (const auto count = scalar_as<std::int64_t>(channels, entry.key, ignored)) {
        channels = YamlValue::make_scalar(std::to_string(kept_channels(*count, 1, fraction)),
                                          channels.mark());
        entry.value = YamlValue::make_sequence(std::move(sizes), entry.value.mark());
    }
}

void keep_channels(std::vector<YamlValue::Entry>& entries, const std::string& op,
                   std::int64_t heads, double fraction) {
    std::string before;
    std::int64_t after = 0;
    for (YamlValue::Entry& entry : entries) {
        const auto count = says_channels(op, entry.key) ? count_of(entry) : std::nullopt;
        if (count) {
            before = entry.value.text();
            after = kept_channels(*count, heads, fraction);
            set_count(entry, after);
        } else if (entry.key == "constant" && entry.value.is_sequence()) {
            keep_of_constant(entry, fraction);
        }
    }
    for (YamlValue::Entry& entry : entries) {
        if (entry.key == "groups" && entry.value.is_scalar() && entry.value.text() == before) {
            set_count(entry, after);
        }
    }
}

void keep_heads(std::vector<YamlValue::Entry>& entries, std::int64_t heads, double fraction) {
    const auto kept = static_cast<std::int64_t>(std::ceil(static_cast<double>(heads) * fraction));
    for (YamlValue::Entry& entry : entries) {
        if (entry.key == "heads") {
            set_count(entry, kept);
        }
        const auto count = entry.key == "out_features" ? count_of(entry) : std::nullopt;
        if (count && *count % heads == 0) {
            set_count(entry, *count / heads * kept);
        }
    }
}

YamlValue rewritten(const std::vector<Transform>& transforms, const YamlValue& layer,
                    const std::string& last) {
    const YamlValue* name = layer.find("name");
    if (name == nullptr || !name->is_scalar()) {
        return layer;
    }
    const YamlValue* op_key = layer.find("op");
    const std::string op = op_key != nullptr && op_key->is_scalar() ? op_key->text() : "";
    std::vector<YamlValue::Entry> entries = layer.entries();
    if (op != "reshape" && std::any_of(transforms.begin(), transforms.end(), changes_shapes)) {
        std::erase_if(entries, [](const auto& entry) { return entry.key == "shape"; });
    }
    for (const Transform& transform : transforms) {
        if (!concerns(transform, name->text())) {
            continue;
        }
        const std::int64_t heads = heads_of(YamlValue::make_map(entries, layer.mark()));
        if (transform.channels && !(transform.layers.empty() && name->text() == last)) {
            keep_channels(entries, op, heads, *transform.channels);
        } else if (transform.heads && heads > 1) {
            keep_heads(entries, heads, *transform.heads);
        }
    }
    return YamlValue::make_map(std::move(entries), layer.mark());
}

Network transformed(const std::vector<Transform>& transforms, Network network,
                    Diagnostics& faults) {
    for (const Transform& transform : transforms) {
        check_patterns(transform, network, faults);
        check_prune(transform, network, faults);
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
    if (std::any_of(transforms.begin(), transforms.end(),
                    [](const Transform& transform) { return transform.quantise.has_value(); })) {
        NetworkParts parts = network.parts();
        parts.quantised_by = std::make_shared<const std::vector<Transform>>(transforms);
        network = Network(std::move(parts));
    }
    return network;
}

Network requantised(const Network& network, const PrecisionPolicy& asked) {
    Network changed = with_precision(network, asked);
    if (const auto quantised_by = network.parts().quantised_by) {
        for (const Transform& transform : *quantised_by) {
            changed = transform.quantise ? quantised(transform, changed) : changed;
        }
    }
    return changed;
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
