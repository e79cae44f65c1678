// SPDX-License-Identifier: Apache-2.0
// A walk over a model from its inputs node by node to its outputs, and the network that it makes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "workloads/importers/draft.hpp"
#include "workloads/importers/importer.hpp"
#include "workloads/importers/onnx/declared_shapes.hpp"
#include "workloads/importers/onnx/graph.hpp"
#include "workloads/importers/onnx/input_sizes.hpp"
#include "workloads/importers/onnx/model.hpp"
#include "workloads/layer_graph.hpp"

namespace memwall::importers::onnx {

class Walker {
public:
    /// Keeps the options and the faults by reference.
    Walker(const ImportFile& file, const ImportOptions& options, Model model, Diagnostics& faults);

    /// Nodes that are left out whatever their readers say of them: those that work across the
    /// batch, whatever size it has.
    void leave_out_across(std::set<std::string> results) { refused_ = std::move(results); }

    /// Nodes that have the batch that was asked for as a number, by their first results: what is
    /// read of them is noted.
    void note_states_batch(std::set<std::string> results) { states_batch_ = std::move(results); }
    /// Inputs without a batch that are read as if each item had its own: that is noted.
    void note_shared(std::set<std::string> inputs) { shared_ = std::move(inputs); }
    /// The first result of a node that cannot be read while the batch is left open.
    void note_decides(std::string result) { decides_ = std::move(result); }

    Imported read();
    /// As read, for the sake of across_items and left_out alone: as much as can be read, of a model
    /// that was asked for with a batch of `asked`, or with none.
    void explore(std::int64_t asked);

    /// Whether some node could not be read, told as a fault or as a note.
    [[nodiscard]] bool leaves_out() const { return !left_out_.empty(); }
    /// The first results of those nodes.
    [[nodiscard]] const std::set<std::string>& left_out() const { return not_read_; }

    /// The first results of the nodes that work across the items of the batch that this model is
    /// read with.
    [[nodiscard]] const std::set<std::string>& across_items() const { return across_items_; }
    /// Where it explored: the first results of those that have the batch that was asked for as a
    /// number.
    [[nodiscard]] const std::set<std::string>& states_batch() const { return states_batch_; }

private:
    void check_made_once();
    /// Of what the file has: the types of inputs, the shapes of initialisers.
    void check_declared();
    void note_type(const std::string& value, ElementType type);
    /// Nodes so that each comes after those that it reads. A cycle is a fault.
    std::vector<LayerId> ordered();
    void add_inputs(Graph& graph);
    /// False where the model has more than a network can have, which is a fault.
    bool read_nodes(Graph& graph, const std::vector<LayerId>& order);
    void add_input(Graph& graph, const Stated& input, const std::vector<std::int64_t>& dims);
    void read_node(Graph& graph, const Node& node);
    void refuse_unreadable(const Node& node) const;
    void check_results(const Graph& graph, const Node& node);
    /// A node behind one that is left out, whose shapes cannot be known: unsupported ones are told
    /// as any others, and those that could have been read are told where the rest is kept.
    void pass_over(Graph& graph, const Node& node, const std::string& input);
    /// `wrong`: ONNX does not allow it either.
    void leave_out(Graph& graph, const Node& node, const std::string& why, bool wrong = false);
    /// What stands for the result of a node that is left out: what it reads, where that has the
    /// same shape, else an input of the network.
    void replace(Graph& graph, const Node& node);
    /// "" is none.
    void add_note(std::string note) {
        if (!note.empty()) {
            notes_.push_back(std::move(note));
        }
    }
    void report();
    void report_batch();
    void report_left_out();
    void report_nothing();

    const ImportOptions& options_;
    Model model_;
    InputSizes sizes_;
    DeclaredShapes declared_;
    Diagnostics& faults_;
    SourceMark where_;
    NetworkDraft draft_;
    std::map<std::string, const Stated*> stated_;
    std::map<std::string, std::string> unreadable_;  ///< elements of inputs and initialisers
    std::set<std::string> refused_;
    std::set<std::string> across_items_;
    std::set<std::string> states_batch_;
    std::set<std::string> shared_;
    std::string decides_;
    std::vector<std::string> left_out_;
    std::set<std::string> not_read_;
    std::vector<std::string> notes_;
    bool explores_ = false;
    std::int64_t asked_ = 0;  ///< where it explores
    int doubles_ = 0;         ///< inputs and initialisers of fp64
    int passed_over_ = 0;
};

}  // namespace memwall::importers::onnx
