// SPDX-License-Identifier: Apache-2.0
// ONNX models: from the inputs node by node to the outputs.
#include <algorithm>
#include <set>

#include "workloads/importers/formats.hpp"
#include "workloads/importers/onnx/constant_nodes.hpp"
#include "workloads/importers/onnx/declared_shapes.hpp"
#include "workloads/importers/onnx/input_sizes.hpp"
#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/patterns.hpp"
#include "workloads/importers/text_lines.hpp"
#include "workloads/layer_graph.hpp"

namespace memwall::importers {
namespace {

using namespace onnx;

constexpr std::size_t kMostNodes = 100'000;
constexpr std::size_t kMostFaults = 200;

class Walker {
public:
    Walker(const ImportFile& file, const ImportOptions& options, Model model, Diagnostics& faults)
        : options_(options),
          model_(std::move(model)),
          sizes_(model_, options),
          declared_(model_),
          faults_(faults),
          where_{file.shown_as, 0, 0},
          draft_(file.stem(),
                 "ONNX model " + file.path.filename().string() +
                     (model_.producer.empty() ? "" : ", made by " + model_.producer),
                 where_) {}

    Imported read() {
        if (model_.nodes.size() > kMostNodes) {
            faults_.error(where_, "more than 100,000 nodes");
            return {};
        }
        check_made_once();
        check_declared();
        if (!faults_.empty()) {
            return {};
        }
        fuse_patterns(model_);
        const std::vector<LayerId> order = ordered();
        Graph graph(model_, draft_, sizes_.batch(), where_);
        for (const std::vector<Stated>* values : {&model_.inferred, &model_.values}) {
            for (const Stated& value : *values) {
                if (value.shape) {
                    stated_.emplace(value.name, &value);
                }
            }
        }
        if (faults_.empty()) {
            sizes_.check_given(where_, faults_);
            add_inputs(graph);
        }
        if (!faults_.empty()) {
            return {};
        }
        for (const LayerId id : order) {
            read_node(graph, model_.nodes[id.position()]);
        }
        std::set<std::string, std::less<>> results;
        for (const std::string& output : model_.outputs) {
            graph.settle(output);
            if (const Value* value = graph.find(output)) {
                results.insert(value->source);
            }
        }
        draft_.drop_doubtful(results);
        report();
        return {draft_.tree(), notes_};
    }

    /// Whether some node could not be read, told as a fault or as a note.
    [[nodiscard]] bool leaves_out() const { return !left_out_.empty(); }

private:
    void check_made_once() {
        std::set<std::string> made;
        for (const Stated& input : model_.inputs) {
            made.insert(input.name);
        }
        for (const Node& node : model_.nodes) {
            for (const std::string& output : node.outputs) {
                if (!output.empty() && !made.insert(output).second) {
                    faults_.error(where_, "value '" + output + "' is made twice");
                }
            }
        }
        for (const std::string& output : model_.outputs) {
            if (!made.contains(output) && !model_.initialisers.contains(output)) {
                faults_.error(where_, "nothing makes its output '" + output + "'");
            }
        }
    }

    /// Of what the file has: the types of inputs, the shapes of initialisers.
    void check_declared() {
        for (const Stated& input : model_.inputs) {
            note_type(input.name, input.type);
        }
        for (const auto& [name, constant] : model_.initialisers) {
            note_type(name, constant.type);
            if (const std::string found = declared_.against(name, constant.dims); !found.empty()) {
                faults_.error(where_, "initialiser " + found);
            }
        }
    }

    void note_type(const std::string& value, ElementType type) {
        if (std::string elements = unreadable(type); !elements.empty()) {
            unreadable_.emplace(value, std::move(elements));
        }
    }

    /// Nodes so that each comes after those that it reads. A cycle is a fault.
    std::vector<LayerId> ordered() {
        std::map<std::string, std::size_t> producers;
        for (std::size_t n = 0; n < model_.nodes.size(); ++n) {
            for (const std::string& output : model_.nodes[n].outputs) {
                producers.emplace(output, n);
            }
        }
        std::vector<std::pair<LayerId, LayerId>> edges;
        for (std::size_t n = 0; n < model_.nodes.size(); ++n) {
            for (const std::string& input : model_.nodes[n].inputs) {
                if (const auto found = producers.find(input); found != producers.end()) {
                    edges.emplace_back(LayerId(found->second), LayerId(n));
                }
            }
        }
        const LayerGraph graph(model_.nodes.size(), std::move(edges));
        for (const std::vector<LayerId>& cycle : graph.cycles()) {
            faults_.error(where_, "cycle: node '" + shown(model_.nodes[cycle[0].position()]) +
                                      "' waits for itself");
        }
        return graph.order();
    }

    static std::string shown(const Node& node) {
        return !node.name.empty() ? node.name : node.outputs.empty() ? node.op : node.outputs[0];
    }

    void add_inputs(Graph& graph) {
        for (const Stated& input : model_.inputs) {
            if (graph.uses(input.name) == 0) {
                continue;
            }
            const auto dims = sizes_.of_input(input, where_, faults_);
            if (!dims) {
                continue;
            }
            try {
                graph.add_input(input.name, *dims, precision_of(input.type),
                                sizes_.batch_axis(input.name));
            } catch (const NotExpressible& fault) {
                faults_.error(where_, "input '" + input.name + "': " + fault.why);
            }
        }
    }

    void read_node(Graph& graph, const Node& node) {
        for (const std::string& input : node.inputs) {
            const Value* value = input.empty() ? nullptr : graph.find(input);
            if (value != nullptr && value->kind == Value::Kind::unknown) {
                return pass_over(graph, node, input);
            }
        }
        const Operator* known = find_operator(node.domain, node.op);
        const std::size_t made = draft_.layers().size();
        try {
            if (known != nullptr || computes_shapes(node)) {
                refuse_unreadable(node);
            }
            if (read_constants(graph, node, known)) {
                return check_results(graph, node);
            }
            if (known == nullptr) {
                return leave_out(graph, node, "");
            }
            transposed_ += node.op == "Transpose" && !reads_constants(graph, node) ? 1 : 0;
            NodeReader reader(graph, node);
            known->read(reader);
            check_results(graph, node);
        } catch (const NotExpressible& fault) {
            draft_.doubt_from(made);
            leave_out(graph, node, fault.why);
        } catch (const Contradiction& fault) {
            draft_.doubt_from(made);
            leave_out(graph, node, fault.why, true);
        }
    }

    void refuse_unreadable(const Node& node) const {
        for (const std::string& input : node.inputs) {
            if (const auto found = unreadable_.find(input); found != unreadable_.end()) {
                throw NotExpressible{"its input '" + input + "' is of " + found->second};
            }
        }
    }

    void check_results(const Graph& graph, const Node& node) {
        const std::string found = declared_.against_results(node, graph);
        if (!found.empty()) {
            faults_.error(where_, described(node) + ": its result " + found);
        }
    }

    static void forget(Graph& graph, const Node& node) {
        for (const std::string& output : node.outputs) {
            graph.set(output, Value{});
        }
    }

    /// A node behind one that is left out, whose shapes cannot be known: unsupported ones are told
    /// as any others, and those that could have been read are told where the rest is kept.
    void pass_over(Graph& graph, const Node& node, const std::string& input) {
        if (find_operator(node.domain, node.op) == nullptr && !computes_shapes(node)) {
            return leave_out(graph, node, "");
        }
        forget(graph, node);
        if (options_.skip_unsupported) {
            ++passed_over_;
            left_out_.push_back(described(node) + ": the shape of its input '" + input +
                                "' is not known");
            replace(graph, node);
        }
    }

    static std::string described(const Node& node) {
        const std::string domain = node.domain.empty() ? "" : node.domain + ".";
        return "operator " + domain + node.op + ", node '" + shown(node) + "'";
    }

    /// `wrong`: ONNX does not allow it either.
    void leave_out(Graph& graph, const Node& node, const std::string& why, bool wrong = false) {
        left_out_.push_back((wrong ? "" : "unsupported ") + described(node) +
                            (why.empty() ? "" : ": " + why));
        forget(graph, node);
        if (options_.skip_unsupported) {
            replace(graph, node);
        }
    }

    /// What stands for the result of a node that is left out: what it reads, where that has the
    /// same shape, else an input of the network.
    void replace(Graph& graph, const Node& node) {
        for (const std::string& output : node.outputs) {
            const auto known = stated_.find(output);
            if (output.empty() || known == stated_.end() || graph.uses(output) == 0) {
                continue;
            }
            const auto dims = unreadable(known->second->type).empty()
                                  ? sizes_.of_value(*known->second)
                                  : std::nullopt;
            const Value* read = node.inputs.empty() ? nullptr : graph.find(node.inputs[0]);
            if (dims && read != nullptr && read->is_activation() && read->dims == *dims) {
                graph.set(output, Value(*read));
            } else if (dims) {
                try {
                    graph.add_input(output, *dims, precision_of(known->second->type));
                } catch (const NotExpressible&) {
                    continue;
                }
            }
        }
    }

    void report() {
        if (sizes_.states_batch()) {
            const std::string batch = std::to_string(sizes_.batch());
            notes_.push_back("the model has a batch of " + batch +
                             ": the network is of one item, run it with --batch " + batch);
        }
        if (transposed_ > 0) {
            notes_.push_back(transposed_ == 1 ? "1 transposition is read as a rename, at no cost"
                                              : std::to_string(transposed_) +
                                                    " transpositions are read as renames, at no "
                                                    "cost");
        }
        if (passed_over_ > 0) {
            const std::string nodes = passed_over_ == 1
                                          ? "1 node that can be read is left out too, as its "
                                            "shapes are known "
                                          : std::to_string(passed_over_) +
                                                " nodes that can be read are left out too, as "
                                                "their shapes are known ";
            notes_.push_back(nodes +
                             "neither from the model's value_info nor by inference: each "
                             "is named below");
        }
        std::size_t told = 0;
        for (const std::string& each : left_out_) {
            if (++told > kMostFaults && !options_.skip_unsupported) {
                break;
            }
            if (options_.skip_unsupported) {
                notes_.push_back("left out: " + each);
            } else {
                faults_.error(where_, each);
            }
        }
        if (left_out_.size() > kMostFaults && !options_.skip_unsupported) {
            faults_.error(where_, "and " + std::to_string(left_out_.size() - kMostFaults) +
                                      " more nodes that cannot be expressed");
        }
        if (draft_.empty() && faults_.empty()) {
            report_nothing();
        }
    }

    void report_nothing() {
        if (left_out_.empty()) {
            return faults_.error(where_, "has no node that is a layer");
        }
        faults_.error(where_, "nothing is left of it without what is left out:");
        for (std::size_t n = 0; n < std::min(left_out_.size(), kMostFaults); ++n) {
            faults_.error(where_, left_out_[n]);
        }
    }

    const ImportOptions& options_;
    Model model_;
    InputSizes sizes_;
    DeclaredShapes declared_;
    Diagnostics& faults_;
    SourceMark where_;
    NetworkDraft draft_;
    std::map<std::string, const Stated*> stated_;
    std::map<std::string, std::string> unreadable_;  ///< elements of inputs and initialisers
    std::vector<std::string> left_out_;
    std::vector<std::string> notes_;
    int transposed_ = 0;
    int passed_over_ = 0;
};

/// A model whose first axis, taken for a batch, is that of the steps of one sequence: what is read
/// so, where nothing can be read with the batch and everything without.
std::optional<Imported> read_as_steps(const ImportFile& file, const ImportOptions& options,
                                      const Model& model) {
    const Stated* steps = InputSizes(model, options).may_be_steps();
    if (steps == nullptr) {
        return std::nullopt;
    }
    const auto whole = [&](const ImportOptions& with) -> std::optional<Imported> {
        Diagnostics faults;
        Walker walker(file, with, model, faults);
        Imported read = walker.read();
        return faults.empty() && !walker.leaves_out() ? std::optional(std::move(read))
                                                      : std::nullopt;
    };
    if (auto batch = whole(options)) {
        return batch;
    }
    ImportOptions alone = options;
    alone.batch = 1;
    auto read = whole(alone);
    if (read) {
        read->notes.push_back("the first axis of input '" + steps->name +
                              "' has the steps of one item: nodes work across it");
    }
    return read;
}

}  // namespace

bool recognises_onnx(const ImportFile& file) {
    return file.extension() == ".onnx" ||
           (file.content.size() > 2 && file.content[0] == 8 && is_binary(file.content));
}

Imported read_onnx(const ImportFile& file, const ImportOptions& options, Diagnostics& faults) {
    auto model = parse_model(file, options.skip_unsupported, faults);
    if (!model) {
        return {};
    }
    if (auto read = read_as_steps(file, options, *model)) {
        return std::move(*read);
    }
    return Walker(file, options, std::move(*model), faults).read();
}

}  // namespace memwall::importers
