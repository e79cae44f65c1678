// SPDX-License-Identifier: Apache-2.0
// The energies of nodes without a published table lie where their files say that they do.
#include "arch/technology.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/yaml.hpp"

using namespace memwall;

namespace {

Technology shipped_technology(const std::string& name) {
    const std::string file =
        std::string(MEMWALL_SOURCE_DIR) + "/configs/technology/" + name + ".yaml";
    Diagnostics faults;
    const YamlValue root = read_yaml_file(file, name + ".yaml", faults);
    Technology technology = load_technology(root, faults);
    faults.throw_if_any();
    return technology;
}

/// Energies that both published tables have, by name.
std::vector<std::pair<std::string, Sourced>> energies(const Technology& technology) {
    std::vector<std::pair<std::string, Sourced>> found;
    for (const Precision precision : {Precision::int2, Precision::int4, Precision::int8,
                                      Precision::int32, Precision::fp16, Precision::fp32}) {
        found.emplace_back("mac " + std::string(name(precision)), technology.mac.at(precision));
    }
    for (const auto& [precision, addition] : technology.add) {
        found.emplace_back("add " + std::string(name(precision)), addition);
    }
    for (const SramPoint& point : technology.sram_read) {
        found.emplace_back("sram " + std::to_string(point.macro.count()), point.joules_per_byte);
    }
    return found;
}

}  // namespace

TEST_CASE("energies of nodes between the published tables lie on the line between them") {
    const std::string node = GENERATE("65nm", "28nm", "16nm", "12nm", "5nm");
    const Technology technology = shipped_technology(node);
    const auto old = energies(shipped_technology("45nm"));
    const auto young = energies(shipped_technology("7nm"));
    const auto found = energies(technology);
    REQUIRE(found.size() == old.size());
    REQUIRE(found.size() == young.size());
    const double share = std::log(technology.node_nm / 45) / std::log(7.0 / 45);
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO(node << ", " << found[i].first);
        const double line =
            old[i].second.value * std::pow(young[i].second.value / old[i].second.value, share);
        CHECK(found[i].second.value == Approx(line).epsilon(0.001));
        CHECK(found[i].second.status == Status::derived);
        CHECK(found[i].second.low < found[i].second.value);
        CHECK(found[i].second.high > found[i].second.value);
    }
}

TEST_CASE("a younger node never costs more energy or area than an older one") {
    const std::vector<std::string> nodes = {"65nm", "45nm", "28nm", "16nm", "12nm", "7nm", "5nm"};
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        INFO(nodes[i - 1] << " and " << nodes[i]);
        const Technology older = shipped_technology(nodes[i - 1]);
        const Technology younger = shipped_technology(nodes[i]);
        const auto before = energies(older);
        const auto after = energies(younger);
        for (std::size_t j = 0; j < before.size(); ++j) {
            INFO(before[j].first);
            CHECK(after[j].second.value < before[j].second.value);
        }
        CHECK(younger.wire.value <= older.wire.value);
        CHECK(younger.sram_area.value < older.sram_area.value);
        CHECK(younger.mac_area.at(Precision::int8).value <
              older.mac_area.at(Precision::int8).value);
    }
}
