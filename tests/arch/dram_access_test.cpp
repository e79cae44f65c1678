// SPDX-License-Identifier: Apache-2.0
// Where parts of tensors lie in a DRAM, and what it costs where they lie in many small pieces.
#include "arch/dram_access.hpp"

#include <catch2/catch.hpp>

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
