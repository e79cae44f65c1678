// SPDX-License-Identifier: Apache-2.0
// mac_array and vector_unit: what computes.
#include "arch/component_kinds.hpp"

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
        read.inputs = shape.required_positive<std::int64_t>("inputs");
        read.outputs = shape.required_positive<std::int64_t>("outputs");
        shape.finish();
        shapes.push_back(read);
    }
    if (shapes.empty() && lanes.is_map()) {
        reader.error("lanes", "expected at least one precision with its lanes");
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

}  // namespace

// MODEL: a multiply-accumulate is one multiplication and one addition of the technology's table.
// Leakage follows the logic's area, the clock tree and sequencing its area and frequency.
void read_mac_array(MapReader& reader, const ComponentContext& context, Component& component) {
    MacArrayConfig array;
    array.dataflow = Dataflow::dot_product;
    reader.optional_choice("dataflow", {"dot_product"});
    array.shapes = read_shapes(reader);
    array.pipeline = reader.optional<Cycles>("pipeline", Cycles(0));
    array.weight_load = reader.optional_positive<Cycles>("weight_load", Cycles(1));
    array.packs_window = reader.optional<bool>("packs_window", true);

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

    area *= static_cast<double>(component.instances);
    const auto hertz = static_cast<double>(context.clock.frequency().count());
    component.area = SquareMillimetres(area);
    component.static_power = times(tech.logic_leakage, area);
    component.clock_power = times(tech.clock, area * hertz);
    component.config = array;
}

void read_vector_unit(MapReader& reader, const ComponentContext& context, Component& component) {
    VectorUnitConfig unit;
    unit.lanes = reader.required_positive<std::int64_t>("lanes");
    unit.pipeline = reader.optional<Cycles>("pipeline", Cycles(0));
    component.energies = {{Action::vector, {}, context.technology.vector_operation}};
    add_accumulation(context.technology, component);
    component.config = unit;
}

}  // namespace memwall
