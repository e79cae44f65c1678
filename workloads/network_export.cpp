// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_export.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/parse.hpp"
#include "base/yaml_writer.hpp"
#include "workloads/fold_repeats.hpp"
#include "workloads/stated_keys.hpp"

namespace memwall {
namespace {

constexpr std::size_t kWidth = 118;

/// The policy that gives a layer exactly these precisions.
std::string policy_text(const LayerPrecision& precision) {
    PrecisionPolicy policy;
    policy.weights = precision.weights;
    policy.activations = precision.activations;
    policy.accumulator = precision.accumulator;
    return policy.text();
}

/// What most layers compute with, by their text; of as many the first in the alphabet.
std::string common_precision(const Network& network) {
    std::map<std::string, int> counts;
    for (const Layer& layer : network.layers()) {
        ++counts[policy_text(layer.precision)];
    }
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == counts.end() ? "int8" : most->first;
}

class Writer {
public:
    explicit Writer(const Network& network)
        : network_(network), precision_(common_precision(network)) {}

    std::string text() {
        text_ = "memwall: 1\nnetwork: " + yaml_scalar(network_.name()) + "\n";
        if (!network_.source().empty()) {
            text_ += "source: " + yaml_quoted_lines(network_.source(), 8, kWidth, "  ") + "\n";
        }
        text_ += "precision: " + yaml_scalar(precision_) + "\n";
        write_keep();
        write_inputs();
        write_transforms();
        text_ += "layers:\n";
        write_items(fold_repeats(written_layers(), first_input()), "  ");
        return text_;
    }

private:
    void write_keep() {
        const std::vector<std::string> keep = network_.parts().keep_precision;
        if (!keep.empty()) {
            text_ += "keep_precision: " + list(keep) + "\n";
        }
    }

    /// What no key of a layer says: pruned weights, and a precision that a part of a composite has
    /// for itself.
    void write_transforms() {
        std::map<std::string, std::vector<std::string>> transforms;
        std::map<const StatedLayer*, LayerPrecision> written;
        std::size_t with_weights = 0;
        for (const Layer& layer : network_.layers()) {
            with_weights += layer.weights.valid() ? 1 : 0;
            const auto [first, is_new] = written.emplace(layer.stated.get(), layer.precision);
            if (!is_new && !(first->second == layer.precision)) {
                transforms["quantise: " + yaml_scalar(policy_text(layer.precision))].push_back(
                    layer.name);
            }
            if (layer.stands_alone) {
                transforms["fuse: false"].push_back(layer.name);
            }
            if (layer.weights.valid() && network_.tensor(layer.weights).sparsity) {
                transforms["prune: " + prune_text(*network_.tensor(layer.weights).sparsity)]
                    .push_back(layer.name);
            }
        }
        text_ += transforms.empty() ? "" : "transforms:\n";
        for (const auto& [what, names] : transforms) {
            const bool all = what.starts_with("prune") && names.size() == with_weights;
            text_ += "  - {" + what + (all ? "" : ", layers: " + list(names)) + "}\n";
        }
    }

    static std::string prune_text(const Sparsity& sparsity) {
        return sparsity.kept > 0 ? yaml_scalar(sparsity.text())
                                 : "{density: " + shortest(sparsity.density) + "}";
    }

    static std::string list(const std::vector<std::string>& names) {
        std::string text = "[";
        for (const std::string& name : names) {
            text += (text.size() > 1 ? ", " : "") + yaml_scalar(name);
        }
        return text + "]";
    }

    /// The precision and the density of an input, where they are stated.
    static std::string stored_text(const Tensor& tensor) {
        std::string text;
        if (tensor.stated_precision) {
            text += std::string(", precision: ") + name(*tensor.stated_precision);
        }
        return text + density_text(tensor);
    }

    static std::string density_text(const Tensor& tensor) {
        return tensor.sparsity ? ", density: " + shortest(tensor.sparsity->density) : "";
    }

    static std::string input(const Tensor& tensor) {
        const std::string shape = memwall::text(tensor.shape);
        const std::string more = stored_text(tensor);
        return yaml_scalar(tensor.name) + ": " +
               (more.empty() ? shape : "{shape: " + shape + more + "}");
    }

    void write_inputs() {
        const std::vector<TensorId> inputs = network_.inputs();
        if (inputs.size() == 1) {
            text_ += "inputs: {" + input(network_.tensor(inputs[0])) + "}\n";
            return;
        }
        text_ += "inputs:\n";
        for (const TensorId id : inputs) {
            text_ += "  " + input(network_.tensor(id)) + "\n";
        }
    }

    [[nodiscard]] std::string first_input() const {
        const std::vector<TensorId> inputs = network_.inputs();
        return inputs.size() == 1 ? network_.tensor(inputs[0]).name : "";
    }

    /// The layers as a file states them: a composite stands where its first part does.
    [[nodiscard]] std::vector<WrittenLayer> written_layers() const {
        std::vector<WrittenLayer> layers;
        std::set<const StatedLayer*> written;
        for (const Layer& layer : network_.layers()) {
            ensure(layer.stated != nullptr, "a network that is written was read");
            if (written.insert(layer.stated.get()).second) {
                layers.push_back({layer.stated->name, layer.stated->inputs, rest(layer)});
            }
        }
        return layers;
    }

    [[nodiscard]] const Tensor& tensor(const std::string& name) const {
        return network_.tensor(network_.find_tensor(name));
    }

    /// All keys but the name and the inputs, the op first.
    [[nodiscard]] std::string rest(const Layer& layer) const {
        const StatedLayer& stated = *layer.stated;
        std::vector<Shape> inputs;
        for (const std::string& input : stated.inputs) {
            inputs.push_back(tensor(input).shape);
        }
        std::string text = stated.op;
        for (const YamlValue::Entry& entry : shortest_keys(stated, inputs)) {
            text += ", " + yaml_scalar(entry.key) + ": " + yaml_flow(entry.value);
        }
        text += stated.weights.empty() ? "" : ", weights: " + yaml_scalar(stated.weights);
        if (const std::string own = policy_text(layer.precision); own != precision_) {
            text += ", precision: " + yaml_scalar(own);
        }
        if (const auto& stored = tensor(stated.name).stated_precision) {
            text += std::string(", output_precision: ") + name(*stored);
        }
        return text + density_text(tensor(stated.name));
    }

    void write_items(const std::vector<WrittenItem>& items, const std::string& indent) {
        for (const WrittenItem& item : items) {
            if (item.repeat == 0) {
                write_layer(item.layer, indent);
                continue;
            }
            text_ += indent + "- repeat: " + std::to_string(item.repeat) + "\n";
            text_ += item.from == 1 ? "" : indent + "  from: " + std::to_string(item.from) + "\n";
            text_ += item.index == "i" ? "" : indent + "  index: " + item.index + "\n";
            text_ += indent + "  layers:\n";
            write_items(item.body, indent + "    ");
        }
    }

    void write_layer(const WrittenLayer& layer, const std::string& indent) {
        const std::size_t end_of_op = std::min(layer.rest.find(','), layer.rest.size());
        text_ += indent + "- {name: " + yaml_scalar(layer.name) +
                 ", op: " + layer.rest.substr(0, end_of_op);
        text_ += layer.inputs.empty() ? "" : ", inputs: " + list(layer.inputs);
        text_ += layer.rest.substr(end_of_op) + "}\n";
    }

    const Network& network_;
    std::string precision_;
    std::string text_;
};

}  // namespace

std::string network_text(const Network& network) {
    return Writer(network).text();
}

}  // namespace memwall
