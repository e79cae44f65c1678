// SPDX-License-Identifier: Apache-2.0
// dram: channels of banks with rows; energy by byte with its scope, standby and refresh as
// background power.
#include <algorithm>
#include <cmath>

#include "arch/component_kinds.hpp"

namespace memwall {
namespace {

void check_geometry(MapReader& reader, const DramConfig& dram) {
    if (dram.burst.count() > 0 && dram.interleave.count() % dram.burst.count() != 0) {
        reader.misfit("interleave", "a multiple of the burst");
    }
    if (dram.interleave.count() > 0 && dram.row.count() % dram.interleave.count() != 0) {
        reader.misfit("row", "a multiple of the interleave");
    }
    if (dram.refresh_interval.count() > 0 && dram.refresh_time >= dram.refresh_interval) {
        reader.misfit("refresh_time", "less than the refresh interval");
    }
}

/// Channels of a DRAM, banks of a channel.
std::int64_t most_parts(MapReader& reader, const char* key, std::int64_t count) {
    return reader.at_most<std::int64_t>(key, count, 4'096, "4,096");
}

}  // namespace

void read_dram(MapReader& reader, const ComponentContext& context, Component& component) {
    DramConfig dram;
    dram.name = component.name;
    dram.capacity = reader.required_positive<Bytes>("capacity");
    dram.channels =
        most_parts(reader, "channels", reader.required_positive<std::int64_t>("channels"));
    dram.banks = most_parts(reader, "banks", reader.required_positive<std::int64_t>("banks"));
    dram.row = reader.required_positive<Bytes>("row");
    dram.burst = reader.required_positive<Bytes>("burst");
    dram.interleave = reader.optional_positive<Bytes>("interleave", dram.burst);
    const auto bandwidth = reader.required_positive<BytesPerSecond>("bandwidth");
    if (bandwidth < BytesPerSecond(1e3)) {
        reader.misfit("bandwidth", "at least 1 kB/s");
    } else {
        const double seconds =
            static_cast<double>(dram.channels * dram.burst.count()) / bandwidth.count();
        dram.burst_time = Picoseconds(std::llround(std::min(seconds, 1e3) * 1e12));
        if (dram.burst_time < Picoseconds(1)) {
            reader.misfit("bandwidth", "a burst of a channel to take a picosecond at least");
        }
    }
    const auto required = [&](const char* key) {
        return at_most_a_second(reader, key, reader.required_positive<Picoseconds>(key));
    };
    const auto optional = [&](const char* key) {
        return at_most_a_second(reader, key, reader.optional<Picoseconds>(key, Picoseconds(0)));
    };
    dram.activate_to_access = required("activate_to_access");
    dram.precharge = required("precharge");
    dram.access_latency = required("access_latency");
    dram.activate_to_precharge = required("activate_to_precharge");
    dram.activate_interval = optional("activate_interval");
    dram.refresh_interval = optional("refresh_interval");
    dram.refresh_time = optional("refresh_time");
    dram.turnaround = optional("turnaround");
    dram.row_hit_cap = reader.optional_positive<std::int64_t>("row_hit_cap", dram.row_hit_cap);
    check_geometry(reader, dram);

    const Technology& tech = context.technology;
    const auto type = reader.required<std::string>("type");
    const auto access = tech.dram.find(type);
    if (access == tech.dram.end()) {
        std::vector<std::string> known;
        for (const auto& [known_name, unused] : tech.dram) {
            known.push_back(known_name);
        }
        reader.error("type", "technology " + tech.name + " has no dram '" + type + "'" +
                                 suggestion(type, known));
    } else {
        component.energies = {{Action::read, {}, access->second},
                              {Action::write, {}, access->second}};
        const auto stacks = reader.optional_positive<std::int64_t>("stacks", 1);
        component.static_power = times(tech.dram_background.at(type), static_cast<double>(stacks));
    }
    component.area = reader.optional<SquareMillimetres>("interface_area", SquareMillimetres(0));
    component.config = dram;
}

}  // namespace memwall
