// SPDX-License-Identifier: Apache-2.0
// Timeloop problems, versions 0.2 to 0.4: a shape (named, or given by projections) and the sizes of
// its loops.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/yaml.hpp"
#include "workloads/importers/affine_layer.hpp"
#include "workloads/importers/formats.hpp"
#include "workloads/importers/operand_roles.hpp"
#include "workloads/importers/text_lines.hpp"
#include "workloads/importers/timeloop_text.hpp"

namespace memwall::importers {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 31U;

/// One operand of a shape, its coefficients by name.
struct Space {
    std::string name;
    bool written = false;
    std::vector<std::vector<std::pair<std::string, std::string>>> axes;  ///< dim, coefficient or ""
};

struct ProblemShape {
    std::vector<std::string> dims;
    std::map<std::string, std::int64_t> coefficients;  ///< with their defaults
    std::vector<Space> spaces;
};

Space space(const std::string& name, bool written,
            std::vector<std::vector<std::pair<std::string, std::string>>> axes) {
    return {name, written, std::move(axes)};
}

/// The convolution that Timeloop calls cnn-layer.
ProblemShape cnn_layer() {
    ProblemShape shape;
    shape.dims = {"R", "S", "P", "Q", "C", "K", "N"};
    shape.coefficients = {{"Wstride", 1}, {"Hstride", 1}, {"Wdilation", 1}, {"Hdilation", 1}};
    shape.spaces = {space("Weights", false, {{{"C", ""}}, {{"K", ""}}, {{"R", ""}}, {{"S", ""}}}),
                    space("Inputs", false,
                          {{{"N", ""}},
                           {{"C", ""}},
                           {{"R", "Wdilation"}, {"P", "Wstride"}},
                           {{"S", "Hdilation"}, {"Q", "Hstride"}}}),
                    space("Outputs", true, {{{"N", ""}}, {{"K", ""}}, {{"Q", ""}}, {{"P", ""}}})};
    return shape;
}

/// The value of a key with '-' or '_' between its words; nullptr where there is none.
const YamlValue* find_either(const YamlValue& map, const std::string& key) {
    std::string hyphen = key;
    std::replace(hyphen.begin(), hyphen.end(), '_', '-');
    const YamlValue* found = map.find(key);
    return found != nullptr ? found : map.find(hyphen);
}

class Reader {
public:
    Reader(const ImportFile& file, Diagnostics& faults) : file_(file), faults_(faults) {}

    Imported read(const YamlValue& root) {
        const YamlValue* problem = root.find("problem");
        if (problem == nullptr || !problem->is_map()) {
            faults_.error(root.mark(), "expected a map 'problem'");
            return {};
        }
        where_ = problem->mark();
        const YamlValue* stated_shape = problem->find("shape");
        const ProblemShape shape = read_shape(stated_shape);
        const YamlValue* instance = problem->find("instance");
        const std::map<std::string, std::int64_t> sizes =
            read_instance(instance != nullptr ? *instance : *problem, shape);
        if (!faults_.empty()) {
            return {};
        }
        return imported(shape, sizes);
    }

private:
    ProblemShape read_shape(const YamlValue* stated) {
        if (stated == nullptr || stated->is_scalar()) {
            const std::string name = stated == nullptr ? "cnn-layer" : lower(stated->text());
            if (name != "cnn-layer" && name != "cnn_layer") {
                faults_.error(stated->mark(), "unknown shape '" + stated->text() +
                                                  "'; expected cnn-layer or a map of dimensions "
                                                  "and data spaces");
            }
            return cnn_layer();
        }
        ProblemShape shape;
        if (const YamlValue* dims = stated->find("dimensions")) {
            for (const YamlValue& dim : dims->items()) {
                shape.dims.push_back(dim.text());
            }
        }
        if (const YamlValue* coefficients = stated->find("coefficients")) {
            for (const YamlValue& each : coefficients->items()) {
                MapReader keys(each, "coefficient", faults_);
                const auto name = keys.required<std::string>("name");
                shape.coefficients[name] = keys.optional_positive<std::int64_t>("default", 1);
            }
        }
        if (const YamlValue* spaces = find_either(*stated, "data_spaces")) {
            for (const YamlValue& each : spaces->items()) {
                shape.spaces.push_back(read_space(each, shape));
            }
        }
        if (shape.spaces.size() != 3 && faults_.empty()) {
            faults_.error(stated->mark(), "the shape has " + std::to_string(shape.spaces.size()) +
                                              " data spaces: only products of two operands can be "
                                              "expressed");
        }
        return shape;
    }

    /// A list of axes; an axis is a list of terms; a term is [dimension] or [dimension,
    /// coefficient].
    Space read_space(const YamlValue& stated, const ProblemShape& shape) {
        Space found;
        const YamlValue* name = stated.find("name");
        found.name = name != nullptr ? name->text() : "";
        const YamlValue* written = find_either(stated, "read_write");
        found.written = written != nullptr && lower(written->text()) == "true";
        const YamlValue* projection = stated.find("projection");
        if (projection == nullptr || !projection->is_sequence()) {
            faults_.error(stated.mark(), "data space '" + found.name +
                                             "': expected a projection as a list of axes");
            return found;
        }
        for (const YamlValue& axis : projection->items()) {
            found.axes.emplace_back();
            for (const YamlValue& term : axis.items()) {
                const std::vector<YamlValue>& parts = term.items();
                const bool sound =
                    !parts.empty() && parts.size() <= 2 && contains(shape.dims, parts[0].text()) &&
                    (parts.size() == 1 || shape.coefficients.contains(parts[1].text()));
                if (!sound) {
                    faults_.error(term.mark(),
                                  "data space '" + found.name +
                                      "': expected [dimension] or [dimension, coefficient], both "
                                      "of this shape");
                    return found;
                }
                found.axes.back().emplace_back(parts[0].text(),
                                               parts.size() == 2 ? parts[1].text() : "");
            }
        }
        return found;
    }

    static bool contains(const std::vector<std::string>& list, const std::string& text) {
        return std::find(list.begin(), list.end(), text) != list.end();
    }

    /// The sizes and coefficients of an instance, what it is built on first.
    std::map<std::string, std::int64_t> read_instance(const YamlValue& instance,
                                                      const ProblemShape& shape) {
        std::map<std::string, std::int64_t> sizes = shape.coefficients;
        for (const std::string& dim : shape.dims) {
            sizes.emplace(dim, 1);
        }
        // What the file says in another case comes last: a template may have the name as it is.
        std::vector<std::pair<std::string, const YamlValue*>> said, other_case;
        for (const YamlValue::Entry& entry : instance.entries()) {
            if (sizes.contains(entry.key)) {
                said.emplace_back(entry.key, &entry.value);
            } else if (const std::string near = name_in_another_case(entry.key, sizes);
                       !near.empty()) {
                other_case.emplace_back(near, &entry.value);
            }
        }
        said.insert(said.end(), other_case.begin(), other_case.end());
        for (const auto& [name, stated] : said) {
            const auto value = scalar_as<std::int64_t>(*stated, "'" + name + "'", faults_);
            if (value && (*value < 1 || *value > kLargest)) {
                faults_.error(stated->mark(), "'" + name +
                                                  "': expected a number from 1 to 2147483648, "
                                                  "found '" +
                                                  stated->text() + "'");
            } else if (value) {
                sizes[name] = *value;
            }
        }
        return sizes;
    }

    /// A loop or coefficient whose name differs in case alone, which is noted; "" where there is
    /// none. What a shape does not use changes nothing.
    std::string name_in_another_case(const std::string& key,
                                     const std::map<std::string, std::int64_t>& sizes) {
        for (const auto& [name, size] : sizes) {
            if (lower(name) == lower(key)) {
                notes_.insert("'" + key + "' is taken for '" + name +
                              "', which differs in case; Timeloop itself leaves it out");
                return name;
            }
        }
        return "";
    }

    static std::vector<AffineAxis> axes(const Space& from,
                                        const std::map<std::string, std::int64_t>& sizes) {
        std::vector<AffineAxis> found;
        for (const auto& axis : from.axes) {
            found.emplace_back();
            for (const auto& [dim, coefficient] : axis) {
                found.back().push_back({dim, coefficient.empty() ? 1 : sizes.at(coefficient)});
            }
        }
        return found;
    }

    Imported imported(const ProblemShape& shape, const std::map<std::string, std::int64_t>& sizes) {
        AffineNest nest;
        for (const std::string& dim : shape.dims) {
            nest.sizes[dim] = sizes.at(dim);
        }
        set_operands(shape, sizes, nest);
        if (!faults_.empty()) {
            return {};
        }
        const AffineLayer found = classify(nest);
        if (!found.fault.empty()) {
            faults_.error(where_, "the problem cannot be expressed: " + found.fault);
            return {};
        }
        NetworkDraft draft(file_.stem(), "Timeloop problem " + file_.path.filename().string(),
                           where_);
        DraftLayer layer = {draft.take_name(found.op), found.op, {}, {}, where_};
        layer.inputs = {draft.take_name("inputs")};
        draft.add_input(layer.inputs[0], found.input, "", where_);
        if (!found.second.empty()) {
            layer.inputs.push_back(draft.take_name("second"));
            draft.add_input(layer.inputs[1], found.second, "", where_);
        }
        found.set_keys(layer, std::vector<std::int64_t>(2 * found.kernel.size(), 0));
        draft.add_layer(std::move(layer));
        std::vector<std::string> notes(notes_.begin(), notes_.end());
        if (found.batch > 1) {
            notes.push_back("the problem has a batch of " + std::to_string(found.batch) +
                            ": the network is of one item, run it with --batch " +
                            std::to_string(found.batch));
        }
        return {draft.tree(), notes};
    }

    void set_operands(const ProblemShape& shape, const std::map<std::string, std::int64_t>& sizes,
                      AffineNest& nest) {
        std::vector<const Space*> read;
        for (const Space& each : shape.spaces) {
            if (each.written && nest.outputs.empty()) {
                nest.outputs = axes(each, sizes);
            } else {
                read.push_back(&each);
            }
        }
        if (read.size() != 2) {
            faults_.error(where_, "the shape has no data space that is written (read_write: true)");
            return;
        }
        const std::array<ReadOperand, 2> operands = {
            ReadOperand{read[0]->name, axes(*read[0], sizes)},
            ReadOperand{read[1]->name, axes(*read[1], sizes)}};
        const OperandRoles roles = find_roles(operands, nest.outputs, nest.sizes);
        nest.inputs = operands[roles.inputs].axes;
        nest.weights = operands[roles.second()].axes;
        nest.two_activations = roles.two_activations;
        if (const std::string note = note_on_roles(operands, roles); !note.empty()) {
            notes_.insert(note);
        }
    }

    const ImportFile& file_;
    Diagnostics& faults_;
    SourceMark where_;
    std::set<std::string> notes_;
};

}  // namespace

bool recognises_timeloop(const ImportFile& file) {
    return !is_binary(file.content) && has_line(file.content, "problem:");
}

Imported read_timeloop(const ImportFile& file, const ImportOptions& /*options*/,
                       Diagnostics& faults) {
    const TimeloopText text = expand_timeloop(file, faults);
    if (!faults.empty()) {
        return {};
    }
    Diagnostics found;
    const YamlValue root = merged(text.read(found));
    Imported imported = Reader(file, found).read(root);
    for (const Diagnostic& fault : found.faults()) {
        faults.error(text.place(fault.where), fault.message);
    }
    return imported;
}

}  // namespace memwall::importers
