// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/zigzag_layer.hpp"

#include <algorithm>

#include "base/yaml.hpp"
#include "workloads/importers/operand_roles.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 31U;

/// An operand of an equation: "W[k][c]".
struct Reference {
    std::string operand;
    std::vector<std::string> indices;
};

/// Cuts an equation into operands and the signs between them; empty where it is none.
struct Equation {
    std::vector<Reference> operands;
    std::string signs;  ///< '=' of what is made, then '*' or '+' between what is read
    bool accumulates = false;
};

std::optional<Equation> parse_equation(const std::string& text) {
    Equation equation;
    std::size_t at = 0;
    const auto skip = [&] {
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) {
            ++at;
        }
    };
    for (skip(); at < text.size(); skip()) {
        Reference operand;
        while (at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0) {
            operand.operand += text[at++];
        }
        while (at < text.size() && text[at] == '[') {
            const std::size_t end = text.find(']', at);
            if (end == std::string::npos) {
                return std::nullopt;
            }
            operand.indices.push_back(
                lower(trimmed(std::string_view(text).substr(at + 1, end - at - 1))));
            at = end + 1;
        }
        if (operand.operand.empty() || operand.indices.empty()) {
            return std::nullopt;
        }
        equation.operands.push_back(std::move(operand));
        skip();
        if (at == text.size()) {
            break;
        }
        if (text.compare(at, 2, "+=") == 0) {
            equation.accumulates = true;
            ++at;
        }
        equation.signs += text[at++];
    }
    const std::string& signs = equation.signs;
    const bool sound = equation.operands.size() == 3 && signs.size() == 2 && signs[0] == '=' &&
                       (signs[1] == '*' || signs[1] == '+');
    return sound ? std::optional(std::move(equation)) : std::nullopt;
}

/// "ix=2*ox+1*fx" as the name on the left and terms; nothing where it is none.
std::optional<std::pair<std::string, AffineAxis>> parse_relation(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
        return std::nullopt;
    }
    AffineAxis axis;
    std::size_t at = equals + 1;
    while (at <= text.size()) {
        const std::size_t plus = std::min(text.find('+', at), text.size());
        const std::string_view term = trimmed(std::string_view(text).substr(at, plus - at));
        const std::size_t star = term.find('*');
        AffineTerm parsed;
        if (star == std::string_view::npos) {
            parsed.dim = lower(term);
        } else {
            const Parsed<std::int64_t> factor = parse_count(trimmed(term.substr(0, star)));
            const auto* value = std::get_if<0>(&factor);
            if (value == nullptr || *value < 1 || *value > kLargest) {
                return std::nullopt;
            }
            parsed.coefficient = *value;
            parsed.dim = lower(trimmed(term.substr(star + 1)));
        }
        if (parsed.dim.empty()) {
            return std::nullopt;
        }
        axis.push_back(std::move(parsed));
        at = plus + 1;
    }
    return std::make_pair(lower(trimmed(std::string_view(text).substr(0, equals))), axis);
}

class LayerReader {
public:
    LayerReader(const YamlValue& item, Diagnostics& faults)
        : faults_(faults), keys_(item, "layer", found_) {}

    std::optional<ZigzagLayer> read() {
        layer_.where = keys_.mark();
        layer_.id = keys_.required<std::int64_t>("id");
        layer_.name = keys_.optional<std::string>("name", "");
        layer_.type = keys_.optional<std::string>("operator_type", "layer");
        read_loops();
        read_relations();
        for (const YamlValue::Entry& entry : keys_.optional_entries("operand_precision")) {
            if (const auto bits = number(entry.value, 0)) {
                layer_.precision[entry.key] = *bits;
            }
        }
        for (const YamlValue::Entry& entry : keys_.optional_entries("operand_source")) {
            if (const auto id = number(entry.value, 0)) {
                layer_.sources[entry.key] = *id;
            }
        }
        read_equation();
        for (const YamlValue& size : keys_.optional_items("pr_loop_sizes")) {
            if (const auto value = number(size, 1)) {
                layer_.image.push_back(*value);
            }
        }
        for (const Diagnostic& fault : found_.faults()) {
            faults_.error(fault.where, fault.message);
        }
        return found_.empty() ? std::optional(layer_) : std::nullopt;
    }

private:
    std::optional<std::int64_t> number(const YamlValue& value, std::int64_t least) {
        const auto read = scalar_as<std::int64_t>(value, "a number in layer", found_);
        if (read && (*read < least || *read > kLargest)) {
            found_.error(value.mark(), "expected a number from " + std::to_string(least) + " to " +
                                           std::to_string(kLargest) + ", found '" + value.text() +
                                           "'");
            return std::nullopt;
        }
        return read;
    }

    void read_loops() {
        const std::vector<YamlValue>& dims = keys_.required_items("loop_dims");
        const std::vector<YamlValue>& sizes = keys_.required_items("loop_sizes");
        if (dims.size() != sizes.size()) {
            found_.error(keys_.mark(), "loop_dims and loop_sizes have different lengths: " +
                                           std::to_string(dims.size()) + " and " +
                                           std::to_string(sizes.size()));
            return;
        }
        for (std::size_t dim = 0; dim < dims.size(); ++dim) {
            const auto size = number(sizes[dim], 1);
            if (size) {
                layer_.nest.sizes[lower(dims[dim].text())] = *size;
            }
        }
    }

    void read_relations() {
        for (const YamlValue& relation : keys_.optional_items("dimension_relations")) {
            auto parsed = parse_relation(relation.text());
            if (!parsed) {
                found_.error(relation.mark(), "expected a relation such as ix=2*ox+1*fx, found '" +
                                                  relation.text() + "'");
                continue;
            }
            relations_.insert(std::move(*parsed));
        }
    }

    void read_equation() {
        const YamlValue& text = keys_.required_value("equation");
        if (text.is_null()) {
            return;
        }
        const auto equation = parse_equation(text.text());
        if (!equation) {
            found_.error(text.mark(),
                         "expected an equation of two operands such as "
                         "O[b][k]+=W[k][c]*I[b][c], found '" +
                             text.text() + "'");
            return;
        }
        layer_.elementwise = equation->signs[1] == '+';
        const std::string type = lower(layer_.type);
        layer_.nest.pooling = type.find("pool") != std::string::npos;
        layer_.nest.outputs = axes(equation->operands[0], text.mark());
        std::array<ReadOperand, 2> read;
        for (std::size_t each = 0; each < 2; ++each) {
            const Reference& operand = equation->operands[each + 1];
            read[each] = {operand.operand, axes(operand, text.mark()),
                          layer_.source(operand.operand) != layer_.id};
        }
        const OperandRoles roles = find_roles(read, layer_.nest.outputs, layer_.nest.sizes);
        layer_.nest.two_activations = roles.two_activations && !layer_.nest.pooling;
        layer_.nest.inputs = read[roles.inputs].axes;
        layer_.nest.weights = read[roles.second()].axes;
        layer_.inputs = read[roles.inputs].name;
        layer_.second = read[roles.second()].name;
        layer_.note = layer_.elementwise ? "" : note_on_roles(read, roles);
    }

    std::vector<AffineAxis> axes(const Reference& operand, const SourceMark& where) {
        std::vector<AffineAxis> found;
        for (const std::string& index : operand.indices) {
            const auto relation = relations_.find(index);
            const AffineAxis axis =
                relation == relations_.end() ? AffineAxis{{index, 1}} : relation->second;
            for (const AffineTerm& term : axis) {
                if (!layer_.nest.sizes.contains(term.dim)) {
                    found_.error(where, "unknown loop '" + term.dim + "' of " + operand.operand);
                    layer_.nest.sizes[term.dim] = 1;
                }
            }
            found.push_back(axis);
        }
        return found;
    }

    Diagnostics& faults_;
    Diagnostics found_;
    MapReader keys_;
    ZigzagLayer layer_;
    std::map<std::string, AffineAxis> relations_;
};

}  // namespace

std::optional<ZigzagLayer> read_zigzag_layer(const YamlValue& item, Diagnostics& faults) {
    return LayerReader(item, faults).read();
}

}  // namespace memwall::importers
