// SPDX-License-Identifier: Apache-2.0
#include "workloads/network.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "workloads/derive.hpp"
#include "workloads/layer_graph.hpp"
#include "workloads/liveness.hpp"

namespace memwall {

struct Network::Content {
    NetworkParts given;    ///< the layers in order, nothing derived
    NetworkParts derived;  ///< the same with everything that follows
    std::unique_ptr<LayerGraph> graph;
    std::map<std::string, LayerId, std::less<>> layer_names;
    std::map<std::string, TensorId, std::less<>> tensor_names;
    Bytes peak_activation_bytes;
};

namespace {

using Edges = std::vector<std::pair<LayerId, LayerId>>;

Edges edges(const NetworkParts& parts) {
    std::vector<LayerId> producer(parts.tensors.size());
    for (std::size_t l = 0; l < parts.layers.size(); ++l) {
        for (const TensorId output : parts.layers[l].outputs) {
            ensure(output.valid() && output.position() < producer.size(),
                   "every layer makes tensors of the network");
            ensure(!producer[output.position()].valid(), "a tensor is made by one layer");
            producer[output.position()] = LayerId(l);
        }
    }
    Edges edges;
    for (std::size_t l = 0; l < parts.layers.size(); ++l) {
        for (const TensorId input : parts.layers[l].inputs) {
            ensure(input.valid() && input.position() < producer.size(),
                   "every layer reads tensors of the network");
            if (producer[input.position()].valid()) {
                edges.emplace_back(producer[input.position()], LayerId(l));
            }
        }
    }
    return edges;
}

void put_in_order(NetworkParts& parts) {
    const LayerGraph graph(parts.layers.size(), edges(parts));
    const std::vector<LayerId> order = graph.order();
    ensure(order.size() == parts.layers.size(), "the layers of a network have no cycle");
    std::vector<Layer> sorted;
    sorted.reserve(order.size());
    for (const LayerId id : order) {
        sorted.push_back(std::move(parts.layers[id.position()]));
    }
    parts.layers = std::move(sorted);
}

template <class Count>
std::int64_t total(const std::vector<Layer>& layers, Count count) {
    std::int64_t sum = 0;
    for (const Layer& layer : layers) {
        sum = checked_add(sum, count(layer));
    }
    return sum;
}

}  // namespace

std::string Sparsity::text() const {
    if (of > 0) {
        return std::to_string(kept) + ":" + std::to_string(of);
    }
    return std::to_string(std::llround(density * 100)) + " %";
}

std::int64_t Sparsity::nonzero(std::int64_t words) const {
    if (of > 0) {
        return words / of * kept + std::min(words % of, kept);
    }
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(words) * density));
}

std::string text(const Shape& shape) {
    std::string text = "[";
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
    }
    return text + "]";
}

const char* name(LayerPass pass) {
    switch (pass) {
        case LayerPass::forward:
            return "forward";
        case LayerPass::backward:
            return "backward";
        case LayerPass::update:
            return "update";
    }
    fail("unknown pass");
}

std::int64_t words(const Shape& shape) {
    std::int64_t words = 1;
    for (const std::int64_t size : shape) {
        words = checked_multiply(words, size);
    }
    return words;
}

Network::Network() : content_(std::make_shared<const Content>()) {}

Network::Network(NetworkParts parts) {
    ensure(parts.batch > 0, "a batch has at least one item");
    put_in_order(parts);
    auto content = std::make_shared<Content>();
    content->given = parts;
    derive(parts);
    content->graph = std::make_unique<LayerGraph>(parts.layers.size(), edges(parts));
    for (std::size_t l = 0; l < parts.layers.size(); ++l) {
        ensure(content->layer_names.emplace(parts.layers[l].name, LayerId(l)).second,
               "layers have different names");
    }
    for (std::size_t t = 0; t < parts.tensors.size(); ++t) {
        ensure(content->tensor_names.emplace(parts.tensors[t].name, TensorId(t)).second,
               "tensors have different names");
    }
    content->derived = std::move(parts);
    content_ = content;
    content->peak_activation_bytes = peak_live_bytes(*this);
}

const std::string& Network::name() const {
    return content_->derived.name;
}

const std::string& Network::source() const {
    return content_->derived.source;
}

std::int64_t Network::batch() const {
    return content_->derived.batch;
}

const std::vector<Layer>& Network::layers() const {
    return content_->derived.layers;
}

const std::vector<Tensor>& Network::tensors() const {
    return content_->derived.tensors;
}

LayerId Network::find_layer(std::string_view name) const {
    const auto found = content_->layer_names.find(name);
    return found == content_->layer_names.end() ? LayerId() : found->second;
}

TensorId Network::find_tensor(std::string_view name) const {
    const auto found = content_->tensor_names.find(name);
    return found == content_->tensor_names.end() ? TensorId() : found->second;
}

std::vector<LayerId> Network::predecessors(LayerId id) const {
    return content_->graph->predecessors(id);
}

std::vector<LayerId> Network::successors(LayerId id) const {
    return content_->graph->successors(id);
}

std::vector<TensorId> Network::outputs() const {
    std::vector<TensorId> found;
    for (const Layer& layer : layers()) {
        for (const TensorId id : layer.outputs) {
            if (tensor(id).consumers.empty() && tensor(id).is_per_item()) {
                found.push_back(id);
            }
        }
    }
    return found;
}

std::vector<TensorId> Network::inputs() const {
    std::vector<TensorId> found;
    for (std::size_t t = 0; t < tensors().size(); ++t) {
        if (tensors()[t].kind == TensorKind::input) {
            found.emplace_back(t);
        }
    }
    return found;
}

std::vector<bool> Network::output_storage() const {
    std::vector<bool> found(tensors().size(), false);
    for (const TensorId output : outputs()) {
        found[storage(output).position()] = true;
    }
    return found;
}

TensorId Network::storage(TensorId id) const {
    while (tensor(id).alias) {
        id = tensor(id).alias->of;
    }
    return id;
}

std::int64_t Network::tensor_words(TensorId id) const {
    const Tensor& of = tensor(id);
    return checked_multiply(of.item_words(), of.is_per_item() ? batch() : 1);
}

Bytes Network::tensor_bytes(TensorId id) const {
    return stored_bytes(tensor_words(id), tensor(id).precision);
}

std::int64_t Network::macs() const {
    return total(layers(), [](const Layer& layer) { return layer.macs(); });
}

std::int64_t Network::vector_operations() const {
    return total(layers(), [](const Layer& layer) { return layer.vector_operations(); });
}

bool Network::trains() const {
    return std::any_of(layers().begin(), layers().end(),
                       [](const Layer& layer) { return layer.pass == LayerPass::update; });
}

std::int64_t Network::weights() const {
    std::int64_t sum = 0;
    for (const Tensor& each : tensors()) {
        sum = checked_add(sum, each.is_weight() ? each.item_words() : 0);
    }
    return sum;
}

std::int64_t Network::parameters() const {
    return checked_add(weights(),
                       total(layers(), [](const Layer& layer) { return layer.other_parameters; }));
}

Bytes Network::bytes_of(TensorKind kind) const {
    Bytes sum(0);
    for (std::size_t t = 0; t < tensors().size(); ++t) {
        if (tensors()[t].kind == kind) {
            sum += tensor_bytes(TensorId(t));
        }
    }
    return sum;
}

Bytes Network::weight_bytes() const {
    return bytes_of(TensorKind::weights);
}

Bytes Network::state_bytes() const {
    return bytes_of(TensorKind::state);
}

Bytes Network::peak_activation_bytes() const {
    return content_->peak_activation_bytes;
}

NetworkParts Network::parts() const {
    return content_->given;
}

}  // namespace memwall
