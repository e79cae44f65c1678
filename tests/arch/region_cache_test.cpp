// SPDX-License-Identifier: Apache-2.0
// What stays in a cache: that kernels share, from one to the next and inside of a product; between
// the DRAM and the buffer of a tiled machine.
#include "arch/region_cache.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/scheduled_cache.hpp"
#include "arch/wave/product_reads.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/tiled_programs.hpp"

using namespace memwall;

namespace {

const TensorId kA(std::size_t{0});
const TensorId kB(std::size_t{1});

/// Rows [begin, end) of the image of tiny_two: 4 x 8 x 8 bytes, 32 a row.
Region rows(std::int64_t begin, std::int64_t end) {
    return {{0, 1}, {0, 4}, {begin, end}, {0, 8}};
}

std::int64_t bytes_of(const std::vector<CacheSpill>& spills) {
    std::int64_t sum = 0;
    for (const CacheSpill& spill : spills) {
        sum += spill.bytes.count();
    }
    return sum;
}

/// What a round does to a cache that was `written` down, access by access: bytes missed and
/// written.
using Round = std::vector<std::pair<std::int64_t, std::int64_t>>;
template <class Write>
std::pair<Round, Round> rounds(const Network& network, std::int64_t capacity, const Write& write) {
    ScheduledCache cache(network, Bytes(capacity));
    std::vector<ScheduledCache::Access> accesses;
    write(cache, accesses);
    cache.resolve();
    accesses.clear();
    write(cache, accesses);
    std::pair<Round, Round> found;
    for (const ScheduledCache::Access& access : accesses) {
        found.first.emplace_back(access.first->missed.count(), bytes_of(access.first->written));
        found.second.emplace_back(access.later->missed.count(), bytes_of(access.later->written));
        const std::int64_t from = bytes_of(access.first->missed_from);
        CHECK((from == 0 || from == access.first->missed.count()));
    }
    CHECK(cache.most_held() <= Bytes(capacity));
    return found;
}

/// Bytes that a component reads and writes in a window, by action.
std::map<Action, std::int64_t> counted(const Mapping& mapping, const Machine& machine,
                                       const std::string& component, std::int64_t warmup) {
    const Outcome outcome = estimate(mapping.program, machine, Window{warmup});
    std::map<Action, std::int64_t> sums;
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        if (key.component == machine.find(component)) {
            sums[key.action] += outcome.counts[r];
        }
    }
    return sums;
}

std::int64_t both(std::map<Action, std::int64_t> sums) {
    return sums[Action::read] + sums[Action::write];
}

/// By the planner's first plan, which does not depend on the cache: one schedule.
Mapping mapped(const Network& network, const Machine& machine, std::int64_t rounds) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.rounds = rounds;
    return map_network(network, machine, options);
}

const char* const kTiny = "tiny_von_neumann";
constexpr std::array kCapacities = {"64 B",   "1 KiB",  "3 KiB", "8 KiB",
                                    "20 KiB", "40 KiB", "80 KiB"};

}  // namespace

TEST_CASE("a region that was read or written and fits is read again at no cost") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.read(kA, 0, Bytes(40), traffic);
    cache.write(kB, 0, Bytes(60), traffic);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 0, Bytes(40), traffic);
    cache.read(kB, 0, Bytes(60), traffic);
    CHECK(traffic.missed == Bytes(40));
    CHECK(traffic.written.empty());
    CHECK(cache.held() == Bytes(100));
}

TEST_CASE("the least recently used region goes first, and goes back where it was written") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.write(kA, 0, Bytes(40), traffic);
    cache.write(kA, 1, Bytes(40), traffic);
    cache.read(kA, 0, Bytes(40), traffic);  // part 1 is the oldest now
    cache.read(kB, 0, Bytes(40), traffic);
    CHECK(traffic.written_by_tensor().at(kA) == 40);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 0, Bytes(40), traffic);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 1, Bytes(40), traffic);
    CHECK(traffic.missed == Bytes(80));
}

TEST_CASE("a scan of more than the cache holds hits nothing when it begins again") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    for (int scan = 0; scan < 2; ++scan) {
        for (std::int64_t part = 0; part < 11; ++part) {
            cache.read(kA, part, Bytes(10), traffic);
        }
    }
    CHECK(traffic.missed == Bytes(220));
}

TEST_CASE("what is dropped is never written back, what is cleaned is written once") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.write(kA, 0, Bytes(50), traffic);
    cache.write(kB, 0, Bytes(50), traffic);
    cache.drop(kA);
    cache.clean(kB, traffic);
    cache.clean(kB, traffic);
    CHECK(traffic.written.size() == 1);
    CHECK(traffic.written_by_tensor().at(kB) == 50);
    cache.read(kA, 0, Bytes(50), traffic);
    CHECK(traffic.missed == Bytes(50));
}

TEST_CASE("a region larger than the cache passes by") {
    RegionCache cache(Bytes(10));
    CacheTraffic traffic;
    cache.read(kA, 0, Bytes(20), traffic);
    cache.write(kA, 0, Bytes(20), traffic);
    CHECK(traffic.missed == Bytes(20));
    CHECK(traffic.written_by_tensor().at(kA) == 20);
    CHECK(cache.held() == Bytes(0));
}

TEST_CASE("what the blocks of a product read of the DRAM, worked out by hand") {
    // 4 x 4 blocks, of which 4 run at a time. Strips of 100 bytes, of which 10 are under way.
    const ProductOperand operand = {4, 100, 400, 10};
    ProductGrid grid = {operand, operand, 0, 4};
    const auto reads = [&](double cache) {
        const ProductReads found = product_reads(grid, cache);
        return std::pair{found.left, found.right};
    };
    // Nothing is shared: 16 blocks read two strips each.
    CHECK(reads(1) == std::pair{1600.0, 1600.0});
    CHECK(reads(19) == std::pair{1600.0, 1600.0});
    // A row of two blocks shares its strip, or a column: three strips under way.
    CHECK(reads(30).first + reads(30).second == 2400);
    // Waves of 2 x 2: four waves read two strips of each.
    CHECK(reads(40) == std::pair{800.0, 800.0});
    CHECK(reads(399) == std::pair{800.0, 800.0});
    // What a wave reads stays until the next one, which needs its rows again.
    CHECK(reads(400) == std::pair{400.0, 800.0});
    // Waves of 4 x 1: all rows stay, and each column comes once.
    CHECK(reads(500) == std::pair{400.0, 400.0});
    CHECK(reads(1e9) == std::pair{400.0, 400.0});
    // What blocks write takes its place.
    grid.result = 25;
    CHECK(reads(499) == std::pair{800.0, 800.0});
    CHECK(reads(500) == std::pair{400.0, 800.0});
    // Strips that overlap are one another's: all of them together are 150 bytes.
    grid.result = 0;
    grid.right.distinct = 150;
    CHECK(reads(1) == std::pair{1600.0, 1600.0});
    CHECK(reads(1e9) == std::pair{400.0, 150.0});
    // One wave takes the whole product.
    grid = {operand, operand, 0, 16};
    CHECK(reads(80) == std::pair{400.0, 400.0});
}

TEST_CASE("a product reads no more of the DRAM with a larger cache, and never less than all once") {
    for (const std::int64_t rows : {1, 3, 7, 40, 1000}) {
        for (const std::int64_t columns : {1, 5, 64}) {
            for (const double at_once : {1.0, 24.0, 108.0, 216.0}) {
                const auto of = [](std::int64_t strips, double strip) {
                    const auto all = static_cast<double>(strips) * strip;
                    return ProductOperand{strips, strip, all, strip / 16};
                };
                const ProductGrid grid = {of(rows, 6000), of(columns, 4000), 500, at_once};
                double before = product_reads(grid, 0).left + product_reads(grid, 0).right;
                CHECK(before == Approx(static_cast<double>(rows * columns) * 10'000));
                for (double cache = 100; cache < 1e8; cache *= 1.5) {
                    const ProductReads reads = product_reads(grid, cache);
                    CHECK(reads.left + reads.right <= before * (1 + 1e-12));
                    CHECK(reads.left >= grid.left.distinct * (1 - 1e-12));
                    CHECK(reads.right >= grid.right.distinct * (1 - 1e-12));
                    before = reads.left + reads.right;
                }
                CHECK(before == Approx(grid.left.distinct + grid.right.distinct));
            }
        }
    }
}

TEST_CASE("A cache before a buffer has the rows that two tiles share, worked out by hand") {
    const Network network = test::shipped_network("tiny_two");
    const TensorId image = network.inputs().front();
    const auto overlapping = [&](ScheduledCache& cache, auto& accesses) {
        accesses.push_back(cache.read(image, rows(0, 4)));  // 128 B
        accesses.push_back(cache.read(image, rows(2, 8)));  // 192 B, 64 of them just read
        accesses.push_back(cache.read(image, rows(0, 2)));  // 64 B
    };
    // All of it stays: later rounds miss nothing.
    const auto [cold, warm] = rounds(network, 256, overlapping);
    CHECK(cold == Round{{128, 0}, {128, 0}, {0, 0}});
    CHECK(warm == Round{{0, 0}, {0, 0}, {0, 0}});
    // 192 B: rows 2 to 8 are there when rows 0 and 1 are wanted, then rows 4 to 8 and 0 and 1.
    const auto [small, later] = rounds(network, 192, overlapping);
    CHECK(small == Round{{128, 0}, {128, 0}, {64, 0}});
    CHECK(later == Round{{64, 0}, {128, 0}, {64, 0}});
    // Nothing stays of parts that are larger.
    const auto [none, again] = rounds(network, 32, overlapping);
    CHECK(none == Round{{128, 0}, {192, 0}, {64, 0}});
    CHECK(again == none);
}

TEST_CASE("What a cache before a buffer holds of results is written back late, once, or never") {
    const Network network = test::shipped_network("tiny_two");
    const TensorId image = network.inputs().front();
    const auto passing = [&](bool cleaned) {
        return [image, cleaned](ScheduledCache& cache, auto& accesses) {
            accesses.push_back(cache.write(image, rows(0, 4), TensorRole::outputs));
            accesses.push_back(cache.write(image, rows(4, 8), TensorRole::outputs));
            if (cleaned) {
                cache.clean(image);
            }
            accesses.push_back(cache.read(image, rows(0, 8)));
            cache.drop(image);
        };
    };
    CHECK(rounds(network, 256, passing(false)).second == Round{{0, 0}, {0, 0}, {0, 0}});
    CHECK(rounds(network, 256, passing(true)).second == Round{{0, 0}, {0, 256}, {0, 0}});
    // Half of it: the first rows make room for the last, which make room for the first.
    CHECK(rounds(network, 128, passing(false)).second == Round{{0, 0}, {0, 128}, {256, 128}});
    CHECK(rounds(network, 128, passing(true)).second == Round{{0, 0}, {0, 256}, {256, 0}});
    // None.
    CHECK(rounds(network, 32, passing(false)).second == Round{{0, 128}, {0, 128}, {256, 0}});
}

TEST_CASE(
    "A larger cache never makes a DRAM move more, and from the second round on all are alike") {
    const Network network = test::shipped_network("tiny_two");
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        const auto drawn = [&](int times) {
            return [&network, seed, times](ScheduledCache& cache, auto& accesses) {
                for (int time = 0; time < times; ++time) {
                    test::Draw draw(seed);
                    for (int i = 0; i < 24; ++i) {
                        const TensorId tensor(static_cast<std::size_t>(draw(0, 2)));
                        const Shape& shape = network.tensor(tensor).shape;
                        Region region;
                        if (network.tensor(tensor).is_per_item()) {
                            region.push_back({0, 1});
                        }
                        for (const std::int64_t extent : shape) {
                            const std::int64_t begin = draw(0, extent - 1);
                            region.push_back({begin, draw(begin + 1, extent)});
                        }
                        if (draw.chance(10)) {
                            cache.drop(tensor);
                        } else if (draw.chance(40)) {
                            accesses.push_back(cache.write(tensor, region, TensorRole::outputs));
                        } else {
                            accesses.push_back(cache.read(tensor, region));
                        }
                    }
                }
            };
        };
        std::pair<std::int64_t, std::int64_t> before{1 << 20, 1 << 20};
        for (std::int64_t capacity = 64; capacity <= 1 << 20; capacity = capacity * 3 / 2) {
            const auto [first, later] = rounds(network, capacity, drawn(1));
            std::pair<std::int64_t, std::int64_t> moved;
            for (std::size_t a = 0; a < first.size(); ++a) {
                moved.first += first[a].first + first[a].second;
                moved.second += later[a].first + later[a].second;
            }
            CHECK(moved.first <= before.first);
            CHECK(moved.second <= before.second);
            before = moved;
            Round three = first;
            three.insert(three.end(), later.begin(), later.end());
            three.insert(three.end(), later.begin(), later.end());
            CHECK(rounds(network, capacity, drawn(3)).first == three);
        }
    }
}

TEST_CASE("On a tiled machine DRAM traffic falls as a cache grows, from all to what must come") {
    for (const char* const name : {"lenet", "tiny_two", "tiny_residual", "tiny_depthwise"}) {
        const Network network = test::shipped_network(name);
        for (const bool host : {true, false}) {
            INFO(name << (host ? ", with a host" : ", without"));
            const std::string text =
                host ? test::text_of_machine(kTiny) : test::text_without_host(kTiny);
            const Machine plain = test::machine_of_text(text);
            const std::int64_t all = both(counted(mapped(network, plain, 2), plain, "dram", 1));
            std::int64_t before = all;
            for (const char* const capacity : kCapacities) {
                const Machine machine = test::machine_of_text(test::with_cache(text, capacity));
                const Mapping mapping = mapped(network, machine, 2);
                const std::int64_t moved = both(counted(mapping, machine, "dram", 1));
                CHECK(moved <= before);
                before = moved;
                // What is read of the cache and missed came from the DRAM.
                auto cache = counted(mapping, machine, "llc", 1);
                auto dram = counted(mapping, machine, "dram", 1);
                auto old = counted(mapped(network, plain, 2), plain, "dram", 1);
                CHECK(cache[Action::read] == old[Action::read] + dram[Action::write]);
                CHECK(cache[Action::write] == old[Action::write] + dram[Action::read]);
            }
            std::int64_t edges = 0;  // that lie in the DRAM
            for (const TensorId input : network.inputs()) {
                edges += network.tensor_bytes(input).count();
            }
            for (const TensorId output : network.outputs()) {
                edges += network.tensor_bytes(output).count();
            }
            CHECK(before == (host ? 0 : edges));
        }
    }
}

TEST_CASE("A single batch finds a cold cache: each weight comes once from the DRAM") {
    const Network network = test::shipped_network("lenet");
    const Machine plain = test::shipped_machine(kTiny);
    const Machine machine =
        test::machine_of_text(test::with_cache(test::text_of_machine(kTiny), "80 KiB"));
    // Of the plan that is the same: its streaming weights are what one layer after another fetches.
    const std::int64_t all = both(counted(mapped(network, plain, 1), plain, "dram", 0));
    CHECK(all > 0);
    CHECK(both(counted(mapped(network, machine, 1), machine, "dram", 0)) == all);
    // Of three rounds only the first misses.
    CHECK(both(counted(mapped(network, machine, 3), machine, "dram", 0)) == all);
    CHECK(both(counted(mapped(network, machine, 3), machine, "dram", 1)) == 0);
}

TEST_CASE("Users' keys and values stay in a cache from token to token, but not on cards in turn") {
    test::Draw draw(1);
    const Network network = test::generated_attention(draw, true).network;
    const std::int64_t state = network.state_bytes().count();
    REQUIRE(state > 0);
    std::string text = test::with_cache(test::text_of_machine(kTiny), "80 KiB");
    const auto moved = [&] {
        const Machine machine = test::machine_of_text(text);
        return counted(mapped(network, machine, 2), machine, "dram", 1);
    };
    CHECK(both(moved()) == 0);
    text.insert(text.find("components:"), "cards: {count: 1, hop: 0 us}\n");
    // What was there before comes anew; what a token adds goes back.
    CHECK(moved()[Action::read] > 0);
    CHECK(moved()[Action::read] <= state);
    CHECK(moved()[Action::write] > 0);
    CHECK(moved()[Action::write] < state);
}

TEST_CASE("Programs of machines with a cache are right, and no plan is worse for knowing of it") {
    const std::string text = test::with_cache(test::text_of_machine(kTiny), "4 KiB");
    std::string small = text;
    const std::string buffer = "global_buffer: {kind: sram, capacity: 16 KiB";
    small.replace(small.find(buffer), buffer.size(), "global_buffer: {kind: sram, capacity: 2 KiB");
    const Machine machine = test::machine_of_text(small);
    int mapped_ones = 0;
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
        test::Draw draw(seed);
        const test::Generated made = seed == 1   ? test::generated_attention(draw, true)
                                     : seed == 2 ? test::generated_mixture(draw)
                                                 : test::generated_network(draw, 2);
        INFO(made.yaml);
        std::int64_t picoseconds = 0;
        for (const Effort effort : {Effort::quick, Effort::thorough}) {
            try {
                const Mapping mapping = test::mapped_to_execute(made.network, machine, effort);
                CHECK(test::proved_outputs(made.network, machine, mapping) > 0);
                const std::int64_t end = estimate(mapping.program, machine, Window{1}).end.count();
                CHECK((effort == Effort::quick || end <= picoseconds + picoseconds / 50));
                picoseconds = end;
                ++mapped_ones;
            } catch (const DoesNotFit&) {
                break;
            }
        }
    }
    CHECK(mapped_ones >= 8);
}

TEST_CASE("A cache on a machine of loop nests is refused at its place, with what is possible") {
    std::string text = test::text_of_machine("tiny_loop_nest");
    const std::string buffer = "buffer: {kind: sram, capacity: 16 KiB";
    text.replace(text.find(buffer), buffer.size(), "buffer: {kind: cache, capacity: 16 KiB");
    try {
        check_mappable(test::machine_of_text(text));
        FAIL("taken");
    } catch (const InputError& error) {
        CHECK(std::string(error.what()) ==
              "machine.yaml:13:35: error: machine 'tiny_loop_nest', component 'buffer': the "
              "loop_nest mapper can use no cache, since loops say what stays in a memory: make it "
              "an sram (machines of mapper: tiling and wave have caches)");
    }
}

TEST_CASE("A cache where a tiled machine has no use for it is refused at its place") {
    const std::string text = test::with_cache(test::text_of_machine(kTiny), "4 KiB");
    const auto refused = [&](const std::string& what, const std::string& with) {
        std::string changed = text;
        changed.replace(changed.find(what), what.size(), with);
        try {
            check_mappable(test::machine_of_text(changed));
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string("taken");
    };
    const std::string at =
        "machine.yaml:13:32: error: machine 'tiny_von_neumann', component 'llc': "
        "the tiling mapper can use ";
    CHECK(refused("[dram, llc]", "[dram, global_buffer]") ==
          at + "a cache between the dram and the sram that the cores share only: connect it with "
               "both");
    CHECK(refused("[dram, llc]", "[dram, llc]\n  - [dram, global_buffer]") ==
          at + "a cache that all goes through only: 'global_buffer' behind it is connected to the "
               "dram, too");
    CHECK(refused("llc: {kind: cache,", "llc: {kind: cache, instances: 4,") ==
          "machine.yaml:13:46: error: machine 'tiny_von_neumann', component 'llc': the tiling "
          "mapper can use one cache, of one instance, that all cores share");
    CHECK(refused("[host, llc]", "[host, dram]") ==
          "machine.yaml:4:10: error: machine 'tiny_von_neumann': the tiling mapper needs a "
          "connection of 'host' and 'llc'");
}
