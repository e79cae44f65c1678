// SPDX-License-Identifier: Apache-2.0
// mac_array and vector_unit: what computes.
#include <utility>

#include "arch/component_kinds.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

std::vector<ArrayShape> read_shapes(MapReader& reader) {
    std::vector<ArrayShape> shapes;
    const YamlValue& lanes = reader.required_value("lanes");
    for (const auto& entry : lanes.entries()) {
        const auto precision = parse_precision(entry.key);
        if (!precision) {
            reader.faults().error(entry.key_mark, "unknown precision '" + entry.key + "'" +
                                                      suggestion(entry.key, precision_names()));
            continue;
        }
        MapReader shape(entry.value, "lanes at " + entry.key, reader.faults());
        ArrayShape read;
        read.precision = *precision;
        for (const auto& [key, lanes_of] :
             {std::pair{"inputs", &read.inputs}, {"outputs", &read.outputs}}) {
            *lanes_of = shape.at_most<std::int64_t>(key, shape.required_positive<std::int64_t>(key),
                                                    65'536, "65,536");
        }
        shape.finish();
        shapes.push_back(read);
    }
    if (shapes.empty() && lanes.is_map()) {
        reader.misfit("lanes", "at least one precision with its lanes");
    }
    return shapes;
}

/// The energy of an addition at each precision: that of the narrowest adder that holds it.
void add_accumulation(const Technology& technology, Component& component) {
    for (const Precision precision : all_precisions()) {
        auto narrowest = technology.add.end();
        for (auto adder = technology.add.begin(); adder != technology.add.end(); ++adder) {
            const bool narrower =
                narrowest == technology.add.end() || bits(adder->first) < bits(narrowest->first);
            if (holds(adder->first, precision) && narrower) {
                narrowest = adder;
            }
        }
        if (narrowest != technology.add.end()) {
            component.energies.push_back({Action::accumulate, precision, narrowest->second});
        }
    }
}

Sourced times(const Sourced& a, const Sourced& factor) {
    return {a.value * factor.value, a.low * factor.low, a.high * factor.high, Status::derived,
            a.source};
}

/// What instructions cost where they deliver the operands.
bool read_instructions(MapReader& reader, const Technology& technology, Component& component) {
    if (!reader.optional<bool>("instructions", false)) {
        return false;
    }
    if (technology.operand_issue) {
        component.energies.push_back({Action::issue, {}, *technology.operand_issue});
    } else {
        reader.error("instructions", "technology " + technology.name +
                                         " has no 'operand_issue_per_byte' for instructions");
    }
    return true;
}

/// "2:4"
std::optional<NMSparsity> read_sparse(MapReader& reader) {
    const auto text = reader.optional<std::string>("sparse");
    if (!text) {
        return std::nullopt;
    }
    const std::size_t colon = text->find(':');
    NMSparsity sparse;
    const auto read = [&](const std::string& part, std::int64_t& into) {
        const auto count = parse_count(part);
        const auto* value = std::get_if<std::int64_t>(&count);
        into = value != nullptr ? *value : 0;
    };
    read(text->substr(0, colon), sparse.kept);
    read(colon == std::string::npos ? "" : text->substr(colon + 1), sparse.of);
    if (sparse.kept < 1 || sparse.of <= sparse.kept || sparse.of > 1'024) {
        reader.misfit("sparse", "kept and all words of a group such as 2:4");
        return std::nullopt;
    }
    return sparse;
}

}  // namespace

// MODEL: a multiply-accumulate is one multiplication and one addition of the technology's table.
// Leakage follows the logic's area, the clock tree and sequencing its area and frequency.
void read_mac_array(MapReader& reader, const ComponentContext& context, Component& component) {
    MacArrayConfig array;
    array.dataflow = Dataflow::dot_product;
    reader.optional_choice("dataflow", {"dot_product"});
    array.shapes = read_shapes(reader);
    array.pipeline =
        at_most_a_billion(reader, "pipeline", reader.optional<Cycles>("pipeline", Cycles(0)));
    array.weight_load = at_most_a_billion(
        reader, "weight_load", reader.optional_positive<Cycles>("weight_load", Cycles(1)));
    array.packs_window = reader.optional<bool>("packs_window", true);
    array.issue_efficiency = reader.at_most(
        "issue_efficiency", reader.optional_positive<double>("issue_efficiency", 1), 1.0, "1");
    array.instructions = read_instructions(reader, context.technology, component);
    array.sparse = read_sparse(reader);

    const Technology& tech = context.technology;
    double area = 0;
    for (const ArrayShape& shape : array.shapes) {
        const auto mac = tech.mac.find(shape.precision);
        if (mac == tech.mac.end()) {
            reader.error("lanes", "technology " + tech.name +
                                      " has no energy for a multiply-accumulate at " +
                                      std::string(name(shape.precision)));
            continue;
        }
        component.energies.push_back({Action::mac, shape.precision, mac->second});
        component.energies.push_back(
            {Action::gated_mac, shape.precision, times(mac->second, tech.gated_mac_fraction)});
        const auto mac_area = tech.mac_area.find(shape.precision);
        if (mac_area != tech.mac_area.end()) {
            area = mac_area->second.value * static_cast<double>(shape.macs_per_cycle());
        }
    }
    add_accumulation(tech, component);
    const Sourced none{0, 0, 0, Status::derived, "counted for information: no energy of its own"};
    component.energies.push_back({Action::skipped_mac, {}, none});
    component.energies.push_back({Action::recomputed_mac, {}, none});

    // The lanes' own area, unless the file knows what a whole core takes.
    area = reader.optional_positive<SquareMillimetres>("area", SquareMillimetres(area)).count();
    area *= static_cast<double>(component.instances);
    const auto hertz = static_cast<double>(context.clock.frequency().count());
    component.area = SquareMillimetres(area);
    component.static_power = times(tech.logic_leakage, area);
    component.clock_power = times(tech.clock, area * hertz);
    component.config = array;
}

void read_vector_unit(MapReader& reader, const ComponentContext& context, Component& component) {
    VectorUnitConfig unit;
    unit.lanes = reader.at_most<std::int64_t>(
        "lanes", reader.required_positive<std::int64_t>("lanes"), 1 << 20, "1,048,576");
    unit.pipeline =
        at_most_a_billion(reader, "pipeline", reader.optional<Cycles>("pipeline", Cycles(0)));
    component.energies = {{Action::vector, {}, context.technology.vector_operation}};
    add_accumulation(context.technology, component);
    unit.instructions = read_instructions(reader, context.technology, component);
    component.config = unit;
}

}  // namespace memwall
