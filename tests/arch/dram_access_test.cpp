// SPDX-License-Identifier: Apache-2.0
// Where parts of tensors lie in a DRAM, and what it costs where they lie in many small pieces.
#include "arch/dram_access.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "tests/support/machines.hpp"

namespace memwall {
namespace {

const DramConfig& dram_of(const Machine& machine) {
    return machine.dram(DramId(std::size_t{0}));
}

DramAccess pieces(std::int64_t count, std::int64_t piece, std::int64_t stride) {
    DramAccess access;
    access.pieces = count;
    access.piece = Bytes(piece);
    access.stride = stride;
    return access;
}

DramAccess one_channel_of(const Network& network, const std::string& tensor) {
    const TensorId id = network.find_tensor(tensor);
    const Shape& shape = network.tensor(id).shape;
    const Region region = {{0, 1}, {1, 2}, {0, shape[1]}, {0, shape[2]}};
    return tensor_access(network, {id, region, Bytes(words(region)), Precision::int8}, 0);
}

}  // namespace

TEST_CASE("An access in one run takes a DRAM as long as its bytes at the peak") {
    const Machine machine = test::shipped_machine("von_neumann");
    CHECK(stretch(pieces(1, 1 << 20, 0), dram_of(machine)) == 1);
    CHECK(stretch(pieces(64, 256, 256), dram_of(machine)) == 1);  // no gaps
}

TEST_CASE("Pieces far from each other take longer by the channels and groups they miss") {
    // HBM2: 64 channels, 256 B on one before the next, bursts of 32 B in 2 clocks, and 4 clocks
    // from one to the next in a bank group.
    const Machine machine = test::shipped_machine("von_neumann");
    const DramConfig& dram = dram_of(machine);
    // Every second chunk: half of the channels, and each chunk's first burst in one bank group.
    CHECK(stretch(pieces(1'000, 32, 512), dram) == Approx(2 * 2));
    // A whole chunk goes round the bank groups: half of the channels alone.
    CHECK(stretch(pieces(1'000, 256, 512), dram) == Approx(2));
    // Words of 2 B in bursts of 32 B.
    CHECK(stretch(pieces(1'000, 2, 512), dram) == Approx(16 * 2 * 2));
    // All on one channel, a row of 1 KiB each: 16 clocks an activation by the four-activate window
    // at most every fourth, so what its burst takes.
    CHECK(stretch(pieces(1'000, 32, 64 * 256 * 64), dram) == Approx(64 * 2));
}

TEST_CASE("A DRAM serves whole bursts of pieces that lie apart, and what lies between others") {
    const Bytes burst(16);
    CHECK(least_served(pieces(1, 20, 0), burst) == Bytes(32));
    CHECK(least_served(pieces(4, 20, 20), burst) == Bytes(80));
    CHECK(least_served(pieces(4, 20, 30), burst) == Bytes(112));     // 3 x 30 + 20
    CHECK(least_served(pieces(4, 20, 36), burst) == Bytes(4 * 32));  // a burst may lie between
    CHECK(least_served(pieces(4, 20, 0), burst) == Bytes(4 * 32));   // the same again and again
}

TEST_CASE("Rows that data draw reach channels as random ones do, each once, in whole bursts") {
    const Network network = test::network_of_text(
        "network: n\ninputs: {n: {shape: [8192], precision: int32}}\nlayers:\n- {name: t, op: "
        "embedding, rows: 4000000, features: 64}\n");
    const TensorId table = network.layer(LayerId(0)).space.find(TensorRole::weights)->tensor;
    const auto drawn = [&](const Range& draws, const Range& features) {
        const Region region = {draws, features};
        return tensor_access(
            network, {table, region, Bytes(words(region)), Precision::int8, draws.size()}, 0);
    };
    const DramAccess all = drawn({0, 4'096}, {0, 64});
    CHECK(all.pieces == 4'096);
    CHECK(all.piece == Bytes(64));
    std::set<std::int64_t> rows;
    std::vector<std::int64_t> of_channel(3);
    for (std::int64_t p = 0; p < all.pieces; ++p) {
        const std::int64_t address = piece_address(all, p, Bytes(64));
        CHECK(address % 64 == 0);
        rows.insert(address / 64);
        ++of_channel[static_cast<std::size_t>(address / 64 % 3)];
    }
    CHECK(rows.size() == 4'096);
    CHECK(*rows.begin() >= 0);
    CHECK(*rows.rbegin() < 4'000'000);
    for (const std::int64_t count : of_channel) {  // 1,365 of each, by chance 30 more or less
        CHECK(std::abs(count - 1'365) < 150);
    }
    // A part of each of the same rows; a burst for each all the same.
    const DramAccess part = drawn({0, 4'096}, {8, 16});
    CHECK(piece_address(part, 77, Bytes(64)) == piece_address(all, 77, Bytes(64)));
    CHECK(piece_address(part, 77, Bytes(8)) == piece_address(all, 77, Bytes(64)) + 8);
    CHECK(least_served(part, Bytes(64)) == Bytes(4'096 * 64));
    // Other draws draw other rows.
    const DramAccess next = drawn({4'096, 8'192}, {0, 64});
    std::int64_t again = 0;
    for (std::int64_t p = 0; p < next.pieces; ++p) {
        again += rows.count(piece_address(next, p, Bytes(64)) / 64) > 0 ? 1 : 0;
    }
    CHECK(again < 100);  // by chance 4
    // All rows: the table, in one run.
    const DramAccess whole = drawn({0, 4'000'000}, {0, 64});
    CHECK(whole.pieces == 1);
    CHECK(whole.piece == Bytes(256'000'000));
}

TEST_CASE("A row that data draw opens a row of the DRAM in each bank that it reaches") {
    const auto opened = [](const char* dram, std::int64_t channels, std::int64_t piece) {
        const Component component =
            test::shipped_dram(dram, {{"channels", std::to_string(channels)}});
        DramAccess access = pieces(100, piece, 1 << 13);
        access.table = 1 << 20;
        return rows_opened(access, std::get<DramConfig>(component.config));
    };
    CHECK(opened("ddr4", 1, 64) == 100);
    CHECK(opened("ddr4", 1, 8) == 100);
    // Neighbouring bursts lie in the four bank groups of DDR4, or in other channels.
    CHECK(opened("ddr4", 1, 256) == 400);
    CHECK(opened("ddr4", 4, 256) == 400);
    CHECK(opened("ddr4", 1, 1'024) == 400);    // four bursts in each
    CHECK(opened("ddr4", 1, 8'192) == 1'600);  // 8 bursts in each of 16 banks
}

TEST_CASE("Positions that a stride passes over are not read") {
    // Of 8 channels on 6 x 6 positions a window of 1 x 1 with stride 2 meets 3 x 3 in a box of 5
    // x 5.
    const Network image = test::network_of_text(
        "network: n\ninputs: {x: [8, 6, 6]}\nlayers:\n- {name: a, op: conv, out_channels: 8, "
        "kernel: 1, stride: 2}\n");
    const TensorId x = image.find_tensor("x");
    const Region box = {{0, 1}, {0, 8}, {0, 5}, {0, 5}};
    const DramAccess met = tensor_access(image, {x, box, Bytes(9 * 8), Precision::int8}, 0);
    CHECK(met.piece == Bytes(8));
    CHECK(met.pieces == 9);
    CHECK(met.stride == 24);  // five rows of six positions, 240 B, over nine: 26 B
    const DramAccess whole = tensor_access(image, {x, box, Bytes(25 * 8), Precision::int8}, 0);
    CHECK(whole.piece == Bytes(40));
    CHECK(whole.pieces == 5);
    // What does not come out in runs of all channels lies in one.
    const DramAccess odd = tensor_access(image, {x, box, Bytes(70), Precision::int8}, 0);
    CHECK(odd.piece == Bytes(70));
    CHECK(odd.pieces == 1);
}

TEST_CASE("Weights lie part by part, each at a place of its own") {
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [96]}\nlayers:\n- {name: a, op: linear, out_features: 64}\n");
    const Operand& weights = *network.layer(LayerId(0)).space.find(TensorRole::weights);
    std::set<std::int64_t> begun;
    for (std::int64_t k = 0; k < 64; k += 16) {
        for (std::int64_t c = 0; c < 96; c += 32) {
            Region region = image(weights.projection, network.layer(LayerId(0)).space.box());
            region[0] = {k, k + 16};
            region[1] = {c, c + 32};
            const DramAccess part = tensor_access(
                network, {weights.tensor, region, Bytes(512), Precision::int8}, 1'000);
            CHECK(part.pieces == 1);
            CHECK(part.piece == Bytes(512));
            CHECK((part.address - 1'000) % 512 == 0);
            begun.insert(part.address);
        }
    }
    CHECK(begun.size() == 12);
    CHECK(*begun.begin() == 1'000);
    CHECK(*begun.rbegin() == 1'000 + 11 * 512);
}

TEST_CASE("Channels of an image lie together, matrices of heads one head after another") {
    const Network image = test::network_of_text(
        "network: n\ninputs: {x: [8, 6, 6]}\nlayers:\n- {name: a, op: conv, out_channels: 8, "
        "kernel: 1}\n");
    const DramAccess channel = one_channel_of(image, "a");
    CHECK(channel.piece == Bytes(1));
    CHECK(channel.pieces == 6 * 6);
    CHECK(channel.stride == 8);
    CHECK(channel.address == 1);
    const Network heads = test::network_of_text(
        "network: n\ninputs: {q: [4, 6, 8], k: [4, 8, 6]}\nlayers:\n- {name: scores, op: matmul, "
        "inputs: [q, k]}\n");
    for (const char* tensor : {"q", "k", "scores"}) {
        INFO(tensor);
        const DramAccess head = one_channel_of(heads, tensor);
        CHECK(head.pieces == 1);
        const auto size = heads.tensor(heads.find_tensor(tensor)).item_words() / 4;
        CHECK(head.piece == Bytes(size));
        CHECK(head.address == size);
    }
}

}  // namespace memwall
