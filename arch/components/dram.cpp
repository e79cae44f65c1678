// SPDX-License-Identifier: Apache-2.0
// dram: channels of banks with rows, and what they cost; or bandwidth and latency only.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "arch/component_kinds.hpp"
#include "arch/dram_mapping.hpp"

namespace memwall {
namespace {

/// Beyond this a scheduler's comparisons would not hold.
constexpr std::int64_t kMostClocks = 1'000'000;

/// Reads a DRAM's times as whole clocks of it.
class ClockReader {
public:
    ClockReader(MapReader& reader, Picoseconds clock) : reader_(reader), clock_(clock) {}

    std::int64_t required(const char* key, std::int64_t most = kMostClocks) {
        if (!reader_.has(key)) {
            reader_.required_value(key);
            return 1;
        }
        const std::int64_t clocks = optional(key, 1, most);
        if (const YamlValue* value = reader_.value(key); is_zero(value->text())) {
            reader_.misfit(key, "more than 0");
        }
        return clocks;
    }
    std::int64_t optional(const char* key, std::int64_t fallback, std::int64_t most = kMostClocks) {
        const YamlValue* value = reader_.value(key);
        if (value == nullptr) {
            return fallback;
        }
        std::int64_t clocks = fallback;
        const Parsed<Cycles> cycles = parse_cycles(value->text());
        const Parsed<Picoseconds> time = parse_picoseconds(value->text());
        if (const auto* counted = std::get_if<Cycles>(&cycles)) {
            clocks = counted->count();
        } else if (const auto* timed = std::get_if<Picoseconds>(&time)) {
            clocks = whole_clocks(std::min(*timed, Picoseconds(1'000'000'000'000)));
        } else {
            reader_.misfit(key, "clocks of the DRAM such as '4 cycles', or a time such as '14 ns'");
        }
        return reader_.at_most(key, clocks, most, std::to_string(most) + " clocks");
    }

private:
    static bool is_zero(std::string_view text) {
        const Parsed<Cycles> cycles = parse_cycles(text);
        const Parsed<Picoseconds> time = parse_picoseconds(text);
        const auto* counted = std::get_if<Cycles>(&cycles);
        const auto* timed = std::get_if<Picoseconds>(&time);
        return counted != nullptr ? counted->count() == 0 : timed != nullptr && timed->count() == 0;
    }

    /// MODEL: a time becomes the least number of clocks that holds it, less 2.6 % of a clock: the
    /// rounding of DDR4's SPD (JESD79-4), which forgives clock periods that were rounded.
    [[nodiscard]] std::int64_t whole_clocks(Picoseconds time) const {
        return (time.count() * 1'000 / clock_.count() + 974) / 1'000;
    }

    MapReader& reader_;
    Picoseconds clock_;
};

DramTimings read_timings(MapReader& reader, std::int64_t burst, Picoseconds clock) {
    ClockReader clocks(reader, clock);
    DramTimings t;
    t.burst = burst;
    t.CL = clocks.required("CL");
    t.CWL = clocks.required("CWL");
    t.tRCD_read = clocks.required("tRCD_read");
    t.tRCD_write = clocks.required("tRCD_write");
    t.tRP = clocks.required("tRP");
    t.tRAS = clocks.required("tRAS");
    t.tRC = clocks.optional("tRC", t.tRAS + t.tRP);
    t.tRRD_S = clocks.optional("tRRD_S", 0);
    t.tRRD_L = clocks.optional("tRRD_L", t.tRRD_S);
    t.tFAW = clocks.optional("tFAW", 0);
    t.tCCD_S = clocks.optional("tCCD_S", t.burst);
    t.tCCD_L = clocks.optional("tCCD_L", t.tCCD_S);
    t.tWR = clocks.optional("tWR", 0);
    t.tWTR_S = clocks.optional("tWTR_S", 0);
    t.tWTR_L = clocks.optional("tWTR_L", t.tWTR_S);
    t.tRTP = clocks.optional("tRTP", 0);
    t.tRTW = clocks.optional("tRTW", std::max<std::int64_t>(t.CL + t.burst + 2 - t.CWL, t.burst));
    t.tREFI = clocks.optional("tREFI", 0, 1'000'000'000);
    t.tRFC = clocks.optional("tRFC", 0);
    t.activate = clocks.optional("tACT", 1);
    if (t.tREFI > 0 && t.tRFC >= t.tREFI) {
        reader.misfit("tRFC", "less than tREFI");
    }
    if (t.tREFI > 0 && t.tRFC == 0) {
        reader.misfit("tREFI", "none where there is no tRFC: what a refresh takes");
    }
    return t;
}

/// Faults of timings of which JEDEC has one no shorter than another.
void expect_consistent(MapReader& reader, const DramTimings& t) {
    struct Least {
        const char* key;
        std::int64_t clocks, least;
        const char* of;
    };
    const std::int64_t row_cycle = t.tRAS + t.tRP;
    const std::int64_t rounding = 1 + row_cycle / 50;  // data sheets round tRC by itself
    for (const Least& each : {Least{"tRC", t.tRC + rounding, row_cycle, "tRAS + tRP"},
                              {"tRRD_L", t.tRRD_L, t.tRRD_S, "tRRD_S"},
                              {"tFAW", t.tFAW > 0 ? t.tFAW : t.tRRD_S, t.tRRD_S, "tRRD_S"},
                              {"tCCD_L", t.tCCD_L, t.tCCD_S, "tCCD_S"},
                              {"tWTR_L", t.tWTR_L, t.tWTR_S, "tWTR_S"}}) {
        if (each.clocks < each.least) {
            reader.misfit(each.key, std::string("at least ") + each.of + ", " +
                                        std::to_string(each.least) +
                                        (each.least == 1 ? " clock" : " clocks"));
        }
    }
}

/// A count that the hardware knows by some bits.
std::int64_t power_of_two(MapReader& reader, const char* key, std::int64_t count) {
    if ((count & (count - 1)) != 0) {
        reader.misfit(key, "a power of two");
        return 1;
    }
    return count;
}

/// At least 1 kB/s; where it is missing or wrong, which is told once, one that nothing else fails
/// on.
BytesPerSecond read_bandwidth(MapReader& reader) {
    constexpr BytesPerSecond kLeast(1e3);
    const std::size_t faults_before = reader.faults().faults().size();
    const auto bandwidth = reader.required_positive<BytesPerSecond>("bandwidth");
    if (bandwidth < kLeast && reader.faults().faults().size() == faults_before) {
        reader.misfit("bandwidth", "at least 1 kB/s");
    }
    return bandwidth < kLeast ? BytesPerSecond(1e9) : bandwidth;
}

Picoseconds period_of(Hertz clock) {
    return Picoseconds(
        std::max<std::int64_t>(std::llround(1e12 / static_cast<double>(clock.count())), 1));
}

/// The clock that the DRAM's bandwidth needs.
Picoseconds needed_clock(MapReader& reader, const DramConfig& dram) {
    const double seconds = static_cast<double>(dram.channels * dram.burst.count()) /
                           dram.bandwidth.count() / static_cast<double>(dram.timings.burst);
    const Picoseconds clock(std::llround(std::min(seconds, 1e3) * 1e12));
    if (clock < Picoseconds(1)) {
        reader.misfit("bandwidth", "a clock of the DRAM to take a picosecond at least");
        return Picoseconds(1);
    }
    return clock;
}

/// The clock of a DRAM whose shape is known: its file's, or the one that a bandwidth needs.
void read_clock(MapReader& reader, std::optional<Hertz> own, DramConfig& dram) {
    if (!reader.has("bandwidth")) {
        dram.clock = period_of(own.value_or(Hertz(1)));
    } else {
        dram.bandwidth = read_bandwidth(reader);
        dram.clock = needed_clock(reader, dram);
        if (own) {
            dram.own_peak = BytesPerSecond(static_cast<double>(dram.channels * dram.burst.count()) *
                                           static_cast<double>(own->count()) /
                                           static_cast<double>(dram.timings.burst));
        }
    }
    dram.clock = at_most_a_second(reader, "clock", dram.clock);
}

/// The timings, which are compared where nothing else is wrong: at the clock of the file, since at
/// another one times and clocks may change places.
void read_all_timings(MapReader& reader, std::size_t faults_before, DramConfig& dram) {
    std::optional<Hertz> own;
    if (reader.has("clock") || !reader.has("bandwidth")) {
        own = reader.required_positive<Hertz>("clock");
    }
    read_clock(reader, own, dram);
    const std::int64_t burst = dram.timings.burst;
    dram.timings = read_timings(reader, burst, dram.clock);
    if (reader.faults().faults().size() == faults_before) {
        expect_consistent(reader, read_timings(reader, burst, own ? period_of(*own) : dram.clock));
    }
}

void read_banked(MapReader& reader, std::int64_t stacks, DramConfig& dram) {
    const std::size_t faults_before = reader.faults().faults().size();
    constexpr std::int64_t kMostChannels = 4'096;
    const auto channels = reader.at_most<std::int64_t>(
        "channels", reader.required_positive<std::int64_t>("channels"), kMostChannels, "4,096");
    dram.channels = channels < kMostChannels
                        ? reader.at_most<std::int64_t>("stacks", channels * stacks, kMostChannels,
                                                       "4,096 channels in all")
                        : channels;
    const auto most = [&](const char* key, std::int64_t fallback, std::int64_t limit) {
        return power_of_two(
            reader, key,
            reader.at_most<std::int64_t>(key, reader.optional_positive(key, fallback), limit,
                                         std::to_string(limit)));
    };
    reader.required_value("banks");
    dram.banks = most("banks", 1, 64);
    dram.bank_groups = most("bank_groups", 1, 16);
    const auto faults = [&] { return reader.faults().faults().size(); };
    if (dram.bank_groups > dram.banks && faults() == faults_before) {
        reader.misfit("bank_groups", "at most as many as banks");
        dram.bank_groups = dram.banks;
    }
    const std::size_t faults_before_sizes = faults();
    dram.burst = reader.required_positive<Bytes>("burst");
    dram.row = reader.required_positive<Bytes>("row");
    dram.interleave = reader.optional_positive<Bytes>("interleave", dram.burst);
    if (dram.interleave.count() % dram.burst.count() != 0) {
        reader.misfit("interleave", "a multiple of the burst");
        dram.interleave = dram.burst;
    }
    const std::int64_t columns = dram.row.count() / dram.burst.count();
    if (columns * dram.burst.count() != dram.row.count() || (columns & (columns - 1)) != 0) {
        if (faults() == faults_before_sizes) {  // else its own fault is enough
            reader.misfit("row", "bursts, a power of two of them");
        }
        dram.row = dram.burst;
    }
    const Cycles burst = reader.required_positive<Cycles>("tBURST");
    dram.timings.burst = reader.at_most("tBURST", burst, Cycles(1'024), "1,024 cycles").count();
    read_all_timings(reader, faults_before, dram);
    dram.queue = reader.at_most<std::int64_t>(
        "queue", reader.optional_positive<std::int64_t>("queue", dram.queue), 1'024, "1,024");
    dram.page =
        static_cast<DramPage>(reader.optional_choice("page", {"open", "closed"}).value_or(0));
    dram.scheduling = static_cast<DramScheduling>(
        reader.optional_choice("scheduling", {"first_ready", "row_hits_first"}).value_or(1));
    dram.command_bus = static_cast<DramCommandBus>(
        reader.optional_choice("command_bus", {"shared", "split"}).value_or(0));
    dram.mapping = default_mapping(dram);
    reader.value("mapping");
    reader.value("mapping_xor");
    if (reader.faults().faults().size() == faults_before) {  // its bits are those of the shape
        dram.mapping = read_dram_mapping(reader, dram);
    }
}

// MODEL: `simple` is bandwidth and latency: accesses one after another, each byte its time and each
// access its latency. For teaching, and for bounds.
void read_simple(MapReader& reader, DramConfig& dram) {
    dram.burst = reader.optional_positive<Bytes>("burst", Bytes(1));
    dram.row = dram.interleave = dram.burst;
    dram.bandwidth = read_bandwidth(reader);
    dram.latency = at_most_a_second(reader, "latency",
                                    reader.optional<Picoseconds>("latency", Picoseconds(0)));
}

// MODEL: a `simple` DRAM whose file gives banks and timings has their peak for its bandwidth and,
// unless it says another, tRCD + CL + burst for its latency.
void simplify(MapReader& reader, const DramConfig& banked, DramConfig& dram) {
    dram.burst = dram.row = dram.interleave = banked.burst;
    dram.bandwidth = banked.peak();
    dram.own_peak = banked.own_peak;
    dram.latency = at_most_a_second(reader, "latency",
                                    reader.optional<Picoseconds>("latency", banked.read_latency()));
}

// MODEL: a DRAM's energy is that of its bytes and, where its file gives it, of each activation
// (with its precharge) and each refresh; the rest is power for as long as it is on.
void read_energies(MapReader& reader, std::int64_t stacks, const DramConfig& dram,
                   Component& component) {
    const auto sourced = [&](const char* key, auto unit) {
        return required_sourced<decltype(unit)>(reader, key);
    };
    component.energies = {{Action::read, {}, sourced("read_per_byte", Joules())},
                          {Action::write, {}, sourced("write_per_byte", Joules())}};
    if (reader.has("activate")) {
        component.energies.push_back({Action::activate, {}, sourced("activate", Joules())});
    }
    component.static_power = times(sourced("standby", Watts()), static_cast<double>(stacks));
    if (reader.has("refresh")) {
        const Sourced refresh = sourced("refresh", Joules());
        if (dram.timings.tREFI > 0) {
            const Seconds interval = to_seconds(dram.clock * dram.timings.tREFI);
            component.refresh_power =
                times(refresh, static_cast<double>(dram.channels) / interval.count());
        }
    }
    reader.optional<std::string>("energy_scope", "");
}

}  // namespace

void read_dram(MapReader& reader, const ComponentContext& /*context*/, Component& component) {
    DramConfig dram;
    dram.name = component.name;
    reader.optional<std::string>("type", "");
    dram.capacity = reader.at_most<Bytes>("capacity", reader.required_positive<Bytes>("capacity"),
                                          Bytes(std::int64_t{1} << 50), "1 PiB");
    component.capacity_where = reader.required_value("capacity").mark();
    const auto stacks = reader.at_most<std::int64_t>(
        "stacks", reader.optional_positive<std::int64_t>("stacks", 1), 4'096, "4,096");
    dram.model =
        static_cast<DramModel>(reader.optional_choice("model", {"banked", "simple"}).value_or(0));
    const bool banks = reader.has("banks") || dram.model == DramModel::banked;
    DramConfig banked = dram;
    if (banks) {
        banked.model = DramModel::banked;
        read_banked(reader, stacks, banked);
    }
    if (dram.model == DramModel::banked) {
        dram = banked;
    } else if (banks) {
        simplify(reader, banked, dram);
    } else {
        read_simple(reader, dram);
    }
    read_energies(reader, stacks, banked, component);
    component.area = reader.optional<SquareMillimetres>("interface_area", SquareMillimetres(0));
    component.config = dram;
}

}  // namespace memwall
