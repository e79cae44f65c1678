// SPDX-License-Identifier: Apache-2.0
// The tables of docs/workloads.md on what a layer costs and what a step holds, against the program:
// each formula of the page is evaluated as it stands there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/page_table.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/describe.hpp"
#include "workloads/expression.hpp"
#include "workloads/ops/op.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::page_table;
using test::PageRow;

constexpr std::int64_t kBatch = 2;
constexpr const char* kPage = "workloads.md";
constexpr const char* kHead = "| layer | MACs | elementwise operations |";
enum Column { kLayers, kMacs, kOperations, kWeights, kMoved };

using Values = std::map<std::string, std::int64_t>;

/// A layer of a kind, and what the letters of its row stand for.
struct Case {
    std::string op;
    std::string inputs = "x: [2, 3, 4]";
    std::string keys;
    Values values = {};
    bool counts = false;  ///< also MACs and weights are formulas
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
        text.replace(at, from.size(), to);
        at += to.size();
    }
    return text;
}

/// A formula of the page in numbers.
std::int64_t value_of(const std::string& formula, const Values& values) {
    std::string text = replaced(replaced(formula, "·", "*"), "−", "-");
    Variables variables;
    for (const auto& [name, value] : values) {
        variables.push({name, std::to_string(value)});
    }
    Diagnostics faults;
    const auto filled = variables.fill("{" + text + "}", {"page", 1, 1}, faults);
    INFO(formula);
    faults.throw_if_any();
    return std::stoll(filled.value());
}

/// The bytes of a row's last cell, with what it has for a projection where there is one.
std::int64_t bytes_of(const std::string& cell, const Values& values) {
    const std::string more = "; with a projection + ";
    const std::size_t at = cell.find(more);
    if (at == std::string::npos) {
        return value_of(cell, values);
    }
    return value_of(cell.substr(0, at), values) +
           (values.at("projection") > 0 ? value_of(cell.substr(at + more.size()), values) : 0);
}

const PageRow& row_of(const std::vector<PageRow>& rows, const std::string& op) {
    for (const PageRow& row : rows) {
        if (row.cells[kLayers].find("`" + op + "`") != std::string::npos) {
            return row;
        }
    }
    FAIL("no row of '" << op << "'");
    return rows.front();
}

std::vector<Case> cases() {
    const Values lstm = {{"steps", 4}, {"first", 1}, {"later", 3},     {"features", 3},
                         {"units", 5}, {"state", 5}, {"projection", 0}};
    const Values inner = {{"steps", 4}, {"first", 1}, {"later", 3},     {"features", 3},
                          {"units", 5}, {"state", 2}, {"projection", 2}};
    std::vector<Case> all = {
        {"conv",
         "x: [4, 9, 8]",
         ", out_channels: 6, kernel: [3, 2], groups: 2, padding: 1",
         {{"K", 6}, {"C", 4}, {"P", 9}, {"Q", 9}, {"R", 3}, {"S", 2}, {"G", 2}},
         true},
        {"conv_transpose",
         "x: [4, 5, 5]",
         ", out_channels: 6, kernel: [4, 3], stride: [2, 3], padding: [1, 0], groups: 2",
         {{"K", 6},
          {"C", 4},
          {"P", 10},
          {"Q", 15},
          {"R", 4},
          {"S", 3},
          {"U", 2},
          {"V", 3},
          {"G", 2}},
         true},
        {"conv_transpose",  // windows that overlap
         "x: [4, 8]",
         ", out_channels: 3, kernel: 2",
         {{"K", 3}, {"C", 4}, {"P", 9}, {"Q", 1}, {"R", 2}, {"S", 1}, {"U", 1}, {"V", 1}, {"G", 1}},
         true},
        {"linear", "x: [5, 6]", ", out_features: 7", {{"P", 5}, {"K", 7}, {"C", 6}}, true},
        {"matmul",
         "x: [3, 5, 6]",
         ", inputs: [x, x], transpose: true",
         {{"H", 3}, {"P", 5}, {"C", 6}, {"K", 5}},
         true},
        {"lstm", "x: [4, 3]", ", hidden: 5", lstm, true},
        {"lstm", "x: [4, 3]", ", hidden: 5, peepholes: true", lstm, true},
        {"lstm", "x: [4, 3]", ", hidden: 5, projection: 2", inner, true},
        {"gru", "x: [4, 3]", ", hidden: 5", lstm, true},
        {"rnn", "x: [4, 3]", ", hidden: 5", lstm, true},
        {"embedding", "x: [4]", ", rows: 9, features: 5", {{"drawn", 8}, {"features", 5}}},
        {"embedding",
         "x: [4, 3]",
         ", rows: 9, features: 5, pool: true",
         {{"drawn", 9}, {"features", 5}}},
        {"position_embedding", "x: [4, 3]", ", class_tokens: 2"},
        {"attention",
         "q: [4, 5, 3], k: [4, 6, 3], v: [4, 6, 3]",
         ", inputs: [q, k, v]",
         {{"H", 4}, {"P", 5}, {"L", 6}}},
        {"cache", "x: [4, 3]", ""},
        {"moe",
         "x: [8, 6]",
         ", experts: 4, top_k: 2, features: 5",
         {{"P", 8}, {"E", 4}, {"C", 6}, {"k", 2}, {"F", 5}, {"drawn", 4}}},
        {"lower_triangle", "x: [5, 5]", ""},
        {"slice", "x: [2, 3, 4]", ", end: 1"},
    };
    const std::map<std::string, std::string> keys = {
        {"max_pool", ", kernel: 2"},
        {"average_pool", ", kernel: 2"},
        {"mean", ", axes: [1]"},
        {"reduce_sum", ", axes: [1]"},
        {"reduce_max", ", axes: [1]"},
        {"reduce_min", ", axes: [1]"},
        {"resize", ", scale: 2"},
        {"group_norm", ", groups: 2"},
        {"pad", ", padding: [0, 1, 0, 0, 0, 1]"},
        {"transpose", ", order: [2, 0, 1]"},
        {"concat", ", inputs: [x, x]"},
        {"reshape", ", shape: [6, 4]"},
    };
    for (const std::string& op : op_names()) {
        const bool there =
            std::any_of(all.begin(), all.end(), [&](const Case& each) { return each.op == op; });
        if (there) {
            continue;
        }
        const bool second =
            std::string(" add sub mul div maximum minimum compare where ").find(" " + op + " ") !=
            std::string::npos;
        const auto found = keys.find(op);
        all.push_back({op, op == "expand" ? "x: [2, 1, 4]" : "x: [2, 3, 4]",
                       op == "expand"        ? ", shape: [2, 3, 4]"
                       : second              ? ", constant: [1]"
                       : found != keys.end() ? found->second
                                             : ""});
    }
    return all;
}

}  // namespace

TEST_CASE("Every layer has a row whose formulas give what the program counts") {
    const std::vector<PageRow> rows = page_table(kPage, kHead);
    for (const Case& each : cases()) {
        const PageRow& row = row_of(rows, each.op);
        const Network network = with_batch(
            test::network_of("network: n\ninputs: {" + each.inputs +
                             "}\nlayers:\n- {name: n, op: " + each.op + each.keys + "}\n"),
            kBatch);
        const NetworkSummary summary = describe(network);
        Values values = each.values;
        values["N"] = kBatch;
        for (const TensorId input : network.inputs()) {
            values["in"] += network.tensor_words(input);
        }
        values["words"] = network.tensor_words(network.find_tensor("n"));
        values["weights"] = summary.weights;
        std::int64_t moved = 0;  // int8: a byte a word
        for (const LayerRow& part : summary.layers) {
            moved += part.bytes().count();
        }
        INFO(row.line << "\n" << each.op << each.keys);
        const std::string& bytes = row.cells[kMoved];
        if (bytes == "none") {
            CHECK(moved == 0);
        } else {
            const std::string copied = "none, or ";
            const std::string formula =
                bytes.rfind(copied, 0) == 0 ? bytes.substr(copied.size()) : bytes;
            CHECK((moved == bytes_of(formula, values) || (formula != bytes && moved == 0)));
        }
        if (each.counts) {
            CHECK(summary.macs == value_of(row.cells[kMacs], values));
            CHECK(summary.weights ==
                  (row.cells[kWeights].empty() ? 0 : value_of(row.cells[kWeights], values)));
        }
    }
}

TEST_CASE("A training step holds as many bytes a parameter as the page says") {
    const std::vector<PageRow> rows = page_table(kPage, "| bytes a parameter |");
    REQUIRE(rows.size() == 6);
    const std::vector<std::string> precisions = {"fp32", "bf16", "fp16", "fp8",
                                                 "int8", "int4", "w4a8"};
    const std::vector<std::size_t> columns = {1, 2, 2, 3, 3, 4, 5};
    for (std::size_t p = 0; p < precisions.size(); ++p) {
        const Network network = with_precision(
            test::network_of_layers("[8]", "- {name: n, op: linear, out_features: 8, bias: false}"),
            std::get<PrecisionPolicy>(parse_precision_policy(precisions[p])));
        const auto cell = [&](std::size_t row) {
            const std::string& text = rows[row].cells[columns[p]];
            return text.empty() ? 0.0 : std::stod(text);
        };
        for (const auto& [optimizer, row] : {std::pair(Optimizer::adam, std::size_t{2}),
                                             std::pair(Optimizer::momentum, std::size_t{3}),
                                             std::pair(Optimizer::sgd, std::size_t{4})}) {
            INFO(precisions[p] << " " << name(optimizer));
            const TrainingMemory memory = training_memory(training_step(network, optimizer));
            const auto a_parameter = [](Bytes bytes) {
                return static_cast<double>(bytes.count()) / 64;
            };
            CHECK(a_parameter(memory.parameters) == cell(0));
            CHECK(a_parameter(memory.masters) == cell(1));
            CHECK(a_parameter(memory.optimizer) == cell(row));
            CHECK(a_parameter(memory.gradients) == cell(5));
        }
    }
}

}  // namespace memwall
