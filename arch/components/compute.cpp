// SPDX-License-Identifier: Apache-2.0
// mac_array and vector_unit: what computes.
#include <algorithm>
#include <array>
#include <utility>

#include "arch/component_kinds.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr std::array kDataflows = {Dataflow::dot_product, Dataflow::weight_stationary,
                                   Dataflow::input_stationary, Dataflow::output_stationary,
                                   Dataflow::row_stationary};

/// Whether lanes are given as rows and columns.
bool is_systolic(Dataflow dataflow) {
    return dataflow != Dataflow::dot_product && dataflow != Dataflow::row_stationary;
}

/// All but dot products are known to loop nests alone.
Dataflow read_dataflow(MapReader& reader, bool loop_nest) {
    std::vector<std::string> names;
    for (const Dataflow dataflow : kDataflows) {
        names.emplace_back(name(dataflow));
    }
    const std::size_t chosen = reader.optional_choice("dataflow", names).value_or(0);
    if (kDataflows[chosen] != Dataflow::dot_product && !loop_nest) {
        reader.error("dataflow",
                     "'dataflow: " + names[chosen] + "' needs 'mapper: loop_nest' in the machine");
    }
    return kDataflows[chosen];
}

/// A key of other dataflows, where it is no wonder that it is there.
void refuse_key(MapReader& reader, const char* key, Dataflow dataflow, const std::string& instead) {
    if (reader.value(key) != nullptr) {
        reader.error(key, "'" + std::string(key) + "' in " + reader.what() + ": " + instead +
                              " in an array with 'dataflow: " + name(dataflow) + "'");
    }
}

/// Whether the next weights or inputs come while lanes still work; outputs have nothing to load.
bool read_loads_ahead(MapReader& reader, Dataflow dataflow) {
    if (dataflow == Dataflow::weight_stationary || dataflow == Dataflow::input_stationary) {
        return reader.optional<bool>("loads_ahead", false);
    }
    refuse_key(reader, "loads_ahead", dataflow, "nothing is shifted in before lanes begin");
    return false;
}

Cycles read_weight_load(MapReader& reader, Dataflow dataflow) {
    if (!is_systolic(dataflow)) {
        return at_most_a_billion(reader, "weight_load",
                                 reader.optional_positive<Cycles>("weight_load", Cycles(1)));
    }
    refuse_key(reader, "weight_load", dataflow, "rows decide how long loading takes");
    return Cycles(1);
}

ArrayShape read_shape(MapReader& reader, Precision precision, Dataflow dataflow) {
    struct Side {
        const char* key;
        const char* of_others;
        std::int64_t ArrayShape::*lanes;
    };
    std::array sides = {Side{"inputs", "rows", &ArrayShape::inputs},
                        Side{"outputs", "columns", &ArrayShape::outputs}};
    ArrayShape read;
    read.precision = precision;
    for (Side& side : sides) {
        if (is_systolic(dataflow)) {
            std::swap(side.key, side.of_others);
        }
        if (!reader.has(side.key) && reader.has(side.of_others)) {
            refuse_key(reader, side.of_others, dataflow,
                       "lanes are given as '" + std::string(side.key) + "'");
            continue;
        }
        read.*side.lanes = reader.at_most<std::int64_t>(
            side.key, reader.required_positive<std::int64_t>(side.key), 65'536, "65,536");
    }
    return read;
}

std::vector<ArrayShape> read_shapes(MapReader& reader, Dataflow dataflow) {
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
        shapes.push_back(read_shape(shape, *precision, dataflow));
        shape.finish();
    }
    if (shapes.empty() && lanes.is_map()) {
        reader.misfit("lanes", "at least one precision with its lanes");
    }
    return shapes;
}

/// An addition of the narrowest adder that holds a format; nullptr where the technology has none.
const Sourced* addition(const Technology& technology, Precision precision) {
    auto narrowest = technology.add.end();
    for (auto adder = technology.add.begin(); adder != technology.add.end(); ++adder) {
        const bool narrower =
            narrowest == technology.add.end() || bits(adder->first) < bits(narrowest->first);
        if (holds(adder->first, precision) && narrower) {
            narrowest = adder;
        }
    }
    return narrowest != technology.add.end() ? &narrowest->second : nullptr;
}

void add_accumulation(const Technology& technology, Component& component) {
    for (const Precision precision : all_precisions()) {
        if (const Sourced* joules = addition(technology, precision)) {
            component.energies.push_back({Action::accumulate, precision, *joules});
        }
    }
}

Sourced times(const Sourced& a, const Sourced& factor) {
    const Status status =
        std::max({a.status, factor.status, Status::derived});  // the less sure of the two
    return {a.value * factor.value, a.low * factor.low, a.high * factor.high, status, a.source};
}

/// Of what is counted beside what costs.
Sourced uncounted() {
    return {0, 0, 0, Status::derived, "counted for information: no energy of its own"};
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

/// Figures of the array's own, in place of the technology's: a multiply-accumulate at whatever
/// precision, the power of an instance.
void take_own_figures(MapReader& reader, Component& component) {
    if (reader.has("mac_energy")) {
        const Sourced own = required_sourced<Joules>(reader, "mac_energy");
        for (EnergyEntry& entry : component.energies) {
            if (entry.action == Action::mac) {
                entry.joules = own;
            }
        }
    }
    const auto instances = static_cast<double>(component.instances);
    for (const auto& [key, power] :
         {std::pair{"leakage", &component.static_power}, {"clock_power", &component.clock_power}}) {
        if (reader.has(key)) {
            *power = times(required_sourced<Watts>(reader, key), instances);
        }
    }
}

}  // namespace

// MODEL: a multiply-accumulate is one multiplication and one addition of the technology's table.
// Leakage follows the logic's area, the clock tree and sequencing its area and frequency.
void read_mac_array(MapReader& reader, const ComponentContext& context, Component& component) {
    MacArrayConfig array;
    array.dataflow = read_dataflow(reader, context.loop_nest);
    array.loads_ahead = read_loads_ahead(reader, array.dataflow);
    array.shapes = read_shapes(reader, array.dataflow);
    array.pipeline =
        at_most_a_billion(reader, "pipeline", reader.optional<Cycles>("pipeline", Cycles(0)));
    array.weight_load = read_weight_load(reader, array.dataflow);
    array.packs_window = reader.optional<bool>("packs_window", true);
    array.gates_zeros = reader.optional<bool>("zero_gating", false);
    if (array.gates_zeros && !context.loop_nest) {
        reader.error("zero_gating", "'zero_gating' needs 'mapper: loop_nest' in the machine");
    }
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
            area = std::max(area,
                            mac_area->second.value * static_cast<double>(shape.macs_per_cycle()));
        }
    }
    add_accumulation(tech, component);
    component.energies.push_back({Action::skipped_mac, {}, uncounted()});
    component.energies.push_back({Action::recomputed_mac, {}, uncounted()});

    // The lanes of the precision that takes most, unless the file knows what a whole core takes.
    area = reader.optional_positive<SquareMillimetres>("area", SquareMillimetres(area)).count();
    area *= static_cast<double>(component.instances);
    const auto hertz = static_cast<double>(context.clock.frequency().count());
    component.area = SquareMillimetres(area);
    component.static_power = times(tech.logic_leakage, area);
    component.clock_power = times(tech.clock, area * hertz);
    take_own_figures(reader, component);
    component.config = array;
}

namespace {

std::optional<Precision> read_unit_precision(MapReader& reader) {
    const auto chosen = reader.optional_choice("precision", precision_names());
    return chosen ? std::optional(all_precisions()[*chosen]) : std::nullopt;
}

/// Elementwise operations a cycle: as they are counted, or as the bytes of values that go in
/// side by side.
std::int64_t read_lanes(MapReader& reader, std::optional<Precision> precision) {
    constexpr std::int64_t kMost = 1 << 20;
    if (!reader.has("width")) {
        return reader.at_most<std::int64_t>(
            "lanes", reader.required_positive<std::int64_t>("lanes"), kMost, "1,048,576");
    }
    const Bytes width =
        reader.at_most("width", reader.required_positive<Bytes>("width"), Bytes(kMost), "1 MiB");
    if (reader.has("lanes")) {
        reader.error("width", "'width' in " + reader.what() + ": 'lanes' already says how many " +
                                  "operations it does a cycle; expected one of both");
        return 1;
    }
    if (!precision) {
        reader.error("width", "'width' in " + reader.what() +
                                  ": expected 'precision' beside it, for what a lane takes");
        return 1;
    }
    const std::int64_t wide = width.count() * 8;
    if (wide % bits(*precision) != 0) {
        reader.misfit("width", std::string("a whole number of ") + name(*precision) + " values");
        return 1;
    }
    return wide / bits(*precision);
}

// MODEL: an elementwise operation costs an addition in the format that the vector unit computes
// in: a floating-point unit takes integers as numbers of its own format, and values wider than its
// format cost an addition in theirs. Each takes a lane one cycle.
void add_operations(MapReader& reader, const Technology& technology, Precision unit,
                    Component& component) {
    const Sourced* own = addition(technology, unit);
    if (own == nullptr) {
        reader.error("precision", "technology " + technology.name +
                                      " has no energy for an addition at " + name(unit));
        return;
    }
    for (const Precision value : all_precisions()) {
        const bool converts = !is_integer(unit) && is_integer(value);
        const Sourced* joules = addition(technology, converts ? unit : widest(unit, value));
        for (const Action action : {Action::vector, Action::accumulate}) {
            component.energies.push_back({action, value, joules != nullptr ? *joules : *own});
        }
    }
}

/// MODEL: a multiply-accumulate on the elementwise lanes of a GPU is one of fp32, or of int32 for
/// integers, by the technology's table: that is what kernels without tensor instructions compute
/// in. Where the table has none, it is one of the operands' own format.
void add_products(const Technology& technology, Component& component) {
    for (const auto& [precision, own] : technology.mac) {
        const auto wide =
            technology.mac.find(is_integer(precision) ? Precision::int32 : Precision::fp32);
        component.energies.push_back(
            {Action::mac, precision, wide == technology.mac.end() ? own : wide->second});
    }
    component.energies.push_back({Action::skipped_mac, {}, uncounted()});
}

}  // namespace

void read_vector_unit(MapReader& reader, const ComponentContext& context, Component& component) {
    VectorUnitConfig unit;
    unit.precision = read_unit_precision(reader);
    unit.lanes = read_lanes(reader, unit.precision);
    unit.pipeline =
        at_most_a_billion(reader, "pipeline", reader.optional<Cycles>("pipeline", Cycles(0)));
    if (unit.precision) {
        add_operations(reader, context.technology, *unit.precision, component);
    } else {
        component.energies = {{Action::vector, {}, context.technology.vector_operation}};
        add_accumulation(context.technology, component);
    }
    if (context.wave) {
        add_products(context.technology, component);
    }
    unit.instructions = read_instructions(reader, context.technology, component);
    component.config = unit;
}

}  // namespace memwall
