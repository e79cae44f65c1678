// SPDX-License-Identifier: Apache-2.0
// ZigZag workloads: a list of layers, each an equation over loops with their sizes, the precisions
// of its operands, and the layers that these come from.
#include <algorithm>
#include <array>
#include <map>

#include "base/yaml.hpp"
#include "workloads/importers/affine_layer.hpp"
#include "workloads/importers/formats.hpp"
#include "workloads/importers/text_lines.hpp"
#include "workloads/importers/zigzag_layer.hpp"

namespace memwall::importers {
namespace {

constexpr std::array<std::int64_t, 6> kWidths = {1, 2, 3, 4, 8, 16};

/// The narrowest integer that holds `bits`.
std::int64_t integer_bits(std::int64_t bits) {
    const auto* width = std::find_if(kWidths.begin(), kWidths.end(),
                                     [&](std::int64_t each) { return each >= bits; });
    return width == kWidths.end() ? 32 : *width;
}

class Reader {
public:
    Reader(const ImportFile& file, const ImportOptions& options, Diagnostics& faults)
        : options_(options),
          faults_(faults),
          draft_(file.stem(), "ZigZag workload " + file.path.filename().string(),
                 {file.shown_as, 1, 1}) {}

    Imported read(const YamlValue& root) {
        for (const YamlValue& item : root.items()) {
            const auto layer = read_zigzag_layer(item, faults_);
            if (layer) {
                add(*layer);
            }
        }
        if (root.items().empty()) {
            faults_.error(root.mark(), "expected a list of layers");
        } else if (draft_.empty() && faults_.empty()) {
            faults_.error(root.mark(), "no layer can be expressed");
        }
        return {draft_.tree(), notes_};
    }

private:
    struct Made {
        std::string name;
        Shape shape;
    };

    void add(const ZigzagLayer& stated) {
        const std::string wanted = !stated.name.empty()
                                       ? stated.name
                                       : lower(stated.type) + "_" + std::to_string(stated.id);
        DraftLayer layer = {draft_.take_name(wanted), "", {}, {}, stated.where};
        const Shape shape =
            stated.elementwise ? add_elementwise(stated, layer) : add_nest(stated, layer);
        if (shape.empty()) {
            return;
        }
        if (!made_.emplace(stated.id, Made{layer.name, shape}).second) {
            faults_.error(stated.where, "duplicate id " + std::to_string(stated.id));
        }
        set_precision(stated, layer);
        draft_.add_layer(std::move(layer));
    }

    /// What cannot be expressed: a fault, or a note where it is to be left out.
    Shape leave_out(const ZigzagLayer& stated, const std::string& why) {
        const std::string which = "layer " + std::to_string(stated.id) + " (" + stated.type + ")";
        if (options_.skip_unsupported) {
            notes_.push_back("left out: " + which + " " + why);
        } else {
            faults_.error(stated.where, which + " cannot be expressed: " + why);
        }
        return {};
    }

    /// A sum of layers, or of one layer and a constant.
    Shape add_elementwise(const ZigzagLayer& stated, DraftLayer& layer) {
        Shape shape;
        for (const AffineAxis& axis : stated.nest.outputs) {
            const std::string& dim = axis[0].dim;
            if (dim != "b" && dim != "n") {
                shape.push_back(stated.nest.sizes.at(dim));
            }
        }
        if (shape.empty() || shape.size() > 4) {
            return leave_out(stated, "has " + std::to_string(shape.size()) + " axes");
        }
        layer.op = "add";
        for (const auto& [operand, source] : stated.sources) {
            layer.inputs.push_back(input_of(stated, layer, source, shape));
        }
        if (layer.inputs.size() < 2) {
            return leave_out(stated, "needs two operands");
        }
        return shape;
    }

    Shape add_nest(const ZigzagLayer& stated, DraftLayer& layer) {
        AffineLayer found = classify(stated.nest);
        if (!found.fault.empty()) {
            return leave_out(stated, found.fault);
        }
        if (found.batch > 1) {
            notes_.push_back("layer '" + layer.name + "' has a batch of " +
                             std::to_string(found.batch) + ": the network is of one item");
        }
        const auto weights = stated.sources.find("W");
        const bool two_activations = !found.weights.empty() && weights != stated.sources.end() &&
                                     made_.contains(weights->second);
        std::vector<std::int64_t> padding = {0, 0, 0, 0};
        if (two_activations) {
            found.op = "matmul";
        }
        const auto source = stated.sources.find("I");
        const std::int64_t from = source == stated.sources.end() ? stated.id : source->second;
        if (!stated.image.empty() && found.input.size() == 3) {
            pad(found, {found.input[0], stated.image[0], stated.image.back()}, padding);
        } else if (const auto known = made_.find(from); known != made_.end()) {
            pad(found, known->second.shape, padding);
        }
        layer.inputs.push_back(input_of(stated, layer, from, found.input));
        if (two_activations) {
            layer.inputs.push_back(input_of(stated, layer, weights->second, found.weights));
        }
        found.set_keys(layer, padding);
        return found.output;
    }

    /// Takes an image of another size with the padding that gives the same outputs, where there is
    /// one. The odd one of an uneven padding comes last.
    static void pad(AffineLayer& layer, const Shape& image, std::vector<std::int64_t>& padding) {
        if (layer.kernel.empty() || image.size() != 3 || image[0] != layer.input[0]) {
            return;
        }
        std::vector<std::int64_t> fitting = {0, 0, 0, 0};
        for (std::size_t axis = 0; axis < 2; ++axis) {
            const std::int64_t missing = layer.input[axis + 1] - image[axis + 1];
            const std::int64_t window = layer.dilation[axis] * (layer.kernel[axis] - 1);
            if (missing <= -layer.stride[axis] || missing > 2 * window) {
                return;
            }
            fitting[axis] = std::max<std::int64_t>(0, missing) / 2;
            fitting[axis + 2] = std::max<std::int64_t>(0, missing) - fitting[axis];
        }
        padding = fitting;
        layer.input = image;
    }

    /// The layer that an operand comes from, where its result has the shape that is read; else an
    /// input of the network.
    std::string input_of(const ZigzagLayer& stated, const DraftLayer& layer, std::int64_t source,
                         const Shape& shape) {
        const auto known = made_.find(source);
        if (known != made_.end() && known->second.shape == shape) {
            return known->second.name;
        }
        if (known != made_.end() || source != stated.id) {
            notes_.push_back("layer '" + layer.name + "' reads " + text(shape) + ", which layer " +
                             std::to_string(source) +
                             (known == made_.end()
                                  ? " is not there to make"
                                  : " does not make (" + text(known->second.shape) + ")") +
                             ": it reads an input of its own");
        }
        std::string name = draft_.take_name(layer.name + "_input");
        draft_.add_input(name, shape, "", stated.where);
        return name;
    }

    void set_precision(const ZigzagLayer& stated, DraftLayer& layer) {
        const auto bits = [&](const char* operand, std::int64_t fallback) {
            const auto found = stated.precision.find(operand);
            return found == stated.precision.end() || found->second < 1 ? fallback : found->second;
        };
        const std::int64_t inputs = bits("I", 8);
        const std::array<std::int64_t, 3> exact = {bits("W", inputs), inputs, bits("O", 32)};
        std::array<std::int64_t, 3> wide{};
        std::transform(exact.begin(), exact.end(), wide.begin(), integer_bits);
        if (exact != wide && !rounded_) {
            rounded_ = true;
            notes_.emplace_back(
                "bits that no precision has become the next wider ones (24 become 32)");
        }
        layer.set_text("precision", "w" + std::to_string(wide[0]) + "a" + std::to_string(wide[1]) +
                                        "o" + std::to_string(wide[2]));
    }

    const ImportOptions& options_;
    Diagnostics& faults_;
    NetworkDraft draft_;
    std::map<std::int64_t, Made> made_;
    std::vector<std::string> notes_;
    bool rounded_ = false;
};

}  // namespace

bool recognises_zigzag(const ImportFile& file) {
    return !is_binary(file.content) && has_line(file.content, "-") &&
           file.content.find("equation:") != std::string::npos &&
           file.content.find("loop_") != std::string::npos;
}

Imported read_zigzag(const ImportFile& file, const ImportOptions& options, Diagnostics& faults) {
    const YamlValue root = read_yaml_text(file.content, file.shown_as, faults);
    return Reader(file, options, faults).read(root);
}

}  // namespace memwall::importers
