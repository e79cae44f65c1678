// SPDX-License-Identifier: Apache-2.0
// SCALE-Sim, MAESTRO and ZigZag files, and those of other simulators that are no networks.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported.hpp"

namespace memwall {
namespace {

using namespace test;

const char* const kConvHeader =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\n";

std::string zigzag(const std::string& keys, const std::string& equation, const std::string& loops) {
    return "- id: 0\n  operator_type: Conv\n  equation: " + equation + "\n" + keys + loops;
}

}  // namespace

TEST_CASE("A SCALE-Sim topology of convolutions keeps SCALE-Sim's own counts") {
    // (28 - 3 + 2) / 2 = 13.5, which SCALE-Sim rounds up: 14 x 14 positions.
    const ImportedNetwork net =
        imported("edge.csv", std::string(kConvHeader) + "first, 28, 28, 3, 3, 3, 8, 2,\n\n" +
                                 "depth , 14,14, 3,3, 8, 1, 1,\npoint, 12, 12, 1, 1, 8, 16, 1,\n");
    CHECK(net.format == "scalesim");
    CHECK(net.network.name() == "edge");
    CHECK(layer_lines(net.network) ==
          "  - {name: first, op: conv, inputs: [first_input], out_channels: 8, kernel: 3, stride: "
          "2, padding: [0, 0, 1, 1], bias: false}\n"
          "  - {name: depth, op: conv, inputs: [depth_input], out_channels: 8, kernel: 3, groups: "
          "8, bias: false}\n"
          "  - {name: point, op: conv, inputs: [point_input], out_channels: 16, kernel: 1, bias: "
          "false}\n");
    CHECK(net.network.macs() == 14 * 14 * 27 * 8 + 12 * 12 * 9 * 8 + 12 * 12 * 8 * 16);
    CHECK(net.notes.size() == 2);
}

TEST_CASE("A SCALE-Sim topology of GEMMs is a list of linear layers") {
    const ImportedNetwork net = imported("g.csv", "Layer,M,N,K,\nqk,128,64,32,\n");
    CHECK(layer_lines(net.network) ==
          "  - {name: qk, op: linear, out_features: 64, bias: false}\n");
    CHECK(net.network.macs() == 128 * 64 * 32);
}

TEST_CASE("A SCALE-Sim column of sparsity is a transform of the layers") {
    const ImportedNetwork net =
        imported("s.csv", std::string(kConvHeader) + "a, 8, 8, 3, 3, 4, 8, 1, 2:4,\n" +
                              "b, 8, 8, 3, 3, 4, 8, 1, 1:1,\nc, 8, 8, 1, 1, 4, 8, 1, 1 : 4\n" +
                              "d, 8, 8, 1, 1, 4, 8, 1, 2:4\n");
    const auto density = [&](const char* weights) {
        const auto& sparsity = net.network.tensor(net.network.find_tensor(weights)).sparsity;
        return sparsity ? sparsity->text() : "dense";
    };
    CHECK(density("a.weights") == "2:4");
    CHECK(density("b.weights") == "dense");
    CHECK(density("c.weights") == "1:4");
    CHECK(density("d.weights") == "2:4");
    CHECK(net.notes.size() == 1);
    const ImportedNetwork products = imported("g.csv", "Layer,M,N,K,Sparsity\nqk,128,64,32,1:2\n");
    CHECK(products.network.tensor(products.network.find_tensor("qk.weights")).sparsity->density ==
          0.5);
    CHECK(import_faults("s.csv", std::string(kConvHeader) + "a, 8, 8, 3, 3, 4, 8, 1, 4:2\n") ==
          "s.csv:2:25: error: sparsity: expected N:M with N at most M, found '4:2'");
    CHECK(import_faults("s.csv", std::string(kConvHeader) + "a, 8, 8, 3, 3, 4, 8, 1, 2:x\n") ==
          "s.csv:2:25: error: sparsity, behind the colon: expected a number from 1 to 2147483647, "
          "found 'x'");
}

TEST_CASE("Mistakes in a SCALE-Sim topology are told at their places") {
    const auto fault = [](const std::string& line) {
        return import_faults("t.csv", kConvHeader + line);
    };
    CHECK(fault("a, 28, 28, 3, 3, 3, 8\n") ==
          "t.csv:2:1: error: layer 'a': expected 7 numbers, found 6");
    CHECK(fault("a, 28, x, 3, 3, 3, 8, 1\n") ==
          "t.csv:2:8: error: IFMAP width: expected a number from 1 to 2147483647, found 'x'");
    CHECK(fault("a, 2, 28, 3, 3, 3, 8, 1\n") ==
          "t.csv:2:1: error: layer 'a': the filter is larger than the feature map");
    CHECK(fault("") == "t.csv:1:1: error: expected at least one layer under the header");
    CHECK(import_faults("t.csv", "a,b\n", {}, "scalesim")
              .find("expected the header of a SCALE-Sim topology") != std::string::npos);
}

TEST_CASE("A MAESTRO file is read with and without colons, commas and mappings") {
    const ImportedNetwork net = imported(
        "m.m",
        "// a comment\nNetwork net.1 {\n Layer CONV1 { Type: CONV\n Stride { X: 2, Y: 2 }\n"
        " Dimensions { K: 8, C: 3, R: 3, S: 3, Y:9, X:9 }\n"
        " Dataflow { SpatialMap(1,1) K; Cluster(64, P); }\n}\n"
        "Layer dw { Type: DSCONV /* here */ Dimensions { K 1,C 8,R 3,S 3,Y 4,X 4 } }\n"
        "Layer fc { Type: GEMM Dimensions { M 4, N 5, K 6 } } }\n");
    CHECK(net.network.name() == "net.1");
    CHECK(layer_lines(net.network) ==
          "  - {name: CONV1, op: conv, inputs: [CONV1_input], out_channels: 8, kernel: 3, stride: "
          "2, bias: false}\n"
          "  - {name: dw, op: conv, inputs: [dw_input], out_channels: 8, kernel: 3, groups: 8, "
          "bias: false}\n"
          "  - {name: fc, op: linear, inputs: [fc_input], out_features: 5, bias: false}\n");
    CHECK(net.network.macs() == 16 * 27 * 8 + 4 * 9 * 8 + 4 * 5 * 6);
    CHECK(net.notes.back() == "mappings (Dataflow) are left out");
}

TEST_CASE("A transposed convolution of MAESTRO has the stride that MAESTRO gives it") {
    const ImportedNetwork net = imported(
        "m.m",
        "Network u {\n Layer up { Type: TRCONV Dimensions { K: 8, C: 16, R: 2, S: 2, Y: 7, X: 5 } "
        "}\n"
        "Layer by3 { Type: TRCONV Stride { X: 3, Y: 3 } Dimensions { K: 4, C: 8, R: 3, S: 3, Y: 4, "
        "X: 4 } }\nLayer fc { Type: GEMM Dimensions { M 4, N 5, K 6 } } }\n");
    CHECK(layer_lines(net.network) ==
          "  - {name: up, op: conv_transpose, inputs: [up_input], out_channels: 8, kernel: 2, "
          "stride: 2, bias: false}\n"
          "  - {name: by3, op: conv_transpose, inputs: [by3_input], out_channels: 4, kernel: 3, "
          "stride: 3, bias: false}\n"
          "  - {name: fc, op: linear, inputs: [fc_input], out_features: 5, bias: false}\n");
    CHECK(net.network.macs() == 8 * 16 * 4 * 7 * 5 + 4 * 8 * 9 * 4 * 4 + 4 * 5 * 6);
    CHECK(notes(net) ==
          "the file does not say how layers are connected: each reads an input of its own\n"
          "layer 'up' (TRCONV) states no stride: it is 2, as in MAESTRO\n");
}

TEST_CASE("Mistakes in a MAESTRO file are told at their places, cut off ones too") {
    const auto fault = [](const std::string& text) { return import_faults("m.m", text); };
    CHECK(fault("Network n {\nLayer a { Type: CONV\n") ==
          "m.m:3:1: error: unknown key '' in layer 'a'; expected Type, Stride, Dimensions or "
          "Dataflow");
    CHECK(fault("Network n {\nLayer a { Type: POOL }\n}") ==
          "m.m:2:17: error: layer 'a': type 'POOL' cannot be expressed; expected CONV, DSCONV, "
          "NGCONV, TRCONV or GEMM");
    CHECK(fault("Network n {\nLayer a { Dimensions { K: 0 } }\n}") ==
          "m.m:2:27: error: 'K' in layer 'a': expected a number from 1 to 2147483647, found '0'");
    CHECK(fault("Network n {\nLayer a { Dimensions { Z: 1 } }\n}") ==
          "m.m:2:24: error: unknown dimension 'Z' in layer 'a'");
    CHECK(fault("Network n { Layer a { Dataflow { {{{{{ ").find("expected '}', found the end") !=
          std::string::npos);
}

TEST_CASE("A ZigZag workload keeps its connections where the shapes meet") {
    const std::string file =
        "- id: 0\n  name: first\n  operator_type: Conv\n"
        "  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]\n"
        "  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]\n"
        "  loop_dims: [B, K, C, OY, OX, FY, FX]\n  loop_sizes: [1, 8, 3, 8, 8, 3, 3]\n"
        "  operand_precision: {W: 4, I: 8, O: 24}\n  operand_source: {I: 0, W: 0}\n"
        "- id: 1\n  operator_type: Conv\n"
        "  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]\n"
        "  dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy]\n"
        "  loop_dims: [B, K, C, OY, OX, FY, FX]\n  loop_sizes: [1, 8, 8, 8, 8, 3, 3]\n"
        "  operand_source: {I: 0, W: 1}\n"
        "- id: 2\n  operator_type: Add\n  equation: O[b][g][oy][ox]=W[b][g][oy][ox]+I[b][g][oy]"
        "[ox]\n  loop_dims: [B, G, OY, OX]\n  loop_sizes: [1, 8, 8, 8]\n"
        "  operand_source: {W: 0, I: 1}\n"
        "- id: 3\n  operator_type: Pooling\n"
        "  equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]\n"
        "  dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy]\n"
        "  loop_dims: [B, G, OY, OX, FX, FY]\n  loop_sizes: [1, 8, 1, 1, 8, 8]\n"
        "  operand_source: {I: 2, W: 3}\n"
        "- id: 4\n  operator_type: Gemm\n  equation: O[b][k]+=W[k][c]*I[b][c]\n"
        "  loop_dims: [B, K, C]\n  loop_sizes: [1, 10, 8]\n  operand_source: {I: 9, W: 4}\n";
    const ImportedNetwork net = imported("w.yaml", file);
    CHECK(layer_lines(net.network) ==
          "  - {name: first, op: conv, inputs: [first_input], out_channels: 8, kernel: 3, stride: "
          "2, bias: false, precision: w4a8}\n"
          "  - {name: conv_1, op: conv, out_channels: 8, kernel: 3, padding: 1, bias: false}\n"
          "  - {name: add_2, op: add, inputs: [conv_1, first]}\n"
          "  - {name: pooling_3, op: average_pool, kernel: 8}\n"
          "  - {name: gemm_4, op: linear, inputs: [gemm_4_input], out_features: 10, bias: "
          "false}\n");
    CHECK(notes(net) ==
          "bits that no precision has become the next wider ones (24 become 32)\n"
          "layer 'gemm_4' reads [1, 8], which layer 9 is not there to make: it reads an input of "
          "its own\n");
}

namespace {

/// Two products of an item's positions, then what `third` says.
std::string zigzag_products(const std::string& second, const std::string& third) {
    const std::string loops = "  loop_dims: [B, M, N, K]\n  loop_sizes: [1, 128, 32, 64]\n";
    return "- id: 0\n  operator_type: Gemm\n  equation: O[b][m][n]+=I[b][m][k]*W[k][n]\n" + loops +
           "  operand_source: {I: 0, W: 0}\n- id: 1\n  operator_type: Gemm\n  equation: " + second +
           "+=I[b][m][k]*W[k][n]\n" + loops + "  operand_source: {I: 1, W: 1}\n" +
           "- id: 2\n  operator_type: MatMul\n" + third;
}

const char* const kTwoGemms =
    "  - {name: gemm_0, op: linear, inputs: [gemm_0_input], out_features: 32, bias: false}\n"
    "  - {name: gemm_1, op: linear, inputs: [gemm_1_input], out_features: 32, bias: false}\n";

}  // namespace

TEST_CASE("A ZigZag product of two layers is a matmul, whatever its operands are called") {
    const std::string square = "  loop_dims: [B, M, N, K]\n  loop_sizes: [1, 128, 128, 32]\n";
    for (const char* names : {"AB", "IW", "WI", "QK"}) {
        const std::string a(1, names[0]), b(1, names[1]);
        const std::string from = "  operand_source: {" + a + ": 0, " + b + ": 1}\n" + square;
        // Queries and keys, then the same with keys that the layer before writes transposed.
        const ImportedNetwork scores = imported(
            "w.yaml", zigzag_products("O[b][m][n]", "  equation: O[b][m][n]+=" + a + "[b][m][k]*" +
                                                        b + "[b][n][k]\n" + from));
        CHECK(layer_lines(scores.network) ==
              kTwoGemms + std::string("  - {name: matmul_2, op: matmul, inputs: [gemm_0, gemm_1], "
                                      "transpose: true}\n"));
        CHECK(notes(scores).empty());
        const ImportedNetwork turned = imported(
            "w.yaml", zigzag_products("O[b][n][m]", "  equation: O[b][m][n]+=" + a + "[b][m][k]*" +
                                                        b + "[b][k][n]\n" + from));
        CHECK(layer_lines(turned.network) == layer_lines(scores.network));
        CHECK(notes(turned).empty());
    }
}

TEST_CASE("What a ZigZag layer reads in another order than it was written is transposed") {
    const ImportedNetwork net = imported(
        "w.yaml",
        zigzag_products("O[b][n][m]",
                        "  equation: O[b][m][n]+=I[b][m][k]*W[k][n]\n  loop_dims: [B, M, N, K]\n"
                        "  loop_sizes: [1, 32, 8, 128]\n  operand_source: {I: 1, W: 2}\n"));
    CHECK(layer_lines(net.network) ==
          kTwoGemms +
              std::string("  - {name: gemm_1_transposed, op: transpose, order: [1, 0]}\n"
                          "  - {name: matmul_2, op: linear, out_features: 8, bias: false}\n"));
}

TEST_CASE("Two ZigZag operands that each item of a batch has are inputs; heads stay heads") {
    const ImportedNetwork net = imported(
        "w.yaml",
        "- id: 0\n  operator_type: Gemm\n  equation: O[b][h][m][n]+=A[b][h][m][k]*B[b][h][k][n]\n"
        "  loop_dims: [B, H, M, N, K]\n  loop_sizes: [4, 12, 128, 64, 32]\n"
        "  operand_source: {A: 0, B: 0}\n");
    CHECK(layer_lines(net.network) ==
          "  - {name: gemm_0, op: matmul, inputs: [gemm_0_input, gemm_0_input_2]}\n");
    CHECK(net.network.weights() == 0);
    CHECK(net.network.macs() == 12 * 128 * 64 * 32);
    CHECK(notes(net) == "layer 'gemm_0' has a batch of 4: the network is of one item\n");
}

TEST_CASE("A ZigZag product word by word is one, and a kernel that a layer makes is refused") {
    const std::string loops = "  loop_dims: [B, M, N]\n  loop_sizes: [1, 128, 32]\n";
    const ImportedNetwork net = imported(
        "w.yaml", zigzag_products("O[b][m][n]", "  equation: O[b][m][n]=A[b][m][n]*B[b][m][n]\n" +
                                                    loops + "  operand_source: {A: 0, B: 1}\n"));
    CHECK(layer_lines(net.network) ==
          kTwoGemms + std::string("  - {name: matmul_2, op: mul, inputs: [gemm_0, gemm_1]}\n"));
    CHECK(import_faults("w.yaml",
                        zigzag_products("O[b][m][n]",
                                        "  equation: O[b][k][o]+=W[k][f]*I[b][i]\n"
                                        "  dimension_relations: [i=1*o+1*f]\n"
                                        "  loop_dims: [B, K, O, F]\n  loop_sizes: [1, 2, 8, 3]\n"
                                        "  operand_source: {W: 0, I: 1}\n"))
              .find("layer 2 (MatMul) cannot be expressed: a convolution with a kernel that "
                    "another layer makes") != std::string::npos);
}

TEST_CASE("What ZigZag says and no layer is, is told with its layer") {
    const std::string loops = "  loop_dims: [B, K]\n  loop_sizes: [1, 10]\n";
    CHECK(import_faults("w.yaml", zigzag("", "O[b]+=W[k]*I[b]", loops))
              .find("layer 0 (Conv) cannot be expressed: the loop 'k' of 10 is none of") !=
          std::string::npos);
    CHECK(import_faults("w.yaml", zigzag("", "O[b]+=W[b]", loops))
              .find("expected an equation of two operands") != std::string::npos);
    CHECK(import_faults("w.yaml", zigzag("", "O[b]+=W[z]*I[b]", loops))
              .find("unknown loop 'z' of W") != std::string::npos);
    CHECK(import_faults("w.yaml", zigzag("  dimension_relations: [ix]\n", "O[b]+=W[k]*I[b]", loops))
              .find("expected a relation such as ix=2*ox+1*fx, found 'ix'") != std::string::npos);
    CHECK(
        import_faults("w.yaml",
                      zigzag("", "O[b][k]+=W[k]*I[b]", "  loop_dims: [B, K]\n  loop_sizes: [1]\n"))
            .find("loop_dims and loop_sizes have different lengths: 2 and 1") != std::string::npos);
}

TEST_CASE("Machine and mapping files of other simulators are told by what they are") {
    const auto fault = [](const std::string& text) { return import_faults("f", text); };
    CHECK(fault("[general]\nrun_name = x\n[architecture_presets]\nArrayHeight: 2\n") ==
          "f: error: is a SCALE-Sim machine file; expected a network");
    CHECK(fault("architecture:\n  version: 0.4\n") ==
          "f: error: is a Timeloop architecture file; expected a network");
    CHECK(fault("mapper:\n  version: 0.4\n") ==
          "f: error: is a Timeloop mapper file; expected a network");
    CHECK(fault("name: x\nmemories:\n  rf:\n    served_dimensions: []\n") ==
          "f: error: is a ZigZag machine file; expected a network");
    CHECK(fault("- name: default\n  spatial_mapping:\n    D1: [K]\n") ==
          "f: error: is a ZigZag mapping file; expected a network");
    CHECK(fault("num_pes: 256\nl1_size_cstr: 100\n") ==
          "f: error: is a MAESTRO machine file; expected a network");
    CHECK(fault("machine: x\nmapper: tiling\ncomponents: {}\n") ==
          "f: error: is a memwall machine: memwall run --machine FILE runs a network on it");
    CHECK(fault("network: x\nlayers: []\n") ==
          "f: error: is a memwall network already: run it as it is; memwall show network FILE "
          "--yaml OTHER writes it anew");
    CHECK(fault("# a comment\nmemwall: 1\ntechnology: x\nnode_nm: 7\n") ==
          "f: error: is a memwall technology, which a machine names");
    CHECK(fault("memwall: 1\nsweep: x\n") ==
          "f: error: is a memwall sweep: memwall sweep FILE runs it");
    CHECK(fault("3 20734016\n1 20846400\n") ==
          "f: error: is a trace of memory accesses; expected a network");
    CHECK(fault("LD 0x1f40\nST 0x1f80\n") ==
          "f: error: is a trace of memory accesses; expected a network");
    CHECK(fault("preset,tCK_ps,nCL\nDDR4,625,22\n") ==
          "f: error: is a table of DRAM timings; expected a network");
    CHECK(fault("what is this\n") ==
          "f: error: is of no known format; --format says which (onnx, scalesim, maestro, zigzag, "
          "timeloop)");
    CHECK(import_faults("f", "x", {}, "onxx") ==
          "error: unknown format 'onxx'; did you mean 'onnx'?");
}

}  // namespace memwall
