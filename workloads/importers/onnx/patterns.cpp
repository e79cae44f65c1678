// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/patterns.hpp"

#include <algorithm>
#include <set>

namespace memwall::importers::onnx {
namespace {

class Fuser {
public:
    explicit Fuser(Model& model) : model_(model) {
        for (std::size_t n = 0; n < model.nodes.size(); ++n) {
            for (const std::string& output : model.nodes[n].outputs) {
                producers_.emplace(output, n);
            }
            for (const std::string& input : model.nodes[n].inputs) {
                readers_[input].push_back(n);
            }
        }
    }

    void run() {
        for (Node& node : model_.nodes) {
            if (node.op == "Mul") {
                fuse_gates(node);
            } else if (node.op == "Erf") {
                fuse_gelu(node, before(node));
            } else if (node.op == "Tanh") {
                fuse_gelu(node, cubed(node, 0));
            } else if (node.op == "Div" || node.op == "Reciprocal") {
                fuse_norm(node);
            }
        }
        leave_out_unread();
    }

private:
    [[nodiscard]] const Node* maker(const std::string& value) const {
        const auto found = producers_.find(value);
        return found == producers_.end() ? nullptr : &model_.nodes[found->second];
    }

    [[nodiscard]] const Node* maker(const std::string& value, const char* op) const {
        const Node* node = maker(value);
        return node != nullptr && node->op == op ? node : nullptr;
    }

    /// The only reader of a node's result, if it is of this op.
    [[nodiscard]] Node* only_reader(const Node& node, const char* op) const {
        const auto found = node.outputs.empty() ? readers_.end() : readers_.find(node.outputs[0]);
        if (found == readers_.end() || found->second.size() != 1) {
            return nullptr;
        }
        Node& reader = model_.nodes[found->second[0]];
        return reader.op == op && reader.outputs.size() == 1 ? &reader : nullptr;
    }

    [[nodiscard]] bool is_constant(const std::string& value) const {
        const Node* node = maker(value);
        return model_.initialisers.contains(value) || (node != nullptr && node->op == "Constant");
    }

    static std::string input(const Node& node, std::size_t position) {
        return position < node.inputs.size() ? node.inputs[position] : "";
    }

    /// The input of a node that is not `value`, of two.
    static std::string other(const Node& node, const std::string& value) {
        return input(node, 0) == value ? input(node, 1) : input(node, 0);
    }

    static void become(Node& node, const char* op, const std::string& value) {
        node.op = op;
        node.domain.clear();
        node.inputs = {value};
        node.attributes.clear();
    }

    // x sigmoid(x), x hard_sigmoid(x), x tanh(softplus(x)).
    void fuse_gates(Node& node) {
        for (const std::size_t side : {0U, 1U}) {
            const std::string x = input(node, side);
            const Node* gate = maker(input(node, 1 - side));
            if (gate == nullptr || x.empty()) {
                continue;
            }
            if (gate->op == "Sigmoid" && input(*gate, 0) == x) {
                return become(node, "Silu", x);
            }
            if (gate->op == "HardSigmoid" && input(*gate, 0) == x) {
                return become(node, "HardSwish", x);
            }
            const Node* softplus =
                gate->op == "Tanh" ? maker(input(*gate, 0), "Softplus") : nullptr;
            if (softplus != nullptr && input(*softplus, 0) == x) {
                return become(node, "Mish", x);
            }
        }
    }

    /// What an Erf is taken of, without the factor.
    [[nodiscard]] std::string before(const Node& erf) const {
        const Node* scale = maker(input(erf, 0));
        if (scale == nullptr || (scale->op != "Div" && scale->op != "Mul")) {
            return input(erf, 0);
        }
        return is_constant(input(*scale, 1)) ? input(*scale, 0) : input(*scale, 1);
    }

    /// The x of the cube inside the tanh of a gelu.
    [[nodiscard]] std::string cubed(const Node& node, int depth) const {
        if (depth > 4) {
            return "";
        }
        for (const std::string& value : node.inputs) {
            const Node* made = maker(value);
            if (made == nullptr) {
                continue;
            }
            if (made->op == "Pow") {
                return input(*made, 0);
            }
            if (made->op == "Mul" || made->op == "Add") {
                std::string found = cubed(*made, depth + 1);
                if (!found.empty()) {
                    return found;
                }
            }
        }
        return "";
    }

    // (1 + f) x / 2, the half on either side of the product.
    void fuse_gelu(const Node& function, const std::string& x) {
        const Node* sum = only_reader(function, "Add");
        if (x.empty() || sum == nullptr || !is_constant(other(*sum, function.outputs[0]))) {
            return;
        }
        Node* product = only_reader(*sum, "Mul");
        if (product == nullptr) {
            return;
        }
        const std::string beside = other(*product, sum->outputs[0]);
        const Node* half = maker(beside, "Mul");
        if (half != nullptr && (input(*half, 0) == x || input(*half, 1) == x) &&
            is_constant(other(*half, x))) {
            return become(*product, "Gelu", x);
        }
        Node* last = only_reader(*product, "Mul");
        if (last == nullptr) {
            return;
        }
        const std::string behind = other(*last, product->outputs[0]);
        if ((beside == x && is_constant(behind)) || (is_constant(beside) && behind == x)) {
            become(*last, "Gelu", x);
        }
    }

    /// The value whose mean of squares (plus a little) `root` is the root of; "" where it is none.
    [[nodiscard]] std::string squared(const std::string& root) const {
        const Node* sqrt = maker(root, "Sqrt");
        const Node* sum = sqrt == nullptr ? nullptr : maker(input(*sqrt, 0), "Add");
        if (sum == nullptr) {
            return "";
        }
        const std::string value = is_constant(input(*sum, 0)) ? input(*sum, 1) : input(*sum, 0);
        const Node* mean = maker(value, "ReduceMean");
        const Node* square = mean == nullptr ? nullptr : maker(input(*mean, 0));
        const bool sound =
            square != nullptr && (square->op == "Pow" ||
                                  (square->op == "Mul" && input(*square, 0) == input(*square, 1)));
        return sound ? input(*square, 0) : "";
    }

    // d / sqrt(mean(d^2) + e) with d = x - mean(x), or with d = x itself.
    void fuse_norm(Node& node) {
        const bool reciprocal = node.op == "Reciprocal" || is_constant(input(node, 0));
        const std::string d = squared(input(node, node.op == "Reciprocal" ? 0 : 1));
        Node* result = reciprocal ? only_reader(node, "Mul") : &node;
        if (d.empty() || result == nullptr ||
            (reciprocal ? other(*result, node.outputs[0]) : input(node, 0)) != d) {
            return;
        }
        const Node* difference = maker(d, "Sub");
        const Node* mean =
            difference == nullptr ? nullptr : maker(input(*difference, 1), "ReduceMean");
        const bool centred = mean != nullptr && input(*mean, 0) == input(*difference, 0);
        become(*result, centred ? "LayerNormalization" : "SimplifiedLayerNormalization",
               centred ? input(*difference, 0) : d);
        absorb_gain(*result, centred);
    }

    /// A gain and, of a layer norm, an offset behind it are parts of it.
    void absorb_gain(Node& norm, bool offset) {
        Node* gain = only_reader(norm, "Mul");
        if (gain == nullptr || !is_constant(other(*gain, norm.outputs[0]))) {
            return;
        }
        Node* last = gain;
        if (Node* sum = offset ? only_reader(*gain, "Add") : nullptr;
            sum != nullptr && is_constant(other(*sum, gain->outputs[0]))) {
            last = sum;
        }
        const std::string op = norm.op;
        const std::string x = norm.inputs[0];
        become(*last, op.c_str(), x);
    }

    void leave_out_unread() {
        if (model_.outputs.empty()) {
            return;
        }
        std::set<std::string> read(model_.outputs.begin(), model_.outputs.end());
        std::vector<std::string> open(model_.outputs.begin(), model_.outputs.end());
        std::vector<bool> kept(model_.nodes.size(), false);
        while (!open.empty()) {
            const auto found = producers_.find(open.back());
            open.pop_back();
            if (found == producers_.end() || kept[found->second]) {
                continue;
            }
            kept[found->second] = true;
            for (const std::string& value : model_.nodes[found->second].inputs) {
                if (read.insert(value).second) {
                    open.push_back(value);
                }
            }
        }
        std::vector<Node> nodes;
        for (std::size_t n = 0; n < kept.size(); ++n) {
            if (kept[n]) {
                nodes.push_back(std::move(model_.nodes[n]));
            }
        }
        model_.nodes = std::move(nodes);
    }

    Model& model_;
    std::map<std::string, std::size_t> producers_;
    std::map<std::string, std::vector<std::size_t>> readers_;
};

}  // namespace

void fuse_patterns(Model& model) {
    Fuser(model).run();
}

}  // namespace memwall::importers::onnx
