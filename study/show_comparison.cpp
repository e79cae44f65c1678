// SPDX-License-Identifier: Apache-2.0
// Two networks side by side.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/show.hpp"
#include "study/table.hpp"
#include "workloads/describe.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;
using Pair = std::array<NetworkSummary, 2>;

/// A number of a network, by its name in files and in the table.
struct Metric {
    const char* key;
    const char* title;
    double (*value)(const NetworkSummary&);
    std::string (*text)(const NetworkSummary&);
};

double real(std::int64_t count) {
    return static_cast<double>(count);
}

const std::vector<Metric>& metrics() {
    using Summary = NetworkSummary;
    static const std::vector<Metric> kMetrics = {
        {"layers", "layers", [](const Summary& s) { return static_cast<double>(s.layers.size()); },
         [](const Summary& s) { return std::to_string(s.layers.size()); }},
        {"parameters", "parameters", [](const Summary& s) { return real(s.parameters); },
         [](const Summary& s) { return format_count(s.parameters); }},
        {"weights", "weights", [](const Summary& s) { return real(s.weights); },
         [](const Summary& s) { return format_count(s.weights); }},
        {"macs", "MACs", [](const Summary& s) { return real(s.macs); },
         [](const Summary& s) { return format_count(s.macs); }},
        {"vector_operations", "other operations",
         [](const Summary& s) { return real(s.vector_operations); },
         [](const Summary& s) { return format_count(s.vector_operations); }},
        {"weight_bytes", "bytes of weights",
         [](const Summary& s) { return real(s.weight_bytes.count()); },
         [](const Summary& s) { return format_bytes(s.weight_bytes); }},
        {"input_bytes", "bytes of inputs",
         [](const Summary& s) { return real(s.input_bytes.count()); },
         [](const Summary& s) { return format_bytes(s.input_bytes); }},
        {"output_bytes", "bytes of outputs",
         [](const Summary& s) { return real(s.output_bytes.count()); },
         [](const Summary& s) { return format_bytes(s.output_bytes); }},
        {"peak_activation_bytes", "peak of live activations",
         [](const Summary& s) { return real(s.peak_activation_bytes.count()); },
         [](const Summary& s) { return format_bytes(s.peak_activation_bytes); }},
        {"arithmetic_intensity", "MACs a byte", [](const Summary& s) { return s.intensity; },
         [](const Summary& s) { return fmt::format("{:.1f}", s.intensity); }}};
    return kMetrics;
}

std::string ratio(double from, double to) {
    return from == 0 ? "" : fmt::format("{:.3g}", to / from);
}

/// The kinds of layers of either network, in order of their first appearance.
std::vector<std::string> all_ops(const Pair& pair) {
    std::vector<std::string> ops;
    for (const NetworkSummary& summary : pair) {
        for (const OpTotals& totals : op_totals(summary)) {
            if (std::find(ops.begin(), ops.end(), totals.op) == ops.end()) {
                ops.push_back(totals.op);
            }
        }
    }
    return ops;
}

OpTotals totals_of(const NetworkSummary& summary, const std::string& op) {
    for (const OpTotals& totals : op_totals(summary)) {
        if (totals.op == op) {
            return totals;
        }
    }
    return {op, 0, 0, 0, 0, Bytes(0)};
}

std::string json_of(const Pair& pair) {
    Json json;
    json["networks"] = Json::array();
    for (const NetworkSummary& summary : pair) {
        Json totals;
        for (const Metric& metric : metrics()) {
            totals[metric.key] = metric.value(summary);
        }
        Json ops = Json::array();
        for (const OpTotals& each : op_totals(summary)) {
            ops.push_back({{"op", each.op},
                           {"layers", each.layers},
                           {"macs", each.macs},
                           {"vector_operations", each.vector_operations},
                           {"weights", each.weights},
                           {"bytes", each.bytes.count()}});
        }
        json["networks"].push_back({{"network", summary.name},
                                    {"batch", summary.batch},
                                    {"totals", std::move(totals)},
                                    {"ops", std::move(ops)}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string csv_of(const Pair& pair) {
    std::string csv =
        csv_line({"network", "op", "layers", "macs", "vector_operations", "weights", "bytes"});
    for (const NetworkSummary& summary : pair) {
        for (const OpTotals& each : op_totals(summary)) {
            csv += csv_line({summary.name, each.op, std::to_string(each.layers),
                             std::to_string(each.macs), std::to_string(each.vector_operations),
                             std::to_string(each.weights), std::to_string(each.bytes.count())});
        }
    }
    return csv;
}

std::string table_of(const Pair& pair) {
    Table totals({{"", Align::left}, {pair[0].name}, {pair[1].name}, {"ratio"}});
    for (const Metric& metric : metrics()) {
        totals.add({metric.title, metric.text(pair[0]), metric.text(pair[1]),
                    ratio(metric.value(pair[0]), metric.value(pair[1]))});
    }
    Table ops({{"op", Align::left},
               {"layers"},
               {"layers"},
               {"MACs"},
               {"MACs"},
               {"weights"},
               {"weights"},
               {"bytes"},
               {"bytes"}});
    const auto count = [](std::int64_t value) { return value == 0 ? "" : format_count(value); };
    for (const std::string& op : all_ops(pair)) {
        const OpTotals a = totals_of(pair[0], op);
        const OpTotals b = totals_of(pair[1], op);
        ops.add({op, count(a.layers), count(b.layers), count(a.macs), count(b.macs),
                 count(a.weights), count(b.weights),
                 a.bytes.count() == 0 ? "" : format_bytes(a.bytes),
                 b.bytes.count() == 0 ? "" : format_bytes(b.bytes)});
    }
    return totals.text() + "\nby kind of layer, " + pair[0].name + " and then " + pair[1].name +
           ":\n\n" + ops.text();
}

}  // namespace

Shown show_comparison(const Network& first, const Network& second) {
    const Pair pair = {describe(first), describe(second)};
    return {[pair] { return json_of(pair); }, [pair] { return csv_of(pair); },
            [pair] { return table_of(pair); }};
}

}  // namespace memwall
