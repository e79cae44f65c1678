// SPDX-License-Identifier: Apache-2.0
#include "arch/fused_layer.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Grows the list of fused layers, and remembers which one makes each tensor.
class Fuser {
public:
    explicit Fuser(const Network& network)
        : network_(network),
          maker_(network.tensors().size(), kNone),
          views_(network.tensors().size()) {
        for (std::size_t t = 0; t < network.tensors().size(); ++t) {
            views_[network.storage(TensorId(t)).position()].emplace_back(t);
        }
    }

    void add(LayerId id) {
        const Layer& layer = network_.layer(id);
        if (layer.no_work) {
            return;  // its words are those of other tensors, or are made in their place in it
        }
        const std::size_t host = layer.epilogue_of.valid() ? latest_maker(layer) : kNone;
        if (host != kNone && result_is_private(fused_[host].output, id)) {
            join(host, id);
        } else {
            add_alone(id);
        }
    }

    [[nodiscard]] std::vector<FusedLayer> take() { return std::move(fused_); }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    [[nodiscard]] std::size_t latest_maker(const Layer& layer) const {
        std::size_t latest = kNone;
        for (const TensorId input : layer.inputs) {
            const std::size_t maker = maker_[network_.storage(input).position()];
            if (maker != kNone && (latest == kNone || maker > latest)) {
                latest = maker;
            }
        }
        return latest;
    }

    /// Whether `reader` is all that ever reads the words of `tensor`, and reads them once and in
    /// their own shape.
    [[nodiscard]] bool result_is_private(TensorId tensor, LayerId reader) const {
        for (const TensorId id : views_[tensor.position()]) {
            const Tensor& view = network_.tensor(id);
            if (view.alias && view.alias->axis >= 0) {
                return false;  // a part of a concatenation
            }
            for (const LayerId consumer : view.consumers) {
                if (consumer != reader && !network_.layer(consumer).no_work) {
                    return false;
                }
            }
        }
        const Layer& layer = network_.layer(reader);
        std::int64_t reads = 0;
        bool same_shape = true;
        for (const TensorId input : layer.inputs) {
            if (network_.storage(input) == tensor) {
                ++reads;
                same_shape =
                    network_.tensor(input).shape == network_.tensor(layer.outputs.front()).shape;
            }
        }
        return reads == 1 && same_shape;
    }

    void add_alone(LayerId id) {
        const Layer& layer = network_.layer(id);
        FusedLayer fused;
        fused.root = id;
        for (const TensorId input : layer.inputs) {
            const TensorId stored = network_.storage(input);
            if (std::find(fused.inputs.begin(), fused.inputs.end(), stored) == fused.inputs.end()) {
                fused.inputs.push_back(stored);
            }
        }
        fused.weights = layer.weights;
        set_output(fused, id, fused_.size());
        fused_.push_back(std::move(fused));
    }

    void join(std::size_t host, LayerId id) {
        FusedLayer& fused = fused_[host];
        const std::vector<TensorId>& inputs = network_.layer(id).inputs;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const TensorId stored = network_.storage(inputs[i]);
            if (stored != fused.output) {
                fused.operands.push_back(stored);
                fused.operand_of.push_back(id);
                fused.operand_at.push_back(i);
            }
        }
        fused.epilogues.push_back(id);
        set_output(fused, id, host);
    }

    void set_output(FusedLayer& fused, LayerId id, std::size_t position) {
        ensure(network_.layer(id).outputs.size() == 1, "a layer that does work has one output");
        fused.output = network_.storage(network_.layer(id).outputs.front());
        maker_[fused.output.position()] = position;
    }

    const Network& network_;
    std::vector<std::size_t> maker_;            ///< by storage tensor; kNone for inputs and weights
    std::vector<std::vector<TensorId>> views_;  ///< by storage tensor: itself and what aliases it
    std::vector<FusedLayer> fused_;
};

}  // namespace

std::vector<FusedLayer> fuse_layers(const Network& network) {
    Fuser fuser(network);
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        fuser.add(LayerId(l));
    }
    return fuser.take();
}

std::int64_t operand_bits(const Network& network, const FusedLayer& fused) {
    std::int64_t sum = 0;
    for (const TensorId operand : fused.operands) {
        sum += bits(network.tensor(operand).precision);
    }
    return sum;
}

std::int64_t weight_bytes_read(const Network& network, const FusedLayer& fused,
                               const Extents& part) {
    const Operand* weights = network.layer(fused.root).space.find(TensorRole::weights);
    if (weights == nullptr) {
        return 0;
    }
    const std::int64_t read = touched_words(weights->projection, whole_box(part));
    return stored_bytes(read, weights->precision).count();
}

}  // namespace memwall
