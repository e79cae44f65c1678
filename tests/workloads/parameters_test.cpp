// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/expression.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

using test::faults_of;
using test::faults_of_layers;
using test::network_of;
using test::network_of_layers;

std::string filled(const std::string& text) {
    Variables variables;
    variables.push({"hidden", "4096"});
    variables.push({"heads", "32"});
    variables.push({"kind", "silu"});
    Diagnostics faults;
    const auto result = variables.fill(text, {}, faults);
    return result ? *result : faults.faults().at(0).message;
}

std::string file_with(const std::string& parameters, const std::string& layers) {
    return "network: net\nparameters: " + parameters + "\ninputs: {x: [4]}\nlayers:\n" + layers;
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

std::string faults_of_file(const std::filesystem::path& path) {
    try {
        Diagnostics faults;
        load_network_file(path, path.filename().string(), faults);
        faults.throw_if_any();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("Expressions in braces are whole numbers with the usual precedence") {
    CHECK(filled("{hidden}") == "4096");
    CHECK(filled("{ hidden / heads }") == "128");
    CHECK(filled("{2 + 3 * 4}") == "14");
    CHECK(filled("{(2 + 3) * -4}") == "-20");
    CHECK(filled("{20 / 2 / 5 - 1}") == "1");
    CHECK(filled("a{heads}_{heads + 1}b") == "a32_33b");
    CHECK(filled("{kind}") == "silu");
    CHECK(filled("no braces, {open") == "no braces, {open");
}

TEST_CASE("An expression without a whole value says why") {
    CHECK(filled("{hidden / 3}") == "'{hidden / 3}': 4096 / 3 is no whole number");
    CHECK(filled("{hidden / 0}") == "'{hidden / 0}': division by zero");
    CHECK(filled("{hiden}") ==
          "unknown placeholder '{hiden}' in '{hiden}'; did you mean 'hidden'?");
    CHECK(filled("{kind + 1}") == "'{kind + 1}': 'kind' is no whole number but 'silu'");
    CHECK(filled("{2 +}") == "'{2 +}': expected a number or a name at its end");
    CHECK(filled("{2 ^ 3}") == "'{2 ^ 3}': unexpected '^'");
    CHECK(filled("{(2}") == "'{(2}': expected ')'");
    CHECK(filled("{}") == "'{}': expected a number or a name at its end");
    CHECK(filled("{9223372036854775807 + 1}") ==
          "'{9223372036854775807 + 1}': the value is too large to be counted");
    CHECK(filled("{" + std::string(1000, '(') + "1}").find("too many parentheses") !=
          std::string::npos);
    CHECK(filled("{" + std::string(1000, '-') + "1}").find("too many parentheses") !=
          std::string::npos);
}

TEST_CASE("Parameters stand in any value of a layer, and may use those above them") {
    const Network network = network_of(file_with(
        "{hidden: 8, inner: '{4 * hidden}', count: 2, kind: silu}",
        "- repeat: '{count}'\n"
        "  layers:\n"
        "  - {name: 'up{i}', op: linear, out_features: '{inner}'}\n"
        "  - {name: 'act{i + 1}', op: '{kind}'}\n"
        "  - {name: 'down{i}', op: linear, out_features: '{hidden}', shape: ['{hidden}']}\n"));
    CHECK(network.layers().size() == 6);
    CHECK(network.find_layer("act3").valid());
    CHECK(network.layer(network.find_layer("act2")).op == "silu");
    CHECK(network.weights() == 4 * 32 + 32 * 8 + 8 * 32 + 32 * 8);
}

TEST_CASE("Each mistake in the parameters has its sentence") {
    const std::string layer = "- {name: a, op: linear, out_features: '{n}'}\n";
    CHECK(faults_of(file_with("{n: }", layer)) ==
          "net.yaml:2:14: error: parameter 'n' has no value");
    CHECK(faults_of(file_with("{n: [1]}", layer)) ==
          "net.yaml:2:17: error: parameter 'n': expected a single value, found a list");
    CHECK(faults_of(file_with("{'4n': 1, n: 1}", layer)) ==
          "net.yaml:2:14: error: parameter '4n': expected a name of letters, digits and '_'");
    CHECK(faults_of(file_with("{n: 4, m: 1}", layer)) ==
          "net.yaml:2:20: error: parameter 'm' is used nowhere");
    CHECK(faults_of(file_with("{n: '{m}', m: 1}", layer)) ==
          "net.yaml:2:17: error: unknown placeholder '{m}' in '{m}'; only a repeated layer or "
          "'parameters' has one");
    CHECK(faults_of(file_with("{n: x}", layer)) ==
          "net.yaml:5:39: error: 'out_features' in layer 'a': expected a whole number such as 16, "
          "found "
          "'x'");
    CHECK(faults_of(file_with("{n: 0}", layer)) ==
          "net.yaml:5:39: error: 'out_features' in layer 'a': expected a value above zero, found "
          "'0'");
    CHECK(faults_of(file_with("{i: 4}", "- repeat: 2\n  layers: [{name: '{i}', op: relu}]\n")) ==
          "net.yaml:5:3: error: 'index' in repeat: 'i' stands for something else");
}

TEST_CASE("A file that extends a template gives it the values of its parameters") {
    const TemporaryFolder folder;
    write(folder.path() / "templates/mlp.yaml",
          "template: mlp\n"
          "parameters: {features: , inner: '{4 * features}'}\n"
          "inputs: {x: ['{features}']}\n"
          "layers:\n"
          "- {name: up, op: linear, out_features: '{inner}'}\n");
    write(folder.path() / "wide.yaml",
          "network: wide\nextends: mlp\nprecision: int4\nparameters: {features: 16}\n");
    write(folder.path() / "narrow.yaml",
          "network: narrow\nextends: templates/mlp.yaml\nparameters: {features: 16, inner: 2}\n");
    CHECK(load_network_file(folder.path() / "wide.yaml").weights() == 16 * 64);
    CHECK(load_network_file(folder.path() / "wide.yaml").name() == "wide");
    CHECK(load_network_file(folder.path() / "narrow.yaml").weights() == 16 * 2);

    const auto fault = [&](const std::string& text) {
        write(folder.path() / "wrong.yaml", text);
        return faults_of_file(folder.path() / "wrong.yaml");
    };
    CHECK(fault("network: w\nextends: mlp\n").find("parameter 'features' has no value") !=
          std::string::npos);
    CHECK(fault("network: w\nextends: mlp\nparameters: {feature: 1}\n")
              .find("wrong.yaml:3:14: error: template 'mlp' has no parameter 'feature'; did you "
                    "mean 'features'?") == 0);
    CHECK(fault("network: w\nextends: mlp\nparameters: {features: 1}\nlayers: []\n") ==
          "wrong.yaml:4:1: error: 'layers' are those of the template 'mlp': a file that extends it "
          "gives 'parameters' only");
    CHECK(fault("network: w\nextends: mpl\nparameters: {features: 1}\n")
              .find("wrong.yaml:2:10: error: no template 'mpl'") == 0);
    CHECK(fault("network: w\nextends: wide.yaml\n")
              .find("wrong.yaml:2:10: error: 'wide.yaml' is "
                    "no template") == 0);
    write(folder.path() / "templates/loop.yaml", "template: loop\nextends: templates/loop.yaml\n");
    CHECK(fault("network: w\nextends: loop\n").find("more than eight templates") !=
          std::string::npos);
}

TEST_CASE("Layers that share weights store and count them once") {
    const Network network =
        network_of_layers("[4]",
                          "- {name: a, op: linear, out_features: 4}\n"
                          "- {name: b, op: linear, out_features: 4, weights: a, bias: false}\n");
    CHECK(network.weights() == 16);
    CHECK(network.parameters() == 20);
    CHECK(network.weight_bytes() == Bytes(16));
    CHECK(network.layers()[0].weights == network.layers()[1].weights);
    CHECK(network.layers()[1].space.find(TensorRole::weights)->tensor ==
          network.layers()[0].weights);
    CHECK(network.macs() == 32);
    CHECK(faults_of_layers("[4]",
                           "- {name: a, op: linear, out_features: 4}\n"
                           "- {name: b, op: linear, out_features: 3, weights: a}\n"
                           "- {name: c, op: relu, weights: a}\n"
                           "- {name: d, op: linear, out_features: 3, weights: aa}\n") ==
          "net.yaml:6:51: error: layer 'b' needs weights of shape [3, 4], those of 'a' are [4, 4]\n"
          "net.yaml:7:32: error: layer 'c': relu has no weights to share");
}

}  // namespace memwall
