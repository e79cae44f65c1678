// SPDX-License-Identifier: Apache-2.0
#include "workloads/shared_section.hpp"

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "workloads/collective.hpp"
#include "workloads/ops/build.hpp"
#include "workloads/tensor_parallel.hpp"

namespace memwall {
namespace {

/// Another name for what a card made: one that leaves it.
void rename(NetworkParts& parts, Layer layer, TensorId made, TensorId result) {
    parts.tensors[result.position()].shape = parts.tensors[made.position()].shape;
    layer.op = "reshape";
    layer.inputs = {made};
    layer.outputs = {result};
    layer.space = {};
    parts.layers.push_back(std::move(layer));
}

/// A new tensor with the shape and precision of a card's sums.
TensorId like(NetworkParts& parts, TensorId sums, TensorKind kind, const std::string& suffix) {
    Tensor tensor = parts.tensors[sums.position()];
    tensor.name += suffix;
    tensor.kind = kind;
    parts.tensors.push_back(std::move(tensor));
    return TensorId(parts.tensors.size() - 1);
}

/// Sends a card's own sums, and adds those of the others.
void add_up(NetworkParts& parts, Layer sum, std::int64_t cards) {
    const TensorId own = sum.inputs.front();
    Layer send = sum;
    const TensorId sent = like(parts, own, TensorKind::activation, ".sent");
    send.name = parts.tensors[sent.position()].name;
    rename(parts, std::move(send), own, sent);
    for (std::int64_t other = 1; other < cards; ++other) {
        sum.inputs.push_back(
            like(parts, own, TensorKind::input, ".received" + std::to_string(other)));
    }
    const Shape shape = parts.tensors[own.position()].shape;
    sum.op = "add";
    sum.space = ops::elementwise_space(shape, PointOperation::add, cards - 1);
    for (const TensorId input : sum.inputs) {
        sum.space.operands.push_back(ops::inputs_operand(ops::shape_axes(shape)));
        sum.space.operands.back().tensor = input;
    }
    sum.space.operands.push_back(ops::outputs_operand(ops::shape_axes(shape)));
    sum.space.operands.back().tensor = sum.outputs.front();
    parts.layers.push_back(std::move(sum));
}

}  // namespace

// MODEL: cards that share a block add up partial sums by an all-reduce by direct exchange: each
// sends all of its sums once, the host passes them on to every other card, and each card adds those
// of all. It takes one way over the host, which is longer than the transfers of a token's sums; a
// ring would take 2 (n - 1). All cards then have the same result, and all send it; the host passes
// one on.
std::optional<SharedSection> share_section(const Network& section, std::int64_t cards) {
    ensure(cards > 1, "a section is shared by several cards");
    if (section.trains()) {
        return std::nullopt;
    }
    const TensorParallelPart part = tensor_parallel_part(section, cards, PartsInside::avoided);
    if (part.network.macs() == section.macs()) {
        return std::nullopt;
    }
    NetworkParts parts = part.network.parts();
    const std::vector<Layer> layers = std::exchange(parts.layers, {});
    std::vector<TensorId> sums;
    for (const Layer& layer : layers) {
        const std::optional<Collective> collective = collective_of(layer.op);
        if (!collective) {
            parts.layers.push_back(layer);
        } else if (collective == Collective::all_reduce) {
            add_up(parts, layer, cards);
            sums.push_back(layer.inputs.front());
        } else {  // of the section's result: the parts leave the cards as they are
            rename(parts, layer, layer.inputs.front(), layer.outputs.front());
        }
    }
    SharedSection shared;
    shared.network = Network(std::move(parts));
    shared.all_reduces = static_cast<std::int64_t>(sums.size());
    for (const TensorId sum : sums) {
        shared.sent += shared.network.tensor_bytes(sum);
        shared.sums = shared.network.tensor(sum).precision;
    }
    shared.received = shared.sent * (cards - 1);
    return shared;
}

}  // namespace memwall
