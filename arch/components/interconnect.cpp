// SPDX-License-Identifier: Apache-2.0
// mesh, bus, link and dma: what moves bytes.
#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/component_kinds.hpp"

namespace memwall {
namespace {

Sourced over_wire(const Technology& tech, Millimetres length, bool router) {
    const double mm = length.count();
    const Sourced none{};
    const Sourced& hop = router ? tech.router : none;
    return {tech.wire.value * mm + hop.value, tech.wire.low * mm + hop.low,
            tech.wire.high * mm + hop.high, Status::derived, tech.wire.source};
}

/// A plain value, or one with its interval and source.
Sourced energy_per_byte(MapReader& reader) {
    constexpr const char* kKey = "energy_per_byte";
    if (const YamlValue* value = reader.value(kKey); value != nullptr && value->is_map()) {
        return required_sourced<Joules>(reader, kKey);
    }
    const double joules = reader.required<Joules>(kKey).count();
    return {joules, joules, joules, Status::assumed, "the machine file's energy_per_byte"};
}

}  // namespace

void read_mesh(MapReader& reader, const ComponentContext& context, Component& component) {
    MeshConfig mesh;
    constexpr std::int64_t kMostOfOneSide = 1'024;
    for (const auto& [key, side] : {std::pair{"columns", &mesh.columns}, {"rows", &mesh.rows}}) {
        *side = reader.at_most(key, reader.required_positive<std::int64_t>(key), kMostOfOneSide,
                               "1,024 routers");
    }
    mesh.link_width = reader.required_positive<Bytes>("link_width");
    mesh.hop = at_most_a_billion(reader, "hop", reader.optional_positive<Cycles>("hop", Cycles(1)));
    component.config = mesh;
    set_pitch(reader.optional_positive<Millimetres>("pitch", Millimetres(0)), context.technology,
              component);
}

void set_pitch(Millimetres pitch, const Technology& technology, Component& mesh) {
    std::get<MeshConfig>(mesh.config).pitch = pitch;
    mesh.energies = {{Action::hop, {}, over_wire(technology, pitch, true)}};
}

void read_bus(MapReader& reader, const ComponentContext& context, Component& component) {
    BusConfig bus;
    bus.width = reader.required_positive<Bytes>("width");
    bus.latency =
        at_most_a_billion(reader, "latency", reader.optional<Cycles>("latency", Cycles(0)));
    bus.length = reader.required_positive<Millimetres>("length");
    bus.pitch = reader.optional<Millimetres>("pitch", Millimetres(0));
    component.energies = {{Action::transfer, {}, over_wire(context.technology, bus.length, false)},
                          {Action::hop, {}, over_wire(context.technology, bus.pitch, false)}};
    component.config = bus;
}

void read_link(MapReader& reader, const ComponentContext& /*context*/, Component& component) {
    LinkConfig link;
    const std::size_t faults_before = reader.faults().faults().size();
    link.bandwidth = reader.required_positive<BytesPerSecond>("bandwidth");
    const bool is_read = reader.faults().faults().size() == faults_before;
    if (is_read && link.bandwidth < BytesPerSecond(1e3)) {
        reader.misfit("bandwidth", "at least 1 kB/s");
    }
    link.latency = at_most_a_second(reader, "latency",
                                    reader.optional<Picoseconds>("latency", Picoseconds(0)));
    component.energies = {{Action::transfer, {}, energy_per_byte(reader)}};
    component.config = link;
}

// MODEL: zeros are independent of each other: a pair of a run of at most m zeros and a value stands
// for (1 - z^(m + 1)) / (1 - z) words on average, z the share of zeros. Words that the code would
// only make longer lie as they are.
double RunLengthCode::share(double zeros, Precision precision) const {
    if (zeros <= 0) {
        return 1;
    }
    const double longest = std::exp2(run_bits);
    const double words = zeros < 1 ? (1 - std::pow(zeros, longest)) / (1 - zeros) : longest;
    return std::min(1.0, pair_bits / (words * bits(precision)));
}

namespace {

/// `{run: 5, pairs: 3, block: 8 B}`: bits of a run, pairs in a block, its size.
RunLengthCode read_run_length_code(const YamlValue& value, Diagnostics& faults) {
    MapReader reader(value, "'run_length_code'", faults);
    RunLengthCode code;
    code.run_bits = static_cast<int>(reader.at_most<std::int64_t>(
        "run", reader.required_positive<std::int64_t>("run"), 16, "16 bits"));
    const auto pairs = reader.required_positive<std::int64_t>("pairs");
    const auto block = reader.required_positive<Bytes>("block");
    code.pair_bits = static_cast<double>(block.count()) * 8 / static_cast<double>(pairs);
    if (code.pair_bits <= code.run_bits) {
        reader.misfit("block", "a block with room for its runs and values");
    }
    reader.finish();
    return code;
}

}  // namespace

void read_dma(MapReader& reader, const ComponentContext& context, Component& component) {
    DmaConfig dma;
    dma.setup = at_most_a_billion(reader, "setup", reader.optional<Cycles>("setup", Cycles(0)));
    dma.channels = reader.at_most<std::int64_t>(
        "channels", reader.optional_positive<std::int64_t>("channels", 1), 4'096, "4,096");
    if (const YamlValue* code = reader.value("run_length_code")) {
        dma.code = read_run_length_code(*code, reader.faults());
        if (!context.loop_nest) {
            reader.error("run_length_code",
                         "'run_length_code' needs 'mapper: loop_nest' in the machine");
        }
    }
    dma.program = reader.optional<Bytes>("program", Bytes(0));
    constexpr std::int64_t kMostPrograms = 1'024;
    dma.programs = reader.at_most("programs", reader.optional_positive<std::int64_t>("programs", 2),
                                  kMostPrograms, "1,024 slots");
    for (const char* key : {"program", "programs"}) {
        if (reader.has(key) && !context.spatial) {
            reader.error(key, "'" + std::string(key) + "' needs 'mapper: spatial' in the machine");
        }
    }
    component.config = dma;
}

}  // namespace memwall
