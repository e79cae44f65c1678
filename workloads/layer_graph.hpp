// SPDX-License-Identifier: Apache-2.0
// The dependencies between layers as a directed graph (Boost.Graph inside): order, cycles,
// neighbours.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "workloads/identifiers.hpp"

namespace memwall {

class LayerGraph {
public:
    /// An edge leads from the layer that makes a tensor to one that reads it. Repeated edges count
    /// once.
    LayerGraph(std::size_t layers, std::vector<std::pair<LayerId, LayerId>> edges);
    ~LayerGraph();
    LayerGraph(const LayerGraph&) = delete;
    LayerGraph& operator=(const LayerGraph&) = delete;

    /// Every layer after those that it waits for; of several that may come next, the lowest. Layers
    /// on a cycle, and those that wait for one, are left out.
    [[nodiscard]] std::vector<LayerId> order() const;
    /// One cycle for each set of layers that reach each other: from its lowest layer along the
    /// edges, each layer once.
    [[nodiscard]] std::vector<std::vector<LayerId>> cycles() const;
    /// Ascending.
    [[nodiscard]] std::vector<LayerId> predecessors(LayerId id) const;
    [[nodiscard]] std::vector<LayerId> successors(LayerId id) const;

private:
    struct Graph;
    std::unique_ptr<Graph> graph_;
};

}  // namespace memwall
