// SPDX-License-Identifier: Apache-2.0
#include "arch/io_bound.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <optional>

#include "arch/tiling/pass_sequence.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "workloads/training.hpp"

namespace memwall {
namespace {

using test::Draw;

/// Words that cross into a memory which holds one tile of each operand and fetches a tile anew when
/// it changes; partial sums go out and come back. One loop over tiles a dimension, in this order.
struct Schedule {
    Extents tile;
    std::vector<Dim> order;
};

std::vector<Box> tiles_of(const Box& box, const Schedule& schedule) {
    std::vector<Box> boxes = {box};
    for (const Dim dim : schedule.order) {
        std::vector<Box> finer;
        for (const Box& whole : boxes) {
            for (std::int64_t at = whole[dim].begin; at < whole[dim].end;
                 at += schedule.tile[index(dim)]) {
                finer.push_back(whole);
                finer.back()[dim] = {at, std::min(at + schedule.tile[index(dim)], whole[dim].end)};
            }
        }
        boxes = std::move(finer);
    }
    return boxes;
}

/// nullopt where the tiles do not fit.
std::optional<std::int64_t> traffic(const IterationSpace& space, const Schedule& schedule,
                                    std::int64_t storage) {
    std::int64_t sum = 0;
    std::vector<Region> held(space.operands.size());
    std::vector<Region> started;
    for (const Box& tile : tiles_of(space.box(), schedule)) {
        std::int64_t room = 0;
        for (std::size_t o = 0; o < space.operands.size(); ++o) {
            const Projection& projection = space.operands[o].projection;
            const Region region = image(projection, tile);
            room += words(region);
            if (held[o] == region) {
                continue;
            }
            held[o] = region;
            sum += touched_words(projection, tile);  // in, or out at last
            if (space.operands[o].role == TensorRole::outputs) {
                const bool again =
                    std::find(started.begin(), started.end(), region) != started.end();
                sum += again ? words(region) : 0;  // back in
                started.push_back(region);
            }
        }
        if (room > storage) {
            return std::nullopt;
        }
    }
    return sum;
}

/// The best of all tilings of the dimensions above 1 and all orders of their loops.
std::int64_t best_traffic(const IterationSpace& space, std::int64_t storage) {
    std::vector<Dim> dims;
    for (const Dim dim : {Dim::K, Dim::C, Dim::P, Dim::Q}) {
        if (space.extent(dim) > 1) {
            dims.push_back(dim);
        }
    }
    std::int64_t best = std::numeric_limits<std::int64_t>::max();
    Schedule schedule{space.extents, dims};
    const auto visit = [&](const auto& self, std::size_t depth) -> void {
        if (depth == dims.size()) {
            std::sort(schedule.order.begin(), schedule.order.end());
            do {
                if (const auto found = traffic(space, schedule, storage)) {
                    best = std::min(best, *found);
                }
            } while (std::next_permutation(schedule.order.begin(), schedule.order.end()));
            return;
        }
        for (std::int64_t size = 1; size <= space.extent(dims[depth]); ++size) {
            schedule.tile[index(dims[depth])] = size;
            self(self, depth + 1);
        }
    };
    visit(visit, 0);
    return best;
}

const IterationSpace& space_of(const Network& network) {
    return network.layers().front().space;
}

}  // namespace

TEST_CASE("The segment bound of a thin product lies below the schedule that is known for it") {
    // m = n = 1000, k = 10, 111 words: 2 m n k / sqrt(S) - 2 S = 1,898,094; keeping ten rows and
    // streaming the rest moves 2,010,000.
    const std::int64_t bound = segment_bound_words(10'000'000, 111, 1);
    CHECK(bound >= 1'898'094);
    CHECK(bound <= 2'010'000);
}

TEST_CASE("A window that uses words more often lowers the bound, more storage lowers it too") {
    CHECK(segment_bound_words(1'000'000, 256, 9) < segment_bound_words(1'000'000, 256, 1));
    CHECK(segment_bound_words(1'000'000, 1024, 1) < segment_bound_words(1'000'000, 256, 1));
    CHECK(segment_bound_words(0, 256, 1) == 0);
    CHECK(segment_bound_words(100, 1'000'000, 1) == 0);
}

TEST_CASE("The compulsory bound is every word that is touched, once") {
    const Network conv = test::shipped_network("tiny_conv");
    const IoBound bound = io_lower_bound(space_of(conv), Bytes(1'000'000));
    CHECK(bound.compulsory == Bytes(144 + 144 + 64));
    CHECK(bound.segment == Bytes(0));
    CHECK(bound.bytes() == Bytes(352));
    // Stride 2 with a 1 x 1 kernel touches a quarter of the image.
    const Network strided = test::network_of_text(
        "network: strided\ninputs: {image: [2, 8, 8]}\nlayers:\n"
        "- {name: conv, op: conv, out_channels: 3, kernel: 1, stride: 2}\n");
    CHECK(io_lower_bound(space_of(strided), Bytes(1'000'000)).compulsory ==
          Bytes(2 * 16 + 6 + 3 * 16));
}

TEST_CASE(
    "The compulsory bound of state that is brought up to date is its way in and its way back") {
    const Network net = test::network_of_text(
        "network: one\nprecision: bf16\ninputs: {x: [8]}\n"
        "layers: [{name: fc, op: linear, out_features: 4, bias: false}]\n");
    // Adam, a parameter: the gradient of 2 bytes and the copy and two moments of 4 come, the copy
    // and the moments go, and a parameter of 2 bytes.
    const Network step = training_step(net, Optimizer::adam);
    const auto update = std::find_if(step.layers().begin(), step.layers().end(),
                                     [](const Layer& layer) { return layer.op == "adam"; });
    REQUIRE(update != step.layers().end());
    CHECK(io_lower_bound(update->space, Bytes(1'000'000)).compulsory ==
          Bytes(32 * (2 + 3 * 4 + 3 * 4 + 2)));
}

TEST_CASE("No tiling of a small layer moves less than the bound says") {
    int binding = 0;
    for (std::uint32_t seed = 1; seed <= 24; ++seed) {
        Draw draw(seed);
        const bool linear = draw.chance(50);
        const std::string yaml =
            linear ? "network: n\ninputs: {x: [" + std::to_string(draw(4, 9)) + ", " +
                         std::to_string(draw(4, 9)) +
                         "]}\nlayers:\n- {name: l, op: linear, out_features: " +
                         std::to_string(draw(4, 9)) + "}\n"
                   : "network: n\ninputs: {x: [" + std::to_string(draw(1, 3)) + ", " +
                         std::to_string(draw(3, 6)) + ", " + std::to_string(draw(3, 6)) +
                         "]}\nlayers:\n- {name: c, op: conv, out_channels: " +
                         std::to_string(draw(1, 4)) + ", kernel: " + std::to_string(draw(1, 3)) +
                         ", stride: " + std::to_string(draw(1, 2)) + "}\n";
        const Network network = test::network_of_text(yaml);
        const IterationSpace& space = space_of(network);
        for (const std::int64_t storage : {12, 24, 48, 96}) {
            const std::int64_t best = best_traffic(space, storage);
            if (best == std::numeric_limits<std::int64_t>::max()) {
                continue;
            }
            const IoBound bound = io_lower_bound(space, Bytes(storage));
            INFO(yaml << storage << " words");
            CHECK(bound.bytes().count() <= best);
            CHECK(segment_bound_words(space.macs(), storage,
                                      window_reuse(space.operands[0].projection, space.box())) <=
                  best);
            binding += bound.segment > bound.compulsory ? 1 : 0;
        }
    }
    CHECK(binding > 0);
}

TEST_CASE("Tiles of the worked convolution move what enumeration found") {
    const Network network = test::shipped_network("tiny_conv");
    const IterationSpace& space = space_of(network);
    Extents tile = space.extents;
    tile[index(Dim::K)] = 2;
    tile[index(Dim::C)] = 2;
    tile[index(Dim::P)] = 2;
    const auto moved = [&](std::vector<Dim> order) {
        return traffic(space, {tile, std::move(order)}, 100).value();
    };
    CHECK(moved({Dim::K, Dim::C, Dim::P}) == 720);
    CHECK(moved({Dim::C, Dim::K, Dim::P}) == 720);
    CHECK(moved({Dim::K, Dim::P, Dim::C}) == 736);
    CHECK(moved({Dim::P, Dim::K, Dim::C}) == 736);
    CHECK(moved({Dim::C, Dim::P, Dim::K}) == 672);
    CHECK(moved({Dim::P, Dim::C, Dim::K}) == 672);
    CHECK(!traffic(space, {tile, {Dim::K, Dim::C, Dim::P}}, 99));
    // Tiles that touch every word once.
    Extents whole_rows = space.extents;
    whole_rows[index(Dim::K)] = 1;
    CHECK(traffic(space, {whole_rows, {Dim::K}}, 196) == 352);
    whole_rows[index(Dim::K)] = 3;
    CHECK(traffic(space, {whole_rows, {Dim::K}}, 300) == 352);
}

TEST_CASE("The tiling mapper's tiles move what the paper says, rows that overlap kept") {
    const Network network = test::shipped_network("tiny_conv");
    const Layer& layer = network.layers().front();
    const auto moved = [&](std::int64_t k, std::int64_t c, std::int64_t p, bool positions_outer) {
        LayerTiling plan;
        plan.tile = layer.space.extents;
        plan.tile[index(Dim::K)] = k;
        plan.tile[index(Dim::C)] = c;
        plan.tile[index(Dim::P)] = p;
        plan.positions_outer = positions_outer;
        plan.passes.pass = plan.tile;
        plan.passes.core = plan.tile;
        const PassSequence sequence = pass_sequence(layer, plan);
        std::vector<std::int64_t> words_of;
        for (const auto& visits : sequence.tile_visits) {
            std::int64_t sum = 0;
            for (std::size_t v = 0; v < visits.size(); ++v) {
                sum += words(v > 0 ? fresh_part(visits[v].region, visits[v - 1].region)
                                   : visits[v].region);
            }
            words_of.push_back(sum);
        }
        return words_of;  // inputs, weights, outputs
    };
    using Words = std::vector<std::int64_t>;
    CHECK(moved(2, 2, 2, false) == Words{384, 288, 64});  // k p c and p k c: 736
    CHECK(moved(2, 2, 2, true) == Words{384, 288, 64});
    CHECK(moved(2, 4, 2, false) == Words{288, 144, 64});  // k p: two rows kept within a k
    CHECK(moved(2, 4, 2, true) == Words{144, 288, 64});   // p k: each row once
    CHECK(moved(4, 4, 1, false) == Words{144, 144, 64});  // 496, or 352 with the halo kept
}

}  // namespace memwall
