// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/tiling_text.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "arch/loop_text.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

/// "64 k x 4 c x 2 p": parts of a tile in a whole.
std::string parts_text(const Extents& whole, const Extents& tile) {
    std::string parts;
    for (const Dim dim : all_dims()) {
        const std::int64_t pieces = ceil_divide(whole[index(dim)], tile[index(dim)]);
        if (pieces > 1) {
            parts += (parts.empty() ? "" : " x ") + std::to_string(pieces) + " " + name(dim);
        }
    }
    return parts.empty() ? "whole" : parts;
}

std::string joined(const std::vector<std::string>& parts, const char* between = ", ") {
    std::string text;
    for (const std::string& part : parts) {
        text += (text.empty() ? "" : between) + part;
    }
    return text;
}

/// Writes one layer's loops, line by line.
class TilingCode {
public:
    TilingCode(const TilingText& text, std::size_t f)
        : text_(text),
          network_(text.network),
          hierarchy_(text.hierarchy),
          plan_(text.plan),
          f_(f),
          fused_(plan_.fused[f]),
          layer_(plan_.layers[f]),
          root_(network_.layer(fused_.root)),
          stack_(plan_.stack_of(f)) {}

    std::string run() {
        stack_lines();
        line(name_of(hierarchy_.dram) + " holds " + in_dram());
        indent_ += "  ";
        if (hierarchy_.cache.valid() && in_dram() != kNothing) {
            line(name_of(hierarchy_.cache) + " has what of it was used last (of " +
                 format_bytes(hierarchy_.cache_config->capacity) + ")");
        }
        loops(root_.space.extents, layer_.tile, layer_.positions_outer);
        line(name_of(hierarchy_.buffer) + " holds " + in_buffer() + " (of " +
             format_bytes(hierarchy_.buffer_config->capacity) + ")");
        indent_ += "  ";
        loops(layer_.tile, layer_.passes.pass, layer_.passes.positions_outer);
        const std::string outside = indent_;
        for (const Dim dim : all_dims()) {
            loop(dim, layer_.passes.pass, layer_.passes.core, name_of(hierarchy_.array));
        }
        line(name_of(hierarchy_.operands) + " holds " + in_cores() + " (of " +
             format_bytes(hierarchy_.operands_config->capacity) + ")");
        if (hierarchy_.accumulators.valid()) {
            line(name_of(hierarchy_.accumulators) + " holds outputs 2 x " + sums_of_core() +
                 " (of " + format_bytes(hierarchy_.accumulators_config->capacity) + ")");
        }
        indent_ += "  ";
        line((root_.macs() > 0 ? "multiply-accumulate" : root_.op) + ", " +
             count_text(core_cycles(text_.cores, root_, layer_.passes.core), "cycle") +
             " a pass of the fullest core");
        indent_ = outside;
        line(way_out());
        return std::move(code_);
    }

private:
    static constexpr const char* kNothing = "nothing";

    [[nodiscard]] std::string name_of(ComponentId id) const {
        return text_.machine.component(id).name;
    }

    static std::string count_text(std::int64_t count, const std::string& what) {
        return format_count(count) + " " + what + (count == 1 ? "" : "s");
    }

    void line(const std::string& text) { code_ += indent_ + text + "\n"; }

    void loop(Dim dim, const Extents& whole, const Extents& tile, const std::string& across = "") {
        if (whole[index(dim)] > tile[index(dim)]) {
            line(loop_line(dim, whole[index(dim)], tile[index(dim)], across));
            indent_ += "  ";
        }
    }

    void loops(const Extents& whole, const Extents& tile, bool positions_outer) {
        for (const Dim dim : cut_order(positions_outer)) {
            loop(dim, whole, tile);
        }
    }

    void stack_lines() {
        if (stack_ == nullptr) {
            return;
        }
        const auto layer_name = [&](std::size_t f) {
            return network_.layer(plan_.fused[f].root).name;
        };
        const std::int64_t lag = stack_->lag[f_ - stack_->begin];
        line("depth first from " + layer_name(stack_->begin) + " to " +
             layer_name(stack_->end - 1) + ", strip by strip of " +
             count_text(stack_->rows[f_ - stack_->begin], "row") +
             (lag > 0 ? ", " + count_text(lag, "strip") + " behind the first layer" : ""));
    }

    [[nodiscard]] bool stays(const Operand& operand) const {
        return operand.role == TensorRole::weights
                   ? layer_.weights_resident
                   : plan_.kept[network_.storage(operand.tensor).position()];
    }

    [[nodiscard]] static Bytes bytes_of(const Operand& operand, const Extents& part) {
        return most_bytes(operand.projection, operand.precision, part);
    }

    /// Operands that come from there or go there.
    [[nodiscard]] std::string in_dram() const {
        std::vector<std::string> held;
        for (const Operand& operand : root_.space.operands) {
            if (operand.role == TensorRole::outputs ? !output_stays() : !stays(operand)) {
                held.emplace_back(name(operand.role));
            }
        }
        for (std::size_t i = 0; i < fused_.operands.size(); ++i) {
            if (!plan_.kept[fused_.operands[i].position()]) {
                held.push_back(added(i));
            }
        }
        return held.empty() ? kNothing : joined(held);
    }

    /// What an epilogue reads beside the results of the layer.
    [[nodiscard]] std::string added(std::size_t i) const {
        return "inputs of " + network_.layer(fused_.operand_of[i]).name;
    }

    [[nodiscard]] bool output_stays() const { return plan_.kept[fused_.output.position()]; }

    /// A tile of an operand that comes through the DRAM, or all of one that stays.
    [[nodiscard]] std::string buffered(const Operand& operand) const {
        const std::string role = name(operand.role);
        const TensorId stored = network_.storage(operand.tensor);
        if (stays(operand)) {
            return role + " " + format_bytes(plan_.held(network_, stored)) +
                   (operand.role == TensorRole::weights ? " resident" : kept_text(stored));
        }
        const bool changes = std::any_of(all_dims().begin(), all_dims().end(), [&](Dim dim) {
            return root_.space.extent(dim) > layer_.tile[index(dim)] &&
                   relevant(operand.projection, dim);
        });
        return role + (changes ? " 2 x " : " ") + format_bytes(bytes_of(operand, layer_.tile));
    }

    /// How much of a tensor that does not go through the DRAM lies there.
    [[nodiscard]] std::string kept_text(TensorId stored) const {
        return plan_.held(network_, stored) == network_.tensor_bytes(stored) ? " kept"
                                                                             : " passed on";
    }

    [[nodiscard]] std::string in_buffer() const {
        std::vector<std::string> held;
        for (const Operand& operand : root_.space.operands) {
            if (operand.role != TensorRole::outputs) {
                held.push_back(buffered(operand));
            }
        }
        for (std::size_t i = 0; i < fused_.operands.size(); ++i) {
            held.push_back(added(i) + passing(fused_.operands[i]));
        }
        held.push_back("outputs" + passing(fused_.output));
        if (const Bytes others = text_.held_beside(f_); others.count() > 0) {
            held.push_back("of other layers " + format_bytes(others));
        }
        return joined(held);
    }

    /// What lies there of results, or of what is read beside them, while they leave the cores.
    [[nodiscard]] std::string passing(TensorId tensor) const {
        if (plan_.kept[tensor.position()]) {
            return " " + format_bytes(plan_.held(network_, tensor)) + kept_text(tensor);
        }
        const std::int64_t words = most_words(root_.space.outputs().projection, layer_.drained);
        return " 2 x " + format_bytes(stored_bytes(words, network_.tensor(tensor).precision));
    }

    [[nodiscard]] std::string in_cores() const {
        std::vector<std::string> held;
        for (const Operand& operand : root_.space.operands) {
            if (operand.role != TensorRole::outputs) {
                held.push_back(std::string(name(operand.role)) + " 2 x " +
                               format_bytes(bytes_of(operand, layer_.passes.core)));
            }
        }
        if (!fused_.operands.empty()) {
            const std::int64_t bits =
                checked_multiply(results_of_core(), operand_bits(network_, fused_));
            held.push_back("what is read on the way out 2 x " +
                           format_bytes(Bytes(ceil_divide(bits, 8))));
        }
        return joined(held);
    }

    [[nodiscard]] std::int64_t results_of_core() const {
        return most_words(root_.space.outputs().projection, layer_.passes.core);
    }

    [[nodiscard]] std::string sums_of_core() const {
        return format_bytes(stored_bytes(results_of_core(), root_.precision.accumulator));
    }

    /// What is done with results that are whole.
    [[nodiscard]] std::string way_out() const {
        std::vector<std::string> steps;
        const CoreSplit split{layer_.passes.pass, layer_.passes.core};
        if (const std::int64_t shares = split.reduction_parts(root_.space); shares > 1) {
            steps.push_back("sums of " + std::to_string(shares) + " cores added");
        }
        for (const LayerId epilogue : fused_.epilogues) {
            steps.push_back(network_.layer(epilogue).name);
        }
        steps.push_back("outputs to " + name_of(hierarchy_.buffer) +
                        (output_stays() ? "" : " and " + name_of(hierarchy_.dram)));
        return summed_last() + joined(steps);
    }

    /// "after the last c, r: " where loops go over what is summed.
    [[nodiscard]] std::string summed_last() const {
        std::vector<std::string> dims;
        for (const Dim dim : kReductionDims) {
            if (root_.space.extent(dim) > layer_.passes.pass[index(dim)]) {
                dims.push_back(dim_letter(dim));
            }
        }
        return dims.empty() ? "" : "after the last " + joined(dims) + ": ";
    }

    const TilingText& text_;
    const Network& network_;
    const Hierarchy& hierarchy_;
    const NetworkPlan& plan_;
    std::size_t f_;
    const FusedLayer& fused_;
    const LayerTiling& layer_;
    const Layer& root_;
    const Stack* stack_;
    std::string code_;
    std::string indent_;
};

}  // namespace

std::string tiling_summary(const Network& network, const NetworkPlan& whole, std::size_t f) {
    const FusedLayer& fused = whole.fused[f];
    const LayerTiling& plan = whole.layers[f];
    const Layer& root = network.layer(fused.root);
    std::string line = "tiles " + parts_text(root.space.extents, plan.tile) + ", passes " +
                       parts_text(plan.tile, plan.passes.pass) + ", cores " +
                       parts_text(plan.passes.pass, plan.passes.core);
    if (fused.weights.valid()) {
        line += plan.weights_resident ? ", weights resident" : ", weights from dram";
    }
    const Stack* stack = whole.stack_of(f);
    const bool handed_on = stack != nullptr && f + 1 < stack->end;
    line += handed_on                             ? ", outputs handed on"
            : whole.kept[fused.output.position()] ? ", outputs kept"
                                                  : ", outputs to dram";
    if (stack != nullptr) {
        line += ", depth first with " + std::to_string(stack->layers() - 1) + " more";
    }
    return line;
}

TilingText::TilingText(const Network& of_network, const Machine& of_machine,
                       const Hierarchy& of_hierarchy, const Cores& of_cores,
                       const NetworkPlan& of_plan)
    : network(of_network),
      machine(of_machine),
      hierarchy(of_hierarchy),
      cores(of_cores),
      plan(of_plan) {
    find_stays();
}

void TilingText::find_stays() {
    std::map<TensorId, std::size_t> found;  // in stays_
    const auto use = [&](TensorId tensor, std::size_t f, bool always) {
        const auto [at, fresh] = found.try_emplace(tensor, stays_.size());
        if (fresh) {
            stays_.push_back({tensor, plan.held(network, tensor), always ? 0 : f, f});
        }
        stays_[at->second].last = always ? plan.fused.size() : f;
    };
    for (std::size_t f = 0; f < plan.fused.size(); ++f) {
        const FusedLayer& fused = plan.fused[f];
        if (fused.weights.valid() && plan.layers[f].weights_resident) {
            use(fused.weights, f, true);
        }
        std::vector<TensorId> touched = fused.inputs;
        touched.insert(touched.end(), fused.operands.begin(), fused.operands.end());
        touched.push_back(fused.output);
        for (const TensorId tensor : touched) {
            if (plan.kept[tensor.position()]) {
                use(tensor, f, false);
            }
        }
    }
}

Bytes TilingText::held_beside(std::size_t f) const {
    const FusedLayer& fused = plan.fused[f];
    std::vector<TensorId> own = fused.inputs;
    own.insert(own.end(), fused.operands.begin(), fused.operands.end());
    own.push_back(fused.output);
    own.push_back(fused.weights);
    Bytes sum(0);
    for (const Stay& stay : stays_) {
        const bool is_own = std::find(own.begin(), own.end(), stay.tensor) != own.end();
        sum += !is_own && stay.first <= f && f <= stay.last ? stay.bytes : Bytes(0);
    }
    return sum;
}

std::string TilingText::code(std::size_t f) const {
    return TilingCode(*this, f).run();
}

}  // namespace memwall
