// SPDX-License-Identifier: Apache-2.0
#include "study/pipeline_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parse.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

bool alike(const StageResult& a, const StageResult& b) {
    return a.cards == b.cards && a.interval == b.interval && a.latency == b.latency &&
           a.held == b.held;
}

/// Stages one behind the other that are alike.
struct Row {
    std::size_t begin = 0, end = 0;
    std::string which;   ///< "1 to 14"
    std::string layers;  ///< "b1_norm1 to b14_add2"
};

std::vector<Row> rows_of(const std::vector<StageResult>& stages) {
    std::vector<Row> rows;
    for (std::size_t begin = 0; begin < stages.size();) {
        std::size_t end = begin + 1;
        while (end < stages.size() && alike(stages[begin], stages[end])) {
            ++end;
        }
        rows.push_back(
            {begin, end,
             end - begin == 1 ? std::to_string(end) : fmt::format("{} to {}", begin + 1, end),
             fmt::format("{} to {}", stages[begin].first, stages[end - 1].last)});
        begin = end;
    }
    return rows;
}

void add_row(const Row& row, const StageResult& stage, Table& table) {
    table.add({row.which, row.layers, std::to_string(stage.cards), format_seconds(stage.interval),
               format_seconds(stage.latency), format_bytes(stage.held),
               stage.most_users > 0 ? std::to_string(stage.most_users) : ""});
}

Seconds times(Seconds each, std::size_t count) {
    return Seconds(each.count() * static_cast<double>(count));
}

/// What limits, and its split.
std::string limit_text(const PipelineResult& pipeline) {
    const std::size_t stages = pipeline.stages.size();
    if (pipeline.by_round_trip) {
        return fmt::format(
            "the round trip of a token limits: {}, of which {} are {} hops and {} "
            "overheads of cards",
            format_seconds(pipeline.round_trip), format_seconds(times(pipeline.hop, stages)),
            stages, format_seconds(times(pipeline.overhead, stages)));
    }
    return fmt::format(
        "the slowest stage limits: {} for what goes together, of which {} are the card's "
        "overhead; a round trip takes {}",
        format_seconds(pipeline.turn()), format_seconds(pipeline.overhead),
        format_seconds(pipeline.round_trip));
}

/// How the time of the slowest stage divides.
std::string split_text(const PipelineResult& pipeline) {
    const auto slowest = std::max_element(
        pipeline.stages.begin(), pipeline.stages.end(),
        [](const StageResult& a, const StageResult& b) { return a.interval < b.interval; });
    if (!slowest->split) {
        return "";
    }
    const StageSplit& split = *slowest->split;
    std::string text =
        fmt::format("the slowest stage's {}: {} weights", format_seconds(slowest->interval),
                    format_seconds(split.weights));
    for (const auto& [time, what] : {std::pair{split.sums, "sums and vectors on their way"},
                                     {split.attention, "keys and values"},
                                     {split.norms, "norms and softmax"},
                                     {split.others, "the rest of its layers"},
                                     {split.exchange, "exchanges with other cards"}}) {
        if (time.count() > 0.5e-9) {
            text += fmt::format(", {} {}", format_seconds(time), what);
        }
    }
    return text + "\n";
}

/// The hops that lead to another server, and the longest of their ways.
std::string servers_text(const std::vector<StageResult>& stages) {
    Seconds longest(0);
    int hops = 0;
    for (const StageResult& stage : stages) {
        if (stage.between_servers) {
            longest = std::max(longest, *stage.between_servers);
            ++hops;
        }
    }
    return hops == 0
               ? ""
               : fmt::format("{} of the hops lead{} to another server, with a way of {} more\n",
                             hops, hops == 1 ? "s" : "", format_seconds(longest));
}

/// The ways over links between cards.
std::string links_text(const std::vector<StageResult>& stages) {
    Seconds all(0);
    int ways = 0;
    for (const StageResult& stage : stages) {
        if (stage.over_link) {
            all += *stage.over_link;
            ++ways;
        }
    }
    return ways == 0 ? ""
                     : fmt::format(
                           "{} way{} over the link between cards take{} {} of a round "
                           "trip, beside the work of cards\n",
                           ways, ways == 1 ? "" : "s", ways == 1 ? "s" : "", format_seconds(all));
}

/// What cards of stages that share matrices exchange.
std::string shared_text(const PipelineResult& pipeline) {
    std::int64_t stages = 0;
    StageExchange all;
    for (const StageResult& stage : pipeline.stages) {
        if (stage.exchange) {
            ++stages;
            all.way += stage.exchange->way;
            all.sent += stage.exchange->sent;
        }
    }
    return stages == 0 ? ""
                       : fmt::format(
                             "{} stage{} cards that share matrices; their all-reduces, by direct "
                             "exchange through the host, take {} of a round trip, in which they "
                             "send {}\n",
                             stages, stages == 1 ? " has" : "s have", format_seconds(all.way),
                             format_bytes(all.sent));
}

}  // namespace

std::string pipeline_text(const RunResult& run) {
    if (!run.totals.pipeline) {
        return "";
    }
    const PipelineResult& pipeline = *run.totals.pipeline;
    Table table({{"stage", Align::left},
                 {"layers", Align::left},
                 {"cards"},
                 {"interval"},
                 {"latency"},
                 {"held"},
                 {"most users"}});
    const std::vector<StageResult>& stages = pipeline.stages;
    for (const Row& row : rows_of(stages)) {
        add_row(row, stages[row.begin], table);
    }
    const std::string instances =
        pipeline.instances > 1
            ? fmt::format(
                  "{} instances of {} cards each, with users of their own; the stages of one\n",
                  pipeline.instances, pipeline.cards / pipeline.instances)
            : "";
    return table.text() + instances +
           fmt::format(
               "{}\n{}{}{}{}{} of the power are leakage and clock trees of {} cards, {} the work\n",
               limit_text(pipeline), split_text(pipeline), servers_text(stages), links_text(stages),
               shared_text(pipeline), format_watts(pipeline.static_power), pipeline.cards,
               format_watts(pipeline.dynamic_power));
}

std::string closing_hop_text(const RunResult& run, double per_second) {
    const auto& pipeline = run.totals.pipeline;
    if (!pipeline || run.scenario.phase != Phase::decode || pipeline->overhead.count() == 0) {
        return "";
    }
    const auto stages = static_cast<double>(pipeline->stages.size());
    const auto instances = static_cast<double>(pipeline->instances);
    const double round = static_cast<double>(run.scenario.batch) * instances / per_second;
    const double way = pipeline->round_trip.count() -
                       stages * (pipeline->overhead.count() + pipeline->hop.count());
    if (round <= way) {
        return "";
    }
    return fmt::format(
        "{}{}a hop of {} between cards, in place of overheads, would make the published {} {}s/s "
        "of "
        "{} users\n",
        limit_text(*pipeline) + "\n", split_text(*pipeline),
        format_seconds(Seconds((round - way) / stages)), format_count(std::llround(per_second)),
        run.totals.item, run.scenario.batch);
}

std::string stage_list(const std::vector<StageResult>& stages) {
    constexpr std::size_t kToldInFull = 12;
    constexpr std::size_t kToldAtEach = 3;  // of both ends, where there are more
    const std::vector<Row> rows = rows_of(stages);
    std::string list;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (rows.size() > kToldInFull && r >= kToldAtEach && r + kToldAtEach < rows.size()) {
            list += r == kToldAtEach ? ", ..." : "";
            continue;
        }
        list += fmt::format("{}{} ({})", r == 0 ? "" : ", ", rows[r].which, rows[r].layers);
    }
    return list;
}

}  // namespace memwall
