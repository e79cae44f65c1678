// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/walker.hpp"

#include <algorithm>

#include "workloads/importers/onnx/constant_nodes.hpp"
#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/patterns.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kMostNodes = 100'000;
constexpr std::size_t kMostFaults = 200;

std::string first_result(const Node& node) {
    const auto found = std::find_if(node.outputs.begin(), node.outputs.end(),
                                    [](const std::string& output) { return !output.empty(); });
    return found == node.outputs.end() ? "" : *found;
}

std::string shown(const Node& node) {
    return !node.name.empty() ? node.name : node.outputs.empty() ? node.op : node.outputs[0];
}

void forget(Graph& graph, const Node& node) {
    for (const std::string& output : node.outputs) {
        graph.set(output, Value{});
    }
}

std::string described(const Node& node) {
    const std::string domain = node.domain.empty() ? "" : node.domain + ".";
    return "operator " + domain + node.op + ", node '" + shown(node) + "'";
}

}  // namespace

Walker::Walker(const ImportFile& file, const ImportOptions& options, Model model,
               Diagnostics& faults)
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

Imported Walker::read() {
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
    if (explores_) {
        graph.follow_batch(asked_);
    }
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
    if (!read_nodes(graph, order) || explores_) {
        return {};
    }
    std::set<std::string, std::less<>> results;
    for (const std::string& output : model_.outputs) {
        graph.settle(output);
        graph.put_in_order(output);
        if (const Value* value = graph.find(output)) {
            results.insert(value->source);
        }
    }
    draft_.drop_doubtful(results);
    add_note(note_on_caches(graph.caches()));
    report();
    return {draft_.tree(), notes_};
}

void Walker::explore(std::int64_t asked) {
    explores_ = true;
    asked_ = asked;
    read();
}

void Walker::check_made_once() {
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

void Walker::check_declared() {
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

void Walker::note_type(const std::string& value, ElementType type) {
    doubles_ += type == ElementType::fp64 ? 1 : 0;
    if (std::string elements = unreadable(type); !elements.empty()) {
        unreadable_.emplace(value, std::move(elements));
    }
}

std::vector<LayerId> Walker::ordered() {
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

void Walker::add_inputs(Graph& graph) {
    for (const Stated& input : model_.inputs) {
        if (graph.uses(input.name) == 0) {
            continue;
        }
        if (const auto dims = sizes_.of_input(input, where_, faults_)) {
            add_input(graph, input, *dims);
        }
    }
}

/// What is one for all items is a constant to a batch that is followed.
void Walker::add_input(Graph& graph, const Stated& input, const std::vector<std::int64_t>& dims) {
    if (explores_ && sizes_.shared_inputs().contains(input.name)) {
        Value value;
        value.kind = Value::Kind::constant;
        value.precision = precision_of(input.type);
        return graph.set(input.name, unknown_constant(std::move(value), dims));
    }
    if (graph.is_past(input.name) && std::count(dims.begin(), dims.end(), 0) > 0) {
        return graph.set_past(input.name, dims, precision_of(input.type));
    }
    try {
        graph.add_input(input.name, dims, precision_of(input.type), sizes_.batch_axis(input.name));
    } catch (const NotOfItems&) {
        if (!explores_) {
            const std::string but =
                decides_.empty() ? "" : ", but what makes '" + decides_ + "' needs its size";
            faults_.error(where_, "input '" + input.name + "' has no batch: " + text_of(dims) +
                                      " beside " + std::to_string(graph.batch()) +
                                      " items; such an input is read where the batch is left open" +
                                      but +
                                      "; with --batch 1 the model is read as it is for one item");
        }
        graph.set(input.name, Value{});
    } catch (const NotExpressible& fault) {
        if (!explores_) {
            faults_.error(where_, "input '" + input.name + "': " + fault.why);
        }
        graph.set(input.name, Value{});
    }
}

bool Walker::read_nodes(Graph& graph, const std::vector<LayerId>& order) {
    for (const LayerId id : order) {
        const Node& node = model_.nodes[id.position()];
        try {
            read_node(graph, node);
        } catch (const TooManyLayers&) {
            const std::string at = described(node) + ", each step of a cell and each part of an ";
            faults_.error(where_, "more than 200,000 layers at " + at + "attention counted");
            return false;
        }
    }
    return true;
}

void Walker::read_node(Graph& graph, const Node& node) {
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
        if (refused_.contains(first_result(node))) {
            const char* open = sizes_.open_batches().empty() ? "" : ", which the model leaves open";
            throw NotOfItems{{AcrossItems{}.why + open}};
        }
        NodeReader reader(graph, node);
        known->read(reader);
        check_results(graph, node);
    } catch (const AcrossItems& fault) {
        draft_.doubt_from(made);
        across_items_.insert(first_result(node));
        leave_out(graph, node, fault.why);
    } catch (const StatesBatch& fault) {
        draft_.doubt_from(made);
        states_batch_.insert(first_result(node));
        leave_out(graph, node, fault.why);
    } catch (const NotOfItems& fault) {
        draft_.doubt_from(made);
        leave_out(graph, node,
                  fault.why + "; with --batch 1 the model is read as it is for one item");
    } catch (const NotExpressible& fault) {
        draft_.doubt_from(made);
        leave_out(graph, node, fault.why);
    } catch (const Contradiction& fault) {
        draft_.doubt_from(made);
        leave_out(graph, node, fault.why, true);
    }
}

void Walker::refuse_unreadable(const Node& node) const {
    for (const std::string& input : node.inputs) {
        if (const auto found = unreadable_.find(input); found != unreadable_.end()) {
            throw NotExpressible{"its input '" + input + "' is of " + found->second};
        }
    }
}

void Walker::check_results(const Graph& graph, const Node& node) {
    const std::string found = declared_.against_results(node, graph);
    if (!found.empty()) {
        faults_.error(where_, described(node) + ": its result " + found);
    }
}

void Walker::pass_over(Graph& graph, const Node& node, const std::string& input) {
    if (find_operator(node.domain, node.op) == nullptr && !computes_shapes(node)) {
        return leave_out(graph, node, "");
    }
    forget(graph, node);
    not_read_.insert(first_result(node));
    if (options_.skip_unsupported) {
        ++passed_over_;
        left_out_.push_back(described(node) + ": the shape of its input '" + input +
                            "' is not known");
        replace(graph, node);
    }
}

void Walker::leave_out(Graph& graph, const Node& node, const std::string& why, bool wrong) {
    left_out_.push_back((wrong ? "" : "unsupported ") + described(node) +
                        (why.empty() ? "" : ": " + why));
    not_read_.insert(first_result(node));
    forget(graph, node);
    if (options_.skip_unsupported) {
        replace(graph, node);
    }
}

void Walker::replace(Graph& graph, const Node& node) {
    for (const std::string& output : node.outputs) {
        const auto known = stated_.find(output);
        if (output.empty() || known == stated_.end() || graph.uses(output) == 0) {
            continue;
        }
        const auto dims = unreadable(known->second->type).empty() ? sizes_.of_value(*known->second)
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

void Walker::report_batch() {
    const std::string batch = std::to_string(sizes_.batch());
    if (sizes_.states_batch()) {
        notes_.push_back("the model has a batch of " + batch +
                         ": the network is of one item, run it with --batch " + batch);
    }
    for (const Node& node : model_.nodes) {
        const std::string result = first_result(node);
        if (states_batch_.contains(result) && !not_read_.contains(result)) {
            notes_.push_back("the " + batch + " in the shape of node '" + shown(node) +
                             "' is taken for the batch");
        }
    }
    for (const std::string& input : shared_) {
        notes_.push_back("input '" + input +
                         "' has no batch, so it is the same for all items: in the network each "
                         "item has its own");
    }
    add_note(sizes_.note_on_batch());
}

void Walker::report() {
    report_batch();
    if (doubles_ > 0) {
        notes_.push_back(doubles_ == 1
                             ? "1 tensor of fp64 is taken for fp32"
                             : std::to_string(doubles_) + " tensors of fp64 are taken for fp32");
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

void Walker::report_nothing() {
    if (left_out_.empty()) {
        return faults_.error(where_, "has no node that is a layer");
    }
    faults_.error(where_, "nothing is left of it without what is left out:");
    for (std::size_t n = 0; n < std::min(left_out_.size(), kMostFaults); ++n) {
        faults_.error(where_, left_out_[n]);
    }
}

}  // namespace memwall::importers::onnx
