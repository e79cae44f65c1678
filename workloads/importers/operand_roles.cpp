// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/operand_roles.hpp"

#include <algorithm>
#include <set>

#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

bool holds(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

bool named_as_weights(const ReadOperand& operand) {
    const std::string name = lower(operand.name);
    return name == "w" || holds(name, "weight") || holds(name, "filter") || holds(name, "kernel");
}

bool named_as_inputs(const ReadOperand& operand) {
    const std::string name = lower(operand.name);
    return name == "i" || holds(name, "input") || holds(name, "ifmap") || holds(name, "activation");
}

class Finder {
public:
    Finder(const std::array<ReadOperand, 2>& read, const std::vector<AffineAxis>& outputs,
           const std::map<std::string, std::int64_t>& sizes)
        : read_(read),
          loops_{loops_of(read[0].axes), loops_of(read[1].axes)},
          made_(loops_of(outputs)),
          outputs_(outputs),
          sizes_(sizes) {}

    OperandRoles find() const {
        if (has_window(0) != has_window(1)) {
            const std::size_t inputs = has_window(0) ? 0 : 1;
            return {inputs, read_[1 - inputs].made, false};
        }
        const bool first = is_activation(0);
        const bool second = is_activation(1);
        if (first && second) {
            return {leader(), true, false};
        }
        if (first != second) {
            return {first ? std::size_t{0} : std::size_t{1}, false, false};
        }
        if (named_as_weights(read_[0]) != named_as_weights(read_[1])) {
            return {named_as_weights(read_[0]) ? std::size_t{1} : std::size_t{0}, false, false};
        }
        if (share_loops()) {
            return {leader(), true, true};
        }
        if (named_as_inputs(read_[0]) != named_as_inputs(read_[1])) {
            return {named_as_inputs(read_[0]) ? std::size_t{0} : std::size_t{1}, false, false};
        }
        return {leader(), false, true};
    }

private:
    [[nodiscard]] bool has_window(std::size_t operand) const {
        const std::vector<AffineAxis>& axes = read_[operand].axes;
        return std::any_of(axes.begin(), axes.end(),
                           [](const AffineAxis& axis) { return axis.size() > 1; });
    }

    /// "Weights" say what they are; a W that has a batch is the second activation of a product.
    [[nodiscard]] bool is_activation(std::size_t operand) const {
        if (read_[operand].made) {
            return true;
        }
        const bool weights = named_as_weights(read_[operand]) && read_[operand].name.size() > 1;
        return !weights && std::any_of(loops_[operand].begin(), loops_[operand].end(),
                                       [&](const std::string& loop) {
                                           return made_.contains(loop) && is_batch(loop, sizes_);
                                       });
    }

    [[nodiscard]] bool share_loops() const {
        return std::any_of(made_.begin(), made_.end(), [&](const std::string& loop) {
            return loops_[0].contains(loop) && loops_[1].contains(loop) && sizes_.at(loop) > 1;
        });
    }

    /// The operand whose own loops come first in the result; a batch belongs to the inputs.
    [[nodiscard]] std::size_t leader() const {
        std::size_t first = 0;
        bool found = false;
        for (const AffineAxis& axis : outputs_) {
            for (const AffineTerm& term : axis) {
                const bool of_first = loops_[0].contains(term.dim);
                if (of_first == loops_[1].contains(term.dim)) {
                    continue;
                }
                if (is_batch(term.dim, sizes_)) {
                    return of_first ? 0 : 1;
                }
                if (!found) {
                    first = of_first ? 0 : 1;
                    found = true;
                }
            }
        }
        return first;
    }

    const std::array<ReadOperand, 2>& read_;
    std::array<std::set<std::string>, 2> loops_;
    std::set<std::string> made_;
    const std::vector<AffineAxis>& outputs_;
    const std::map<std::string, std::int64_t>& sizes_;
};

}  // namespace

OperandRoles find_roles(const std::array<ReadOperand, 2>& read,
                        const std::vector<AffineAxis>& outputs,
                        const std::map<std::string, std::int64_t>& sizes) {
    return Finder(read, outputs, sizes).find();
}

std::string note_on_roles(const std::array<ReadOperand, 2>& read, const OperandRoles& roles) {
    if (!roles.guessed) {
        return "";
    }
    const std::string& inputs = read[roles.inputs].name;
    const std::string& second = read[roles.second()].name;
    return roles.two_activations
               ? "'" + inputs + "' and '" + second +
                     "' are both taken for activations: neither is named as weights, and the "
                     "result has a loop of both"
               : "'" + second + "' is taken for the weights and '" + inputs +
                     "' for the inputs: the names do not say which is which";
}

}  // namespace memwall::importers
