// SPDX-License-Identifier: Apache-2.0
// A kind of DRAM: what a channel is, its timings in clocks and in time, its peak, what it costs.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "arch/dram_mapping.hpp"
#include "arch/dram_yaml.hpp"
#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/show.hpp"
#include "study/sourced_rows.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

/// A timing by the name that it has in a file, and what it is the least distance of.
struct TimingName {
    const char* name;
    std::int64_t DramTimings::*clocks;
    const char* meaning;
};

constexpr std::array<TimingName, 20> kTimings = {
    TimingName{"tBURST", &DramTimings::burst, "a burst on the data bus"},
    {"CL", &DramTimings::CL, "read command to its first data"},
    {"CWL", &DramTimings::CWL, "write command to its first data"},
    {"tRCD_read", &DramTimings::tRCD_read, "activate to read"},
    {"tRCD_write", &DramTimings::tRCD_write, "activate to write"},
    {"tRP", &DramTimings::tRP, "precharge to activate"},
    {"tRAS", &DramTimings::tRAS, "activate to precharge"},
    {"tRC", &DramTimings::tRC, "activate to activate of one bank"},
    {"tRRD_S", &DramTimings::tRRD_S, "activate to activate, other bank group"},
    {"tRRD_L", &DramTimings::tRRD_L, "activate to activate, same bank group"},
    {"tFAW", &DramTimings::tFAW, "the first to the fifth activate"},
    {"tCCD_S", &DramTimings::tCCD_S, "column command to column command, other bank group"},
    {"tCCD_L", &DramTimings::tCCD_L, "column command to column command, same bank group"},
    {"tWR", &DramTimings::tWR, "end of write data to precharge"},
    {"tWTR_S", &DramTimings::tWTR_S, "end of write data to read, other bank group"},
    {"tWTR_L", &DramTimings::tWTR_L, "end of write data to read, same bank group"},
    {"tRTP", &DramTimings::tRTP, "read to precharge"},
    {"tRTW", &DramTimings::tRTW, "read to write command"},
    {"tREFI", &DramTimings::tREFI, "refresh to refresh; 0: never"},
    {"tRFC", &DramTimings::tRFC, "refresh to the next command"}};

/// What is shown of a file.
struct DramShown {
    std::string name, description, source;
    Component component;
    DramConfig config;
    std::vector<Provenance> provenance;
};

Seconds time_of(const DramConfig& dram, const TimingName& timing) {
    return to_seconds(dram.clock * (dram.timings.*timing.clocks));
}

const char* page_name(const DramConfig& dram) {
    return dram.page == DramPage::closed ? "closed" : "open";
}

const char* scheduling_name(const DramConfig& dram) {
    return dram.scheduling == DramScheduling::row_hits_first ? "row_hits_first" : "first_ready";
}

std::string json_of(const DramShown& shown) {
    const DramConfig& dram = shown.config;
    const bool banked = dram.model == DramModel::banked;
    Json json = {{"dram", shown.name},
                 {"description", shown.description},
                 {"source", shown.source},
                 {"model", banked ? "banked" : "simple"},
                 {"channels", dram.channels},
                 {"bank_groups", dram.bank_groups},
                 {"banks", dram.banks},
                 {"row_bytes", dram.row.count()},
                 {"burst_bytes", dram.burst.count()},
                 {"interleave_bytes", dram.interleave.count()},
                 {"clock_s", to_seconds(dram.clock).count()},
                 {"peak_bytes_per_s", dram.peak().count()},
                 {"read_latency_s", to_seconds(dram.read_latency()).count()}};
    if (banked) {
        json["mapping"] = mapping_words(dram.mapping);
        json["mapping_xor"] = mapping_xor_words(dram.mapping);
        json["page"] = page_name(dram);
        json["scheduling"] = scheduling_name(dram);
        json["queue"] = dram.queue;
    }
    json["timings"] = Json::array();
    for (const TimingName& timing : kTimings) {
        if (banked) {
            json["timings"].push_back({{"name", timing.name},
                                       {"clocks", dram.timings.*timing.clocks},
                                       {"s", time_of(dram, timing).count()},
                                       {"meaning", timing.meaning}});
        }
    }
    json["provenance"] = provenance_json(shown.provenance);
    json["numbers"] = rows_json(rows_of(shown.component));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The timings in seconds, with the source that the file gives for all of them; then the energies.
std::string csv_of(const DramShown& shown) {
    const DramConfig& dram = shown.config;
    std::vector<SourcedRow> rows;
    Sourced timings;
    timings.source = shown.source;
    for (const Provenance& entry : shown.provenance) {
        if (entry.path == "timings") {
            timings.status = entry.status;
            timings.source = entry.source;
        }
    }
    const auto add = [&](const char* path, double value, const char* unit) {
        Sourced number = timings;
        number.value = number.low = number.high = value;
        rows.push_back({path, number, unit});
    };
    add("peak", dram.peak().count(), "B/s");
    if (dram.model == DramModel::simple) {
        add("latency", to_seconds(dram.latency).count(), "s");
    } else {
        add("clock", to_seconds(dram.clock).count(), "s");
        for (const TimingName& timing : kTimings) {
            add(timing.name, time_of(dram, timing).count(), "s");
        }
    }
    const std::vector<SourcedRow> costs = rows_of(shown.component);
    rows.insert(rows.end(), costs.begin(), costs.end());
    return rows_csv(shown.name, rows);
}

std::string timings_table(const DramConfig& dram) {
    Table table({{"timing", Align::left}, {"clocks"}, {"time"}, {"", Align::left}});
    for (const TimingName& timing : kTimings) {
        table.add({timing.name, format_count(dram.timings.*timing.clocks),
                   format_seconds(time_of(dram, timing)), timing.meaning});
    }
    return table.text();
}

std::string table_of(const DramShown& shown) {
    const DramConfig& dram = shown.config;
    std::string text = shown.name + (shown.description.empty() ? "" : ": " + shown.description);
    text += "\n" + (shown.source.empty() ? "" : shown.source + "\n") + "\n";
    if (dram.model == DramModel::simple) {
        text += fmt::format("bandwidth {:.4g} GB/s, latency {}\n\n", dram.peak().count() / 1e9,
                            format_seconds(to_seconds(dram.latency)));
    } else {
        text += fmt::format(
            "{} channel{} of {} banks in {} bank groups, rows of {}, bursts of {}\n"
            "peak {:.4g} GB/s a stack, {} to read from a closed bank; clock {}\n",
            dram.channels, dram.channels == 1 ? "" : "s", dram.banks, dram.bank_groups,
            format_bytes(dram.row), format_bytes(dram.burst), dram.peak().count() / 1e9,
            format_seconds(to_seconds(dram.read_latency())),
            format_seconds(to_seconds(dram.clock)));
        text += fmt::format("a burst's number, from its highest bit: {}",
                            fmt::join(mapping_words(dram.mapping), " "));
        if (!dram.mapping.hashes.empty()) {
            text += fmt::format("; XORed: {}", fmt::join(mapping_xor_words(dram.mapping), ", "));
        }
        text += fmt::format("\n{} page, scheduling {}, a queue of {} bursts each way\n\n",
                            page_name(dram), scheduling_name(dram), dram.queue);
        text += timings_table(dram) + "\n";
    }
    if (!shown.provenance.empty()) {
        text += provenance_table(shown.provenance) + "\n";
    }
    const std::vector<SourcedRow> rows = rows_of(shown.component);
    return text + rows_table(rows) + rows_summary(rows);
}

}  // namespace

Shown show_dram(const YamlValue& file) {
    Diagnostics faults;
    DramShown shown;
    shown.component = load_dram(file, faults);
    MapReader head(file, "DRAM file", faults);
    read_provenance(head, "", shown.provenance);
    shown.name = head.optional<std::string>("dram", "");
    shown.description = head.optional<std::string>("description", "");
    shown.source = head.optional<std::string>("source", "");
    faults.throw_if_any();
    shown.config = std::get<DramConfig>(shown.component.config);
    return {[shown] { return json_of(shown); }, [shown] { return csv_of(shown); },
            [shown] { return table_of(shown); }};
}

}  // namespace memwall
