// SPDX-License-Identifier: Apache-2.0
// What a run moves of weights and caches that are stored in another way than the rest: quantised,
// pruned, drawn row by row.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Json analytic_run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(), {"--engine", "analytic"});
    return run_of(arguments);
}

/// Bytes of a tensor that all layers read from the DRAM.
std::int64_t read_of(const Json& run, const std::string& tensor) {
    std::int64_t sum = 0;
    for (const Json& layer : run["layers"]) {
        const Json dram = layer["traffic_bytes"].value("dram", Json::object());
        sum += dram.contains(tensor) ? dram[tensor]["read"].get<std::int64_t>() : 0;
    }
    return sum;
}

}  // namespace

TEST_CASE("What a network's transforms quantise stays so under a precision that is asked for") {
    const auto step = [](const std::string& transforms) {
        return analytic_run({"--machine", "a100_sxm_80gb", "--network", "llama2_7b", "--phase",
                             "decode", "--context", "2048", "--precision", "bf16", "--set",
                             "network.transforms=" + transforms});
    };
    const Json plain = step("[]");
    const Json quantised = step("[{quantise: int4, layers: ['*.keys', '*.values']}]");
    CHECK(plain["precision"] == "bf16");
    CHECK(quantised["precision"] == "mixed");
    CHECK(read_of(plain, "state") > 1000 * 1000 * 1000);
    CHECK(static_cast<double>(read_of(quantised, "state")) * 4 ==
          Approx(static_cast<double>(read_of(plain, "state"))).epsilon(0.01));
}

TEST_CASE("Weights whose zeros are not stored have a bound without them") {
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    write_text(net,
               "network: net\nprecision: bf16\ninputs: {x: [8192]}\nlayers:\n"
               "- {name: a, op: linear, out_features: 8192, bias: false}\n"
               "- {name: b, op: linear, out_features: 8192, bias: false}\n");
    const Json run = analytic_run({"--machine", "a100_sxm_80gb", "--network", net, "--set",
                                   "network.transforms=[{prune: '2:4'}]"});
    const auto items = run["totals"]["items"].get<std::int64_t>();
    for (const Json& layer : run["layers"]) {
        if (layer["macs"].get<std::int64_t>() > 0) {
            // Half of the words of 16 bits, and 2 bits for the place of each.
            CHECK(layer["lower_bound_bytes"]["dram"].get<std::int64_t>() <
                  items * (8192 * 8192 / 2 * 18 / 8 + 3 * 2 * 8192));
        }
    }
}

TEST_CASE("Rows that an embedding draws of tables larger than a cache come from the DRAM") {
    const Json run =
        analytic_run({"--machine", "a100_sxm_80gb", "--network", "dlrm", "--batch", "64"});
    // Of 26 tables 8 do not fit the cache of 40 MB: 128 words of 8 bits a query of each.
    CHECK(read_of(run, "weights") == 8 * 128 * run["totals"]["items"].get<std::int64_t>());
}
