// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_yaml.hpp"

#include <algorithm>
#include <cmath>

#include "arch/component_kinds.hpp"
#include "arch/core_mesh.hpp"
#include "arch/mapper.hpp"
#include "arch/wave_mapper.hpp"

namespace memwall {
namespace {

std::vector<std::string> kind_names() {
    std::vector<std::string> names;
    for (const ComponentKindEntry& entry : component_kinds()) {
        names.emplace_back(entry.name);
    }
    return names;
}

/// What is `priced` has a technology; else no more than its kind is looked at, the rest rests on
/// it.
Component read_component(const YamlValue::Entry& entry, const Machine::Parts& parts, bool priced,
                         Diagnostics& faults) {
    Component component;
    component.name = entry.key;
    component.clock = ClockId(std::size_t{0});
    MapReader reader(entry.value, "component '" + entry.key + "'", faults);
    component.instances = reader.at_most<std::int64_t>(
        "instances", reader.optional_positive<std::int64_t>("instances", 1), 1 << 20, "1,048,576");
    component.instances_where =
        reader.has("instances") ? reader.value("instances")->mark() : entry.key_mark;
    const std::string kind = reader.required<std::string>("kind");
    const auto known =
        std::find_if(component_kinds().begin(), component_kinds().end(),
                     [&](const ComponentKindEntry& candidate) { return candidate.name == kind; });
    if (known == component_kinds().end()) {
        if (reader.has("kind")) {
            reader.error("kind",
                         "unknown component kind '" + kind + "'" + suggestion(kind, kind_names()));
        }
        return component;  // its keys mean nothing without a kind
    }
    component.kind = known->kind;
    if (!priced) {
        return component;
    }
    known->read(
        reader,
        ComponentContext{parts.technology, parts.clocks.front(), parts.mapper == kLoopNestMapper,
                         parts.mapper == kSpatialMapper, parts.mapper == kWaveMapper},
        component);
    reader.finish();
    return component;
}

ComponentId find_component(const YamlValue& name, const Machine::Parts& parts,
                           Diagnostics& faults) {
    std::vector<std::string> names;
    for (std::size_t c = 0; c < parts.components.size(); ++c) {
        if (parts.components[c].name == name.text()) {
            return ComponentId(c);
        }
        names.push_back(parts.components[c].name);
    }
    faults.error(name.mark(),
                 "unknown component '" + name.text() + "'" + suggestion(name.text(), names));
    return {};
}

void read_connections(MapReader& machine, Machine::Parts& parts, Diagnostics& faults) {
    for (const YamlValue& pair : machine.optional_items("connections")) {
        if (pair.items().size() != 2) {
            faults.error(pair.mark(),
                         "expected a connection of two components such as [dram, buffer]");
            continue;
        }
        const ComponentId a = find_component(pair.items()[0], parts, faults);
        const ComponentId b = find_component(pair.items()[1], parts, faults);
        if (a.valid() && b.valid()) {
            parts.connections.emplace_back(a, b);
        }
    }
}

PowerCap read_power_cap(const YamlValue& value, Hertz clock, Diagnostics& faults) {
    MapReader reader(value, "'power_cap'", faults);
    PowerCap cap;
    cap.power = reader.required_positive<Watts>("power");
    cap.voltage_slope =
        reader.at_most("voltage_slope", reader.required<double>("voltage_slope"), 1.0, "1");
    cap.lowest_voltage = reader.at_most(
        "lowest_voltage", reader.required_positive<double>("lowest_voltage"), 1.0, "1");
    if (cap.voltage_slope < 0) {
        reader.misfit("voltage_slope", "a share of 0 to 1");
    }
    cap.lowest_clock = reader.required_positive<Hertz>("lowest_clock");
    cap.clock_step = reader.required_positive<Hertz>("clock_step");
    // A clock that could not be read is 1 Hz: its own fault is enough.
    if (clock > Hertz(1) && cap.lowest_clock > clock) {
        reader.misfit("lowest_clock", "at most the machine's clock");
    }
    reader.finish();
    return cap;
}

/// Cards of a pipeline hand on over the host link that their mapper knows, GPUs over one that is
/// named.
CardsConfig read_cards(const YamlValue& value, const std::string& mapper, Diagnostics& faults) {
    MapReader reader(value, "'cards'", faults);
    CardsConfig cards;
    cards.count = reader.at_most("count", reader.required_positive<std::int64_t>("count"),
                                 std::int64_t{1024}, "1,024");
    if (const YamlValue* count = value.find("count")) {
        cards.count_where = count->mark();
    }
    const std::vector<std::string> ways = {name(CardParallelism::pipeline),
                                           name(CardParallelism::tensor)};
    cards.parallel = CardParallelism(reader.optional_choice("parallel", ways).value_or(0));
    if (cards.tensor_parallel()) {
        cards.link = reader.required<std::string>("link");
        reader.required_choice("collective", {"ring"});  // the only one so far
    } else {
        if (mapper == kWaveMapper) {
            cards.link = reader.required<std::string>("link");
        }
        cards.hop = reader.required<Picoseconds>("hop");
        cards.overhead = reader.optional<Picoseconds>("overhead", Picoseconds(0));
        cards.together = reader.at_most<std::int64_t>(
            "together", reader.optional_positive<std::int64_t>("together", 1), 1 << 16, "65,536");
        cards.instances = reader.optional_positive<std::int64_t>("instances", 1);
        if (cards.count % cards.instances != 0) {
            reader.misfit("instances", "a number that divides the " + std::to_string(cards.count) +
                                           " cards into equal parts");
        }
    }
    reader.finish();
    return cards;
}

ServerConfig read_server(const YamlValue& value, Diagnostics& faults) {
    MapReader reader(value, "'server'", faults);
    ServerConfig server;
    server.cards = reader.at_most("cards", reader.required_positive<std::int64_t>("cards"),
                                  std::int64_t{1024}, "1,024");
    server.host = required_sourced<Watts>(reader, "host");
    server.fans = required_sourced<Watts>(reader, "fans");
    server.network = required_sourced<Watts>(reader, "network");
    server.link = reader.optional<std::string>("link", "");
    reader.finish();
    return server;
}

/// The link that cards or servers name, `said`, is one of the components.
void check_link(const YamlValue& map, const std::string& what, const std::string& said,
                const Machine::Parts& parts, Diagnostics& faults) {
    std::vector<std::string> links;
    for (const Component& component : parts.components) {
        if (component.kind == ComponentKind::link) {
            links.push_back(component.name);
        }
    }
    const YamlValue* link = map.find("link");
    if (link != nullptr && std::find(links.begin(), links.end(), said) == links.end()) {
        faults.error(link->mark(), "'link' in " + what + ": no component of kind link is called '" +
                                       said + "'" + suggestion(said, links));
    }
}

/// The links between cards, and between servers of a pipeline.
void check_links(MapReader& reader, const Machine::Parts& parts, Diagnostics& faults) {
    const bool tensor = parts.cards && parts.cards->tensor_parallel();
    if (parts.cards && !parts.cards->link.empty()) {
        check_link(*reader.value("cards"), "'cards'", parts.cards->link, parts, faults);
    }
    if (!parts.server || parts.server->link.empty()) {
        return;
    }
    const YamlValue& server = *reader.value("server");
    check_link(server, "'server'", parts.server->link, parts, faults);
    if (!parts.cards || tensor) {
        faults.error(server.find("link")->mark(),
                     "'link' in 'server': only cards that are a pipeline go over several servers");
    }
}

/// The figures of the machine's technology; nothing where its name or its file has faults.
std::optional<Technology> read_technology(MapReader& reader, const TechnologyLookup& technologies,
                                          Diagnostics& faults) {
    const std::string name = reader.required<std::string>("technology");
    if (name.empty()) {
        return std::nullopt;
    }
    const std::size_t before = faults.faults().size();
    try {
        Technology technology =
            load_technology(technologies(name, reader.value("technology")->mark()), faults);
        return faults.faults().size() > before ? std::nullopt
                                               : std::optional(std::move(technology));
    } catch (const InputError& unread) {
        for (const Diagnostic& fault : unread.faults()) {
            faults.error(fault.where, fault.message);
        }
        return std::nullopt;
    }
}

/// The pitch of meshes that say none.
// MODEL: a mesh without a pitch lies over the whole chip: each of its routers in the middle of a
// square tile, of which there are as many as routers.
void take_pitches(Machine::Parts& parts) {
    const SquareMillimetres area = total_area(parts.components);
    for (Component& component : parts.components) {
        const auto* mesh = std::get_if<MeshConfig>(&component.config);
        if (mesh != nullptr && mesh->pitch == Millimetres(0)) {
            const auto routers = static_cast<double>(mesh->columns * mesh->rows);
            set_pitch(Millimetres(std::sqrt(area.count() / routers)), parts.technology, component);
        }
    }
}

/// The machine's own supply, and what it makes of its components. How fast logic gets or gives way
/// with it is not asked: the clock is the file's.
void take_supply(MapReader& reader, Machine::Parts& parts, bool priced) {
    const auto supply = reader.optional<Volts>("supply");
    if (!supply || !priced) {
        return;
    }
    const std::optional<Sourced>& own = parts.technology.supply;
    if (!own) {
        reader.error("supply", "the technology '" + parts.technology.name +
                                   "' does not say for which 'supply' its figures hold");
        return;
    }
    constexpr double kLeast = 0.5;
    constexpr double kMost = 1.5;
    const double ratio = supply->count() / own->value;
    if (ratio < kLeast || ratio > kMost) {
        reader.misfit("supply", format_volts(Volts(own->value * kLeast)) + " to " +
                                    format_volts(Volts(own->value * kMost)) +
                                    ", since the technology's figures hold at " +
                                    format_volts(Volts(own->value)));
        return;
    }
    parts.supply = supply;
    for (Component& component : parts.components) {
        scale_supply(component, ratio);
    }
}

}  // namespace

Machine load_machine(const YamlValue& root, const TechnologyLookup& technologies,
                     const DramLookup& drams) {
    Diagnostics faults;
    MapReader reader(root, "machine file", faults);
    if (reader.has("memwall") && reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    Machine::Parts parts;
    parts.name = reader.required<std::string>("machine");
    parts.where = reader.has("machine") ? reader.value("machine")->mark() : reader.mark();
    reader.optional<std::string>("source", "");
    reader.optional<std::string>("description", "");
    const auto scope = reader.optional<std::string>("power_scope");
    parts.power_scope = scope.value_or("chip");
    const auto mapper = reader.optional_choice("mapper", mapper_names());
    parts.mapper = mapper_names()[mapper.value_or(0)];
    const std::size_t told = faults.faults().size();
    const Hertz clock = reader.required_positive<Hertz>("clock");
    constexpr Hertz kFastest(1'000'000'000'000);  // a cycle is a picosecond at least
    if (clock > kFastest) {
        reader.misfit("clock", "at most 1,000 GHz");
    }
    constexpr Hertz kSlowest(1'000);
    if (clock < kSlowest && faults.faults().size() == told) {
        reader.misfit("clock", "at least 1 kHz");
    }
    parts.clocks.emplace_back("clock", clock.count() > 0 ? clock : Hertz(1));
    if (const YamlValue* cap = reader.value("power_cap")) {
        parts.power_cap = read_power_cap(*cap, clock, faults);
    }
    if (const YamlValue* cards = reader.value("cards")) {
        parts.cards = read_cards(*cards, parts.mapper, faults);
        const bool tensor = parts.cards->tensor_parallel();
        if (tensor ? parts.mapper != kWaveMapper : parts.mapper == kLoopNestMapper) {
            reader.error("cards", std::string("only machines of the mapper ") +
                                      (tensor ? "'wave'" : "'spatial', 'tiling' or 'wave'") +
                                      " go together as cards that are " +
                                      (tensor ? "tensor parallel" : "a pipeline"));
        }
    }
    if (const YamlValue* server = reader.value("server")) {
        parts.server = read_server(*server, faults);
    }
    std::optional<Technology> technology = read_technology(reader, technologies, faults);
    const bool priced = technology.has_value();
    parts.technology = std::move(technology).value_or(Technology{});
    read_provenance(reader, "", parts.provenance);
    CoreMesh mesh(reader);
    for (YamlValue::Entry entry : reader.required_entries("components")) {
        entry.value = mesh.applied_to(entry);
        const YamlValue* kind = entry.value.find("kind");
        if (kind != nullptr && kind->text() == "dram") {
            parts.power_scope = scope.value_or("chip with DRAM");
            entry.value = with_dram_type(entry.value, entry.key, drams, parts.provenance, faults);
        }
        parts.components.push_back(read_component(entry, parts, priced, faults));
    }
    mesh.finish();
    take_pitches(parts);
    take_supply(reader, parts, priced);
    read_connections(reader, parts, faults);
    check_links(reader, parts, faults);
    reader.finish();
    faults.throw_if_any();
    return Machine(std::move(parts));
}

}  // namespace memwall
