// SPDX-License-Identifier: Apache-2.0
#include "workloads/liveness.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace memwall {
namespace {

/// Tensors that share one place: aliases of each other, and what an epilogue overwrites.
class Places {
public:
    explicit Places(std::size_t tensors) : parent_(tensors) {
        std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    }
    std::size_t of(TensorId id) const {
        std::size_t place = id.position();
        while (parent_[place] != place) {
            place = parent_[place];
        }
        return place;
    }
    void unite(TensorId a, TensorId b) { parent_[of(b)] = of(a); }

private:
    std::vector<std::size_t> parent_;
};

struct Life {
    std::int64_t bytes = 0;
    bool persists = false;  ///< counted apart
    std::size_t from = SIZE_MAX;
    std::size_t to = 0;
};

/// The input that an epilogue overwrites.
TensorId overwritten(const Network& network, const Layer& epilogue) {
    const TensorId made = network.layer(epilogue.epilogue_of).outputs[0];
    for (const TensorId input : epilogue.inputs) {
        TensorId root = input;
        while (root != made && network.tensor(root).alias) {
            root = network.tensor(root).alias->of;
        }
        if (root == made) {
            return input;
        }
    }
    fail("an epilogue reads the result of its layer");
}

}  // namespace

std::vector<Bytes> live_bytes(const Network& network) {
    if (network.layers().empty()) {
        return {};
    }
    Places places(network.tensors().size());
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        if (const auto& alias = network.tensors()[t].alias) {
            places.unite(alias->of, TensorId(t));
        }
    }
    for (const Layer& layer : network.layers()) {
        if (layer.epilogue_of.valid()) {
            places.unite(layer.outputs[0], overwritten(network, layer));
        }
    }
    std::vector<Life> lives(network.tensors().size());
    const auto lives_at = [&](TensorId id, std::size_t layer) {
        Life& life = lives[places.of(id)];
        life.bytes = std::max(life.bytes, network.tensor_bytes(id).count());
        life.persists = life.persists || network.tensor(id).persists();
        life.from = std::min(life.from, layer);
        life.to = std::max(life.to, layer);
    };
    for (const TensorId input : network.inputs()) {
        lives_at(input, 0);
    }
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        for (const TensorId input : network.layers()[l].inputs) {
            lives_at(input, l);
        }
        lives_at(network.layers()[l].outputs[0], l);
    }
    std::vector<std::int64_t> change(network.layers().size() + 1, 0);
    for (const Life& life : lives) {
        if (life.from <= life.to && !life.persists) {
            change[life.from] += life.bytes;
            change[life.to + 1] -= life.bytes;
        }
    }
    std::vector<Bytes> live;
    std::int64_t now = 0;
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        now += change[l];
        live.emplace_back(now);
    }
    return live;
}

Bytes peak_live_bytes(const Network& network) {
    Bytes peak(0);
    for (const Bytes bytes : live_bytes(network)) {
        peak = std::max(peak, bytes);
    }
    return peak;
}

}  // namespace memwall
