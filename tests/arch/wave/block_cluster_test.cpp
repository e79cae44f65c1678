// SPDX-License-Identifier: Apache-2.0
// Thread blocks on neighbouring cores that share what they read: worked out by hand, in the planned
// blocks, in what is counted, in the printed mapping and by hand.
#include "arch/wave/block_cluster.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/wave/block_plan.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

constexpr const char* kCluster = "components.shared_memory.cluster";

Network product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    return test::product_network("fp16", rows, depth, columns);
}

struct Round {
    LayerMapping layer;  ///< the first
    std::map<std::pair<std::string, Action>, std::int64_t> counts;
    double seconds = 0;
};

Round round_of(const Network& network, const Machine& machine, const std::string& given = "") {
    MapperOptions options;
    options.rounds = 1;
    options.loops = true;
    if (!given.empty()) {
        Diagnostics faults;
        options.given =
            read_yaml_text("mapping: m\nlayers: {" + given + "}\n", "hand.yaml", faults);
        faults.throw_if_any();
    }
    const Mapping mapping = map_network(network, machine, options);
    const Outcome outcome = estimate(mapping.program, machine, Window{});
    Round round;
    round.layer = mapping.layers.front();
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        round.counts[{machine.component(key.component).name, key.action}] += outcome.counts[r];
    }
    round.seconds = to_seconds(outcome.window_end - outcome.window_start).count();
    return round;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Blocks of a cluster read what they have in common once, also at an odd edge") {
    // 5 x 4 blocks of 128 x 64. Two blocks along the rows: words of the second operand, which all
    // 5 want, go out 3 times; the 6th row of blocks has places and reads nothing.
    const ClusterGrid rows = cluster_grid({1, 600, 256, 64}, 128, 64, {2, 1});
    CHECK(rows.rows == 5);
    CHECK(rows.columns == 4);
    CHECK(rows.right_reads() == 3);
    CHECK(rows.right_shared() == 2);
    CHECK(rows.left_reads() == 4);
    CHECK(rows.left_shared() == 0);
    CHECK(rows.places() == 24);
    const ClusterGrid columns = cluster_grid({1, 600, 256, 64}, 128, 64, {1, 2});
    CHECK(columns.left_reads() == 2);
    CHECK(columns.left_shared() == 2);
    CHECK(columns.right_shared() == 0);
    CHECK(columns.places() == 20);
    CHECK(cluster_shapes(1).size() == 1);
    CHECK(cluster_shapes(2).size() == 3);
    CHECK(cluster_shapes(4).size() == 6);
}

TEST_CASE("A large product on Hopper is bound by its tensor cores where blocks share reads") {
    const Network network = product(8192, 8192, 8192);
    const Machine alone = test::shipped_machine("h100_sxm", {{kCluster, "1"}});
    const Machine machine = test::shipped_machine("h100_sxm");
    const Round without = round_of(network, alone);
    const Round with = round_of(network, machine);
    const double peak = 2.0 * 8192 * 8192 * 8192 / (132 * 2048 * 2 * 1.83e9);
    CHECK(peak / without.seconds < 0.70);  // the cache feeds each block
    // 0.95 that the cores have work, 15.5 waves of 16, and the ends of a single product.
    CHECK(peak / with.seconds > 0.84);
    CHECK(has(with.layer.summary, ", clusters of 1 x 2"));
    CHECK(!has(without.layer.summary, "clusters"));
}

TEST_CASE("What clusters share leaves the cache once and is written into each core's memory") {
    // 1,024 x 1,024 results in 4 x 8 blocks of 256 x 128: 8 x 1 MiB of the first operand and
    // 4 x 1 MiB of the second. Two along the columns: 4 and 4; two along the rows: 8 and 2. The
    // results cross the bus, too, and go on to the DRAM.
    const Network network = product(1024, 512, 1024);
    const Machine machine = test::shipped_machine("h100_sxm");
    const auto fed = [&](const std::string& cluster) {
        return round_of(
            network, machine,
            "y: {shared_memory: {block: {rows: 256, columns: 128}, cluster: " + cluster + "}}");
    };
    const std::int64_t mebibyte = 1 << 20;
    const std::int64_t result = 2 * mebibyte;
    const auto check = [&](const Round& round, std::int64_t read) {
        auto counts = round.counts;
        CHECK(counts[{"l2", Action::read}] == read * mebibyte + result);
        CHECK(counts[{"crossbar", Action::transfer}] == read * mebibyte + result);
        CHECK(counts[{"shared_memory", Action::write}] == 12 * mebibyte);
    };
    check(fed("{rows: 1, columns: 1}"), 12);
    check(fed("{rows: 1, columns: 2}"), 8);
    check(fed("{rows: 2, columns: 1}"), 10);
}

TEST_CASE("The printed kernel says which slabs the blocks of a cluster share") {
    const Machine machine = test::shipped_machine("h100_sxm");
    const std::string block = "y: {shared_memory: {block: {rows: 256, columns: 128}, cluster: ";
    const LayerMapping rows =
        round_of(product(700, 512, 512), machine, block + "{rows: 2, columns: 1}}}").layer;
    CHECK(rows.search == "given by hand");
    CHECK(
        has(rows.summary, "12 blocks of 256 x 128, 1 a core at a time, 1 wave, clusters of 2 x 1"));
    CHECK(has(rows.loops,
              "clusters of 2 x 1 share each read of 32 x 128 words in l2, with 4 empty places"));
    const LayerMapping columns =
        round_of(product(700, 512, 512), machine, block + "{rows: 1, columns: 2}}}").layer;
    CHECK(has(columns.loops, "clusters of 1 x 2 share each read of 256 x 32 words in l2\n"));
}

TEST_CASE("Larger clusters read no more, and take no longer") {
    for (const auto& [rows, depth, columns] :
         {std::tuple{8192, 1024, 8192}, {700, 512, 300}, {130, 4096, 4096}, {64, 1024, 1000}}) {
        const Network network = product(rows, depth, columns);
        double seconds = 0;
        for (const char* size : {"1", "2", "4"}) {
            INFO(rows << " x " << depth << " x " << columns << ", clusters of " << size);
            const Round round =
                round_of(network, test::shipped_machine("h100_sxm", {{kCluster, size}}));
            CHECK((seconds == 0 || round.seconds <= seconds * (1 + 1e-6)));
            seconds = round.seconds;
        }
    }
}

TEST_CASE("What is wrong with clusters is told in its place") {
    const auto fault = [](const std::string& machine, const std::string& value) {
        return test::fault_of_machine(machine, {{kCluster, value}});
    };
    for (const char* size : {"3", "8", "32"}) {
        CHECK(has(fault("h100_sxm", size),
                  "expected a power of two up to 16 that divides the 132 instances, found '" +
                      std::string(size) + "'"));
    }
    CHECK(has(test::fault_of_machine("von_neumann", {{"components.operand_buffer.cluster", "2"}}),
              "'cluster' needs 'mapper: wave' in the machine"));
    const auto told = [](const char* machine, const std::string& cluster,
                         const std::string& message) {
        CHECK_THROWS_WITH(round_of(product(512, 512, 512), test::shipped_machine(machine),
                                   "y: {shared_memory: {block: {rows: 64, columns: 64}, cluster: " +
                                       cluster + "}}"),
                          Catch::StartsWith("hand.yaml:2:") && Catch::Contains(message) &&
                              !Catch::Contains("\n"));
    };
    told("h100_sxm", "{rows: 2, columns: 2}",
         "'shared_memory' has clusters of 2 blocks: expected so many, or a part of them, found 2 x "
         "2");
    told("a100_sxm_80gb", "{rows: 2, columns: 1}",
         "blocks share no reads on this machine: expected no 'cluster', found 2 x 1");
    told("h100_sxm", "{rows: 2}", "'columns'");
    CHECK_THROWS_WITH(round_of(product(512, 512, 512), test::shipped_machine("h100_sxm"),
                               "y: {shared_memory: {cluster: {rows: 2, columns: 1}}}"),
                      Catch::Contains("expected 'block' beside"));
}

}  // namespace memwall
