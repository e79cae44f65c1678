// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_graph.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <functional>
#include <queue>

namespace memwall {

struct LayerGraph::Graph {
    using List = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
    List list;
};

namespace {

/// The shortest way from `start` back to itself among the layers of its component.
template <class List>
std::vector<LayerId> shortest_cycle(const List& list, std::size_t start,
                                    const std::vector<std::size_t>& component) {
    const auto inside = [&](std::size_t layer) { return component[layer] == component[start]; };
    const boost::filtered_graph<List, boost::keep_all, std::function<bool(std::size_t)>> part(
        list, boost::keep_all(), inside);
    std::vector<std::size_t> parent(boost::num_vertices(list), start);
    std::vector<std::size_t> distance(boost::num_vertices(list), 0);
    boost::breadth_first_search(
        part, start,
        boost::visitor(boost::make_bfs_visitor(
            std::make_pair(boost::record_predecessors(parent.data(), boost::on_tree_edge()),
                           boost::record_distances(distance.data(), boost::on_tree_edge())))));
    std::size_t last = start;
    for (auto [edge, end] = boost::in_edges(start, part); edge != end; ++edge) {
        const std::size_t before = boost::source(*edge, part);
        if (before == start) {
            return {LayerId(start)};
        }
        if (last == start || distance[before] < distance[last]) {
            last = before;
        }
    }
    std::vector<LayerId> cycle;
    for (std::size_t layer = last; layer != start; layer = parent[layer]) {
        cycle.emplace_back(layer);
    }
    cycle.emplace_back(start);
    std::reverse(cycle.begin(), cycle.end());
    return cycle;
}

}  // namespace

LayerGraph::LayerGraph(std::size_t layers, std::vector<std::pair<LayerId, LayerId>> edges)
    : graph_(std::make_unique<Graph>()) {
    graph_->list = Graph::List(layers);
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    for (const auto& [from, to] : edges) {
        boost::add_edge(from.position(), to.position(), graph_->list);
    }
}

LayerGraph::~LayerGraph() = default;

std::vector<LayerId> LayerGraph::order() const {
    const Graph::List& list = graph_->list;
    std::vector<std::size_t> waits_for(boost::num_vertices(list));
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t layer = 0; layer < waits_for.size(); ++layer) {
        waits_for[layer] = boost::in_degree(layer, list);
        if (waits_for[layer] == 0) {
            ready.push(layer);
        }
    }
    std::vector<LayerId> order;
    while (!ready.empty()) {
        const std::size_t layer = ready.top();
        ready.pop();
        order.emplace_back(layer);
        for (auto [next, end] = boost::adjacent_vertices(layer, list); next != end; ++next) {
            if (--waits_for[*next] == 0) {
                ready.push(*next);
            }
        }
    }
    return order;
}

std::vector<std::vector<LayerId>> LayerGraph::cycles() const {
    const Graph::List& list = graph_->list;
    std::vector<std::size_t> component(boost::num_vertices(list), 0);
    const std::size_t count = boost::strong_components(
        list, boost::make_iterator_property_map(component.begin(),
                                                boost::get(boost::vertex_index, list)));
    std::vector<std::size_t> sizes(count, 0);
    for (const std::size_t each : component) {
        ++sizes[each];
    }
    std::vector<bool> seen(count, false);
    std::vector<std::vector<LayerId>> cycles;
    for (std::size_t layer = 0; layer < component.size(); ++layer) {
        const bool cyclic = sizes[component[layer]] > 1 || boost::edge(layer, layer, list).second;
        if (cyclic && !seen[component[layer]]) {
            seen[component[layer]] = true;
            cycles.push_back(shortest_cycle(list, layer, component));
        }
    }
    return cycles;
}

std::vector<LayerId> LayerGraph::predecessors(LayerId id) const {
    std::vector<LayerId> found;
    for (auto [each, end] = boost::inv_adjacent_vertices(id.position(), graph_->list); each != end;
         ++each) {
        found.emplace_back(*each);
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<LayerId> LayerGraph::successors(LayerId id) const {
    std::vector<LayerId> found;
    for (auto [each, end] = boost::adjacent_vertices(id.position(), graph_->list); each != end;
         ++each) {
        found.emplace_back(*each);
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace memwall
