// SPDX-License-Identifier: Apache-2.0
// The counts of the shipped networks against what their sources print, at the digits printed, and
// against the table of docs/workloads.md.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "base/parse.hpp"
#include "tests/support/page_table.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/network_template.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

using test::shipped;

enum class Rounding { nearest, down };

/// `printed` units of 10^-digits each.
struct Published {
    const char* network;
    const char* what;
    double computed;
    double unit;
    int digits;  ///< behind the point, as printed
    double printed;
    Rounding rounding = Rounding::nearest;
};

double count(std::int64_t value) {
    return static_cast<double>(value);
}

double macs(const char* network) {
    return count(shipped(network).macs());
}

double parameters(const char* network) {
    return count(shipped(network).parameters());
}

/// What darknet counts: two operations a MAC, one for each value that is pooled or added.
double darknet_operations(const Network& network) {
    double operations = 2 * count(network.macs());
    for (const Layer& layer : network.layers()) {
        if (layer.op == "max_pool" || layer.op == "add") {
            operations += count(layer.vector_operations());
        }
    }
    return operations;
}

std::vector<Published> published() {
    const Network kws = shipped("kws_lstm");
    const double kws_operations = 2 * count(kws.macs()) + count(kws.vector_operations());
    return {
        {"lenet", "parameters", parameters("lenet"), 1e4, 0, 6},
        {"alexnet", "parameters", parameters("alexnet"), 1e7, 0, 6, Rounding::down},
        {"alexnet_onetower", "parameters", parameters("alexnet_onetower"), 1, 0, 61'100'840},
        {"alexnet_onetower", "GFLOPS", macs("alexnet_onetower"), 1e9, 2, 0.71},
        {"vgg16", "million parameters", parameters("vgg16"), 1e6, 0, 138},
        {"vgg16", "parameters", parameters("vgg16"), 1, 0, 138'357'544},
        {"resnet18", "FLOPs", macs("resnet18"), 1e9, 1, 1.8},
        {"resnet18", "parameters", parameters("resnet18"), 1, 0, 11'689'512},
        {"resnet50", "GFLOPS", macs("resnet50"), 1e9, 2, 4.09},
        {"resnet50", "parameters", parameters("resnet50"), 1, 0, 25'557'032},
        {"resnet50_v1", "FLOPs", macs("resnet50_v1"), 1e9, 1, 3.8, Rounding::down},
        {"mobilenet_v2", "multiply-adds", macs("mobilenet_v2"), 1e6, 0, 300, Rounding::down},
        {"mobilenet_v2", "million weights", count(shipped("mobilenet_v2").weights()), 1e6, 1, 3.4,
         Rounding::down},
        {"mobilenet_v2", "parameters", parameters("mobilenet_v2"), 1, 0, 3'504'872},
        {"efficientnet_b0", "FLOPs", macs("efficientnet_b0"), 1e9, 2, 0.39},
        {"efficientnet_b0", "million parameters", parameters("efficientnet_b0"), 1e6, 1, 5.3},
        {"efficientnet_b0", "parameters", parameters("efficientnet_b0"), 1, 0, 5'288'548},
        {"yolov4", "BFLOPs", darknet_operations(shipped("yolov4")), 1e9, 1, 128.5},
        {"yolov4", "BFLOPs by layer", darknet_operations(shipped("yolov4")), 1e9, 3, 128.459},
        {"kws_lstm", "operations", kws_operations, 1e6, 1, 3.9},
    };
}

/// Of a language model those of a decode step of one user after 2,048 tokens.
std::int64_t counted_macs(const std::string& name) {
    const Network network = shipped(name);
    if (network.state_bytes().count() == 0) {
        return network.macs();
    }
    const std::string path =
        std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/" + name + ".yaml";
    Diagnostics faults;
    YamlValue root = read_yaml_file(path, path, faults);
    root = with_template(
        root,
        [&](const std::string& of, const SourceMark& where) {
            return read_template_beside(path, of, where);
        },
        faults);
    root = with_override(root, "parameters.positions", "1");
    root = with_override(root, "parameters.context", "2048");
    return load_network(root, faults).macs();
}

}  // namespace

TEST_CASE("Every shipped network has the counts that its source prints, at the digits printed") {
    for (const Published& each : published()) {
        const double scale = std::pow(10.0, each.digits);
        const double value = each.computed / each.unit * scale;
        INFO(each.network << ": " << each.what << " " << each.computed);
        CHECK((each.rounding == Rounding::down ? std::floor(value) : std::round(value)) ==
              std::round(each.printed * scale));
    }
}

TEST_CASE("U-Net has the 23 convolutional layers of its paper") {
    int convolutions = 0;
    const Network unet = shipped("unet");
    for (const Layer& layer : unet.layers()) {
        convolutions += layer.op == "conv" || layer.op == "conv_transpose" ? 1 : 0;
    }
    CHECK(convolutions == 23);
}

TEST_CASE("The table of shipped networks has the counts that the program computes") {
    int rows = 0;
    for (const test::PageRow& row : test::page_table("workloads.md", "| network | MACs")) {
        const std::string& cell = row.cells[0];
        const std::string name = cell.substr(1, cell.size() - 2);
        const Network network = shipped(name);
        INFO(row.line);
        CHECK(row.cells[1] == format_count(counted_macs(name)));
        CHECK(row.cells[2] == format_count(network.weights()));
        CHECK(row.cells[3] == format_count(network.parameters()));
        ++rows;
    }
    CHECK(rows == 25);
}

}  // namespace memwall
