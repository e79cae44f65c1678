// SPDX-License-Identifier: Apache-2.0
// ZigZag workloads: a list of layers, each an equation over loops with their sizes, the precisions
// of its operands, and the layers that these come from.
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

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
        AxisOrder order;  ///< in which the file states its axes
    };

    /// What a layer reads, and the order in which the file states its axes.
    struct Read {
        std::int64_t source = 0;
        Shape shape;
        AxisOrder order;
    };

    void add(const ZigzagLayer& stated) {
        const std::string wanted = !stated.name.empty()
                                       ? stated.name
                                       : lower(stated.type) + "_" + std::to_string(stated.id);
        DraftLayer layer = {draft_.take_name(wanted), "", {}, {}, stated.where};
        const Made made =
            stated.elementwise ? add_elementwise(stated, layer) : add_nest(stated, layer);
        if (made.shape.empty()) {
            return;
        }
        if (!stated.note.empty()) {
            notes_.push_back("layer '" + layer.name + "': " + stated.note);
        }
        if (!made_.emplace(stated.id, made).second) {
            faults_.error(stated.where, "duplicate id " + std::to_string(stated.id));
        }
        set_precision(stated, layer);
        draft_.add_layer(std::move(layer));
    }

    /// What cannot be expressed: a fault, or a note where it is to be left out.
    Made leave_out(const ZigzagLayer& stated, const std::string& why) {
        const std::string which = "layer " + std::to_string(stated.id) + " (" + stated.type + ")";
        if (options_.skip_unsupported) {
            notes_.push_back("left out: " + which + " " + why);
        } else {
            faults_.error(stated.where, which + " cannot be expressed: " + why);
        }
        return {};
    }

    /// A sum of layers, or of one layer and a constant.
    Made add_elementwise(const ZigzagLayer& stated, DraftLayer& layer) {
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
            layer.inputs.push_back(input_of(stated, layer, {source, shape, as_ours(shape)}));
        }
        if (layer.inputs.size() < 2) {
            return leave_out(stated, "needs two operands");
        }
        return {layer.name, shape, as_ours(shape)};
    }

    static AxisOrder as_ours(const Shape& shape) {
        AxisOrder order(shape.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        return order;
    }

    Made add_nest(const ZigzagLayer& stated, DraftLayer& layer) {
        AffineLayer found = classify(stated.nest);
        if (!found.fault.empty()) {
            return leave_out(stated, found.fault);
        }
        if (found.batch > 1) {
            notes_.push_back("layer '" + layer.name + "' has a batch of " +
                             std::to_string(found.batch) + ": the network is of one item");
        }
        const bool product = found.op == "linear" || found.op == "matmul";
        std::vector<std::int64_t> padding(2 * found.kernel.size(), 0);
        const std::int64_t from = stated.source(stated.inputs);
        if (!stated.image.empty() && found.input.size() == 3) {
            pad(found, {found.input[0], stated.image[0], stated.image.back()}, padding);
        } else if (const auto known = made_.find(from); known != made_.end()) {
            pad(found, known->second.shape, padding);
        }
        layer.inputs.push_back(
            input_of(stated, layer,
                     {from, found.input, product ? found.input_order : as_ours(found.input)}));
        if (!found.second.empty()) {
            layer.inputs.push_back(second_of(stated, layer, found));
        }
        found.set_keys(layer, padding);
        return {layer.name, found.output, product ? found.output_order : as_ours(found.output)};
    }

    /// The second input of a product, read the other way round where it was made so.
    std::string second_of(const ZigzagLayer& stated, const DraftLayer& layer, AffineLayer& found) {
        Read read = {stated.source(stated.second), found.second, found.second_order};
        if (found.op != "matmul") {
            read.order = as_ours(found.second);
            return input_of(stated, layer, read);
        }
        const auto known = made_.find(read.source);
        if (known != made_.end() && !read.order.empty()) {
            AxisOrder between =
                order_between(known->second.shape, known->second.order, read.shape, read.order);
            if (!between.empty()) {
                std::swap(between[between.size() - 2], between.back());
                if (between == as_ours(read.shape)) {
                    found.transpose = !found.transpose;
                    return known->second.name;
                }
            }
        }
        return input_of(stated, layer, read);
    }

    /// Takes an image of another size with the padding that gives the same outputs, where there is
    /// one. The odd one of an uneven padding comes last.
    static void pad(AffineLayer& layer, const Shape& image, std::vector<std::int64_t>& padding) {
        const std::size_t axes = layer.kernel.size();
        if (axes == 0 || image.size() != axes + 1 || image[0] != layer.input[0]) {
            return;
        }
        std::vector<std::int64_t> fitting(2 * axes, 0);
        for (std::size_t axis = 0; axis < axes; ++axis) {
            const std::int64_t missing = layer.input[axis + 1] - image[axis + 1];
            const std::int64_t window = layer.dilation[axis] * (layer.kernel[axis] - 1);
            if (missing <= -layer.stride[axis] || missing > 2 * window) {
                return;
            }
            fitting[axis] = std::max<std::int64_t>(0, missing) / 2;
            fitting[axis + axes] = std::max<std::int64_t>(0, missing) - fitting[axis];
        }
        padding = fitting;
        layer.input = image;
    }

    /// The layer that an operand comes from, where its result has the shape that is read, in the
    /// order that is read; a transposition of it where the order is another; else an input of the
    /// network.
    std::string input_of(const ZigzagLayer& stated, const DraftLayer& layer, const Read& read) {
        const auto known = made_.find(read.source);
        if (known != made_.end()) {
            const AxisOrder between =
                order_between(known->second.shape, known->second.order, read.shape, read.order);
            if (!between.empty()) {
                return between == as_ours(read.shape)
                           ? known->second.name
                           : transposed(known->second.name, between, stated.where);
            }
        }
        if (known != made_.end() || read.source != stated.id) {
            notes_.push_back("layer '" + layer.name + "' reads " + text(read.shape) +
                             ", which layer " + std::to_string(read.source) +
                             (known == made_.end()
                                  ? " is not there to make"
                                  : " does not make (" + text(known->second.shape) + ")") +
                             ": it reads an input of its own");
        }
        std::string name = draft_.take_name(layer.name + "_input");
        draft_.add_input(name, read.shape, "", stated.where);
        return name;
    }

    std::string transposed(const std::string& made, const AxisOrder& order,
                           const SourceMark& where) {
        const auto [known, is_new] = transposed_.try_emplace({made, order});
        if (is_new) {
            DraftLayer layer = {
                draft_.take_name(made + "_transposed"), "transpose", {made}, {}, where};
            layer.set_list("order", {order.begin(), order.end()});
            known->second = layer.name;
            draft_.add_layer(std::move(layer));
        }
        return known->second;
    }

    void set_precision(const ZigzagLayer& stated, DraftLayer& layer) {
        const auto bits = [&](const std::string& operand, std::int64_t fallback) {
            const auto found = stated.precision.find(operand);
            return found == stated.precision.end() || found->second < 1 ? fallback : found->second;
        };
        const std::int64_t inputs = bits(stated.inputs, 8);
        const std::array<std::int64_t, 3> exact = {bits(stated.second, inputs), inputs,
                                                   bits("O", 32)};
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
    std::map<std::pair<std::string, AxisOrder>, std::string> transposed_;
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
