// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/draft.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.hpp"

namespace memwall::importers {
namespace {

YamlValue scalar(const std::string& text, const SourceMark& where) {
    return YamlValue::make_scalar(text, where);
}

YamlValue name_list(const std::vector<std::string>& names, const SourceMark& where) {
    std::vector<YamlValue> items;
    for (const std::string& name : names) {
        items.push_back(scalar(name, where));
    }
    return YamlValue::make_sequence(std::move(items), where);
}

}  // namespace

YamlValue number_list(const std::vector<std::int64_t>& numbers, const SourceMark& where) {
    std::vector<YamlValue> items;
    for (const std::int64_t number : numbers) {
        items.push_back(scalar(std::to_string(number), where));
    }
    return YamlValue::make_sequence(std::move(items), where);
}

DraftLayer& DraftLayer::set(const std::string& key, std::int64_t value) {
    return set_text(key, std::to_string(value));
}

DraftLayer& DraftLayer::set_text(const std::string& key, const std::string& value) {
    keys.push_back({key, where, scalar(value, where)});
    return *this;
}

DraftLayer& DraftLayer::set_list(const std::string& key, const std::vector<std::int64_t>& values) {
    keys.push_back({key, where, number_list(values, where)});
    return *this;
}

DraftLayer& DraftLayer::set_flag(const std::string& key, bool value) {
    return set_text(key, value ? "true" : "false");
}

void DraftLayer::replace_flag(const std::string& key, bool value) {
    for (YamlValue::Entry& entry : keys) {
        if (entry.key == key) {
            entry.value = scalar(value ? "true" : "false", where);
        }
    }
}

NetworkDraft::NetworkDraft(const std::string& name, const std::string& source, SourceMark where)
    : name_(valid_utf8(name)), source_(valid_utf8(source)), where_(std::move(where)) {}

std::string NetworkDraft::take_name(const std::string& wanted) {
    std::string name;
    for (const char c : valid_utf8(wanted)) {
        const auto byte = static_cast<unsigned char>(c);
        name += c == '{' || c == '}' || byte < 0x20 || byte == 0x7F ? '_' : c;
    }
    const std::string base = name.empty() ? "layer" : name;
    name = base;
    // A layer's weights are called NAME.weights.
    for (int count = 2; taken_.contains(name) || taken_.contains(name + ".weights"); ++count) {
        name = base + "_" + std::to_string(count);
    }
    taken_.insert(name);
    return name;
}

void NetworkDraft::add_input(const std::string& name, const Shape& shape,
                             const std::string& precision, const SourceMark& where) {
    inputs_.push_back({name, shape, precision, where});
}

void NetworkDraft::add_layer(DraftLayer layer) {
    positions_.emplace(layer.name, layers_.size());
    layers_.push_back(std::move(layer));
}

DraftLayer* NetworkDraft::find_layer(const std::string& name) {
    const auto found = positions_.find(name);
    return found == positions_.end() ? nullptr : &layers_[found->second];
}

void NetworkDraft::doubt_from(std::size_t position) {
    for (std::size_t layer = position; layer < layers_.size(); ++layer) {
        layers_[layer].doubtful = true;
    }
}

void NetworkDraft::drop_doubtful(const std::set<std::string, std::less<>>& results) {
    std::set<std::string, std::less<>> read = results;
    std::vector<DraftLayer> kept;
    for (std::size_t left = layers_.size(); left > 0; --left) {
        DraftLayer& layer = layers_[left - 1];
        if (layer.doubtful && !read.contains(layer.name)) {
            continue;
        }
        read.insert(layer.inputs.begin(), layer.inputs.end());
        for (const YamlValue::Entry& entry : layer.keys) {
            if (entry.key == "weights") {
                read.insert(entry.value.text());
            }
        }
        kept.push_back(std::move(layer));
    }
    layers_.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
    positions_.clear();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        positions_.emplace(layers_[layer].name, layer);
    }
}

void NetworkDraft::prune(const std::string& layer, const std::string& pattern,
                         const SourceMark& where) {
    Pruned& pruned = pruned_.try_emplace(pattern, Pruned{{}, where}).first->second;
    pruned.layers.push_back(layer);
}

YamlValue NetworkDraft::transforms() const {
    std::vector<YamlValue> items;
    for (const auto& [pattern, pruned] : pruned_) {
        items.push_back(
            YamlValue::make_map({{"prune", pruned.where, scalar(pattern, pruned.where)},
                                 {"layers", pruned.where, name_list(pruned.layers, pruned.where)}},
                                pruned.where));
    }
    return YamlValue::make_sequence(std::move(items), where_);
}

YamlValue NetworkDraft::layer_tree(const DraftLayer& layer) const {
    std::vector<YamlValue::Entry> entries = {
        {"name", layer.where, scalar(layer.name, layer.where)},
        {"op", layer.where, scalar(layer.op, layer.where)},
        {"inputs", layer.where, name_list(layer.inputs, layer.where)}};
    entries.insert(entries.end(), layer.keys.begin(), layer.keys.end());
    return YamlValue::make_map(std::move(entries), layer.where);
}

bool NetworkDraft::is_demanded(const Input& input) const {
    for (const DraftLayer& layer : layers_) {
        if (std::find(layer.inputs.begin(), layer.inputs.end(), input.name) == layer.inputs.end()) {
            continue;
        }
        const auto stated = std::find_if(layer.keys.begin(), layer.keys.end(),
                                         [](const auto& key) { return key.key == "precision"; });
        if (stated == layer.keys.end()) {
            return false;
        }
        const auto policy = parse_precision_policy(stated->value.text());
        const auto* sound = std::get_if<0>(&policy);
        if (sound == nullptr || !sound->activations ||
            name(*sound->activations) != input.precision) {
            return false;
        }
    }
    return true;
}

YamlValue NetworkDraft::tree() const {
    std::set<std::string, std::less<>> read;
    std::vector<YamlValue> layers;
    for (const DraftLayer& layer : layers_) {
        read.insert(layer.inputs.begin(), layer.inputs.end());
        layers.push_back(layer_tree(layer));
    }
    std::vector<YamlValue::Entry> inputs;
    for (const Input& input : inputs_) {
        if (!read.contains(input.name)) {
            continue;
        }
        std::vector<YamlValue::Entry> entries = {
            {"shape", input.where, number_list(input.shape, input.where)}};
        if (!input.precision.empty() && !is_demanded(input)) {
            entries.push_back({"precision", input.where, scalar(input.precision, input.where)});
        }
        inputs.push_back(
            {input.name, input.where, YamlValue::make_map(std::move(entries), input.where)});
    }
    std::vector<YamlValue::Entry> file = {{"network", where_, scalar(name_, where_)},
                                          {"source", where_, scalar(source_, where_)}};
    if (!precision_.empty()) {
        file.push_back({"precision", where_, scalar(precision_, where_)});
    }
    file.push_back({"inputs", where_, YamlValue::make_map(std::move(inputs), where_)});
    file.push_back({"layers", where_, YamlValue::make_sequence(std::move(layers), where_)});
    if (!pruned_.empty()) {
        file.push_back({"transforms", where_, transforms()});
    }
    return YamlValue::make_map(std::move(file), where_);
}

}  // namespace memwall::importers
